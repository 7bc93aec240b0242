//! Copies of a database, made while somebody serves it.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::open::OpenError;

/// How long a copy waits for whoever holds the database locked.
const BUSY_TIME: Duration = Duration::from_secs(30);

/// Writes into the new file `to` what the database holds at this moment. It is one read, so what is
/// written meanwhile is in the copy as a whole or not at all, and nobody waits for it. Blocks.
///
/// # Errors
///
/// Fails if there is no database, if `to` exists, or if it cannot be written.
pub fn copy(from: &Path, to: &Path) -> Result<(), OpenError> {
    let fail = |error: rusqlite::Error| OpenError::new(from, error);
    let database = open(from)?;
    let to_text =
        to.to_str().ok_or_else(|| OpenError::new(to, "the name of a copy must be UTF-8"))?;
    database.execute("VACUUM INTO ?1", [to_text]).map_err(fail)?;
    let synced = std::fs::File::open(to).and_then(|file| file.sync_all());
    synced.map_err(|error| OpenError::new(to, error))
}

/// Reads the whole database, and fails if something in it does not fit together. Blocks.
///
/// # Errors
///
/// Fails if it cannot be read, or is damaged.
pub fn check(path: &Path) -> Result<(), OpenError> {
    let database = open(path)?;
    let told: Result<String, _> =
        database.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0));
    match told.map_err(|error| OpenError::new(path, error))?.as_str() {
        "ok" => Ok(()),
        damage => Err(OpenError::new(path, format!("it is damaged: {damage}"))),
    }
}

fn open(path: &Path) -> Result<Connection, OpenError> {
    let fail = |error: rusqlite::Error| OpenError::new(path, error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = Connection::open_with_flags(path, flags).map_err(fail)?;
    database.busy_timeout(BUSY_TIME).map_err(fail)?;
    Ok(database)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_holds_what_was_there_and_replaces_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let (from, to) = (folder.path().join("a.db"), folder.path().join("b.db"));
        assert!(copy(&from, &to).is_err(), "there is nothing to copy");
        let database = Connection::open(&from).expect("a database");
        database.pragma_update(None, "journal_mode", "WAL").expect("a log");
        database.execute_batch("CREATE TABLE t (a); INSERT INTO t VALUES (7)").expect("a row");
        // A writer that is at work neither waits nor is seen.
        database.execute_batch("BEGIN IMMEDIATE; INSERT INTO t VALUES (8)").expect("a row");
        copy(&from, &to).expect("a copy");
        database.execute_batch("COMMIT").expect("it goes on");
        check(&to).expect("it is whole");
        let copied = Connection::open(&to).expect("a database");
        let count: i64 =
            copied.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).expect("a count");
        assert_eq!(count, 1);
        assert!(copy(&from, &to).is_err(), "a copy is there already");
        std::fs::write(&to, "this is no database, whatever its name says").expect("written");
        assert!(check(&to).is_err());
    }
}
