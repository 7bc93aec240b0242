//! Messages in whose place something else was said. They stay in the database, for receipts that
//! refer to them, but neither a list, nor a prompt, nor the memory shows them again.
//!
//! They are marked by the value 2 of `forgotten`; 1 is a memory that was deleted by itself.

use super::{Database, messages, params, sessions};
use crate::http::error::ApiError;

/// Finds the turn of a message that is not superseded: session number, message id.
pub const TURN: &str =
    "SELECT turn FROM messages WHERE id = ?2 AND session = ?1 AND forgotten <> 2";
/// Takes the turns from one on, up to another, out of everything, and stops those that still run:
/// session number, first turn, first turn that stays.
pub const SUPERSEDE: &str = "UPDATE messages SET forgotten = 2, cancel = 1 \
    WHERE session = ?1 AND turn >= ?2 AND turn < ?3 AND forgotten <> 2 RETURNING id";

/// The turn of a message that may be superseded.
///
/// Fails with 404 if the session or the message is not there, or was superseded before.
pub async fn turn(database: &Database, session_id: &str, message: u64) -> Result<u32, ApiError> {
    let session = sessions::number(database, session_id).await?;
    let parameters = params![session, messages::id_value(message)];
    let rows = database.query("the message could not be read", TURN, parameters).await?;
    let turn = rows.first().map(|row| row.small(0));
    turn.ok_or_else(|| ApiError::no_message(message))
}

/// Supersedes the turns from `from_turn` on that are earlier than `by_turn`. Doing it again changes
/// nothing.
///
/// Returns the ids of their messages. Fails with 500 if the database does.
pub async fn supersede(
    database: &Database,
    session: i64,
    from_turn: u32,
    by_turn: u32,
) -> Result<Vec<u64>, ApiError> {
    let parameters = params![session, from_turn, by_turn];
    let what = "the earlier messages could not be superseded";
    let rows = database.query(what, SUPERSEDE, parameters).await?;
    Ok(rows.iter().map(|row| row.id(0)).collect())
}
