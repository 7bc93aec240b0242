//! Snapshots of the vector index. The table of vectors is the truth; these are a faster way to most
//! of it.

use super::{Database, Row, messages, params};
use crate::http::error::ApiError;
use crate::limits;

/// Begins to write a snapshot: session number, embedding model's number, token, mark. The one there
/// was counts no more.
pub const BEGIN: &str = "INSERT INTO snapshot_heads (session, model, token, mark, parts) \
    VALUES (?1, ?2, ?3, ?4, 0) \
    ON CONFLICT (session, model) DO UPDATE \
    SET token = excluded.token, mark = excluded.mark, parts = 0";
/// Writes a part: session number, model's number, part, token, bytes. Only whoever began last does.
pub const WRITE: &str = "INSERT INTO snapshot_parts (session, model, part, token, body) \
    SELECT ?1, ?2, ?3, ?4, ?5 FROM snapshot_heads \
    WHERE session = ?1 AND model = ?2 AND token = ?4 \
    ON CONFLICT (session, model, part) DO UPDATE SET token = excluded.token, body = excluded.body";
/// Ends a snapshot: session number, model's number, token, how many parts it has.
pub const END: &str = "UPDATE snapshot_heads SET parts = ?4 \
    WHERE session = ?1 AND model = ?2 AND token = ?3";
/// The snapshot of a session that is complete: session number, model's number.
pub const HEAD: &str = "SELECT token, mark, parts FROM snapshot_heads \
    WHERE session = ?1 AND model = ?2 AND parts > 0";
/// A part: session number, model's number, part, token.
pub const READ: &str = "SELECT body FROM snapshot_parts \
    WHERE session = ?1 AND model = ?2 AND part = ?3 AND token = ?4";
/// What was removed since snapshots of the session are made: session number, model's number.
pub const REMOVED: &str = "SELECT message FROM snapshot_removals \
    WHERE session = ?1 AND model = ?2";
/// Gives up a snapshot that cannot be used: session number, model's number, token.
pub const DROP: &str = "UPDATE snapshot_heads SET parts = 0 \
    WHERE session = ?1 AND model = ?2 AND token = ?3";

/// Whose snapshot: the vectors of one session by one embedding model, by their numbers.
#[derive(Clone, Copy)]
pub struct Owner {
    /// The session.
    pub session: i64,
    /// The model.
    pub model: i64,
}

/// A snapshot that is complete.
pub struct Head {
    /// Tells its parts from others.
    pub token: i64,
    /// How far it goes.
    pub mark: u64,
    /// How many parts it has.
    pub parts: u32,
}

/// Begins to write a snapshot of what has been loaded up to this mark.
///
/// Fails with 500 if the database does, as all functions here.
pub async fn begin(
    database: &Database,
    owner: Owner,
    token: i64,
    mark: u64,
) -> Result<(), ApiError> {
    let parameters = params![owner.session, owner.model, token, messages::id_value(mark)];
    database.query(UNWRITTEN, BEGIN, parameters).await.map(drop)
}

/// Writes a part of it.
pub async fn write(
    database: &Database,
    owner: Owner,
    token: i64,
    part: u32,
    body: Vec<u8>,
) -> Result<(), ApiError> {
    let parameters = params![owner.session, owner.model, part, token, body];
    database.query(UNWRITTEN, WRITE, parameters).await.map(drop)
}

/// Makes it complete, with so many parts.
pub async fn end(
    database: &Database,
    owner: Owner,
    token: i64,
    parts: u32,
) -> Result<(), ApiError> {
    let parameters = params![owner.session, owner.model, token, parts];
    database.query(UNWRITTEN, END, parameters).await.map(drop)
}

/// The snapshot that there is, if one is complete.
pub async fn head(database: &Database, owner: Owner) -> Result<Option<Head>, ApiError> {
    let parameters = params![owner.session, owner.model];
    let rows = database.query(UNREAD, HEAD, parameters).await?;
    let head = |row: &Row| Head { token: row.int(0), mark: row.id(1), parts: row.small(2) };
    Ok(rows.first().map(head).filter(|head| head.parts <= limits::SNAPSHOT_PARTS_MAX))
}

/// A part of it; none if it is not there.
pub async fn read(
    database: &Database,
    owner: Owner,
    token: i64,
    part: u32,
) -> Result<Option<Vec<u8>>, ApiError> {
    let parameters = params![owner.session, owner.model, part, token];
    let rows = database.query(UNREAD, READ, parameters).await?;
    Ok(rows.first().map(|row| row.bytes(0).to_vec()))
}

/// The messages that a snapshot may hold although they were removed.
pub async fn removed(database: &Database, owner: Owner) -> Result<Vec<u64>, ApiError> {
    let parameters = params![owner.session, owner.model];
    let rows = database.query(UNREAD, REMOVED, parameters).await?;
    Ok(rows.iter().map(|row| row.id(0)).collect())
}

/// Gives up a snapshot that cannot be used.
pub async fn give_up(database: &Database, owner: Owner, token: i64) -> Result<(), ApiError> {
    let parameters = params![owner.session, owner.model, token];
    database.query(UNWRITTEN, DROP, parameters).await.map(drop)
}

const UNWRITTEN: &str = "the snapshot could not be stored";
const UNREAD: &str = "the snapshot could not be read";
