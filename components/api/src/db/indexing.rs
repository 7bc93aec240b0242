//! The durable queue of what is to be indexed, and the vectors that come out of it.

use super::{Database, messages, params};
use crate::http::error::ApiError;
use crate::{limits, terms};

/// A message that waits to be indexed.
pub struct Waiting {
    /// The message.
    pub message: u64,
    /// Its text.
    pub content: String,
    /// Its vector by the active model, where it was made before.
    pub vector: Option<Vec<f32>>,
    /// Whether it has a vector by the other model whose index serves.
    pub is_served: bool,
}

/// A vector that an index may not have seen.
pub struct StoredVector {
    /// Rises with every vector that is stored.
    pub seq: u64,
    /// The message that it belongs to.
    pub message: u64,
    /// Its numbers.
    pub vector: Vec<f32>,
}

/// What is to be indexed, and which vectors it has: the number of the active model, the most
/// messages, the number of the model whose index serves. The range of each half is read from the
/// index of the queue.
pub const QUEUE: &str = "SELECT id, content, \
        (SELECT vector FROM vectors WHERE message = id AND model = ?1), \
        EXISTS (SELECT 1 FROM vectors WHERE message = id AND model = ?3) \
    FROM ( \
        SELECT id, content FROM messages WHERE status IN ('ok', 'interrupted') AND forgotten = 0 \
            AND embedded_by < ?1 \
        UNION ALL \
        SELECT id, content FROM messages WHERE status IN ('ok', 'interrupted') AND forgotten = 0 \
            AND embedded_by > ?1) \
    LIMIT ?2";
/// The vectors of a session after a mark: session number, embedding model's number, mark, the most.
pub const AFTER: &str = "SELECT seq, message, vector FROM vectors \
    WHERE session = ?1 AND model = ?2 AND seq > ?3 ORDER BY seq LIMIT ?4";

/// What was made of a message.
pub struct Entry {
    /// The message.
    pub message: u64,
    /// Its vector; none where the model refuses it.
    pub vector: Option<Vec<f32>>,
    /// Its text, whose words are indexed too.
    pub text: String,
}

/// Stores what was made of some messages. Each is indexed once, however often this is called.
///
/// Fails with 500 if the database does.
pub async fn store(database: &Database, model: i64, entries: &[Entry]) -> Result<(), ApiError> {
    if entries.is_empty() {
        return Ok(());
    }
    let mut parameters = params![model];
    for entry in entries {
        let terms = terms::terms(&entry.text);
        parameters.push(messages::id_value(entry.message));
        parameters.push(entry.vector.as_deref().map(bytes_of).into());
        parameters.push(terms.spelled_out().into());
        parameters.push(terms.length.into());
    }
    let what = "the index could not be stored";
    database.query(what, &insert_sql(entries.len()), parameters).await?;
    Ok(())
}

/// Stores vectors by the model whose index serves, while another one is being built. What they are
/// of, by `sql` messages or chunks, stays in the queue.
///
/// Fails with 500 if the database does.
pub async fn store_served(
    database: &Database,
    sql: fn(usize) -> String,
    model: i64,
    vectors: &[(u64, Vec<f32>)],
) -> Result<(), ApiError> {
    if vectors.is_empty() {
        return Ok(());
    }
    let mut parameters = params![model];
    for (of, vector) in vectors {
        parameters.push(messages::id_value(*of));
        parameters.push(bytes_of(vector).into());
    }
    database.query("the index could not be stored", &sql(vectors.len()), parameters).await?;
    Ok(())
}

/// Stores so many vectors of messages at once, as far as their model's index serves.
pub fn served_sql(rows: usize) -> String {
    let row = |row: usize| format!("(?{}, ?{})", 2 * row + 2, 2 * row + 3);
    let values: Vec<String> = (0..rows).map(row).collect();
    format!(
        "WITH new (message, vector) AS (VALUES {}) \
        INSERT INTO vectors (session, model, message, vector) \
        SELECT m.session, ?1, m.id, new.vector \
        FROM new CROSS JOIN messages AS m ON m.id = new.message \
        WHERE m.forgotten = 0 AND m.status IN ('ok', 'interrupted') AND EXISTS ( \
            SELECT 1 FROM generations WHERE model = ?1 AND place = 'serving') \
        ON CONFLICT DO NOTHING",
        values.join(", ")
    )
}

/// Stores so many rows at once.
pub fn insert_sql(rows: usize) -> String {
    let row = |row: usize| {
        let first = 4 * row + 2;
        format!("(?{first}, ?1, ?{}, ?{}, ?{})", first + 1, first + 2, first + 3)
    };
    let values: Vec<String> = (0..rows).map(row).collect();
    let columns = "message, model, vector, terms, length";
    format!("INSERT INTO index_entries ({columns}) VALUES {}", values.join(", "))
}

/// Reads what waits to be indexed by the active model, while the index of the model with the number
/// `served` serves (0 for none).
///
/// Fails with 500 if the database does.
pub async fn waiting(
    database: &Database,
    active: i64,
    served: i64,
) -> Result<Vec<Waiting>, ApiError> {
    let parameters = params![active, limits::INDEX_STEP_MESSAGES, served];
    let rows = database.query("the queue could not be read", QUEUE, parameters).await?;
    let waiting = |mut row: super::Row| Waiting {
        message: row.id(0),
        content: row.text(1),
        vector: Some(floats_of(row.bytes(2))).filter(|vector| !vector.is_empty()),
        is_served: row.flag(3),
    };
    Ok(rows.into_iter().map(waiting).collect())
}

/// Reads the vectors of a session that were stored after a mark, oldest first.
///
/// Fails with 500 if the database does.
pub async fn vectors_after(
    database: &Database,
    session: i64,
    model: i64,
    mark: u64,
) -> Result<Vec<StoredVector>, ApiError> {
    let parameters = params![session, model, messages::id_value(mark), limits::VECTORS_LOADED_MAX];
    let rows = database.query("the memory could not be read", AFTER, parameters).await?;
    let stored = |row: super::Row| StoredVector {
        seq: row.id(0),
        message: row.id(1),
        vector: floats_of(row.bytes(2)),
    };
    Ok(rows.into_iter().map(stored).collect())
}

/// A vector as it is stored: 32-bit floats, little-endian.
pub fn bytes_of(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// A vector as it was stored.
pub fn floats_of(bytes: &[u8]) -> Vec<f32> {
    let (chunks, _) = bytes.as_chunks::<4>();
    chunks.iter().map(|chunk| f32::from_le_bytes(*chunk)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_comes_back_as_it_was_stored() {
        let vector = [0.0, -1.5, f32::MIN_POSITIVE, 3.25e7];
        assert_eq!(floats_of(&bytes_of(&vector)), vector);
        assert_eq!(floats_of(&[]), Vec::<f32>::new());
    }

    #[test]
    fn many_rows_are_one_statement() {
        assert_eq!(
            insert_sql(2),
            "INSERT INTO index_entries (message, model, vector, terms, length) \
             VALUES (?2, ?1, ?3, ?4, ?5), (?6, ?1, ?7, ?8, ?9)"
        );
    }
}
