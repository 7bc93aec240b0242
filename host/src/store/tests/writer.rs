//! Group commit, reading what was written, and what a connection knows of itself.

use super::*;
use proptest::prelude::*;
use std::sync::Arc;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

#[tokio::test]
async fn a_failing_statement_leaves_its_neighbours_in_the_batch_alone() {
    let fixture = Fixture::new();
    fixture.run("CREATE TABLE t (a INTEGER PRIMARY KEY, b CHECK (b <> 13))").await.unwrap();
    let sql = "INSERT INTO t SELECT ?1 * 10 + value, ?2 + value FROM json_each('[0,1]')";
    fixture.connection.execute(sql.into(), vec![1.into(), 0.into()]).await.unwrap();
    let held = fixture.hold_writer();
    let tasks: Vec<_> = (2..40_i64)
        .map(|number| {
            let connection = fixture.database.connect();
            // Every third one fails at its second row, after it wrote the first.
            let value = if number % 3 == 0 { 12 } else { 20 };
            tokio::spawn(async move {
                let parameters = vec![number.into(), value.into()];
                (number, connection.execute(sql.into(), parameters).await)
            })
        })
        .collect();
    release_when_sent(held).await;
    for task in tasks {
        let (number, outcome) = task.await.unwrap();
        let kept = fixture.number(&format!("SELECT count(*) FROM t WHERE a / 10 = {number}")).await;
        if number % 3 == 0 {
            let error = outcome.unwrap_err().to_string();
            assert!(error.contains("CHECK constraint failed"), "{error}");
            assert_eq!(kept, 0, "statement {number} failed, but left a row");
        } else {
            outcome.unwrap();
            assert_eq!(kept, 2, "statement {number} was acknowledged");
        }
    }
}

#[tokio::test]
async fn a_statement_that_undoes_the_transaction_does_not_undo_its_neighbours() {
    let fixture = Fixture::new();
    fixture.run("CREATE TABLE t (a INTEGER PRIMARY KEY)").await.unwrap();
    fixture.run("INSERT OR ROLLBACK INTO t VALUES (1)").await.unwrap();
    let plain = "INSERT INTO t VALUES (?) RETURNING a";
    fixture.connection.execute(plain.into(), vec![2.into()]).await.unwrap();
    let held = fixture.hold_writer();
    let tasks: Vec<_> = (10..40_i64)
        .map(|number| {
            let connection = fixture.database.connect();
            tokio::spawn(async move {
                if number % 5 == 0 {
                    let sql = "INSERT OR ROLLBACK INTO t VALUES (1)";
                    (number, connection.execute(sql.into(), vec![]).await)
                } else {
                    (number, connection.execute(plain.into(), vec![number.into()]).await)
                }
            })
        })
        .collect();
    release_when_sent(held).await;
    for task in tasks {
        let (number, outcome) = task.await.unwrap();
        if number % 5 == 0 {
            assert!(outcome.unwrap_err().to_string().contains("UNIQUE constraint failed"));
        } else {
            assert_eq!(outcome.unwrap().rows, [[Value::Integer(number)]]);
        }
    }
    assert_eq!(fixture.number("SELECT count(*) FROM t").await, 2 + 24);
}

#[tokio::test]
async fn a_constraint_that_waits_for_the_commit_fails_only_its_own_statement() {
    let fixture = Fixture::new();
    fixture.run("CREATE TABLE parent (a INTEGER PRIMARY KEY)").await.unwrap();
    let child = "CREATE TABLE child (a REFERENCES parent DEFERRABLE INITIALLY DEFERRED)";
    fixture.run(child).await.unwrap();
    fixture.run("INSERT INTO parent VALUES (1)").await.unwrap();
    let sql = "INSERT INTO child VALUES (?)";
    fixture.connection.execute(sql.into(), vec![1.into()]).await.unwrap();
    let held = fixture.hold_writer();
    let tasks: Vec<_> = (0..20_i64)
        .map(|number| {
            let connection = fixture.database.connect();
            let parent = if number == 7 { 99 } else { 1 };
            tokio::spawn(async move {
                (number, connection.execute(sql.into(), vec![parent.into()]).await)
            })
        })
        .collect();
    release_when_sent(held).await;
    for task in tasks {
        let (number, outcome) = task.await.unwrap();
        assert_eq!(outcome.is_err(), number == 7, "statement {number}: {outcome:?}");
    }
    assert_eq!(fixture.number("SELECT count(*) FROM child").await, 1 + 19);
}

#[test]
fn sixty_four_writers_all_read_their_own_writes() {
    let fixture = Fixture::new();
    runtime().block_on(async {
        fixture.run("CREATE TABLE t (writer, number, UNIQUE (writer, number))").await.unwrap();
        let tasks: Vec<_> = (0..64_i64)
            .map(|writer| {
                let connection = fixture.database.connect();
                tokio::spawn(async move {
                    for number in 1..=20_i64 {
                        let sql = "INSERT INTO t VALUES (?, ?)";
                        let parameters = vec![writer.into(), number.into()];
                        connection.execute(sql.into(), parameters).await.unwrap();
                        let sql = "SELECT max(number) FROM t WHERE writer = ?";
                        let rows = connection.execute(sql.into(), vec![writer.into()]).await;
                        assert_eq!(rows.unwrap().rows, [[Value::Integer(number)]]);
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(fixture.number("SELECT count(*) FROM t").await, 64 * 20);
    });
}

#[test]
fn readers_see_whole_statements_only_while_the_writer_works() {
    let fixture = Fixture::new();
    runtime().block_on(async {
        fixture.run("CREATE TABLE t (a)").await.unwrap();
        let connection = fixture.database.connect();
        let writing = tokio::spawn(async move {
            for _ in 0..200 {
                let sql = "INSERT INTO t SELECT value FROM json_each('[1,2,3,4,5,6,7]')";
                connection.execute(sql.into(), vec![]).await.unwrap();
            }
        });
        let mut last = 0;
        while !writing.is_finished() {
            let count = fixture.number("SELECT count(*) FROM t").await;
            assert_eq!(count % 7, 0);
            assert!(count >= last);
            last = count;
        }
        writing.await.unwrap();
        assert_eq!(fixture.number("SELECT count(*) FROM t").await, 1400);
    });
}

#[tokio::test]
async fn a_connection_knows_its_own_last_rowid_and_changes_only() {
    let fixture = Fixture::new();
    let other = fixture.database.connect();
    let mine = &fixture.connection;
    fixture.run("CREATE TABLE t (a)").await.unwrap();
    assert_eq!((mine.last_insert_rowid(), mine.changes()), (0, 0));
    fixture.run("INSERT INTO t VALUES (1), (2), (3)").await.unwrap();
    other.execute("INSERT INTO t VALUES (4)".into(), vec![]).await.unwrap();
    assert_eq!((mine.last_insert_rowid(), mine.changes()), (3, 3));
    assert_eq!((other.last_insert_rowid(), other.changes()), (4, 1));
    assert_eq!(fixture.number("SELECT last_insert_rowid()").await, 3);
    // The schema's changes are no rows changed; an UPDATE is, and it inserts nothing.
    fixture.run("CREATE TABLE u (a)").await.unwrap();
    assert_eq!(mine.changes(), 3);
    fixture.run("UPDATE t SET a = a + 1 WHERE a > 2").await.unwrap();
    assert_eq!((mine.last_insert_rowid(), mine.changes()), (3, 2));
    fixture.run("UPDATE t SET a = 0 WHERE a > 99").await.unwrap();
    assert_eq!(mine.changes(), 0);
    let error = fixture.run("INSERT INTO nowhere VALUES (1)").await.unwrap_err();
    assert!(error.to_string().contains("no such table: nowhere"), "{error}");
    assert_eq!(mine.last_insert_rowid(), 3);
}

#[tokio::test]
async fn a_change_of_the_schema_reaches_statements_prepared_before() {
    let fixture = Fixture::new();
    fixture.run("CREATE TABLE t (a)").await.unwrap();
    fixture.run("INSERT INTO t VALUES (1)").await.unwrap();
    for _ in 0..16 {
        assert_eq!(fixture.run("SELECT * FROM t").await.unwrap().columns, ["a"]);
    }
    fixture.run("ALTER TABLE t ADD COLUMN b DEFAULT 2").await.unwrap();
    for _ in 0..16 {
        let rows = fixture.run("SELECT * FROM t").await.unwrap();
        assert_eq!(rows.columns, ["a", "b"]);
        assert_eq!(rows.rows, [[Value::Integer(1), Value::Integer(2)]]);
    }
    fixture.run("ALTER TABLE t RENAME COLUMN b TO c").await.unwrap();
    fixture.run("ALTER TABLE t DROP COLUMN a").await.unwrap();
    fixture.run("ALTER TABLE t RENAME TO u").await.unwrap();
    assert_eq!(fixture.run("SELECT * FROM u").await.unwrap().columns, ["c"]);
    fixture.run("PRAGMA user_version = 7").await.unwrap();
    assert_eq!(fixture.number("PRAGMA user_version").await, 7);
}

#[tokio::test]
async fn full_text_rows_follow_their_table_through_triggers() {
    let fixture = Fixture::new();
    for sql in [
        "CREATE TABLE t (id INTEGER PRIMARY KEY, said TEXT)",
        "CREATE VIRTUAL TABLE words USING fts5 (said, content = 't', content_rowid = 'id', \
         tokenize = 'porter unicode61')",
        "CREATE TRIGGER t_insert AFTER INSERT ON t BEGIN \
         INSERT INTO words (rowid, said) VALUES (new.id, new.said); END",
        "CREATE TRIGGER t_delete AFTER DELETE ON t BEGIN \
         INSERT INTO words (words, rowid, said) VALUES ('delete', old.id, old.said); END",
        "INSERT INTO t (said) VALUES ('a fact told early'), ('something else')",
    ] {
        fixture.run(sql).await.unwrap();
    }
    assert_eq!(fixture.connection.last_insert_rowid(), 2);
    let found = "SELECT rowid FROM words WHERE words MATCH 'facts' ORDER BY bm25(words)";
    assert_eq!(fixture.number(found).await, 1);
    fixture.run("DELETE FROM t WHERE id = 1").await.unwrap();
    assert!(fixture.run(found).await.unwrap().rows.is_empty());
    fixture.run("INSERT INTO words (words) VALUES ('integrity-check')").await.unwrap();
}

#[tokio::test]
async fn a_statement_taken_back_while_it_waited_never_runs() {
    let fixture = Fixture::new();
    fixture.run("CREATE TABLE t (a)").await.unwrap();
    fixture.connection.execute("INSERT INTO t VALUES (?)".into(), vec![1.into()]).await.unwrap();
    let held = fixture.hold_writer();
    let first = fixture.database.connect();
    let first = tokio::spawn(async move {
        first.execute("INSERT INTO t VALUES (?)".into(), vec![2.into()]).await
    });
    tokio::task::yield_now().await;
    let connection = fixture.database.connect();
    tokio::select! {
        biased;
        _ = connection.execute("INSERT INTO t VALUES (?)".into(), vec![3.into()]) => {
            panic!("the writer is held");
        }
        () = std::future::ready(()) => {}
    }
    release_when_sent(held).await;
    first.await.unwrap().unwrap();
    fixture.run("INSERT INTO t VALUES (4)").await.unwrap();
    let rows = fixture.run("SELECT a FROM t ORDER BY a").await.unwrap();
    assert_eq!(rows.rows, [[Value::Integer(1)], [Value::Integer(2)], [Value::Integer(4)]]);
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::Integer),
        // SQLite has no "not a number"; it keeps NULL.
        any::<f64>().prop_map(|real| if real.is_nan() { Value::Null } else { Value::Real(real) }),
        any::<String>().prop_map(Value::Text),
        proptest::collection::vec(any::<u8>(), 0..300).prop_map(Value::Blob),
        Just(Value::Null),
    ]
}

#[test]
fn every_row_comes_back_as_it_was_stored() {
    let fixture = Arc::new(Fixture::new());
    let runtime = runtime();
    runtime.block_on(fixture.run("CREATE TABLE t (a, b, c)")).unwrap();
    proptest!(ProptestConfig::with_cases(256), |(
        row in proptest::collection::vec(any_value(), 3),
    )| {
        let stored = runtime.block_on(async {
            let sql = "INSERT INTO t VALUES (?, ?, ?) RETURNING a, b, c";
            let returned = fixture.connection.execute(sql.into(), row.clone()).await.unwrap();
            let id = fixture.connection.last_insert_rowid();
            let sql = "SELECT a, b, c FROM t WHERE rowid = ?";
            let read = fixture.connection.execute(sql.into(), vec![id.into()]).await.unwrap();
            assert_eq!(returned, read);
            read
        });
        prop_assert_eq!(stored.columns, ["a", "b", "c"]);
        prop_assert_eq!(stored.rows, vec![row]);
    });
}

#[tokio::test]
async fn a_trigger_holds_for_readers_that_knew_the_schema_without_it() {
    let fixture = Fixture::new();
    fixture.run("CREATE TABLE t (a INTEGER)").await.unwrap();
    fixture.run("CREATE VIEW v AS SELECT a FROM t").await.unwrap();
    for number in 0..32 {
        fixture.number(&format!("SELECT count(*) + {number} FROM v")).await;
    }
    let trigger = "CREATE TRIGGER v_insert INSTEAD OF INSERT ON v BEGIN \
                   INSERT INTO t VALUES (NEW.a); END";
    fixture.run(trigger).await.unwrap();
    for number in 0..32 {
        fixture.run(&format!("INSERT INTO v VALUES ({number})")).await.unwrap();
    }
    assert_eq!(fixture.number("SELECT count(*) FROM v").await, 32);
    let error = fixture.run("INSERT INTO nowhere VALUES (1)").await.unwrap_err().to_string();
    assert!(error.contains("no such table"), "{error}");
}

#[tokio::test]
async fn what_readers_believed_missing_is_dropped_all_the_same() {
    let fixture = Fixture::new();
    let drop = "DROP TABLE IF EXISTS t";
    // Nothing to do: it must not be remembered as a statement that only reads.
    fixture.run(drop).await.unwrap();
    fixture.run("CREATE TABLE t (a)").await.unwrap();
    fixture.run(drop).await.unwrap();
    assert_eq!(fixture.number("SELECT count(*) FROM sqlite_schema").await, 0);
}
