//! The policies that sessions are tied to.

use std::collections::BTreeMap;

use super::{Database, params, sessions};
use crate::http::error::ApiError;

/// The policies of one session: hooks, and digests.
pub type Ties = BTreeMap<String, String>;

/// Ties a session to a policy: session number, hook, digest.
pub const TIE: &str = "INSERT INTO session_ties (session, hook, digest) VALUES (?1, ?2, ?3) \
    ON CONFLICT (session, hook) DO UPDATE SET digest = excluded.digest";
/// Unties a session from its policy for a hook: session number, hook.
pub const UNTIE: &str = "DELETE FROM session_ties WHERE session = ?1 AND hook = ?2";
/// Lists what a session is tied to: session number.
pub const LIST: &str = "SELECT hook, digest FROM session_ties WHERE session = ?1";

/// The policies that a session is tied to.
///
/// Fails with 404 if there is no such session.
pub async fn list(database: &Database, session_id: &str) -> Result<Ties, ApiError> {
    let session = sessions::number(database, session_id).await?;
    let what = "the policies of the session could not be read";
    let rows = database.query(what, LIST, params![session]).await?;
    Ok(rows.into_iter().map(|mut row| (row.text(0), row.text(1))).collect())
}

/// Ties a session to the policy with this digest, or unties it from what it is tied to.
///
/// Fails with 404 if there is no such session.
pub async fn set(
    database: &Database,
    session_id: &str,
    hook: &str,
    digest: Option<&str>,
) -> Result<(), ApiError> {
    let session = sessions::number(database, session_id).await?;
    let what = "the session could not be tied to a policy";
    match digest {
        Some(digest) => database.query(what, TIE, params![session, hook, digest]).await?,
        None => database.query(what, UNTIE, params![session, hook]).await?,
    };
    Ok(())
}
