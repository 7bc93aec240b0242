//! The recent turns of a session that a prompt may show.

use super::memory::Found;
use super::packed::{Texts, numbers};
use super::{Database, Row, params};
use crate::http::error::ApiError;

/// Reads the latest turns before a turn that a prompt may show, as one row: session number, turn,
/// the most. They are whole: what has no answer, or an empty one, or was forgotten in part, would
/// break the alternation that chat templates rely on. The columns are lists in one order: the
/// turns; ids, timestamps, tokens, who counted those, and bytes of what the user said, and the same
/// of the answers; then the texts of either.
pub const WINDOW: &str = "SELECT group_concat(turn, ' '), \
        group_concat(u_id, ' '), group_concat(u_time, ' '), group_concat(u_tokens, ' '), \
        group_concat(u_by, ' '), group_concat(octet_length(u_text), ' '), \
        group_concat(a_id, ' '), group_concat(a_time, ' '), group_concat(a_tokens, ' '), \
        group_concat(a_by, ' '), group_concat(octet_length(a_text), ' '), \
        group_concat(u_text, ''), group_concat(a_text, '') \
    FROM (SELECT a.turn AS turn, u.id AS u_id, u.timestamp AS u_time, \
            coalesce(u.tokens, 0) AS u_tokens, coalesce(u.tokens_by, 0) AS u_by, \
            u.content AS u_text, a.id AS a_id, a.timestamp AS a_time, \
            coalesce(a.tokens, 0) AS a_tokens, coalesce(a.tokens_by, 0) AS a_by, \
            a.content AS a_text \
        FROM messages AS a CROSS JOIN messages AS u \
            ON u.session = a.session AND u.turn = a.turn AND u.role = 'user' \
        WHERE a.session = ?1 AND a.turn < ?2 AND a.role = 'assistant' \
            AND a.status IN ('ok', 'cancelled') AND a.forgotten = 0 AND a.content <> '' \
            AND u.status = 'ok' AND u.forgotten = 0 \
        ORDER BY a.turn DESC LIMIT ?3)";

/// Reads the latest turns before a turn that a prompt may show, oldest first, each as its message
/// and its answer: at most so many turns.
///
/// Fails with 500 if the database does.
pub async fn window(
    database: &Database,
    session: i64,
    before_turn: u32,
    most: u32,
) -> Result<Vec<Found>, ApiError> {
    let parameters = params![session, before_turn, most];
    let rows = database.query("the history could not be read", WINDOW, parameters).await?;
    Ok(rows.into_iter().next().map(turns).unwrap_or_default())
}

/// The turns of a row of [`WINDOW`], oldest first.
pub(super) fn turns(mut row: Row) -> Vec<Found> {
    let turns = row.text(0);
    let columns: [String; 10] = std::array::from_fn(|column| row.text(column + 1));
    let texts = [row.text(11), row.text(12)];
    let [user, answer] = [("user", 0), ("assistant", 1)].map(|(role, side)| {
        let mut columns = columns[5 * side..].iter().map(|column| numbers(column));
        let mut column = || columns.next().into_iter().flatten();
        let [ids, times, tokens, by, bytes] = std::array::from_fn(|_| column());
        let mut texts = Texts::of(&texts[side]);
        let said = numbers(&turns).zip(ids).zip(times).zip(tokens.zip(by)).zip(bytes);
        let found = |((((turn, id), timestamp), (tokens, by)), bytes)| Found {
            message: u64::try_from(id).unwrap_or(0),
            turn: u32::try_from(turn).unwrap_or(0),
            role,
            timestamp,
            tokens: (by != 0).then_some((u32::try_from(tokens).unwrap_or(0), by)),
            content: texts.next(u32::try_from(bytes).unwrap_or(u32::MAX)).to_owned(),
        };
        said.map(found).collect::<Vec<_>>()
    });
    let mut all: Vec<Found> =
        user.into_iter().zip(answer).flat_map(|(said, answer)| [said, answer]).collect();
    // A stable sort: a message stays before its answer.
    all.sort_by_key(|one| one.turn);
    all
}
