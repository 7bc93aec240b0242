//! Sessions: a thread of conversation, and whether it remembers.

use serde::Serialize;
use serde_json::value::RawValue;
use spin_sdk::sqlite::Value;

use super::documents::{self, Named};
use super::{Database, Row, params};
use crate::http::error::ApiError;
use crate::http::request::NewSession;
use crate::http::route::Page;
use crate::time;

/// A session, as clients see it.
#[derive(Serialize)]
pub struct Session {
    /// A UUID.
    pub id: String,
    /// What people call it.
    pub name: Option<String>,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339: the last message, or the creation.
    pub last_updated_at: String,
    /// The chat model at its creation.
    pub llm_model_name: Option<String>,
    /// The documents that it is linked to.
    pub rag_document_ids: Option<Box<RawValue>>,
    /// Whether earlier turns are recalled.
    pub long_term_memory_enabled: bool,
    /// What the model is told to be and do; none where that is left to the server.
    pub instruction: Option<String>,
    /// Tags.
    pub metadata_tags: Option<Box<RawValue>>,
}

macro_rules! columns {
    () => {
        "id, name, created_at, last_updated_at, llm_model_name, \
         (SELECT json_group_array(d.id) FROM session_documents AS l \
             CROSS JOIN documents AS d ON d.no = l.document \
             WHERE l.session = sessions.no HAVING count(*) > 0), \
         long_term_memory_enabled, metadata_tags, instruction"
    };
}

/// Makes a session: id, name, now, model name, owner.
pub const CREATE: &str = concat!(
    "INSERT INTO sessions (id, name, created_at, last_updated_at, llm_model_name, owner) \
     VALUES (?1, ?2, ?3, ?3, ?4, ?5) RETURNING ",
    columns!()
);
/// Lists sessions, newest first: limit, skip, owner.
pub const LIST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM sessions WHERE owner = ?3 ORDER BY last_updated_at DESC, no DESC LIMIT ?1 OFFSET ?2"
);
/// Shows a session: id, owner.
pub const GET: &str = concat!("SELECT ", columns!(), " FROM sessions WHERE id = ?1 AND owner = ?2");
/// Finds the number of a session: id, owner.
pub const NUMBER: &str = "SELECT no FROM sessions WHERE id = ?1 AND owner = ?2";
/// Renames a session: id, name, owner.
pub const RENAME: &str =
    concat!("UPDATE sessions SET name = ?2 WHERE id = ?1 AND owner = ?3 RETURNING ", columns!());
/// Switches the memory of a session: id, on, owner.
pub const SET_MEMORY: &str = concat!(
    "UPDATE sessions SET long_term_memory_enabled = ?2 WHERE id = ?1 AND owner = ?3 RETURNING ",
    columns!()
);
/// Says what the model is told to be and do in a session: id, that or null, owner.
pub const INSTRUCT: &str = concat!(
    "UPDATE sessions SET instruction = ?2 WHERE id = ?1 AND owner = ?3 RETURNING ",
    columns!()
);
/// Gives a session to another owner: id, new owner, owner.
pub const REVEAL: &str =
    concat!("UPDATE sessions SET owner = ?2 WHERE id = ?1 AND owner = ?3 RETURNING ", columns!());
/// Deletes a session with everything in it: id, owner.
pub const DELETE: &str = "DELETE FROM sessions WHERE id = ?1 AND owner = ?2 RETURNING no";

/// Makes a session, and links it to these documents.
///
/// Fails with 500 if the database does.
pub async fn create(
    database: &Database,
    new: &NewSession,
    documents: &[Named],
    model: Option<String>,
) -> Result<Session, ApiError> {
    let id = new_id();
    let owner = database.owner();
    let parameters = params![id.clone(), new.name.clone(), time::now_micros(), model, owner];
    let rows = database.query("the session could not be stored", CREATE, parameters).await?;
    let row = rows.into_iter().next().map(session);
    let made = row
        .ok_or_else(|| ApiError::internal("the session could not be stored", "no row came back"))?;
    if documents.is_empty() {
        return Ok(made);
    }
    documents::link(database, number(database, &id).await?, documents).await?;
    get(database, &id).await
}

/// Lists sessions, those with the newest message first.
///
/// Fails with 500 if the database does.
pub async fn list(database: &Database, page: Page) -> Result<Vec<Session>, ApiError> {
    let parameters = params![page.limit, page.skip, database.owner()];
    let rows = database.query("the sessions could not be read", LIST, parameters).await?;
    Ok(rows.into_iter().map(session).collect())
}

/// Shows a session.
///
/// Fails with 404 if there is none with this id.
pub async fn get(database: &Database, id: &str) -> Result<Session, ApiError> {
    one(database, id, "the session could not be read", GET, params![id, database.owner()]).await
}

/// The number by which tables know a session.
///
/// Fails with 404 if there is none with this id.
pub async fn number(database: &Database, id: &str) -> Result<i64, ApiError> {
    let parameters = params![id, database.owner()];
    let rows = database.query("the session could not be read", NUMBER, parameters).await?;
    rows.first().map(|row| row.int(0)).ok_or_else(|| ApiError::no_session(id))
}

/// Renames a session.
///
/// Fails with 404 if there is none with this id.
pub async fn rename(
    database: &Database,
    id: &str,
    name: Option<String>,
) -> Result<Session, ApiError> {
    let parameters = params![id, name, database.owner()];
    one(database, id, "the session could not be renamed", RENAME, parameters).await
}

/// Switches the memory of a session on or off.
///
/// Fails with 404 if there is none with this id.
pub async fn set_memory(database: &Database, id: &str, enabled: bool) -> Result<Session, ApiError> {
    let parameters = params![id, i64::from(enabled), database.owner()];
    one(database, id, "the memory could not be switched", SET_MEMORY, parameters).await
}

/// Says what the model is told to be and do in a session; none leaves that to the server.
///
/// Fails with 404 if there is none with this id.
pub async fn instruct(
    database: &Database,
    id: &str,
    instruction: Option<String>,
) -> Result<Session, ApiError> {
    let parameters = params![id, instruction, database.owner()];
    one(database, id, "the instruction could not be stored", INSTRUCT, parameters).await
}

/// Deletes a session with everything that was said in it or derived from it.
///
/// Fails with 404 if there is none with this id.
pub async fn delete(database: &Database, id: &str) -> Result<(), ApiError> {
    let parameters = params![id, database.owner()];
    let rows = database.query("the session could not be deleted", DELETE, parameters).await?;
    if rows.is_empty() { Err(ApiError::no_session(id)) } else { Ok(()) }
}

async fn one(
    database: &Database,
    id: &str,
    what: &str,
    sql: &str,
    parameters: Vec<Value>,
) -> Result<Session, ApiError> {
    let rows = database.query(what, sql, parameters).await?;
    rows.into_iter().next().map(session).ok_or_else(|| ApiError::no_session(id))
}

/// A session as it stands in a row.
pub(super) fn session(mut row: Row) -> Session {
    Session {
        id: row.text(0),
        name: row.take_text(1),
        created_at: time::rfc3339(row.int(2)),
        last_updated_at: time::rfc3339(row.int(3)),
        llm_model_name: row.take_text(4),
        rag_document_ids: row.take_text(5).and_then(|json| RawValue::from_string(json).ok()),
        long_term_memory_enabled: row.flag(6),
        instruction: row.take_text(8),
        metadata_tags: row.take_text(7).and_then(|json| RawValue::from_string(json).ok()),
    }
}

/// A new UUID.
pub fn new_id() -> String {
    use spin_sdk::wasip3::random::random::get_random_u64;
    let bytes = (u128::from(get_random_u64()) << 64) | u128::from(get_random_u64());
    uuid::Builder::from_random_bytes(bytes.to_le_bytes()).into_uuid().to_string()
}
