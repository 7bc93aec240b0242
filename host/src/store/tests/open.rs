//! Opening, closing, and what is refused without a byte written.

use super::*;
use std::path::Path;
use std::time::Duration;

fn refusal(path: &Path) -> String {
    Database::open(path, Limits::default()).map(drop).unwrap_err().to_string()
}

#[tokio::test]
async fn folders_are_created_and_rows_outlive_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/folder/test.db");
    let database = Database::open(&path, Limits::default()).unwrap();
    let connection = database.connect();
    connection.execute("CREATE TABLE t (a)".into(), vec![]).await.unwrap();
    connection.execute("INSERT INTO t VALUES (?)".into(), vec![text("kept")]).await.unwrap();
    database.close();
    let after = connection.execute("SELECT a FROM t".into(), vec![]).await;
    assert_eq!(after, Err(Error::Closed));
    assert!(!path.with_file_name("test.db-wal").exists(), "the log was emptied and removed");

    let database = Database::open(&path, Limits::default()).unwrap();
    let rows = database.connect().execute("SELECT a FROM t".into(), vec![]).await.unwrap();
    assert_eq!(rows.rows, [[text("kept")]]);
}

#[test]
fn a_database_is_served_once() {
    let fixture = Fixture::new();
    let path = fixture.folder.path().join("test.db");
    assert!(refusal(&path).contains("another running `loci` serves it"));
    fixture.database.close();
    Database::open(&path, Limits::default()).unwrap();
}

#[test]
fn a_file_that_is_no_database_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "these are my notes, not a database").unwrap();
    assert!(refusal(&path).contains("is not a SQLite database"));
    assert_eq!(std::fs::read(&path).unwrap(), b"these are my notes, not a database");

    let path = folder.path().join("damaged.db");
    let mut bytes = b"SQLite format 3\0".to_vec();
    bytes.extend([0xAA; 5000]);
    std::fs::write(&path, &bytes).unwrap();
    assert!(refusal(&path).contains("damaged.db"));
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    assert!(refusal(folder.path()).contains("cannot open the database"));
}

#[tokio::test]
async fn a_lock_of_another_program_is_waited_for_and_then_named() {
    let busy_time = Duration::from_millis(50);
    let fixture = Fixture::with(Limits { busy_time, ..Limits::default() });
    fixture.run("CREATE TABLE t (a)").await.unwrap();
    let other = rusqlite::Connection::open(fixture.folder.path().join("test.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE; INSERT INTO t VALUES (1)").unwrap();
    // Readers go on.
    assert_eq!(fixture.number("SELECT count(*) FROM t").await, 0);
    let error = fixture.run("INSERT INTO t VALUES (2)").await.unwrap_err().to_string();
    assert!(error.contains("another process holds the database's write lock"), "{error}");
    other.execute_batch("COMMIT").unwrap();
    fixture.run("INSERT INTO t VALUES (2)").await.unwrap();
    assert_eq!(fixture.number("SELECT count(*) FROM t").await, 2);
}

#[tokio::test]
async fn the_log_stays_bounded_under_steady_writing() {
    let fixture = Fixture::new();
    fixture.run("CREATE TABLE t (id INTEGER PRIMARY KEY, a)").await.unwrap();
    let log = fixture.folder.path().join("test.db-wal");
    let sql = "INSERT OR REPLACE INTO t VALUES (?, zeroblob(1000000))";
    let mut largest = 0;
    for number in 0..160_i64 {
        let id = Value::Integer(number % 8);
        fixture.connection.execute(sql.into(), vec![id]).await.unwrap();
        largest = largest.max(log.metadata().unwrap().len());
    }
    // 160 MB were written; the log may hold 64 MiB and the last batch.
    assert!(largest < 70 << 20, "the log grew to {largest} bytes");
    assert_eq!(fixture.number("SELECT count(*) FROM t").await, 8);
}

#[tokio::test]
async fn a_copy_of_the_files_as_a_crash_leaves_them_holds_what_was_acknowledged() {
    let fixture = Fixture::new();
    fixture.run("CREATE TABLE t (a)").await.unwrap();
    for number in 0..50_i64 {
        let sql = "INSERT INTO t VALUES (?)";
        fixture.connection.execute(sql.into(), vec![number.into()]).await.unwrap();
    }
    let from = fixture.folder.path();
    let to = tempfile::tempdir().unwrap();
    for name in ["test.db", "test.db-wal"] {
        std::fs::copy(from.join(name), to.path().join(name)).unwrap();
    }
    let database = Database::open(&to.path().join("test.db"), Limits::default()).unwrap();
    let sql = "SELECT count(*), sum(a) FROM t";
    let rows = database.connect().execute(sql.into(), vec![]).await.unwrap();
    assert_eq!(rows.rows, [[Value::Integer(50), Value::Integer(1225)]]);
}
