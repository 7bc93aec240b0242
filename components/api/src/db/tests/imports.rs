//! Messages that come in many at once.

use rusqlite::types::Value;

use super::{database, post, run, session};
use crate::db::imports::{self, Imported};
use crate::db::{messages, migrations};

fn said(role: &'static str, content: &str) -> Imported {
    let (name, content) = ((content == "c").then(|| "Ann".to_owned()), content.to_owned());
    Imported { role, name, timestamp: None, content, status: "ok", forgotten: false }
}

fn import(db: &rusqlite::Connection, id: &str, all: &[Imported]) -> Vec<String> {
    import_by(db, id, all, "")
}

fn import_by(db: &rusqlite::Connection, id: &str, all: &[Imported], owner: &str) -> Vec<String> {
    run(db, imports::IMPORT, values![id.to_owned(), imports::rows(all, 40), owner.to_owned()])
}

#[test]
fn an_answer_shares_the_turn_of_its_question_and_all_else_has_its_own() {
    let db = database(migrations::VERSION);
    session(&db, "a");
    let all = ["assistant", "user", "user", "assistant", "assistant", "user"];
    let all: Vec<Imported> =
        all.into_iter().zip(["a", "b", "c", "d", "e", "f"]).map(|(r, c)| said(r, c)).collect();
    assert_eq!(import(&db, "a", &all).len(), 6);
    assert_eq!(
        run(&db, "SELECT turn, content, timestamp, metadata FROM messages ORDER BY id", &[]),
        ["1|a|40|-", "2|b|40|-", "3|c|40|{\"name\":\"Ann\"}", "3|d|40|-", "4|e|40|-", "5|f|40|-"]
    );
    assert_eq!(run(&db, "SELECT turns, last_updated_at FROM sessions", &[]), ["5|40"]);
    // What is said next comes behind it, although the last message has no answer.
    assert_eq!(post(&db, "a", "hello", 50), ["7|1|6|1|-|0|-|-", "8|1|6|1|-|0|-|-"]);
    assert_eq!(run(&db, "SELECT turns, last_updated_at FROM sessions", &[]), ["6|50"]);
    assert_eq!(import(&db, "a", &all[..1]), ["9"]);
    assert_eq!(run(&db, "SELECT turns, last_updated_at FROM sessions", &[]), ["7|50"]);
    let listed = run(&db, messages::LIST, values![1_i64, 10_i64, 0_i64, 0_i64]);
    assert_eq!(listed.len(), 8, "{listed:?}");
}

#[test]
fn nothing_is_stored_without_its_session() {
    let db = database(migrations::VERSION);
    assert_eq!(import(&db, "a", &[said("user", "b")]), Vec::<String>::new());
    session(&db, "a");
    assert_eq!(import_by(&db, "a", &[said("user", "b")], "bob"), Vec::<String>::new());
}

#[test]
fn what_is_dated_in_the_future_moves_its_session_no_further_than_now() {
    let db = database(migrations::VERSION);
    session(&db, "a");
    let far = 4_000_000_000_000_000;
    let all = [Imported { timestamp: Some(far), ..said("user", "b") }];
    import(&db, "a", &all);
    assert_eq!(run(&db, "SELECT timestamp FROM messages", &[]), [far.to_string()]);
    let updated = run(&db, "SELECT last_updated_at FROM sessions", &[]).remove(0);
    assert!((40..far).contains(&updated.parse().unwrap()), "{updated}");
    // What is said now comes after it.
    let now = crate::time::now_micros();
    post(&db, "a", "hello", now);
    let updated = run(&db, "SELECT last_updated_at FROM sessions", &[]).remove(0);
    assert!(updated.parse::<i64>().unwrap() <= now + 1_000_000, "{updated}");
}
