//! What can go wrong with a statement, and what a caller reads about it.

use rusqlite::ErrorCode;
use std::fmt;

/// Why a statement gave no result. Nothing of such a statement is left in the database.
#[derive(Clone, Debug, PartialEq)]
pub enum Error {
    /// The disk or the database's own limit has no room left.
    Full,
    /// A limit of [`super::limits`] was passed; the text names it with its unit.
    Limit(String),
    /// The statement is one that this database does not run; the text says which and why.
    Refused(String),
    /// SQLite said no: a constraint, an unknown table, an error of the disk.
    Failed(String),
    /// The database was closed, or its thread ended.
    Closed,
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => formatter.write_str("the database is full"),
            Self::Closed => formatter.write_str("the database is closed"),
            Self::Limit(text) | Self::Refused(text) | Self::Failed(text) => {
                formatter.write_str(text)
            }
        }
    }
}

impl std::error::Error for Error {}

impl Error {
    /// SQLite's error in its own words, without the text of the statement: it may hold what a user
    /// said, and errors end up in logs.
    pub(super) fn from_sqlite(error: rusqlite::Error) -> Self {
        match error {
            rusqlite::Error::SqliteFailure(code, text) => Self::from_code(code, text),
            rusqlite::Error::SqlInputError { error, msg, offset, .. } if offset >= 0 => {
                Self::from_code(error, Some(format!("{msg}, at byte {offset} of the statement")))
            }
            rusqlite::Error::SqlInputError { error, msg, .. } => Self::from_code(error, Some(msg)),
            rusqlite::Error::MultipleStatement => Self::Refused(
                "one call runs one statement; send each statement with a call of its own".into(),
            ),
            other => Self::Failed(other.to_string()),
        }
    }

    fn from_code(code: rusqlite::ffi::Error, text: Option<String>) -> Self {
        match code.code {
            ErrorCode::DiskFull => Self::Full,
            ErrorCode::DatabaseBusy => Self::Failed(
                "another process holds the database's write lock; close it there and try again"
                    .into(),
            ),
            _ => Self::Failed(text.unwrap_or_else(|| code.to_string())),
        }
    }
}

/// Whether SQLite gave up because its progress handler told it to.
pub(super) fn is_interrupt(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted)
}

/// Whether a value or a row passed the length that SQLite was told to accept.
pub(super) fn is_too_big(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::TooBig)
}

/// Whether a constraint failed: the fault of one statement, not of the disk.
pub(super) fn is_constraint(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
}
