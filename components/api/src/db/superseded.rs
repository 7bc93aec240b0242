//! Messages in whose place something else was said. They stay in the database, for receipts that
//! refer to them, but neither a list, nor a prompt, nor the memory shows them again.
//!
//! They are marked by the value 2 of `forgotten`; 1 is a memory that was deleted by itself. That is
//! done where a turn ends (see `turn_ends` in the schema): what is refused or fails takes nothing's
//! place.

use super::messages::Posted;
use super::{Database, messages, params, sessions};
use crate::http::error::ApiError;

/// Finds the turn of a message that is not superseded: session number, message id.
pub const TURN: &str =
    "SELECT turn FROM messages WHERE id = ?2 AND session = ?1 AND forgotten <> 2";
/// Asks the turns from one on, up to another, to stop: session number, first turn, first turn that
/// goes on.
pub const STOP: &str = "UPDATE messages SET cancel = 1 \
    WHERE session = ?1 AND turn >= ?2 AND turn < ?3 AND status = 'pending'";
/// The messages that were superseded in these turns: session number, first turn, one past the last.
pub const GONE: &str =
    "SELECT id FROM messages WHERE session = ?1 AND turn >= ?2 AND turn < ?3 AND forgotten = 2";

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

/// Asks the turns that `posted` stands in the place of to stop, as far as they still run.
///
/// Fails with 500 if the database does.
pub async fn stop(database: &Database, posted: &Posted) -> Result<(), ApiError> {
    if posted.supersedes == 0 {
        return Ok(());
    }
    let parameters = params![posted.session, posted.supersedes, posted.turn];
    let what = "the earlier messages could not be stopped";
    database.query(what, STOP, parameters).await.map(drop)
}

/// The ids of the messages that `posted` stands in the place of, once it was answered.
///
/// Fails with 500 if the database does.
pub async fn gone(database: &Database, posted: &Posted) -> Result<Vec<u64>, ApiError> {
    if posted.supersedes == 0 {
        return Ok(Vec::new());
    }
    let parameters = params![posted.session, posted.supersedes, posted.turn];
    let what = "the earlier messages could not be read";
    let rows = database.query(what, GONE, parameters).await?;
    Ok(rows.iter().map(|row| row.id(0)).collect())
}
