//! Which turns may stand in a prompt verbatim.

use rusqlite::Connection;
use rusqlite::types::Value;

use super::{database, end, post, rows, run, session};
use crate::db::memory::{self, Found};
use crate::db::window::{WINDOW, turns};
use crate::db::{messages, migrations};

/// The turns before a turn that a prompt may show, oldest first, and what was said in them.
fn window(db: &Connection, turn: i64, most: i64) -> Vec<String> {
    let mut found = rows(db, WINDOW, values![1_i64, turn, most]);
    assert_eq!(found.len(), 1);
    let told = turns(found.remove(0));
    let short = |turn: &[Found]| {
        assert_eq!((turn[0].role, turn[1].role, turn[0].turn), ("user", "assistant", turn[1].turn));
        format!("{}: {} {}", turn[0].turn, turn[0].content, turn[1].content)
    };
    told.chunks(2).map(short).collect()
}

fn said_before(db: &Connection, turn: i64) -> Vec<String> {
    run(db, messages::SAID_BEFORE, values![1_i64, turn, 9_i64])
}

#[test]
fn a_window_holds_whole_turns_however_many_failed_between_them() {
    let db = database(migrations::VERSION);
    session(&db, "a");
    for (reply, status, content) in [
        (2, "ok", "one"),
        (4, "cancelled", "tw"),
        (6, "failed", "half"),
        (8, "failed", ""),
        (10, "cancelled", ""),
        (12, "ok", "six"),
    ] {
        post(&db, "a", "said", 10);
        end(&db, reply, status, content, 12);
    }
    post(&db, "a", "now", 13);
    assert_eq!(window(&db, 7, 9), ["1: said one", "2: said tw", "6: said six"]);
    assert_eq!(window(&db, 7, 2), ["2: said tw", "6: said six"]);
    assert_eq!(window(&db, 6, 1), ["2: said tw"]);
    assert_eq!(window(&db, 1, 9), Vec::<String>::new());
}

#[test]
fn what_was_forgotten_is_not_shown_in_a_later_prompt() {
    let db = database(migrations::VERSION);
    session(&db, "a");
    for (reply, said) in [(2, "My PIN is 4711."), (4, "Hello."), (6, "Good day.")] {
        post(&db, "a", said, 10);
        end(&db, reply, "ok", "I see.", 12);
    }
    assert_eq!(run(&db, memory::FORGET, values![1_i64, 1_i64]), ["1"]);
    assert_eq!(run(&db, memory::FORGET, values![1_i64, 4_i64]), ["4"]);
    // Neither the message nor its turn, which would be half a turn.
    assert_eq!(window(&db, 4, 9), ["3: Good day. I see."]);
    assert_eq!(said_before(&db, 4), ["Good day.", "Hello."]);
    // It is still in the list, since it was said.
    assert_eq!(run(&db, messages::LIST, values![1_i64, 9_i64, 0_i64, 0_i64]).len(), 6);
}
