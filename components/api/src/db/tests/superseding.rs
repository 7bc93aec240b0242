//! What is superseded is out of everything that people and prompts see, once there is an answer.

use rusqlite::Connection;
use rusqlite::types::Value;

use super::{database, embed, end, look, places, post, post_instead, queue, rows, run, session};
use crate::db::window::{WINDOW, turns};
use crate::db::{memory, messages, migrations, superseded};

/// A session with three turns, and a fourth that is said in the place of the second.
fn edited() -> Connection {
    let db = database(migrations::VERSION);
    session(&db, "a");
    for turn in 1..=3 {
        post(&db, "a", "one", 10);
        end(&db, 2 * turn, "ok", "done", 12);
    }
    embed(&db, &[1, 2, 3, 4, 5, 6], 1);
    assert_eq!(run(&db, superseded::TURN, values![1_i64, 4_i64]), ["2"]);
    assert_eq!(run(&db, superseded::TURN, values![2_i64, 4_i64]), Vec::<String>::new());
    post_instead(&db, "a", "another one", 13, 2);
    db
}

fn listed(db: &Connection) -> Vec<String> {
    let list = run(db, messages::LIST, values![1_i64, 9_i64, 0_i64, 0_i64]);
    list.iter().map(|row| row.split('|').next().unwrap().to_owned()).collect()
}

#[test]
fn what_is_superseded_is_in_no_list_and_no_memory() {
    let db = edited();
    end(&db, 8, "ok", "done", 14);
    assert_eq!(listed(&db), ["1", "2", "7", "8"]);
    assert_eq!(run(&db, superseded::GONE, values![1_i64, 2_i64, 4_i64]), ["3", "4", "5", "6"]);
    assert_eq!(run(&db, superseded::TURN, values![1_i64, 4_i64]), Vec::<String>::new());
    let window = rows(&db, WINDOW, values![1_i64, 5_i64, 9_i64]).remove(0);
    assert_eq!(turns(window).len(), 2 * 2);
    assert_eq!(run(&db, memory::LIST, values![1_i64, 9_i64, 0_i64, 99_i64]).len(), 2);
    assert_eq!(run(&db, "SELECT DISTINCT message FROM vectors", &[]), ["1", "2"]);
    let places = places(&db);
    assert!(!places.is_empty(), "the words of the first turn are indexed");
    assert!(places.iter().all(|place| ["|1", "|2"].iter().any(|end| place.ends_with(end))));
    embed(&db, &[3, 4, 5, 6], 1);
    assert_eq!(queue(&db, 1), ["7|another one", "8|done"]);
}

#[test]
fn what_is_refused_fails_or_dies_takes_nothings_place() {
    for (status, content) in [("failed", ""), ("failed", "half a"), ("cancelled", "")] {
        let db = edited();
        end(&db, 8, status, content, 14);
        assert_eq!(listed(&db), ["1", "2", "3", "4", "5", "6", "7", "8"], "{status}");
        assert_eq!(
            run(&db, memory::LIST, values![1_i64, 9_i64, 0_i64, 99_i64]).len(),
            6,
            "{status}"
        );
    }
    let db = edited();
    run(&db, messages::ABANDON, values!["another run".to_owned(), 14_i64]);
    assert_eq!(listed(&db), ["1", "2", "3", "4", "5", "6", "7"]);
    // What was said until somebody stopped it is an answer.
    let db = edited();
    end(&db, 8, "cancelled", "I was say", 14);
    assert_eq!(listed(&db), ["1", "2", "7", "8"]);
}

#[test]
fn what_still_runs_is_told_to_stop_and_goes_with_the_rest() {
    let db = edited();
    post_instead(&db, "a", "a third one", 15, 2);
    run(&db, superseded::STOP, values![1_i64, 2_i64, 5_i64]);
    assert_eq!(look(&db, 8, "r", 16), ["1|0"]);
    assert_eq!(look(&db, 10, "r", 16), ["0|1"]);
    // What was stopped had said nothing.
    end(&db, 8, "cancelled", "", 17);
    end(&db, 10, "ok", "done", 18);
    end(&db, 10, "ok", "again", 19);
    assert_eq!(listed(&db), ["1", "2", "9", "10"]);
    assert_eq!(queue(&db, 1), ["9|a third one", "10|done"]);
}
