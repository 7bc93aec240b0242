//! Messages that were said elsewhere, and come in many at once.

use serde_json::json;

use super::{Database, Row, messages, params, sessions};
use crate::http::error::ApiError;
use crate::limits;

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
    /// `ok`, `failed`, `cancelled` or `interrupted`.
    pub status: &'static str,
    /// Whether it must not be recalled.
    pub forgotten: bool,
}

impl Imported {
    /// Whether it can be recalled.
    pub fn is_memorable(&self) -> bool {
        !self.forgotten && matches!(self.status, "ok" | "interrupted")
    }
}

/// Stores messages behind the last turn of a session: its id, and a list of `[turn, role,
/// timestamp, hash, content, metadata, status, forgotten]` as JSON, owner. Turns count from 1.
pub const IMPORT: &str = "INSERT INTO messages \
    (session, turn, role, status, timestamp, content_hash, content, metadata, forgotten) \
    SELECT s.no, s.turns + (j.value ->> 0), j.value ->> 1, j.value ->> 6, j.value ->> 2, \
        j.value ->> 3, j.value ->> 4, j.value ->> 5, j.value ->> 7 \
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
        let at = one.timestamp.unwrap_or(now);
        let forgotten = i64::from(one.forgotten);
        json!([turn, one.role, at, hash, one.content, metadata, one.status, forgotten])
    };
    serde_json::Value::from_iter(imported.iter().map(row)).to_string()
}

/// What was said in a session and was not edited away, in order: session number, limit, skip.
pub const EXPORT: &str = "SELECT role, metadata ->> 'name', timestamp, content, status, forgotten \
    FROM messages WHERE session = ?1 AND status <> 'pending' AND forgotten <> 2 \
    ORDER BY turn, role DESC LIMIT ?2 OFFSET ?3";

/// All that was said in a session, as it would be imported; what is empty is left out. At most one
/// message more than a file may have, and a step more than the bytes that it may have.
///
/// Fails with 500 if the database does.
pub async fn export(database: &Database, session: i64) -> Result<Vec<Imported>, ApiError> {
    let what = "the messages could not be read";
    let mut all = Vec::new();
    for skip in (0..=limits::SESSION_FILE_MESSAGES_MAX).step_by(limits::IMPORTED_MESSAGES_MAX) {
        let most = limits::IMPORTED_MESSAGES_MAX;
        let rows = database.query(what, EXPORT, params![session, most as i64, skip as i64]).await?;
        let count = rows.len();
        all.extend(rows.into_iter().map(exported).filter(|one| !one.content.trim().is_empty()));
        let bytes: usize = all.iter().map(|one: &Imported| one.content.len()).sum();
        if count < most || bytes > limits::SESSION_FILE_TEXT_BYTES_MAX {
            break;
        }
    }
    Ok(all)
}

fn exported(mut row: Row) -> Imported {
    let role = if row.text(0) == "user" { "user" } else { "assistant" };
    let status = match row.text(4).as_str() {
        "ok" => "ok",
        "cancelled" => "cancelled",
        "interrupted" => "interrupted",
        _ => "failed",
    };
    Imported {
        role,
        name: row.take_text(1),
        timestamp: Some(row.int(2)),
        content: row.text(3),
        status,
        forgotten: row.flag(5),
    }
}
