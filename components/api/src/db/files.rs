//! The files of the documents that a session reads.

use super::reading::SOURCE;
use super::{Database, Row, params};
use crate::http::error::ApiError;

/// A file of a document.
pub struct File {
    /// The number of the document.
    pub number: i64,
    /// What people call it.
    pub name: String,
    /// Its length.
    pub bytes: usize,
}

/// Lists the documents that a session is linked to: session number.
pub const OF_SESSION: &str = "SELECT d.no, d.name, d.bytes FROM session_documents AS l \
    CROSS JOIN documents AS d ON d.no = l.document WHERE l.session = ?1 ORDER BY d.no";

/// The files of the documents that a session is linked to.
///
/// Fails with 500 if the database does.
pub async fn of_session(database: &Database, session: i64) -> Result<Vec<File>, ApiError> {
    let what = "the documents of the session could not be read";
    let rows = database.query(what, OF_SESSION, params![session]).await?;
    let file = |mut row: Row| File {
        number: row.int(0),
        name: row.text(1),
        bytes: usize::try_from(row.id(2)).unwrap_or(usize::MAX),
    };
    Ok(rows.into_iter().map(file).collect())
}

/// The content of a file.
///
/// Fails with 500 if the database does.
pub async fn content(database: &Database, number: i64) -> Result<Vec<u8>, ApiError> {
    let rows = database.query("the file could not be read", SOURCE, params![number]).await?;
    Ok(rows.first().map(|row| row.bytes(0).to_vec()).unwrap_or_default())
}
