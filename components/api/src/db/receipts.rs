//! Receipts: what is kept of how replies came about, for all sessions.

use super::{Database, params, sessions};
use crate::http::error::ApiError;

/// A receipt, and the reply that it is of.
pub struct Latest {
    /// The number of the session.
    pub session: i64,
    /// The UUID of the session.
    pub session_id: String,
    /// The id of the reply.
    pub message: u64,
    /// Its turn.
    pub turn: u32,
    /// The receipt, as JSON.
    pub body: String,
}

/// Reads the latest receipts of an owner, the latest first: limit, owner.
pub const LATEST: &str = "SELECT m.session, s.id, m.id, m.turn, r.body FROM receipts AS r \
    CROSS JOIN messages AS m ON m.id = r.message CROSS JOIN sessions AS s ON s.no = m.session \
    WHERE s.owner = ?2 ORDER BY r.message DESC LIMIT ?1";
/// Reads the latest receipts of a session, the latest first: limit, session number.
pub const LATEST_OF: &str = "SELECT m.session, s.id, m.id, m.turn, r.body FROM messages AS m \
    CROSS JOIN receipts AS r ON r.message = m.id CROSS JOIN sessions AS s ON s.no = m.session \
    WHERE m.session = ?2 AND m.role = 'assistant' ORDER BY m.turn DESC LIMIT ?1";

/// Reads the latest receipts of a session, or of all, the latest first.
///
/// Fails with 404 if there is no such session.
pub async fn latest(
    database: &Database,
    session_id: Option<&str>,
    most: u32,
) -> Result<Vec<Latest>, ApiError> {
    let what = "the receipts could not be read";
    let rows = match session_id {
        None => database.query(what, LATEST, params![most, database.owner()]).await?,
        Some(id) => {
            let session = sessions::number(database, id).await?;
            database.query(what, LATEST_OF, params![most, session]).await?
        }
    };
    let latest = rows.into_iter().map(|mut row| Latest {
        session: row.int(0),
        session_id: row.text(1),
        message: row.id(2),
        turn: row.small(3),
        body: row.text(4),
    });
    Ok(latest.collect())
}
