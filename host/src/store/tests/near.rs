//! Where a statement that only reads runs makes no difference to who asks.

use super::super::class::Class;
use super::super::limits::NEAR_LATE_MAX;
use super::*;

/// Counts up to its parameter.
const COUNT: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) \
                     SELECT max(i) FROM n";

async fn count(fixture: &Fixture, to: i64) -> Value {
    let rows = fixture.connection.execute(COUNT.into(), vec![to.into()]).await.unwrap();
    rows.rows[0][0].clone()
}

#[tokio::test]
async fn what_takes_long_goes_to_the_readers_until_it_is_short_again() {
    let fixture = Fixture::new();
    let class = || fixture.database.inner.classes.get(COUNT);
    assert_eq!(count(&fixture, 1).await, Value::Integer(1));
    // Some milliseconds on any machine: begun here, and begun anew by a reader.
    for _ in 0..NEAR_LATE_MAX {
        assert!(matches!(class(), Some(Class::Read(_))));
        assert_eq!(count(&fixture, 1_000_000).await, Value::Integer(1_000_000));
    }
    assert_eq!(class(), Some(Class::LongRead));
    assert_eq!(count(&fixture, 1_000_001).await, Value::Integer(1_000_001));
    assert_eq!(class(), Some(Class::LongRead));
    // On a busy machine a short one may be interrupted, and take long for that.
    for _ in 0..1_000 {
        assert_eq!(count(&fixture, 2).await, Value::Integer(2));
        if matches!(class(), Some(Class::Read(_))) {
            return;
        }
    }
    panic!("it stays a long one");
}

#[tokio::test]
async fn a_read_sees_what_was_written_and_what_became_of_the_schema() {
    let fixture = Fixture::new();
    fixture.run("CREATE TABLE t (a)").await.unwrap();
    for number in 1..=20 {
        fixture.run("INSERT INTO t VALUES (1)").await.unwrap();
        assert_eq!(fixture.number("SELECT count(*) FROM t").await, number);
    }
    fixture.run("ALTER TABLE t ADD COLUMN b DEFAULT 7").await.unwrap();
    let rows = fixture.run("SELECT * FROM t LIMIT 1").await.unwrap();
    assert_eq!(rows.columns, ["a", "b"]);
    fixture.run("DROP TABLE t").await.unwrap();
    let gone = fixture.run("SELECT count(*) FROM t").await.unwrap_err();
    assert!(gone.to_string().contains("no such table"), "{gone}");
}

#[tokio::test]
async fn where_no_connection_is_free_a_reader_answers() {
    let fixture = Fixture::new();
    assert_eq!(fixture.number("SELECT 7").await, 7);
    let held = fixture.database.inner.near.hold_all();
    assert_eq!(fixture.number("SELECT 7").await, 7);
    drop(held);
    assert_eq!(fixture.number("SELECT 7").await, 7);
}

#[tokio::test]
async fn a_closed_database_reads_nothing() {
    let fixture = Fixture::new();
    assert_eq!(fixture.number("SELECT 7").await, 7);
    fixture.database.close();
    assert_eq!(fixture.run("SELECT 7").await, Err(Error::Closed));
}
