//! What was said in all sessions of an owner, found by what it contains.

use super::messages::{self, Message};
use super::{Database, params};
use crate::http::error::ApiError;
use crate::http::route::Page;

/// Finds what was said, in the sessions that spoke last first, and in each the latest first: owner,
/// pattern, the most of one session, limit, skip. How it came about is not read.
pub const FIND: &str = "SELECT m.id, m.turn, m.timestamp, m.role, m.content, m.status, \
        m.is_embedded, NULL, s.id \
    FROM sessions AS s CROSS JOIN messages AS m ON m.id IN ( \
        SELECT i.id FROM messages AS i WHERE i.session = s.no \
            AND i.status <> 'pending' AND i.forgotten <> 2 AND i.content LIKE ?2 ESCAPE '\\' \
        ORDER BY i.turn DESC, i.role LIMIT ?3) \
    WHERE s.owner = ?1 \
    ORDER BY s.last_updated_at DESC, s.no DESC, m.turn DESC, m.role LIMIT ?4 OFFSET ?5";

/// The messages of all sessions that contain this text, at most `each` of one. Capital letters make
/// no difference in English.
///
/// Fails with 500 if the database does.
pub async fn find(
    database: &Database,
    text: &str,
    each: u32,
    page: Page,
) -> Result<Vec<Message>, ApiError> {
    let pattern = messages::containing(text);
    let parameters = params![database.owner(), pattern, each, page.limit, page.skip];
    let rows = database.query("the messages could not be searched", FIND, parameters).await?;
    let found = |mut row: super::Row| {
        let session = row.text(8);
        messages::message(row, &session)
    };
    Ok(rows.into_iter().map(found).collect())
}
