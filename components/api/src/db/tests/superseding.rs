//! What is superseded is out of everything that people and prompts see.

use rusqlite::types::Value;

use super::{database, embed, end, look, places, post, queue, run, session};
use crate::db::{memory, messages, migrations, superseded};

#[test]
fn what_is_superseded_is_in_no_list_and_no_memory() {
    let db = database(migrations::VERSION);
    session(&db, "a");
    for turn in 1..=3 {
        post(&db, "a", "one", 10);
        end(&db, 2 * turn, "ok", "done", 12);
    }
    post(&db, "a", "still running", 13);
    embed(&db, &[1, 2, 3, 4, 5, 6], 1);
    assert_eq!(run(&db, superseded::TURN, values![1_i64, 4_i64]), ["2"]);
    assert_eq!(run(&db, superseded::TURN, values![2_i64, 4_i64]), Vec::<String>::new());
    let gone = run(&db, superseded::SUPERSEDE, values![1_i64, 2_i64, 5_i64]);
    assert_eq!(gone, ["3", "4", "5", "6", "7", "8"]);
    assert_eq!(run(&db, superseded::TURN, values![1_i64, 4_i64]), Vec::<String>::new());
    assert_eq!(run(&db, messages::LIST, values![1_i64, 9_i64, 0_i64]).len(), 2);
    assert_eq!(run(&db, messages::WINDOW, values![1_i64, 5_i64, 9_i64]).len(), 1);
    assert_eq!(run(&db, memory::LIST, values![1_i64, 9_i64, 0_i64]).len(), 2);
    assert_eq!(run(&db, "SELECT DISTINCT message FROM vectors", &[]), ["1", "2"]);
    let places = places(&db);
    assert!(!places.is_empty(), "the words of the first turn are indexed");
    assert!(places.iter().all(|place| ["|1", "|2"].iter().any(|end| place.ends_with(end))));
    // What still ran is told to stop, and what comes of it is not remembered.
    assert_eq!(look(&db, 8, "r", 14), ["1|113|0"]);
    end(&db, 8, "ok", "too late", 15);
    embed(&db, &[7, 8], 1);
    assert_eq!(queue(&db, 1), Vec::<String>::new());
    assert_eq!(run(&db, messages::LIST, values![1_i64, 9_i64, 0_i64]).len(), 2);
}
