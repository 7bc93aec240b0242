//! Messages that were said elsewhere, and come in many at once.

use serde_json::json;

use super::{Database, messages, params, sessions};
use crate::http::error::ApiError;

/// A message that was said elsewhere.
#[derive(Debug, PartialEq, Clone)]
pub struct Imported {
    /// `user` or `assistant`.
    pub role: &'static str,
    /// Who said it, where that has a name.
    pub name: Option<String>,
    /// When it was said, in microseconds; none for now.
    pub timestamp: Option<i64>,
    /// What was said.
    pub content: String,
}

/// Stores messages behind the last turn of a session: its id, and a list of `[turn, role,
/// timestamp, hash, content, metadata]` as JSON, owner. Turns count from 1.
pub const IMPORT: &str = "INSERT INTO messages \
    (session, turn, role, status, timestamp, content_hash, content, metadata) \
    SELECT s.no, s.turns + (j.value ->> 0), j.value ->> 1, 'ok', j.value ->> 2, j.value ->> 3, \
        j.value ->> 4, j.value ->> 5 \
    FROM sessions AS s CROSS JOIN json_each(?2) AS j WHERE s.id = ?1 AND s.owner = ?3 \
    ORDER BY j.key RETURNING id";

/// Stores messages behind the last turn of a session, all or none. Returns their ids, in order.
///
/// Fails with 404 if there is no such session.
pub async fn import(
    database: &Database,
    session_id: &str,
    imported: &[Imported],
    now: i64,
) -> Result<Vec<u64>, ApiError> {
    let what = "the messages could not be stored";
    let parameters = params![session_id, rows(imported, now), database.owner()];
    let stored = database.query(what, IMPORT, parameters).await?;
    if stored.len() != imported.len() {
        sessions::number(database, session_id).await?;
        return Err(ApiError::internal(what, "not every row came back"));
    }
    Ok(stored.iter().map(|row| row.id(0)).collect())
}

/// The rows of [`IMPORT`]. An assistant's message belongs to the turn of the user's before it;
/// every other begins a turn.
pub(super) fn rows(imported: &[Imported], now: i64) -> String {
    let (mut turn, mut before) = (0, "assistant");
    let row = |one: &Imported| {
        turn += i64::from(one.role == "user" || before != "user");
        before = one.role;
        let metadata = one.name.as_ref().map(|name| json!({ "name": name }).to_string());
        let hash = messages::content_hash(&one.content);
        json!([turn, one.role, one.timestamp.unwrap_or(now), hash, one.content, metadata])
    };
    serde_json::Value::from_iter(imported.iter().map(row)).to_string()
}
