//! Documents: files that people uploaded, and what became of them.

use serde::Serialize;
use serde_json::value::RawValue;

use super::{Database, Row, params, sessions};
use crate::http::error::ApiError;
use crate::http::route::Page;
use crate::{limits, time};

/// A document, as clients see it.
#[derive(Serialize, Clone)]
pub struct Document {
    /// A UUID.
    pub id: String,
    /// What people call it: the name of its file at first.
    pub name: String,
    /// What it says that it is called.
    pub title: Option<String>,
    /// `queued`, `indexing`, `ready` or `failed`.
    pub status: String,
    /// What it is, once it was read: `pdf`, say.
    pub format: Option<String>,
    /// The encoding of its characters.
    pub encoding: Option<String>,
    /// Its pages; 0 where its format has none.
    pub pages: u32,
    /// The length of the file.
    pub bytes: u64,
    /// The hash of the file, in lower-case hexadecimal.
    pub sha256: String,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339: the last change of its name or content.
    pub updated_at: String,
    /// How far it is.
    pub progress: Progress,
    /// Why it failed.
    pub error: Option<Failure>,
    /// The pages that could not be read.
    pub gaps: Option<Box<RawValue>>,
    /// The version of its content.
    #[serde(skip)]
    pub version: i64,
}

/// How far a document is.
#[derive(Serialize, Clone, Copy, PartialEq)]
pub struct Progress {
    /// The passages that it was cut into; 0 before that.
    pub passages: u32,
    /// Those that can be found.
    pub indexed: u32,
    /// Those that could not be embedded, and are found by their words only.
    pub failed: u32,
}

/// Why a document or a passage failed.
#[derive(Serialize, Clone)]
pub struct Failure {
    /// What a program can tell it by.
    pub code: String,
    /// What failed, for a person.
    pub message: String,
}

macro_rules! columns {
    () => {
        "d.id, d.name, d.title, d.status, d.format, d.encoding, d.pages, d.bytes, \
         substr(d.sha256, -64), d.created_at, d.updated_at, d.chunks, d.indexed, d.failed, \
         d.error_code, d.error, d.gaps, d.version"
    };
}

/// Stores a file: id, name, sha256 behind its owner, bytes, content, now, owner.
pub const STORE: &str = "INSERT INTO document_files (id, name, sha256, bytes, content, at, owner) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
/// Finds a document by its content: sha256 behind its owner.
pub const BY_CONTENT: &str =
    concat!("SELECT ", columns!(), " FROM documents AS d WHERE d.sha256 = ?1");
/// Shows a document: id, owner.
pub const GET: &str =
    concat!("SELECT ", columns!(), " FROM documents AS d WHERE d.id = ?1 AND d.owner = ?2");
/// Lists documents, newest first: limit, skip, owner.
pub const LIST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM documents AS d WHERE d.owner = ?3 ORDER BY d.created_at DESC, d.no DESC \
     LIMIT ?1 OFFSET ?2"
);
/// Renames a document: id, name, now, owner.
pub const RENAME: &str = "UPDATE documents SET name = ?2, updated_at = ?3 \
    WHERE id = ?1 AND owner = ?4 RETURNING no";
/// Has a document read again: id, owner.
pub const AGAIN: &str =
    "UPDATE documents SET version = version + 1 WHERE id = ?1 AND owner = ?2 RETURNING no";
/// Deletes a document with everything that was derived from it: id, owner.
pub const DELETE: &str = "DELETE FROM documents WHERE id = ?1 AND owner = ?2 RETURNING version";
/// A part of a document's text: id, first byte, bytes, owner.
pub const TEXT: &str = "SELECT substr(t.content, ?2 + 1, ?3), length(t.content) \
    FROM documents AS d JOIN document_texts AS t ON t.document = d.no \
    WHERE d.id = ?1 AND d.owner = ?4";
/// The passages that could not be embedded: id, the most, owner.
pub const FAILED: &str = "SELECT c.place, c.page, c.start, c.stop, c.error \
    FROM documents AS d CROSS JOIN chunks AS c ON c.document = d.no \
    WHERE d.id = ?1 AND d.owner = ?3 AND c.error IS NOT NULL ORDER BY c.place LIMIT ?2";
/// The numbers of documents: ids as a JSON list, owner.
pub const NUMBERS: &str = "SELECT d.no, d.id, d.version FROM json_each(?1) AS j \
    CROSS JOIN documents AS d ON d.id = j.value AND d.owner = ?2";
/// Links a session to documents: session number, numbers of documents as a JSON list, the most.
pub const LINK: &str = "INSERT INTO session_documents (session, document) \
    SELECT ?1, d.no FROM json_each(?2) AS j CROSS JOIN documents AS d ON d.no = j.value \
    WHERE (SELECT count(*) FROM session_documents WHERE session = ?1) + ( \
        SELECT count(*) FROM json_each(?2) AS n WHERE NOT EXISTS ( \
            SELECT 1 FROM session_documents WHERE session = ?1 AND document = n.value)) <= ?3 \
    ON CONFLICT DO NOTHING";
/// The sessions that are linked to a document: id, owner.
pub const SESSIONS: &str = "SELECT s.id FROM documents AS d \
    CROSS JOIN session_documents AS l ON l.document = d.no \
    CROSS JOIN sessions AS s ON s.no = l.session WHERE d.id = ?1 AND d.owner = ?2";
/// Takes a link away: session number, document number.
pub const UNLINK: &str =
    "DELETE FROM session_documents WHERE session = ?1 AND document = ?2 RETURNING document";
/// How many of some documents a session is linked to: session number, numbers as a JSON list.
pub const LINKED: &str = "SELECT count(*) FROM json_each(?2) AS j \
    CROSS JOIN session_documents AS l ON l.session = ?1 AND l.document = j.value";

/// A document as tables and indexes know it.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// Its number.
    pub number: i64,
    /// Its UUID.
    pub id: String,
    /// The version of its content.
    pub version: i64,
}

impl Named {
    /// The name of its scope in the vector index. What was derived from another version lies in
    /// another scope.
    pub fn scope(&self) -> String {
        format!("document/{}/{}", self.id, self.version)
    }
}

/// Documents as a statement lists them: a JSON list of lists of number, id and version.
pub fn of_json(json: &str) -> Vec<Named> {
    let list: Vec<(i64, String, i64)> = serde_json::from_str(json).unwrap_or_default();
    list.into_iter().map(|(number, id, version)| Named { number, id, version }).collect()
}

/// Stores a file, durably, and shows the document that has it: another one, if the same content was
/// uploaded before.
///
/// Fails with 500 if the database does.
pub async fn store(
    database: &Database,
    id: &str,
    name: &str,
    sha256: &str,
    content: Vec<u8>,
) -> Result<Document, ApiError> {
    let what = "the document could not be stored";
    let bytes = content.len() as i64;
    let (owner, key) = (database.owner(), content_key(database.owner(), sha256));
    let parameters = params![id, name, key.clone(), bytes, content, time::now_micros(), owner];
    database.query(what, STORE, parameters).await?;
    let rows = database.query(what, BY_CONTENT, params![key]).await?;
    let stored = rows.into_iter().next().map(document);
    stored.ok_or_else(|| ApiError::internal(what, "it was deleted in the same moment"))
}

/// What is unique to a content of an owner.
fn content_key(owner: &str, sha256: &str) -> String {
    if owner.is_empty() { sha256.to_owned() } else { format!("{owner}/{sha256}") }
}

/// Shows a document.
///
/// Fails with 404 if there is none with this id.
pub async fn get(database: &Database, id: &str) -> Result<Document, ApiError> {
    let parameters = params![id, database.owner()];
    let rows = database.query("the document could not be read", GET, parameters).await?;
    rows.into_iter().next().map(document).ok_or_else(|| ApiError::no_document(id))
}

/// Lists documents, the newest first.
///
/// Fails with 500 if the database does.
pub async fn list(database: &Database, page: Page) -> Result<Vec<Document>, ApiError> {
    let parameters = params![page.limit, page.skip, database.owner()];
    let rows = database.query("the documents could not be read", LIST, parameters).await?;
    Ok(rows.into_iter().map(document).collect())
}

/// Renames a document.
///
/// Fails with 404 if there is none with this id.
pub async fn rename(database: &Database, id: &str, name: &str) -> Result<Document, ApiError> {
    let parameters = params![id, name, time::now_micros(), database.owner()];
    change(database, id, "the document could not be renamed", RENAME, parameters).await?;
    get(database, id).await
}

/// Has a document read, cut and embedded again.
///
/// Fails with 404 if there is none with this id.
pub async fn again(database: &Database, id: &str) -> Result<Document, ApiError> {
    let parameters = params![id, database.owner()];
    change(database, id, "the document could not be queued", AGAIN, parameters).await?;
    get(database, id).await
}

/// Deletes a document with everything that was derived from it; returns the version that it had.
///
/// Fails with 404 if there is none with this id.
pub async fn delete(database: &Database, id: &str) -> Result<i64, ApiError> {
    let what = "the document could not be deleted";
    change(database, id, what, DELETE, params![id, database.owner()]).await
}

/// The UUIDs of the sessions that are linked to a document.
///
/// Fails with 500 if the database does.
pub async fn sessions(database: &Database, id: &str) -> Result<Vec<String>, ApiError> {
    let what = "the sessions could not be read";
    let rows = database.query(what, SESSIONS, params![id, database.owner()]).await?;
    Ok(rows.into_iter().map(|mut row| row.text(0)).collect())
}

/// Runs a statement that returns a number for the document that it found.
async fn change(
    database: &Database,
    id: &str,
    what: &str,
    sql: &str,
    parameters: Vec<spin_sdk::sqlite::Value>,
) -> Result<i64, ApiError> {
    let rows = database.query(what, sql, parameters).await?;
    rows.first().map(|row| row.int(0)).ok_or_else(|| ApiError::no_document(id))
}

/// A part of the text of a document: its bytes, and the length of the whole. None before it was
/// read.
///
/// Fails with 500 if the database does.
pub async fn text(
    database: &Database,
    id: &str,
    start: u32,
    bytes: u32,
) -> Result<Option<(Vec<u8>, u32)>, ApiError> {
    let parameters = params![id, start, bytes, database.owner()];
    let rows = database.query("the text could not be read", TEXT, parameters).await?;
    Ok(rows.first().map(|row| (row.bytes(0).to_vec(), row.small(1))))
}

/// A passage that could not be embedded.
#[derive(Serialize)]
pub struct FailedPassage {
    /// Its place: 0 is the first.
    pub place: u32,
    /// The page it begins on; 0 where there are none.
    pub page: u32,
    /// Where it stands in the text, in bytes.
    pub span: [u32; 2],
    /// Why.
    pub message: String,
}

/// The passages of a document that could not be embedded.
///
/// Fails with 500 if the database does.
pub async fn failed(database: &Database, id: &str) -> Result<Vec<FailedPassage>, ApiError> {
    let parameters = params![id, limits::LIST_LIMIT_MAX, database.owner()];
    let rows = database.query("the passages could not be read", FAILED, parameters).await?;
    let passage = |mut row: Row| FailedPassage {
        place: row.small(0),
        page: row.small(1),
        span: [row.small(2), row.small(3)],
        message: row.text(4),
    };
    Ok(rows.into_iter().map(passage).collect())
}

/// The numbers of documents. An id that is asked for twice is one document.
///
/// Fails with 404 if there is none with one of these ids.
pub async fn numbers(database: &Database, ids: &[String]) -> Result<Vec<Named>, ApiError> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    let list = serde_json::to_string(&ids).expect("strings are always JSON");
    let what = "the documents could not be read";
    let rows = database.query(what, NUMBERS, params![list, database.owner()]).await?;
    let named = |mut row: Row| Named { number: row.int(0), id: row.text(1), version: row.int(2) };
    let found: Vec<Named> = rows.into_iter().map(named).collect();
    match ids.iter().find(|id| !found.iter().any(|named| named.id == **id)) {
        Some(id) => Err(ApiError::no_document(id)),
        None => Ok(found),
    }
}

/// Links a session to documents.
///
/// Fails with 400 if it would be linked to more than it may.
pub async fn link(database: &Database, session: i64, documents: &[Named]) -> Result<(), ApiError> {
    let numbers: Vec<i64> = documents.iter().map(|named| named.number).collect();
    let list = serde_json::to_string(&numbers).expect("numbers are always JSON");
    let most = limits::SESSION_DOCUMENTS_MAX;
    let what = "the documents could not be linked";
    database.query(what, LINK, params![session, list.clone(), most as u32]).await?;
    let rows = database.query(what, LINKED, params![session, list]).await?;
    if rows.first().map_or(0, |row| row.id(0)) == numbers.len() as u64 {
        return Ok(());
    }
    let message = format!("a session may be linked to at most {most} documents");
    Err(ApiError::new(400, "too_many_documents", message))
}

/// Takes the link of a session to a document away.
///
/// Fails with 404 if there is no such session, document or link.
pub async fn unlink(database: &Database, session_id: &str, id: &str) -> Result<(), ApiError> {
    let session = sessions::number(database, session_id).await?;
    let found = numbers(database, &[id.to_owned()]).await?;
    let number = found.first().map_or(0, |named| named.number);
    let what = "the document could not be unlinked";
    let rows = database.query(what, UNLINK, params![session, number]).await?;
    if rows.is_empty() {
        let message = "the session is not linked to this document";
        return Err(ApiError::new(404, "document_not_linked", message));
    }
    Ok(())
}

fn document(mut row: Row) -> Document {
    let error = row.take_text(14).map(|code| Failure { code, message: row.text(15) });
    Document {
        id: row.text(0),
        name: row.text(1),
        title: row.take_text(2).filter(|title| !title.is_empty()),
        status: row.text(3),
        format: row.take_text(4),
        encoding: row.take_text(5).filter(|encoding| !encoding.is_empty()),
        pages: row.small(6),
        bytes: row.id(7),
        sha256: row.text(8),
        created_at: time::rfc3339(row.int(9)),
        updated_at: time::rfc3339(row.int(10)),
        progress: Progress {
            passages: row.small(11),
            indexed: row.small(12),
            failed: row.small(13),
        },
        error,
        gaps: row.take_text(16).and_then(|json| RawValue::from_string(json).ok()),
        version: row.int(17),
    }
}
