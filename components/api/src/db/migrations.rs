//! From any older shape of the database to today's, step by step.
//!
//! `PRAGMA user_version` is not to be had everywhere, so the version stands in a table. A version
//! is reached by a list of statements, each of which can be repeated; then the number is moved. So
//! two instances may migrate at once, and one that dies halfway is continued by the next.

use spin_sdk::sqlite::Error;

use super::{Database, params};
use crate::http::error::ApiError;

/// The line that separates the statements of a version.
const SEPARATOR: &str = "\n--;\n";
/// The beginning of the line with a query: a statement that SQLite cannot be told to leave out
/// where its work is done (adding a column) is left out where that query can be answered.
const UNLESS: &str = "-- unless ";

/// What leads to each version from the one before. The first is version 1.
const VERSIONS: [&str; 16] = [
    include_str!("schema_v1.sql"),
    include_str!("schema_v2.sql"),
    include_str!("schema_v3.sql"),
    include_str!("schema_v4.sql"),
    include_str!("schema_v5.sql"),
    include_str!("schema_v6.sql"),
    include_str!("schema_v7.sql"),
    include_str!("schema_v8.sql"),
    include_str!("schema_v9.sql"),
    include_str!("schema_v10.sql"),
    include_str!("schema_v11.sql"),
    include_str!("schema_v12.sql"),
    include_str!("schema_v13.sql"),
    include_str!("schema_v14.sql"),
    include_str!("schema_v15.sql"),
    include_str!("schema_v16.sql"),
];

/// The version of this program.
pub const VERSION: i64 = VERSIONS.len() as i64;

pub(super) const CREATE: &str = "CREATE TABLE IF NOT EXISTS schema_version \
    (only INTEGER PRIMARY KEY CHECK (only = 1), version INTEGER NOT NULL)";
pub(super) const BEGIN: &str = "INSERT INTO schema_version (only, version) VALUES (1, 0) \
    ON CONFLICT DO NOTHING";
pub(super) const READ: &str = "SELECT version FROM schema_version";
pub(super) const MOVE: &str = "UPDATE schema_version SET version = ?1 WHERE version = ?1 - 1";

/// The statements that lead to this version from the one before.
pub(super) fn statements(version: i64) -> impl Iterator<Item = &'static str> {
    let at = usize::try_from(version - 1).unwrap_or(usize::MAX);
    VERSIONS.get(at).into_iter().flat_map(|script| script.split(SEPARATOR)).map(str::trim)
}

/// What can be asked once a statement has been run, and not before; none where it can be repeated.
pub(super) fn probe(statement: &str) -> Option<&str> {
    statement.lines().find_map(|line| line.strip_prefix(UNLESS))
}

/// Brings the database to the version of this program. Costs one read where it already is.
///
/// Fails with 500 if the database is of a newer version, or a statement fails.
pub async fn migrate(database: &Database) -> Result<(), ApiError> {
    let version = match database.run(READ, params![]).await {
        Ok(rows) => rows.first().map_or(0, |row| row.int(0)),
        // There is no such table: the database is new.
        Err(_) => 0,
    };
    refuse_newer(version)?;
    if version < VERSION {
        upgrade(database).await.map_err(|cause| {
            ApiError::internal("the database could not be brought to this version", cause)
        })?;
    }
    Ok(())
}

/// What a newer program made may mean something else, so it is not touched.
fn refuse_newer(version: i64) -> Result<(), ApiError> {
    if version <= VERSION {
        return Ok(());
    }
    let message = format!(
        "the database has schema version {version}, and this program knows versions up to \
         {VERSION}: run a newer program, or give this one another database"
    );
    eprintln!("{message}");
    Err(ApiError::new(500, "database_too_new", message))
}

async fn upgrade(database: &Database) -> Result<(), Error> {
    database.run(CREATE, params![]).await?;
    database.run(BEGIN, params![]).await?;
    let rows = database.run(READ, params![]).await?;
    let found = rows.first().map_or(0, |row| row.int(0));
    for version in found + 1..=VERSION {
        for statement in statements(version) {
            run_once(database, statement).await?;
        }
        database.run(MOVE, params![version]).await?;
    }
    Ok(())
}

async fn run_once(database: &Database, statement: &str) -> Result<(), Error> {
    let Some(probe) = probe(statement) else {
        return database.run(statement, params![]).await.map(drop);
    };
    if database.run(probe, params![]).await.is_ok() {
        return Ok(());
    }
    match database.run(statement, params![]).await {
        Ok(_) => Ok(()),
        // Another instance was quicker, or it is a failure of its own.
        Err(error) => database.run(probe, params![]).await.map(drop).map_err(|_| error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_database_is_refused_with_both_versions() {
        assert_eq!(refuse_newer(0), Ok(()));
        assert_eq!(refuse_newer(VERSION), Ok(()));
        let error = refuse_newer(VERSION + 1).unwrap_err();
        assert_eq!((error.status, error.code), (500, "database_too_new"));
        assert!(error.message.contains(&VERSION.to_string()), "{}", error.message);
        assert!(error.message.contains(&(VERSION + 1).to_string()), "{}", error.message);
    }

    #[test]
    fn every_version_has_statements_without_a_semicolon_at_the_end() {
        for version in 1..=VERSION {
            let all: Vec<&str> = statements(version).collect();
            assert!(!all.is_empty(), "version {version}");
            for statement in all {
                assert!(!statement.is_empty() && !statement.ends_with(';'), "{statement}");
            }
        }
        assert_eq!(statements(VERSION + 1).count(), 0);
    }
}
