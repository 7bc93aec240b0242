//! Passing a limit is an error that names it, and nothing of the statement is left.

use super::super::limits::{PARAMETERS_MAX, RESULT_ROWS_MAX, STATEMENT_BYTES_MAX};
use super::*;
use std::time::Duration;

async fn assert_limit(fixture: &Fixture, sql: &str, parameters: Vec<Value>, with: &str) {
    match fixture.connection.execute(sql.into(), parameters).await {
        Err(Error::Limit(text)) => assert!(text.contains(with), "{text}"),
        other => panic!("no limit was met: {other:?}"),
    }
}

#[tokio::test]
async fn a_statement_may_have_so_many_bytes_and_parameters() {
    let fixture = Fixture::new();
    let text = "x".repeat(STATEMENT_BYTES_MAX - "SELECT ''".len());
    let most = format!("SELECT '{text}'");
    fixture.run(&most).await.unwrap();
    assert_limit(&fixture, &format!("{most} "), vec![], "bytes").await;

    let most = format!("SELECT {}1", "? + ".repeat(500));
    fixture.connection.execute(most, vec![1.into(); 500]).await.unwrap();
    let parameters = vec![Value::Null; PARAMETERS_MAX + 1];
    assert_limit(&fixture, "SELECT 1", parameters, "parameters").await;
    let error = fixture.run("SELECT ?1, ?2").await.unwrap_err().to_string();
    assert_eq!(error, "the statement takes 2 parameters; 0 were given");
}

#[tokio::test]
async fn a_value_may_have_so_many_bytes_whoever_makes_it() {
    let fixture = Fixture::with(Limits { value_bytes: 100_000, ..Limits::default() });
    let blob = |bytes| vec![Value::Blob(vec![1; bytes])];
    let rows = fixture.connection.execute("SELECT length(?)".into(), blob(100_000)).await;
    assert_eq!(rows.unwrap().rows, [[Value::Integer(100_000)]]);
    assert_limit(&fixture, "SELECT length(?)", blob(100_001), "parameter 1 has 100001 bytes").await;
    assert_limit(&fixture, "SELECT zeroblob(100001)", vec![], "100000 bytes").await;
}

#[tokio::test]
async fn a_result_may_have_so_many_rows_and_bytes() {
    let limits = Limits { result_rows: 10, result_bytes: 2000, ..Limits::default() };
    let fixture = Fixture::with(limits);
    let rows = |count: usize| {
        format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) \
             SELECT i FROM n"
        )
    };
    assert_eq!(fixture.run(&rows(10)).await.unwrap().rows.len(), 10);
    assert_limit(&fixture, &rows(11), vec![], "more than 10 rows").await;
    assert_limit(&fixture, "SELECT zeroblob(2000)", vec![], "more than 2000 bytes").await;
    fixture.run("CREATE TABLE t (a)").await.unwrap();
    let sql = format!("INSERT INTO t {} RETURNING a", rows(11));
    assert_limit(&fixture, &sql, vec![], "more than 10 rows").await;
    assert_eq!(fixture.number("SELECT count(*) FROM t").await, 0);
    assert!(Limits::default().result_rows == RESULT_ROWS_MAX);
}

#[tokio::test]
async fn a_statement_may_run_so_long() {
    let statement_time = Duration::from_millis(30);
    let fixture = Fixture::with(Limits { statement_time, ..Limits::default() });
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
                   SELECT max(i) FROM n";
    assert_limit(&fixture, endless, vec![], "longer than 30ms").await;
    fixture.run("CREATE TABLE t (a)").await.unwrap();
    // The clock undoes the whole batch; those beside it must not notice.
    let other = fixture.database.connect();
    let endless = format!("INSERT INTO t {endless}");
    let (late, good) = tokio::join!(
        fixture.run(&endless),
        other.execute("INSERT INTO t VALUES (1)".into(), vec![]),
    );
    assert!(late.unwrap_err().to_string().contains("longer than 30ms"));
    good.unwrap();
    assert_eq!(fixture.number("SELECT count(*) FROM t").await, 1);
}

#[tokio::test]
async fn only_so_many_statements_may_wait() {
    let fixture = Fixture::with(Limits { queue_statements: 8, ..Limits::default() });
    fixture.run("CREATE TABLE t (a)").await.unwrap();
    let sql = "INSERT INTO t VALUES (1)";
    fixture.run(sql).await.unwrap();
    let held = fixture.hold_writer();
    let calls: Vec<_> = (0..64)
        .map(|_| {
            let connection = fixture.database.connect();
            tokio::spawn(async move { connection.execute(sql.into(), vec![]).await })
        })
        .collect();
    release_when_sent(held).await;
    let mut stored = 0;
    for call in calls {
        match call.await.unwrap() {
            Ok(_) => stored += 1,
            Err(Error::Limit(text)) => assert!(text.contains("`QUEUE_STATEMENTS_MAX`"), "{text}"),
            Err(other) => panic!("{other}"),
        }
    }
    // Eight wait, and the writer has taken one more or none.
    assert!((8..=9).contains(&stored), "{stored} were stored");
    assert_eq!(fixture.number("SELECT count(*) FROM t").await, 1 + stored);
}

#[tokio::test]
async fn a_database_may_have_so_many_bytes() {
    let fixture = Fixture::with(Limits { database_bytes: 400_000, ..Limits::default() });
    fixture.run("CREATE TABLE t (a)").await.unwrap();
    let sql = "INSERT INTO t VALUES (zeroblob(50000))";
    let mut stored = 0;
    let error = loop {
        match fixture.run(sql).await {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
        assert!(stored < 100, "the database never got full");
    };
    assert_eq!(error, Error::Full);
    assert_eq!(fixture.number("SELECT count(*) FROM t").await, stored);
    // Room that was freed is used again.
    fixture.run("DELETE FROM t").await.unwrap();
    fixture.run(sql).await.unwrap();
}
