//! The durable queue of documents that are to be read and indexed, and the steps of that work. Each
//! is one statement that can be repeated, and none has an effect on another version of a document.

use super::{Database, Row, messages, params};
use crate::db::indexing::bytes_of;
use crate::http::error::ApiError;
use crate::{limits, terms, time};

/// A document that somebody works on.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// Its number.
    pub number: i64,
    /// Its UUID.
    pub id: String,
    /// The version of its content.
    pub version: i64,
    /// Whether its text and chunks are stored already.
    pub is_read: bool,
    /// How often somebody has begun to work on it, this time included.
    pub attempts: u32,
}

/// A chunk that is to be stored.
pub struct NewChunk {
    /// Where it stands in the text, in bytes.
    pub span: [u32; 2],
    /// The page it begins on.
    pub page: u32,
    /// The headings above it.
    pub headings: Vec<String>,
    /// Its text.
    pub content: String,
}

/// What was read out of a file.
pub struct Read<'a> {
    /// What it is.
    pub format: &'static str,
    /// The encoding of its characters.
    pub encoding: &'a str,
    /// What it says that it is called.
    pub title: &'a str,
    /// Its pages.
    pub pages: u32,
    /// What could not be read, as JSON.
    pub gaps: Option<String>,
    /// The chunks that are stored.
    pub chunks: usize,
}

/// A chunk that waits to be indexed.
pub struct Waiting {
    /// Its id.
    pub chunk: u64,
    /// The headings above it, as a JSON list.
    pub headings: String,
    /// Its text.
    pub content: String,
    /// Whether it has a vector by the other model whose index serves.
    pub is_served: bool,
}

/// What was made of a chunk.
pub struct Entry {
    /// The chunk.
    pub chunk: u64,
    /// Its vector, or why there is none.
    pub vector: Result<Vec<f32>, String>,
    /// What was embedded, and whose words are indexed.
    pub text: String,
}

/// Takes the next document that nobody works on: lease, host run, now.
pub const CLAIM: &str = "UPDATE documents SET lease = ?1, host_run = ?2, attempts = attempts + 1 \
    WHERE no = (SELECT no FROM documents WHERE status IN ('queued', 'indexing') \
        AND (lease <= ?3 OR host_run <> ?2) ORDER BY no LIMIT 1) \
    RETURNING no, id, version, status = 'indexing', attempts";
/// Renews a lease: number, version, lease.
pub const RENEW: &str = "UPDATE documents SET lease = ?3 WHERE no = ?1 AND version = ?2 \
    AND status IN ('queued', 'indexing') RETURNING no";
/// Gives a document back, so that another can try at once: number, version.
pub const RELEASE: &str = "UPDATE documents SET lease = 0, attempts = attempts - 1 \
    WHERE no = ?1 AND version = ?2";
/// The content of a file: number.
pub const SOURCE: &str = "SELECT content FROM document_sources WHERE document = ?1";
/// Takes away what an earlier attempt left: number, version.
pub const CLEAR: &str = "DELETE FROM chunks WHERE document = ?1 AND EXISTS ( \
    SELECT 1 FROM documents WHERE no = ?1 AND version = ?2 AND status = 'queued')";
/// Stores the text: number, version, text.
pub const STORE_TEXT: &str = "INSERT OR REPLACE INTO document_texts (document, content) \
    SELECT no, ?3 FROM documents WHERE no = ?1 AND version = ?2 AND status = 'queued'";
/// Stores chunks: number, version, a JSON list of lists (place, start, stop, page, headings, text).
pub const STORE_CHUNKS: &str = "INSERT INTO chunks \
    (document, place, start, stop, page, headings, content) \
    SELECT d.no, j.value ->> 0, j.value ->> 1, j.value ->> 2, j.value ->> 3, j.value -> 4, \
        j.value ->> 5 \
    FROM documents AS d CROSS JOIN json_each(?3) AS j \
    WHERE d.no = ?1 AND d.version = ?2 AND d.status = 'queued' \
    ON CONFLICT DO NOTHING";
/// Notes that a document is read: number, version, format, encoding, title, pages, gaps, chunks.
pub const READ: &str = "UPDATE documents SET status = 'indexing', format = ?3, encoding = ?4, \
    title = ?5, pages = ?6, gaps = ?7, chunks = ?8, attempts = 1 \
    WHERE no = ?1 AND version = ?2 AND status = 'queued'";
/// The chunks that wait: document number, the number of the active embedding model, the most, the
/// number of the model whose index serves.
pub const WAITING: &str = "SELECT id, headings, content, \
        EXISTS (SELECT 1 FROM chunk_vectors WHERE chunk = id AND model = ?4) FROM chunks \
    WHERE document = ?1 AND embedded_by <> ?2 ORDER BY place LIMIT ?3";
/// Notes that a document is indexed: number, version, embedding model's number.
pub const READY: &str = "UPDATE documents SET status = 'ready', lease = 0, attempts = 0, \
    embedded_by = ?3 WHERE no = ?1 AND version = ?2 AND status = 'indexing'";
/// Notes that a document failed: number, version, code, message.
pub const FAILED: &str = "UPDATE documents SET status = 'failed', lease = 0, error_code = ?3, \
    error = ?4 WHERE no = ?1 AND version = ?2";
/// Queues the documents that another model embedded: the model's number.
pub const OUTDATED: &str =
    "UPDATE documents SET status = 'indexing' WHERE status = 'ready' AND embedded_by <> ?1";

/// Takes the next document that nobody works on; none if all is done, or others do it.
///
/// Fails with 500 if the database does.
pub async fn claim(database: &Database, host_run: &str) -> Result<Option<Claimed>, ApiError> {
    let now = time::now_micros();
    let parameters = params![now + limits::DOCUMENT_LEASE_MICROS, host_run, now];
    let rows = database.query("the queue could not be read", CLAIM, parameters).await?;
    let claimed = |mut row: Row| Claimed {
        number: row.int(0),
        id: row.text(1),
        version: row.int(2),
        is_read: row.flag(3),
        attempts: row.small(4),
    };
    Ok(rows.into_iter().next().map(claimed))
}

/// Renews the lease; false if the document is not there any more in this version.
///
/// Fails with 500 if the database does.
pub async fn renew(database: &Database, claimed: &Claimed) -> Result<bool, ApiError> {
    let lease = time::now_micros() + limits::DOCUMENT_LEASE_MICROS;
    let rows = run(database, claimed, RENEW, params![lease]).await?;
    Ok(!rows.is_empty())
}

/// Gives a document back that cannot be worked on now, through no fault of its own.
///
/// Fails with 500 if the database does.
pub async fn release(database: &Database, claimed: &Claimed) -> Result<(), ApiError> {
    run(database, claimed, RELEASE, Vec::new()).await.map(drop)
}

/// The content of the file.
///
/// Fails with 500 if the database does.
pub async fn source(database: &Database, claimed: &Claimed) -> Result<Option<Vec<u8>>, ApiError> {
    let what = "the file could not be read";
    let rows = database.query(what, SOURCE, params![claimed.number]).await?;
    Ok(rows.first().map(|row| row.bytes(0).to_vec()))
}

/// Stores a text and its chunks, in the place of what an earlier attempt left.
///
/// Fails with 500 if the database does.
pub async fn store(
    database: &Database,
    claimed: &Claimed,
    text: &str,
    chunks: &[NewChunk],
    read: Read<'_>,
) -> Result<(), ApiError> {
    run(database, claimed, CLEAR, Vec::new()).await?;
    run(database, claimed, STORE_TEXT, params![text.as_bytes().to_vec()]).await?;
    let mut place = 0;
    while place < chunks.len() {
        let mut rows = Vec::new();
        let mut bytes = 0;
        for chunk in &chunks[place..] {
            bytes += chunk.content.len();
            if rows.len() == limits::CHUNKS_STORED_MAX
                || (bytes > limits::CHUNK_BYTES_STORED_MAX && !rows.is_empty())
            {
                break;
            }
            let [start, stop] = chunk.span;
            let at = place + rows.len();
            rows.push((at, start, stop, chunk.page, &chunk.headings, &chunk.content));
        }
        place += rows.len();
        let list = serde_json::to_string(&rows).expect("texts and numbers are always JSON");
        run(database, claimed, STORE_CHUNKS, params![list]).await?;
        renew(database, claimed).await?;
    }
    let parameters =
        params![read.format, read.encoding, read.title, read.pages, read.gaps, read.chunks as i64,];
    run(database, claimed, READ, parameters).await.map(drop)
}

/// The chunks of a document that wait to be indexed by the active model, while the index of the
/// model with the number `served` serves (0 for none).
///
/// Fails with 500 if the database does.
pub async fn waiting(
    database: &Database,
    claimed: &Claimed,
    active: i64,
    served: i64,
) -> Result<Vec<Waiting>, ApiError> {
    let parameters = params![claimed.number, active, limits::CHUNKS_INDEXED_MAX, served];
    let rows = database.query("the passages could not be read", WAITING, parameters).await?;
    let waiting = |mut row: Row| Waiting {
        chunk: row.id(0),
        headings: row.text(1),
        content: row.text(2),
        is_served: row.flag(3),
    };
    Ok(rows.into_iter().map(waiting).collect())
}

/// Stores what was made of some chunks. Each is indexed once, however often this is called.
///
/// Fails with 500 if the database does.
pub async fn index(database: &Database, model: i64, entries: &[Entry]) -> Result<(), ApiError> {
    if entries.is_empty() {
        return Ok(());
    }
    let mut parameters = params![model];
    for entry in entries {
        let terms = terms::terms(&entry.text);
        parameters.push(messages::id_value(entry.chunk));
        let (vector, error) = match &entry.vector {
            Ok(vector) => (Some(bytes_of(vector)), None),
            Err(error) => (None, Some(error.clone())),
        };
        parameters.push(vector.into());
        parameters.push(terms.spelled_out().into());
        parameters.push(terms.length.into());
        parameters.push(error.into());
    }
    let sql = insert_sql(entries.len());
    database.query("the index could not be stored", &sql, parameters).await?;
    Ok(())
}

/// Stores so many vectors of chunks at once, as far as their model's index serves.
pub fn served_sql(rows: usize) -> String {
    let row = |row: usize| format!("(?{}, ?{})", 2 * row + 2, 2 * row + 3);
    let values: Vec<String> = (0..rows).map(row).collect();
    format!(
        "WITH new (chunk, vector) AS (VALUES {}) \
        INSERT INTO chunk_vectors (document, model, chunk, vector) \
        SELECT c.document, ?1, c.id, new.vector \
        FROM new CROSS JOIN chunks AS c ON c.id = new.chunk \
        WHERE EXISTS (SELECT 1 FROM generations WHERE model = ?1 AND place = 'serving') \
        ON CONFLICT DO NOTHING",
        values.join(", ")
    )
}

/// Stores so many rows at once.
pub fn insert_sql(rows: usize) -> String {
    let row = |row: usize| {
        let first = 5 * row + 2;
        format!("(?{first}, ?1, ?{}, ?{}, ?{}, ?{})", first + 1, first + 2, first + 3, first + 4)
    };
    let values: Vec<String> = (0..rows).map(row).collect();
    let columns = "chunk, model, vector, terms, length, error";
    format!("INSERT INTO chunk_entries ({columns}) VALUES {}", values.join(", "))
}

/// Notes that a document is indexed.
///
/// Fails with 500 if the database does.
pub async fn ready(database: &Database, claimed: &Claimed, model: i64) -> Result<(), ApiError> {
    run(database, claimed, READY, params![model]).await.map(drop)
}

/// Notes that a document failed, and why.
///
/// Fails with 500 if the database does.
pub async fn fail(
    database: &Database,
    claimed: &Claimed,
    code: &str,
    message: &str,
) -> Result<(), ApiError> {
    run(database, claimed, FAILED, params![code, message]).await.map(drop)
}

/// Queues the documents that another model embedded.
///
/// Fails with 500 if the database does.
pub async fn queue_outdated(database: &Database, model: i64) -> Result<(), ApiError> {
    let what = "the queue could not be filled";
    database.query(what, OUTDATED, params![model]).await.map(drop)
}

/// Runs a statement whose first parameters are the number and the version of a document.
async fn run(
    database: &Database,
    claimed: &Claimed,
    sql: &str,
    more: Vec<spin_sdk::sqlite::Value>,
) -> Result<Vec<Row>, ApiError> {
    let mut parameters = params![claimed.number, claimed.version];
    parameters.extend(more);
    database.query("the document could not be stored", sql, parameters).await
}
