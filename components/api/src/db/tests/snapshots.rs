//! Snapshots of the vector index: whole or not there, and never more than the rows.

use super::*;
use crate::db::snapshots::{BEGIN, DROP, END, HEAD, READ, REMOVED, WRITE};

const MODEL: i64 = 1;

fn write(db: &Connection, token: i64, part: i64, body: &[u8]) {
    run(db, WRITE, values![1_i64, MODEL, part, token, body.to_vec()]);
}

fn parts(db: &Connection, token: i64) -> Vec<String> {
    (0..3).flat_map(|part| run(db, READ, values![1_i64, MODEL, part, token])).collect()
}

/// Leaves a row of a session in each table of snapshots.
pub fn leave(db: &Connection, session: i64) {
    run(db, BEGIN, values![session, MODEL, 7_i64, 5_i64]);
    run(db, WRITE, values![session, MODEL, 0_i64, 7_i64, vec![1_u8]]);
    let removal = "INSERT INTO snapshot_removals (session, model, message) VALUES (?1, 1, 9)";
    run(db, removal, values![session]);
}

#[test]
fn a_snapshot_is_there_when_it_is_complete() {
    let db = database(migrations::VERSION);
    session(&db, "a");
    let head = |db: &Connection| run(db, HEAD, values![1_i64, MODEL]);
    run(&db, BEGIN, values![1_i64, MODEL, 77_i64, 5]);
    write(&db, 77_i64, 0, &[1, 2, 3]);
    assert!(head(&db).is_empty());
    run(&db, END, values![1_i64, MODEL, 77_i64, 1]);
    assert_eq!(head(&db), ["77|5|1"]);
    assert_eq!(parts(&db, 77_i64), ["3 bytes"]);
    run(&db, DROP, values![1_i64, MODEL, 76_i64]);
    assert_eq!(head(&db).len(), 1, "another snapshot is not given up");
    run(&db, DROP, values![1_i64, MODEL, 77_i64]);
    assert!(head(&db).is_empty());
}

#[test]
fn of_two_who_write_at_once_the_last_to_begin_counts() {
    let db = database(migrations::VERSION);
    session(&db, "a");
    run(&db, BEGIN, values![1_i64, MODEL, 77_i64, 5]);
    write(&db, 77_i64, 0, &[1]);
    run(&db, BEGIN, values![1_i64, MODEL, 78_i64, 6]);
    write(&db, 78_i64, 0, &[1, 2]);
    write(&db, 77_i64, 0, &[1]);
    write(&db, 77_i64, 1, &[1]);
    run(&db, END, values![1_i64, MODEL, 77_i64, 2]);
    assert!(run(&db, HEAD, values![1_i64, MODEL]).is_empty());
    run(&db, END, values![1_i64, MODEL, 78_i64, 1]);
    assert_eq!(run(&db, HEAD, values![1_i64, MODEL]), ["78|6|1"]);
    assert_eq!(parts(&db, 78_i64), ["2 bytes"]);
}

#[test]
fn what_is_removed_is_known_until_it_returns_or_its_session_goes() {
    let db = database(migrations::VERSION);
    session(&db, "a");
    let insert = "INSERT INTO vectors (session, model, message, vector) VALUES (1, 1, ?1, x'00')";
    for message in [4, 5] {
        run(&db, insert, values![message]);
    }
    run(&db, "DELETE FROM vectors WHERE message = 4", &[]);
    assert_eq!(run(&db, REMOVED, values![1_i64, MODEL]), ["4"]);
    run(&db, insert, values![4]);
    assert!(run(&db, REMOVED, values![1_i64, MODEL]).is_empty());
    run(&db, "DELETE FROM vectors WHERE message = 5", &[]);
    run(&db, BEGIN, values![1_i64, MODEL, 77_i64, 5]);
    write(&db, 77_i64, 0, &[1]);
    run(&db, "DELETE FROM sessions WHERE no = 1", &[]);
    for table in ["vectors", "snapshot_heads", "snapshot_parts", "snapshot_removals"] {
        assert_eq!(run(&db, &format!("SELECT count(*) FROM {table}"), &[]), ["0"], "{table}");
    }
}
