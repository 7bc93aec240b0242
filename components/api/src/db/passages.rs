//! The passages of documents: found by their words or their vectors, and read.

use std::collections::HashMap;

use bm25::{Statistics, bm25};

use super::documents::Named;
use super::indexing::{StoredVector, floats_of};
use super::memory::telling;
use super::{Database, Row, messages, params};
use crate::http::error::ApiError;
use crate::{limits, terms};

/// A passage that a search found.
#[derive(Debug, Clone)]
pub struct Passage {
    /// Its id.
    pub chunk: u64,
    /// The document: a UUID.
    pub document: String,
    /// What people call the document.
    pub name: String,
    /// When the document was uploaded, in microseconds.
    pub created_at: i64,
    /// Its place in the document: 0 is the first.
    pub place: u32,
    /// The page it begins on; 0 where there are none.
    pub page: u32,
    /// The headings above it.
    pub headings: Vec<String>,
    /// Where it stands in the text of the document, in bytes.
    pub start: u32,
    /// Its text.
    pub content: String,
}

/// The text of a passage.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    /// The text.
    pub content: String,
    /// The document: a UUID.
    pub document: String,
}

impl Passage {
    /// A passage as far as a receipt knows it: its id, its text, the seconds of its upload.
    pub fn of_receipt(chunk: u64, text: &Text, created_at: u64) -> Self {
        Self {
            chunk,
            document: text.document.clone(),
            name: String::new(),
            created_at: i64::try_from(created_at).unwrap_or(0).saturating_mul(1_000_000),
            place: 0,
            page: 0,
            headings: Vec::new(),
            start: 0,
            content: text.content.clone(),
        }
    }
}

/// How far the vectors of documents go: numbers of documents as a JSON list, model's number.
pub const MARKS: &str = "SELECT j.value, (SELECT max(seq) FROM chunk_vectors AS v \
        WHERE v.document = j.value AND v.model = ?2) \
    FROM json_each(?1) AS j";
/// The vectors of a document after a mark: its number, model's number, mark, the most.
pub const AFTER: &str = "SELECT seq, chunk, vector FROM chunk_vectors \
    WHERE document = ?1 AND model = ?2 AND seq > ?3 ORDER BY seq LIMIT ?4";
/// The places of terms in documents: terms and numbers of documents as JSON lists, the most places.
/// Each term is one row; the statistics are those of the documents together.
pub const PLACES: &str = "SELECT s.chunks, s.terms, (SELECT group_concat(doc, ' ') FROM ( \
        SELECT p.doc FROM json_each(?2) AS n \
        CROSS JOIN chunk_word_places AS p ON p.term = n.value || '/' || j.value LIMIT ?3)) \
    FROM json_each(?1) AS j CROSS JOIN ( \
        SELECT sum(d.worded) AS chunks, sum(d.terms) AS terms FROM json_each(?2) AS n \
        CROSS JOIN documents AS d ON d.no = n.value) AS s";
/// Reads passages of documents: numbers of documents and ids of passages, as JSON lists, the number
/// of the model whose vectors are wanted.
pub const FETCH: &str = "SELECT c.id, d.id, d.name, d.created_at, c.place, c.page, c.headings, \
        c.start, c.content, \
        (SELECT v.vector FROM chunk_vectors AS v WHERE v.chunk = c.id AND v.model = ?3) \
    FROM json_each(?2) AS j CROSS JOIN chunks AS c ON c.id = j.value \
    CROSS JOIN documents AS d ON d.no = c.document \
    WHERE c.document IN (SELECT value FROM json_each(?1))";
/// Reads passages for a receipt: ids as a JSON list.
pub const BY_IDS: &str = "SELECT c.id, c.content, d.id FROM json_each(?1) AS j \
    CROSS JOIN chunks AS c ON c.id = j.value CROSS JOIN documents AS d ON d.no = c.document";

fn numbers(documents: &[Named]) -> String {
    let numbers: Vec<i64> = documents.iter().map(|named| named.number).collect();
    serde_json::to_string(&numbers).expect("numbers are always JSON")
}

/// How far the vectors of each of these documents go; 0 where there are none.
///
/// Fails with 500 if the database does.
pub async fn marks(
    database: &Database,
    documents: &[Named],
    model: i64,
) -> Result<HashMap<i64, u64>, ApiError> {
    let parameters = params![numbers(documents), model];
    let rows = database.query("the documents could not be read", MARKS, parameters).await?;
    Ok(rows.iter().map(|row| (row.int(0), row.id(1))).collect())
}

/// Reads the vectors of a document that were stored after a mark, oldest first.
///
/// Fails with 500 if the database does.
pub async fn vectors_after(
    database: &Database,
    document: i64,
    model: i64,
    mark: u64,
) -> Result<Vec<StoredVector>, ApiError> {
    let parameters = params![document, model, messages::id_value(mark), limits::VECTORS_LOADED_MAX];
    let rows = database.query("the documents could not be read", AFTER, parameters).await?;
    let stored = |row: Row| StoredVector {
        seq: row.id(0),
        message: row.id(1),
        vector: floats_of(row.bytes(2)),
    };
    Ok(rows.into_iter().map(stored).collect())
}

/// How well the passages of documents answer the words of a query.
///
/// Fails with 500 if the database does.
pub async fn lexical(
    database: &Database,
    documents: &[Named],
    query: &str,
) -> Result<Vec<(u64, f32)>, ApiError> {
    let asked = terms::asked(query);
    if asked.is_empty() || documents.is_empty() {
        return Ok(Vec::new());
    }
    let list = serde_json::to_string(&asked).expect("strings are always JSON");
    let parameters = params![list, numbers(documents), limits::TERM_PLACES_MAX];
    let rows = database.query("the documents could not be searched", PLACES, parameters).await?;
    let Some(first) = rows.first() else { return Ok(Vec::new()) };
    let statistics = Statistics { messages: first.small(0), terms: first.id(1) };
    let places: Vec<String> = rows.into_iter().map(|mut row| row.text(2)).collect();
    Ok(bm25(telling(&places), statistics))
}

/// Reads passages, as far as they are of these documents, each with its vector by a model, which is
/// empty where it has none.
///
/// Fails with 500 if the database does.
pub async fn fetch(
    database: &Database,
    documents: &[Named],
    ids: &[u64],
    model: i64,
) -> Result<Vec<(Passage, Vec<f32>)>, ApiError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let list = serde_json::to_string(ids).expect("numbers are always JSON");
    let parameters = params![numbers(documents), list, model];
    let rows = database.query("the passages could not be read", FETCH, parameters).await?;
    let with_vector = |row: Row| {
        let vector = floats_of(row.bytes(9));
        (passage(row), vector)
    };
    Ok(rows.into_iter().map(with_vector).collect())
}

/// The texts of passages, by their ids. Those that are gone are left out.
///
/// Fails with 500 if the database does.
pub async fn contents(database: &Database, ids: &[u64]) -> Result<HashMap<u64, Text>, ApiError> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let list = serde_json::to_string(ids).expect("numbers are always JSON");
    let what = "the passages could not be read";
    let rows = database.query(what, BY_IDS, params![list]).await?;
    let text = |mut row: Row| (row.id(0), Text { content: row.text(1), document: row.text(2) });
    Ok(rows.into_iter().map(text).collect())
}

fn passage(mut row: Row) -> Passage {
    Passage {
        chunk: row.id(0),
        document: row.text(1),
        name: row.text(2),
        created_at: row.int(3),
        place: row.small(4),
        page: row.small(5),
        headings: serde_json::from_str(&row.text(6)).unwrap_or_default(),
        start: row.small(7),
        content: row.text(8),
    }
}
