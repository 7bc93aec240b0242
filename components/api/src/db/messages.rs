//! Messages: what was said, in turns; and the queue of turns that wait for an answer.

use std::cell::RefCell;
use std::collections::HashMap;

use serde::Serialize;
use serde_json::value::RawValue;
use spin_sdk::sqlite::Value;

use super::documents::{self, Named};
use super::memory::{Found, found};
use super::{Database, Row, params, sessions};
use crate::http::error::ApiError;
use crate::http::route::Page;
use crate::{limits, time};

/// A message, as clients see it.
#[derive(Serialize, Clone)]
pub struct Message {
    /// Its number in the database.
    pub id: u64,
    /// The session that it was said in.
    pub session_id: String,
    /// The turn that it belongs to: 1 is the first of the session.
    pub turn: u32,
    /// RFC 3339.
    pub timestamp: String,
    /// `user` or `assistant`.
    pub role: &'static str,
    /// What was said.
    pub content: String,
    /// `ok`, `failed`, `cancelled` or `interrupted`.
    pub status: String,
    /// Whether it can be recalled.
    pub is_embedded: bool,
    /// How it came about.
    pub metadata: Option<Box<RawValue>>,
}

/// A message of the user that was stored, and the place that is kept for the reply.
#[derive(Debug, Clone)]
pub struct Posted {
    /// The session's UUID.
    pub session_id: String,
    /// The session's number.
    pub session: i64,
    /// The turn.
    pub turn: u32,
    /// The first turn that it stands in the place of; 0 for none.
    pub supersedes: u32,
    /// The id of the user's message.
    pub user: u64,
    /// The id of the reply.
    pub reply: u64,
    /// When it was stored, in microseconds.
    pub timestamp: i64,
    /// Whether the session remembers.
    pub memory: bool,
    /// The documents that the session is linked to.
    pub documents: Vec<Named>,
    /// What the model is told to be and do, where the session says.
    pub instruction: Option<String>,
    /// Whether an earlier turn of the session is alive.
    pub blocked: bool,
    /// The policies that the session is tied to: hooks and digests, as JSON. Empty for none.
    pub policies: String,
}

impl Posted {
    /// One past the last turn that it knows of: what it stands in the place of was never said.
    pub fn before_turn(&self) -> u32 {
        if self.supersedes == 0 { self.turn } else { self.supersedes }
    }
}

/// How a turn ended.
pub struct TurnEnd<'a> {
    /// The status of the reply: `ok`, `failed` or `cancelled`.
    pub status: &'static str,
    /// What the model said.
    pub content: &'a str,
    /// When, in microseconds.
    pub timestamp: i64,
    /// The tokens of the reply, where measured.
    pub tokens: Option<u32>,
    /// The number of the model that measured reply and message.
    pub tokens_by: Option<i64>,
    /// The reply's metadata, as JSON.
    pub metadata: &'a str,
    /// The receipt, as JSON.
    pub receipt: Option<&'a str>,
    /// The status of the user's message: `ok`, or `failed` if it can never be answered.
    pub user_status: &'static str,
    /// The tokens of the user's message, where measured.
    pub user_tokens: Option<u32>,
    /// The metadata of the user's message, as JSON.
    pub user_metadata: Option<&'a str>,
}

/// Stores a message and reserves its reply: session id, now, content, its hash, lease, host run,
/// the most turns that may wait, the first turn in whose place it is said, owner.
pub const POST: &str = "INSERT INTO messages \
    (session, turn, role, status, timestamp, lease, host_run, supersedes, content_hash, content) \
    SELECT s.no, s.turns + 1, v.column1, v.column2, ?2, ?5, ?6, ?8, \
        CASE v.column1 WHEN 'user' THEN ?4 ELSE 0 END, \
        CASE v.column1 WHEN 'user' THEN ?3 ELSE '' END \
    FROM sessions AS s, (VALUES ('user', 'ok'), ('assistant', 'pending')) AS v \
    WHERE s.id = ?1 AND s.owner = ?9 AND ?7 > \
        (SELECT count(*) FROM messages AS p WHERE p.session = s.no AND p.status = 'pending') \
    ORDER BY v.column1 DESC \
    RETURNING id, session, turn, \
        (SELECT long_term_memory_enabled FROM sessions WHERE no = session), \
        (SELECT json_group_array(json_array(d.no, d.id, d.version)) FROM session_documents AS l \
            CROSS JOIN documents AS d ON d.no = l.document \
            WHERE l.session = messages.session HAVING count(*) > 0), \
        (SELECT count(*) FROM messages AS p WHERE p.session = messages.session \
            AND p.status = 'pending' AND p.turn < messages.turn AND p.host_run = ?6 \
            AND p.lease > ?2), \
        (SELECT json_group_object(t.hook, t.digest) FROM session_ties AS t \
            WHERE t.session = messages.session HAVING count(*) > 0), \
        (SELECT instruction FROM sessions WHERE no = session)";

/// What a message would be stored with: session id, owner.
pub const IMAGINE: &str = "SELECT s.no, s.turns + 1, s.long_term_memory_enabled, \
        (SELECT json_group_array(json_array(d.no, d.id, d.version)) FROM session_documents AS l \
            CROSS JOIN documents AS d ON d.no = l.document \
            WHERE l.session = s.no HAVING count(*) > 0), \
        (SELECT json_group_object(t.hook, t.digest) FROM session_ties AS t \
            WHERE t.session = s.no HAVING count(*) > 0), s.instruction \
    FROM sessions AS s WHERE s.id = ?1 AND s.owner = ?2";
/// Looks whether a turn may run: reply id, host run, now. No row: the session is gone.
pub const LOOK: &str = "SELECT m.cancel, \
        (SELECT count(*) FROM messages AS p WHERE p.session = m.session \
            AND p.status = 'pending' AND p.turn < m.turn AND p.host_run = ?2 AND p.lease > ?3) \
    FROM messages AS m WHERE m.id = ?1 AND m.status = 'pending'";
/// Renews the lease of a turn: reply id, lease.
pub const RENEW: &str = "UPDATE messages SET lease = ?2 WHERE id = ?1 AND status = 'pending'";
/// Ends a turn: see `turn_ends` in the schema.
pub const END: &str = "INSERT INTO turn_ends \
    (reply, status, content, content_hash, timestamp, tokens, tokens_by, metadata, receipt, \
     user, user_status, user_tokens, user_metadata) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
/// Asks the turns of a session that run or wait to stop: session number.
pub const CANCEL: &str = "UPDATE messages SET cancel = 1 \
    WHERE session = ?1 AND status = 'pending' RETURNING id";
/// Takes away the reserved replies of turns that died: host run, now.
pub const ABANDON: &str = "DELETE FROM messages \
    WHERE status = 'pending' AND (host_run <> ?1 OR lease <= ?2) RETURNING id";
/// Lists the messages of a session, oldest first: session number, limit, skip, first turn.
pub const LIST: &str = "SELECT id, turn, timestamp, role, content, status, is_embedded, metadata \
    FROM messages WHERE session = ?1 AND turn >= ?4 AND status <> 'pending' AND forgotten <> 2 \
    ORDER BY turn, role DESC LIMIT ?2 OFFSET ?3";
/// Lists the messages of a session that contain a text, latest first: session number, pattern,
/// limit, skip. What they came about by is not read.
pub const FIND: &str = "SELECT id, turn, timestamp, role, content, status, is_embedded, NULL \
    FROM messages WHERE session = ?1 AND status <> 'pending' AND forgotten <> 2 \
    AND content LIKE ?2 ESCAPE '\\' ORDER BY turn DESC, role LIMIT ?3 OFFSET ?4";
/// Reads what the user said before a turn, latest first: session number, turn, the most.
pub const SAID_BEFORE: &str = "SELECT content FROM messages \
    WHERE session = ?1 AND turn < ?2 AND role = 'user' AND status = 'ok' AND forgotten = 0 \
    ORDER BY turn DESC LIMIT ?3";
/// Reads the receipt of a reply: session number, message id.
pub const RECEIPT: &str = "SELECT r.body FROM messages AS m JOIN receipts AS r ON r.message = m.id \
    WHERE m.id = ?2 AND m.session = ?1";
/// Reads messages by their ids, for a receipt: session number, ids as a JSON list.
pub const BY_IDS: &str = "SELECT m.id, m.turn, m.role, m.timestamp, m.tokens, m.tokens_by, \
    m.content FROM json_each(?2) AS j \
    CROSS JOIN messages AS m ON m.id = j.value WHERE m.session = ?1";
/// The number of a model's digest: digest.
pub const MODEL: &str = "INSERT INTO models (digest) VALUES (?1) \
    ON CONFLICT (digest) DO UPDATE SET digest = excluded.digest RETURNING no";

/// Stores a message of the user, durably, and reserves the place of its reply. Once that is there,
/// it is in the place of the turns from `supersedes` on; 0 for none.
///
/// Fails with 404 if there is no such session, and with 429 if too many of its turns wait.
pub async fn post(
    database: &Database,
    session_id: &str,
    content: &str,
    supersedes: u32,
    host_run: &str,
) -> Result<Posted, ApiError> {
    let now = time::now_micros();
    let parameters = params![
        session_id,
        now,
        content,
        content_hash(content),
        now + limits::LEASE_MICROS,
        host_run,
        limits::TURNS_WAITING_MAX,
        supersedes,
        database.owner(),
    ];
    let mut rows = database.query("the message could not be stored", POST, parameters).await?;
    if rows.len() != 2 {
        // The statement stored nothing: the session is not there, or its queue is full.
        sessions::number(database, session_id).await?;
        let most = limits::TURNS_WAITING_MAX;
        let message = format!("{most} messages of this session wait for an answer already");
        let error = ApiError::new(429, "session_busy", message);
        return Err(ApiError { retry_after_seconds: Some(5), ..error });
    }
    let reply = rows[1].id(0);
    let row = &mut rows[0];
    Ok(Posted {
        session_id: session_id.to_owned(),
        session: row.int(1),
        turn: row.small(2),
        supersedes,
        user: row.id(0),
        reply,
        timestamp: now,
        memory: row.flag(3),
        documents: documents::of_json(&row.text(4)),
        blocked: row.flag(5),
        policies: row.text(6),
        instruction: row.take_text(7),
    })
}

/// What the next message of a session would be stored as, or the first one of a new session. Its
/// ids are 0: nothing is stored.
///
/// Fails with 404 if there is no such session.
pub async fn imagined(database: &Database, session_id: Option<&str>) -> Result<Posted, ApiError> {
    let mut posted = Posted {
        session_id: session_id.unwrap_or_default().to_owned(),
        session: 0,
        turn: 1,
        supersedes: 0,
        user: 0,
        reply: 0,
        timestamp: time::now_micros(),
        memory: true,
        documents: Vec::new(),
        blocked: false,
        policies: String::new(),
        instruction: None,
    };
    let Some(id) = session_id else { return Ok(posted) };
    let parameters = params![id, database.owner()];
    let mut rows = database.query("the session could not be read", IMAGINE, parameters).await?;
    let row = rows.first_mut().ok_or_else(|| ApiError::no_session(id))?;
    (posted.session, posted.turn, posted.memory) = (row.int(0), row.small(1), row.flag(2));
    posted.documents = documents::of_json(&row.text(3));
    (posted.policies, posted.instruction) = (row.text(4), row.take_text(5));
    Ok(posted)
}

/// Ends a turn in one statement: reply, receipt, the user's message and the session.
///
/// Fails with 500 if the database does. A session that was deleted meanwhile is no error: nothing
/// is stored then.
pub async fn end(database: &Database, posted: &Posted, end: &TurnEnd<'_>) -> Result<(), ApiError> {
    let parameters = params![
        id_value(posted.reply),
        end.status,
        end.content,
        content_hash(end.content),
        end.timestamp,
        end.tokens,
        end.tokens_by,
        end.metadata,
        end.receipt.map(str::to_owned),
        id_value(posted.user),
        end.user_status,
        end.user_tokens,
        end.user_metadata.map(str::to_owned),
    ];
    database.query("the reply could not be stored", END, parameters).await?;
    Ok(())
}

/// Takes away the reserved replies of turns that died; what the user said stays, as `interrupted`.
///
/// Returns how many there were. Fails with 500 if the database does.
pub async fn abandon(database: &Database, host_run: &str) -> Result<usize, ApiError> {
    let parameters = params![host_run, time::now_micros()];
    let rows = database.query("dead turns could not be marked", ABANDON, parameters).await?;
    Ok(rows.len())
}

/// Asks the turns of a session that run or wait to stop. Returns how many there were.
///
/// Fails with 404 if there is no such session.
pub async fn cancel(database: &Database, session_id: &str) -> Result<usize, ApiError> {
    let session = sessions::number(database, session_id).await?;
    let what = "the turn could not be cancelled";
    Ok(database.query(what, CANCEL, params![session]).await?.len())
}

/// Whether a turn may run.
pub enum Look {
    /// Its session was deleted, or somebody took it for dead.
    Gone,
    /// Somebody asked it to stop.
    Cancelled,
    /// An earlier turn is alive.
    Blocked,
    /// It may run.
    Free,
}

/// Looks whether a turn may run, or go on.
///
/// Fails with 500 if the database does.
pub async fn look(database: &Database, posted: &Posted, host_run: &str) -> Result<Look, ApiError> {
    let parameters = params![id_value(posted.reply), host_run, time::now_micros()];
    let rows = database.query("the turn could not be looked up", LOOK, parameters).await?;
    Ok(match rows.first() {
        None => Look::Gone,
        Some(row) if row.flag(0) => Look::Cancelled,
        Some(row) if row.flag(1) => Look::Blocked,
        Some(_) => Look::Free,
    })
}

/// Renews the lease of a turn.
///
/// Fails with 500 if the database does.
pub async fn renew(database: &Database, posted: &Posted) -> Result<(), ApiError> {
    let lease = time::now_micros() + limits::LEASE_MICROS;
    let parameters = params![id_value(posted.reply), lease];
    database.query("the turn could not be kept alive", RENEW, parameters).await?;
    Ok(())
}

/// Reads what the user said before a turn, latest first: at most so many messages.
///
/// Fails with 500 if the database does.
pub async fn said_before(
    database: &Database,
    session: i64,
    turn: u32,
    most: u32,
) -> Result<Vec<String>, ApiError> {
    let parameters = params![session, turn, most];
    let rows = database.query("the history could not be read", SAID_BEFORE, parameters).await?;
    Ok(rows.into_iter().map(|mut row| row.text(0)).collect())
}

/// Reads the receipt of a reply, and the texts that it refers to.
///
/// Fails with 404 if there is no such session, message or receipt.
pub async fn receipt(
    database: &Database,
    session_id: &str,
    message: u64,
) -> Result<(i64, String), ApiError> {
    let session = sessions::number(database, session_id).await?;
    let parameters = params![session, id_value(message)];
    let mut rows = database.query("the receipt could not be read", RECEIPT, parameters).await?;
    let body = rows.first_mut().and_then(|row| row.take_text(0));
    body.map(|body| (session, body)).ok_or_else(|| {
        let message = format!("the message `{message}` of this session has no receipt");
        ApiError::new(404, "receipt_not_found", message)
    })
}

/// Reads what messages say, by their ids.
///
/// Fails with 500 if the database does.
pub async fn contents(
    database: &Database,
    session: i64,
    ids: &[u64],
) -> Result<Vec<Found>, ApiError> {
    let list = serde_json::to_string(ids).expect("numbers are always JSON");
    let what = "the messages could not be read";
    let rows = database.query(what, BY_IDS, params![session, list]).await?;
    Ok(rows.into_iter().map(|mut row| found(&mut row, 0)).collect())
}

/// Lists the messages of a session, oldest first, from a turn on. A reply that is not there yet is
/// left out.
///
/// Fails with 404 if there is no such session.
pub async fn list(
    database: &Database,
    session_id: &str,
    page: Page,
    from_turn: u32,
) -> Result<Vec<Message>, ApiError> {
    let session = sessions::number(database, session_id).await?;
    let parameters = params![session, page.limit, page.skip, from_turn];
    let rows = database.query("the messages could not be read", LIST, parameters).await?;
    Ok(rows.into_iter().map(|row| message(row, session_id)).collect())
}

/// The messages of a session that contain this text, the latest first. Capital letters make no
/// difference in English.
///
/// Fails with 404 if there is no such session.
pub async fn find(
    database: &Database,
    session_id: &str,
    text: &str,
    page: Page,
) -> Result<Vec<Message>, ApiError> {
    let session = sessions::number(database, session_id).await?;
    let parameters = params![session, containing(text), page.limit, page.skip];
    let rows = database.query("the messages could not be searched", FIND, parameters).await?;
    Ok(rows.into_iter().map(|row| message(row, session_id)).collect())
}

/// The pattern of what contains a text, whose own signs stand for nothing but themselves.
pub(super) fn containing(text: &str) -> String {
    let mut pattern = String::from("%");
    for symbol in text.chars() {
        if matches!(symbol, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(symbol);
    }
    pattern + "%"
}

thread_local! {
    /// The numbers of the digests that this instance has met. There are as many as models.
    static MODELS: RefCell<HashMap<String, i64>> = RefCell::default();
}

/// The number under which tables know a model's digest. Costs a statement once per instance.
///
/// Fails with 500 if the database does.
pub async fn model_number(database: &Database, digest: &str) -> Result<i64, ApiError> {
    if let Some(number) = MODELS.with_borrow(|models| models.get(digest).copied()) {
        return Ok(number);
    }
    let what = "the model could not be noted";
    let rows = database.query(what, MODEL, params![digest]).await?;
    let number = rows.first().map(|row| row.int(0));
    let number = number.ok_or_else(|| ApiError::internal(what, "no row came back"))?;
    MODELS.with_borrow_mut(|models| models.insert(digest.to_owned(), number));
    Ok(number)
}

pub(super) fn message(mut row: Row, session_id: &str) -> Message {
    Message {
        id: row.id(0),
        session_id: session_id.to_owned(),
        turn: row.small(1),
        timestamp: time::rfc3339(row.int(2)),
        role: role(&row.text(3)),
        content: row.text(4),
        status: row.text(5),
        is_embedded: row.flag(6),
        metadata: row.take_text(7).and_then(|json| RawValue::from_string(json).ok()),
    }
}

/// The role of a message, as a constant.
pub fn role(text: &str) -> &'static str {
    if text == "user" { "user" } else { "assistant" }
}

/// What tells whether two texts are the same: the first 63 bits of their SHA-256.
pub fn content_hash(content: &str) -> i64 {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(content.as_bytes());
    let first: [u8; 8] = digest[..8].try_into().expect("a SHA-256 has 32 bytes");
    i64::from_be_bytes(first) & i64::MAX
}

/// An id as a parameter.
pub fn id_value(id: u64) -> Value {
    Value::Integer(i64::try_from(id).unwrap_or(i64::MAX))
}
