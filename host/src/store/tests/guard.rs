//! What a guest may not do, and that the refusal says what would be right.

use super::*;

async fn assert_refused(fixture: &Fixture, sql: &str, with: &str) {
    match fixture.run(sql).await {
        Err(Error::Refused(text)) => assert!(text.contains(with), "`{sql}`: {text}"),
        other => panic!("`{sql}` was not refused: {other:?}"),
    }
}

#[tokio::test]
async fn what_would_leave_the_database_or_outlive_a_call_is_refused() {
    let fixture = Fixture::new();
    fixture.run("CREATE TABLE t (a)").await.unwrap();
    let refused = [
        ("ATTACH '/tmp/other.db' AS other", "`ATTACH`"),
        ("ATTACH ':memory:' AS other", "`ATTACH`"),
        ("DETACH main", "`ATTACH`"),
        ("VACUUM", "`VACUUM` is closed"),
        (" /* quietly */ vacuum INTO '/tmp/copy.db'", "`VACUUM` is closed"),
        ("SELECT load_extension('x.so')", "`load_extension` is closed"),
        ("BEGIN", "each statement is atomic"),
        ("BEGIN IMMEDIATE", "each statement is atomic"),
        ("COMMIT", "each statement is atomic"),
        ("ROLLBACK", "each statement is atomic"),
        ("SAVEPOINT loci", "each statement is atomic"),
        ("RELEASE loci", "each statement is atomic"),
        ("ROLLBACK TO loci", "each statement is atomic"),
        ("CREATE TEMP TABLE x (a)", "do not outlive a call"),
        ("CREATE TEMP VIEW x AS SELECT 1", "do not outlive a call"),
        ("CREATE TEMP TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END", "do not outlive a call"),
        ("CREATE VIRTUAL TABLE x USING csv (filename = '/etc/passwd')", "no module `csv`"),
        ("SELECT changes()", "cannot tell this connection's changes"),
        ("SELECT total_changes() FROM t", "cannot tell this connection's changes"),
        ("SELECT 1; DROP TABLE t", "one call runs one statement"),
        ("", "no statement"),
        ("-- nothing", "no statement"),
    ];
    for (sql, with) in refused {
        assert_refused(&fixture, sql, with).await;
    }
    assert_eq!(fixture.number("SELECT count(*) FROM t").await, 0);
}

#[tokio::test]
async fn only_named_pragmas_pass() {
    let fixture = Fixture::new();
    fixture.run("CREATE TABLE t (a)").await.unwrap();
    for sql in [
        "PRAGMA writable_schema = ON",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA synchronous = OFF",
        "PRAGMA foreign_keys = OFF",
        "PRAGMA wal_checkpoint(TRUNCATE)",
        "PRAGMA cache_size = 1000000000",
        "PRAGMA query_only = OFF",
        "PRAGMA temp_store_directory = '/etc'",
        "PRAGMA mmap_size = 1",
        "PRAGMA schema_version = 1",
        "PRAGMA no_such_pragma",
    ] {
        assert_refused(&fixture, sql, "`PRAGMA ").await;
    }
    for sql in [
        "PRAGMA foreign_keys = ON",
        "PRAGMA journal_mode = WAL",
        "PRAGMA application_id = 1280263001",
        "PRAGMA table_info(t)",
        "PRAGMA quick_check",
        "SELECT name FROM pragma_table_info('t')",
        "SELECT * FROM pragma_table_list",
    ] {
        fixture.run(sql).await.unwrap_or_else(|error| panic!("`{sql}`: {error}"));
    }
    assert_eq!(fixture.number("PRAGMA foreign_keys").await, 1);
}

#[tokio::test]
async fn the_schema_is_written_by_statements_of_the_schema_only() {
    let fixture = Fixture::new();
    fixture.run("CREATE TABLE t (a)").await.unwrap();
    fixture.run("CREATE VIRTUAL TABLE f USING fts5 (a)").await.unwrap();
    for sql in [
        "UPDATE sqlite_schema SET sql = 'CREATE TABLE t (b)'",
        "DELETE FROM sqlite_master",
        "DELETE FROM f_data",
    ] {
        let error = fixture.run(sql).await.unwrap_err().to_string();
        assert!(error.contains("may not be modified"), "`{sql}`: {error}");
    }
}

#[tokio::test]
async fn a_trigger_may_count_its_own_changes() {
    let fixture = Fixture::new();
    for sql in [
        "CREATE TABLE t (a)",
        "CREATE TABLE log (n)",
        "CREATE TRIGGER x AFTER INSERT ON t WHEN new.a > 0 BEGIN \
         UPDATE t SET a = -a WHERE a > 0; INSERT INTO log VALUES (changes()); END",
        "INSERT INTO t VALUES (5)",
    ] {
        fixture.run(sql).await.unwrap();
    }
    assert_eq!(fixture.number("SELECT n FROM log").await, 1);
}

#[tokio::test]
async fn an_error_does_not_repeat_what_the_statement_said() {
    let fixture = Fixture::new();
    let error = fixture.run("SELECT 'a secret' FROM nowhere").await.unwrap_err().to_string();
    assert!(error.contains("no such table: nowhere") && !error.contains("secret"), "{error}");
}
