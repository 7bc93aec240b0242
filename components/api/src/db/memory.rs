//! What a session remembers: the messages that can be recalled.

use bm25::{Posting, Statistics, bm25};
use serde::Serialize;

use super::packed::numbers;
use super::{Database, Row, messages, params, sessions};
use crate::http::error::ApiError;
use crate::http::route::Page;
use crate::{limits, time};

/// A memory, as clients see it.
#[derive(Serialize)]
pub struct Memory {
    /// The message.
    pub message_id: u64,
    /// The turn that it was said in.
    pub turn: u32,
    /// `user` or `assistant`.
    pub role: &'static str,
    /// When it was said: RFC 3339.
    pub timestamp: String,
    /// What was said.
    pub content: String,
    /// How well it answers the query, where there was one: more is better.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f32>,
}

/// A message that a search found.
#[derive(Debug, Clone)]
pub struct Found {
    /// The message.
    pub message: u64,
    /// The turn that it was said in.
    pub turn: u32,
    /// `user` or `assistant`.
    pub role: &'static str,
    /// When it was said, in microseconds.
    pub timestamp: i64,
    /// Its tokens, and the number of the model that measured them, where somebody did.
    pub tokens: Option<(u32, i64)>,
    /// What was said.
    pub content: String,
}

/// What was said in a turn.
pub struct Said {
    /// The turn.
    pub turn: u32,
    /// The message.
    pub message: u64,
    /// What was said.
    pub content: String,
}

/// Lists what a session remembers, newest first: session number, limit, skip, last turn.
pub const LIST: &str = "SELECT id, turn, role, timestamp, content FROM messages \
    WHERE session = ?1 AND turn <= ?4 AND is_embedded AND forgotten = 0 \
    ORDER BY turn DESC, role LIMIT ?2 OFFSET ?3";
/// Reads the messages that a search found, as far as they may be recalled before a turn: session
/// number, ids as a JSON list, turn.
pub const FETCH: &str = "SELECT m.id, m.turn, m.role, m.timestamp, m.tokens, m.tokens_by, \
    m.content \
    FROM json_each(?2) AS j CROSS JOIN messages AS m ON m.id = j.value \
    WHERE m.session = ?1 AND m.turn < ?3 AND m.forgotten = 0 \
    AND m.status IN ('ok', 'interrupted')";
/// The postings of a query's terms: session number, terms as a JSON list, the most places of a
/// term. Each term is one row, and its places are one text: many small rows would cost more than
/// reading them.
pub const POSTINGS: &str = "SELECT s.messages, s.terms, (SELECT group_concat(doc, ' ') FROM ( \
        SELECT p.doc FROM word_places AS p WHERE p.term = ?1 || '/' || j.value LIMIT ?3)) \
    FROM json_each(?2) AS j CROSS JOIN statistics AS s ON s.session = ?1";
/// Reads what was said in a session and may be recalled, in the order of the turns: session number,
/// the turn before the first, the last turn, the most.
pub const SAID: &str = "SELECT turn, id, content FROM messages \
    WHERE session = ?1 AND turn > ?2 AND turn <= ?3 \
    AND forgotten = 0 AND status IN ('ok', 'interrupted') ORDER BY turn, role DESC LIMIT ?4";
/// Takes a message out of recall for good: session number, message id.
pub const FORGET: &str = "UPDATE messages SET forgotten = 1 \
    WHERE id = ?2 AND session = ?1 AND forgotten = 0 AND status <> 'pending' RETURNING id";

/// Lists what a session remembers, newest first, from a turn back.
///
/// Fails with 404 if there is no such session.
pub async fn list(
    database: &Database,
    session_id: &str,
    page: Page,
    to_turn: u32,
) -> Result<Vec<Memory>, ApiError> {
    let session = sessions::number(database, session_id).await?;
    let parameters = params![session, page.limit, page.skip, to_turn];
    let rows = database.query("the memories could not be read", LIST, parameters).await?;
    let memory = |mut row: Row| Memory {
        message_id: row.id(0),
        turn: row.small(1),
        role: messages::role(&row.text(2)),
        timestamp: time::rfc3339(row.int(3)),
        content: row.text(4),
        score: None,
    };
    Ok(rows.into_iter().map(memory).collect())
}

/// Reads the messages that a search found. What may not be recalled is left out: the database is
/// the truth, and an index may be behind it.
///
/// Fails with 500 if the database does.
pub async fn fetch(
    database: &Database,
    session: i64,
    ids: &[u64],
    before_turn: u32,
) -> Result<Vec<Found>, ApiError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let list = serde_json::to_string(ids).expect("numbers are always JSON");
    let parameters = params![session, list, before_turn];
    let rows = database.query("the memories could not be read", FETCH, parameters).await?;
    Ok(rows.into_iter().map(|mut row| found(&mut row, 0)).collect())
}

/// What was said in a session after a turn, up to another one, as far as it may be recalled, in the
/// order of the turns: at most [`limits::WORDED_AT_ONCE`] messages.
///
/// Fails with 500 if the database does.
pub async fn said(
    database: &Database,
    session: i64,
    after: u64,
    upto: u64,
) -> Result<Vec<Said>, ApiError> {
    let turn = messages::id_value;
    let parameters = params![session, turn(after), turn(upto), limits::WORDED_AT_ONCE];
    let rows = database.query("the memory could not be read", SAID, parameters).await?;
    let said = |mut row: Row| Said { turn: row.small(0), message: row.id(1), content: row.text(2) };
    Ok(rows.into_iter().map(said).collect())
}

/// How well the messages of a session answer some terms.
///
/// Fails with 500 if the database does.
pub async fn lexical(
    database: &Database,
    session: i64,
    asked: &[String],
) -> Result<Vec<(u64, f32)>, ApiError> {
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let list = serde_json::to_string(asked).expect("strings are always JSON");
    let parameters = params![session, list, limits::TERM_PLACES_MAX];
    let rows = database.query("the memory could not be searched", POSTINGS, parameters).await?;
    let Some(first) = rows.first() else { return Ok(Vec::new()) };
    let statistics = Statistics { messages: first.small(0), terms: first.id(1) };
    let places: Vec<String> = rows.into_iter().map(|mut row| row.text(2)).collect();
    Ok(bm25(telling(&places), statistics))
}

/// The postings of the terms that tell something. Of a term whose places fill the limit, only some
/// are known; it is common in its session and tells little, so it counts only where no term is
/// rarer.
pub(super) fn telling(places: &[String]) -> Vec<Posting> {
    let terms: Vec<(bool, Vec<Posting>)> = places.iter().map(|places| postings(places)).collect();
    let all_common = terms.iter().all(|(common, postings)| *common || postings.is_empty());
    terms.into_iter().filter(|(common, _)| all_common || !common).flat_map(|(_, p)| p).collect()
}

/// The postings of one term, and whether its places fill the limit. A place is a row of `words`,
/// which tells the message and its length; a term that occurs twice in a message has it twice.
fn postings(places: &str) -> (bool, Vec<Posting>) {
    let mut postings: Vec<Posting> = Vec::new();
    let mut count = 0;
    for place in numbers(places) {
        count += 1;
        let place = u64::try_from(place).unwrap_or(0);
        let (message, length) = (place >> 12, (place & 4095) as u32);
        match postings.last_mut().filter(|last| last.message == message) {
            Some(last) => last.frequency += 1,
            None => postings.push(Posting { message, frequency: 1, length, in_messages: 0 }),
        }
    }
    let in_messages = postings.len() as u32;
    postings.iter_mut().for_each(|posting| posting.in_messages = in_messages);
    (count >= limits::TERM_PLACES_MAX, postings)
}

/// Takes a message out of recall for good: its vector and its words are deleted.
///
/// Fails with 404 if the session or the message is not there, or was taken out before.
pub async fn forget(database: &Database, session_id: &str, message: u64) -> Result<(), ApiError> {
    let session = sessions::number(database, session_id).await?;
    let parameters = params![session, messages::id_value(message)];
    let rows = database.query("the memory could not be deleted", FORGET, parameters).await?;
    if rows.is_empty() { Err(ApiError::no_message(message)) } else { Ok(()) }
}

/// The message whose columns, as those of [`FETCH`], begin at this one.
pub fn found(row: &mut Row, first: usize) -> Found {
    let (tokens, by) = (row.small(first + 4), row.int(first + 5));
    Found {
        message: row.id(first),
        turn: row.small(first + 1),
        role: messages::role(&row.text(first + 2)),
        timestamp: row.int(first + 3),
        tokens: (by != 0).then_some((tokens, by)),
        content: row.text(first + 6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_tell_message_length_and_frequency() {
        let places = format!("{} {} {}", 7 * 4096 + 30, 7 * 4096 + 30, 9 * 4096 + 4095);
        let (common, found) = postings(&places);
        assert!(!common);
        let posting =
            |message, frequency, length| Posting { message, frequency, length, in_messages: 2 };
        assert_eq!(found, [posting(7, 2, 30), posting(9, 1, 4095)]);
        assert_eq!(postings(""), (false, Vec::new()));
    }

    #[test]
    fn a_term_that_is_everywhere_counts_only_where_none_is_rarer() {
        let common: Vec<String> =
            (1..=limits::TERM_PLACES_MAX).map(|id| (u64::from(id) << 12).to_string()).collect();
        let (common, rare) = (common.join(" "), (5 << 12).to_string());
        assert_eq!(telling(&[common.clone(), rare]).len(), 1);
        let alone = telling(&[common, String::new()]);
        assert_eq!(alone.len(), limits::TERM_PLACES_MAX as usize);
    }
}
