//! What a search found in a session, and what was said around it, as ranking needs it.

use std::collections::HashMap;

use super::packed::{Texts, numbers};
use super::{Database, Row, params};
use crate::http::error::ApiError;
use crate::limits;

/// A message that a search found, or that stands beside one.
#[derive(Debug)]
pub struct Near {
    /// The message.
    pub message: u64,
    /// `user` or `assistant`.
    pub role: &'static str,
    /// The name of who said it, where that has one.
    pub name: Option<String>,
    /// When it was said, in microseconds.
    pub timestamp: i64,
    /// What tells whether two texts are the same; 0 where nobody knows.
    pub hash: i64,
    /// The message right before it, if that is among these; else 0.
    pub before: u64,
    /// The length of its text in bytes.
    pub bytes: u32,
    /// The beginning of its text.
    pub beginning: String,
}

/// The message right before a message that is called `$`, of those that may be recalled.
const BEFORE: &str = "SELECT p.id FROM messages AS p \
    WHERE p.session = $.session AND p.turn <= $.turn \
    AND NOT (p.turn = $.turn AND p.role <= $.role) \
    AND p.forgotten = 0 AND p.status IN ('ok', 'interrupted') ORDER BY p.turn DESC, p.role LIMIT 1";
/// The one right after it.
const AFTER: &str = "SELECT n.id FROM messages AS n \
    WHERE n.session = $.session AND n.turn >= $.turn \
    AND NOT (n.turn = $.turn AND n.role >= $.role) \
    AND n.forgotten = 0 AND n.status IN ('ok', 'interrupted') ORDER BY n.turn, n.role DESC LIMIT 1";

/// Reads the messages that a search found, and the one before and the one after each, as far as
/// they may be recalled before a turn, as one row: session number, ids as a JSON list, turn, the
/// most characters of a text. The columns are lists in one order: ids, places in the order in which
/// they were said (two a turn), timestamps, hashes, bytes of the texts, bytes of their beginnings,
/// those beginnings, and an object with the names of those who have one.
pub fn around_sql() -> String {
    let of = |which: &str, name: &str| which.replace('$', name);
    format!(
        "WITH core AS ( \
            SELECT m.id, m.session, m.turn, m.role \
            FROM json_each(?2) AS j CROSS JOIN messages AS m ON m.id = j.value \
            WHERE m.session = ?1), \
        wide (id) AS ( \
            SELECT c.id FROM core AS c UNION ALL SELECT ({}) FROM core AS c \
            UNION ALL SELECT ({}) FROM core AS c) \
        SELECT group_concat(m.id, ' '), group_concat(2 * m.turn + (m.role = 'assistant'), ' '), \
            group_concat(m.timestamp, ' '), group_concat(m.content_hash, ' '), \
            group_concat(octet_length(m.content), ' '), \
            group_concat(octet_length(substr(m.content, 1, ?4)), ' '), \
            group_concat(substr(m.content, 1, ?4), ''), \
            json_group_object(m.id, m.metadata ->> 'name') FILTER (WHERE \
                EXISTS (SELECT 1 FROM speakers AS s WHERE s.session = ?1) \
                AND m.metadata ->> 'name' IS NOT NULL) \
        FROM messages AS m WHERE m.id IN (SELECT w.id FROM wide AS w) \
        AND m.turn < ?3 AND m.forgotten = 0 AND m.status IN ('ok', 'interrupted')",
        of(BEFORE, "c"),
        of(AFTER, "c"),
    )
}

/// Finds what was said in a time, as far as it may be recalled before a turn: session number, turn,
/// the first microsecond, one past the last, the most.
pub const DURING: &str = "SELECT id FROM messages \
    WHERE session = ?1 AND turn < ?2 AND timestamp >= ?3 AND timestamp < ?4 \
    AND forgotten = 0 AND status IN ('ok', 'interrupted') LIMIT ?5";
/// Reads who speaks in a session: session number, the most.
pub const SPEAKERS: &str = "SELECT name FROM speakers WHERE session = ?1 LIMIT ?2";

/// Reads the messages that a search found, and what was said right before and after each. What may
/// not be recalled is left out: the database is the truth, and an index may be behind it.
///
/// Fails with 500 if the database does.
pub async fn around(
    database: &Database,
    session: i64,
    ids: &[u64],
    before_turn: u32,
) -> Result<Vec<Near>, ApiError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let list = serde_json::to_string(ids).expect("numbers are always JSON");
    let parameters = params![session, list, before_turn, limits::CANDIDATE_CHARS_MAX];
    let rows = database.query("the memories could not be read", &around_sql(), parameters).await?;
    let mut placed = rows.into_iter().next().map(placed).unwrap_or_default();
    placed.sort_by_key(|(place, _)| *place);
    link(&mut placed, ids);
    Ok(placed.into_iter().map(|(_, one)| one).collect())
}

/// The messages of a row of [`around_sql`], with their places.
pub(super) fn placed(mut row: Row) -> Vec<(u64, Near)> {
    let columns: [String; 8] = std::array::from_fn(|column| row.text(column));
    let [ids, places, times, hashes, bytes, shown, texts, names] = &columns;
    let mut names: HashMap<u64, String> = serde_json::from_str(names).unwrap_or_default();
    let mut texts = Texts::of(texts);
    let said = numbers(ids).zip(numbers(places)).zip(numbers(times)).zip(numbers(hashes));
    let sizes = numbers(bytes).zip(numbers(shown));
    let near = |((((id, place), timestamp), hash), (bytes, shown))| {
        let (message, place) = (u64::try_from(id).unwrap_or(0), u64::try_from(place).unwrap_or(0));
        let one = Near {
            message,
            role: if place % 2 == 0 { "user" } else { "assistant" },
            name: names.remove(&message),
            timestamp,
            hash,
            before: 0,
            bytes: u32::try_from(bytes).unwrap_or(u32::MAX),
            beginning: texts.next(u32::try_from(shown).unwrap_or(0)).to_owned(),
        };
        (place, one)
    };
    said.zip(sizes).map(near).collect()
}

/// Tells each message which one is right before it. `placed` are messages in the order in which
/// they were said, with their places; both neighbours of all that were `found` are among them, so
/// between one of these and the next there is nothing, and between two others nothing where their
/// places say so.
fn link(placed: &mut [(u64, Near)], found: &[u64]) {
    for at in 1..placed.len() {
        let (before, after) = (&placed[at - 1], &placed[at]);
        let is_found = |one: &Near| found.contains(&one.message);
        if before.0 + 1 == after.0 || is_found(&before.1) || is_found(&after.1) {
            placed[at].1.before = placed[at - 1].1.message;
        }
    }
}

/// Finds the messages that were said in a time, given in microseconds.
///
/// Fails with 500 if the database does.
pub async fn during(
    database: &Database,
    session: i64,
    before_turn: u32,
    time: std::ops::Range<i64>,
) -> Result<Vec<u64>, ApiError> {
    let most = limits::PERIOD_MESSAGES_MAX;
    let parameters = params![session, before_turn, time.start, time.end, most];
    let rows = database.query("the memory could not be searched", DURING, parameters).await?;
    Ok(rows.iter().map(|row| row.id(0)).collect())
}

/// Reads the names of those who speak in a session. A session may know none.
///
/// Fails with 500 if the database does.
pub async fn speakers(database: &Database, session: i64) -> Result<Vec<String>, ApiError> {
    let parameters = params![session, limits::SPEAKERS_MAX];
    let rows = database.query("the session could not be read", SPEAKERS, parameters).await?;
    Ok(rows.into_iter().map(|mut row| row.text(0)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(message: u64) -> Near {
        Near {
            message,
            role: "user",
            name: None,
            timestamp: 0,
            hash: 0,
            before: 0,
            bytes: 0,
            beginning: String::new(),
        }
    }

    #[test]
    fn what_is_right_before_is_known_by_place_or_by_what_was_found() {
        let places = [(2, 10), (3, 11), (6, 20), (7, 21), (12, 30), (20, 40), (21, 41)];
        let mut placed: Vec<_> = places.map(|(place, id)| (place, near(id))).into();
        // What was said at 8 to 11 did not count, or 30 would not be the next after 21.
        link(&mut placed, &[10, 21]);
        let before: Vec<u64> = placed.iter().map(|(_, one)| one.before).collect();
        assert_eq!(before, [0, 10, 0, 20, 21, 0, 40]);
    }
}
