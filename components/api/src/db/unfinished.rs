//! Sessions that are being made of a file, in many statements. Until they are whole they belong to
//! an owner who is nobody, so that no request finds them; one statement gives them to whose they
//! are.

use super::sessions::{self, Session};
use super::{Database, params};
use crate::http::error::ApiError;
use crate::{limits, time};

/// How the name of such an owner begins. No owner has a space in the name.
const BEGIN: &str = "import ";

/// The owner of what this run of the host makes for another.
pub fn owner(host_run: &str, of: &str) -> String {
    format!("{}{of}", begin(host_run))
}

fn begin(host_run: &str) -> String {
    format!("{BEGIN}{host_run} ")
}

/// Deletes sessions that nobody finishes any more: those of another run of the host than this one,
/// and those that began too long ago. How the owners begin of this run, the time before which.
pub const SWEEP: &str = "DELETE FROM sessions WHERE owner >= 'import ' AND owner < 'import!' \
    AND (substr(owner, 1, length(?1)) <> ?1 OR created_at < ?2) RETURNING id";

/// Gives a session that is whole to its owner.
///
/// Fails with 500 if it took too long, so that it is not there any more.
pub async fn reveal(hidden: &Database, id: &str, owner: &str) -> Result<Session, ApiError> {
    let what = "the session could not be made of its file";
    let parameters = params![id, owner, hidden.owner()];
    let rows = hidden.query(what, sessions::REVEAL, parameters).await?;
    let made = rows.into_iter().next().map(sessions::session);
    made.ok_or_else(|| ApiError::internal(what, "it was taken for dead"))
}

/// Deletes what nobody finishes any more. Returns the ids of the sessions.
///
/// Fails with 500 if the database does.
pub async fn sweep(database: &Database, host_run: &str) -> Result<Vec<String>, ApiError> {
    let before = time::now_micros() - limits::IMPORT_SECONDS_MAX * 1_000_000;
    let what = "what was left of imports could not be deleted";
    let rows = database.query(what, SWEEP, params![begin(host_run), before]).await?;
    Ok(rows.into_iter().map(|mut row| row.text(0)).collect())
}
