//! A new embedding model: its index is built beside the one that serves, and takes its place.

use super::*;
use crate::db::generations;

/// A database with so many answered turns, indexed by model 1, whose index serves.
fn indexed(turns: i64) -> Connection {
    let db = database(migrations::VERSION);
    for digest in ["one", "two", "three"] {
        run(&db, messages::MODEL, values![digest.to_owned()]);
    }
    run(&db, generations::TARGET, values![1_i64]);
    session(&db, "a");
    (0..turns).for_each(|turn| say(&db, 2 * turn + 2));
    let all: Vec<i64> = (1..=2 * turns).collect();
    embed(&db, &all, 1);
    db
}

/// A turn that is answered: its reply has this id.
fn say(db: &Connection, reply: i64) {
    post(db, "a", "the boat", 10 * reply);
    end(db, reply, "ok", "a bridge", 10 * reply + 1);
}

fn places(db: &Connection) -> Vec<String> {
    run(db, "SELECT model || ' ' || place FROM generations ORDER BY model", &[])
}

fn waiting(db: &Connection, active: i64, served: i64) -> Vec<String> {
    run(db, indexing::QUEUE, values![active, 10_i64, served])
}

fn flip(db: &Connection, model: i64) -> bool {
    !run(db, generations::FLIP, values![model]).is_empty()
}

fn served(db: &Connection, model: i64, message: i64) {
    let values = values![model, message, vec![0_u8; 8]];
    run(db, &indexing::served_sql(1), values);
}

fn vectors(db: &Connection, model: i64) -> Vec<String> {
    run(db, "SELECT message FROM vectors WHERE model = ?1 ORDER BY message", values![model])
}

#[test]
fn the_old_index_serves_until_the_new_one_holds_as_much() {
    let db = indexed(2);
    assert_eq!(places(&db), ["1 serving"]);
    run(&db, generations::TARGET, values![2_i64]);
    assert_eq!(places(&db), ["1 serving", "2 building"]);
    assert_eq!(waiting(&db, 2, 1)[0], "1|the boat|-|1");
    embed(&db, &[1, 2, 3], 2);
    assert!(!flip(&db, 2));
    // What is said meanwhile goes into both.
    say(&db, 6);
    served(&db, 1, 5);
    assert_eq!(vectors(&db, 1), ["1", "2", "3", "4", "5"]);
    embed(&db, &[4, 5], 2);
    // The last reply is in neither: nothing is lost if it waits on.
    assert_eq!(waiting(&db, 2, 1), ["6|a bridge|-|0"]);
    assert!(flip(&db, 2));
    assert_eq!(places(&db), ["1 previous", "2 serving"]);
    assert!(!flip(&db, 2));
    assert_eq!(run(&db, "SELECT is_embedded FROM messages", &[]), ["1", "1", "1", "1", "1", "0"]);
    // Nobody puts anything into an index that does not serve.
    served(&db, 1, 6);
    assert_eq!(vectors(&db, 1).len(), 5);
}

#[test]
fn the_way_back_needs_no_second_embedding() {
    let db = indexed(2);
    run(&db, generations::TARGET, values![2_i64]);
    embed(&db, &[1, 2, 3, 4], 2);
    assert!(flip(&db, 2));
    say(&db, 6);
    embed(&db, &[5, 6], 2);
    run(&db, generations::TARGET, values![1_i64]);
    assert_eq!(places(&db), ["1 building", "2 serving"]);
    let expected = ["1|the boat|8 bytes|1", "2|a bridge|8 bytes|1", "3|the boat|8 bytes|1"];
    assert_eq!(waiting(&db, 1, 2)[..3], expected);
    assert_eq!(waiting(&db, 1, 2)[4..], ["5|the boat|-|1", "6|a bridge|-|1"]);
    embed(&db, &[1, 2, 3, 4, 5, 6], 1);
    assert!(flip(&db, 1));
    assert_eq!(places(&db), ["1 serving", "2 previous"]);
    assert_eq!(vectors(&db, 2).len(), 6);
}

#[test]
fn an_index_that_is_given_up_is_swept_away() {
    let db = indexed(2);
    run(&db, generations::TARGET, values![2_i64]);
    embed(&db, &[1, 2], 2);
    run(&db, generations::TARGET, values![3_i64]);
    assert_eq!(places(&db), ["1 serving", "2 retired", "3 building"]);
    // A little at a time.
    assert_eq!(run(&db, generations::SWEEP, values![5_i64]).len(), 1);
    assert_eq!((vectors(&db, 1).len(), vectors(&db, 2)), (4, vec!["2".to_owned()]));
    // What counted as embedded by it does not any more.
    let by = run(&db, "SELECT embedded_by FROM messages ORDER BY id", &[]);
    assert_eq!(by, ["0", "2", "1", "1"]);
    assert_eq!(run(&db, generations::SWEEP, values![5_i64]).len(), 1);
    assert_eq!(places(&db), ["1 serving", "3 building"]);
    assert!(run(&db, generations::SWEEP, values![5_i64]).is_empty());
    assert_eq!((vectors(&db, 1).len(), vectors(&db, 2).len()), (4, 0));
    assert_eq!(waiting(&db, 3, 1).len(), 4);
    // Back to the one that serves all the while: nothing is lost.
    run(&db, generations::TARGET, values![1_i64]);
    assert_eq!(places(&db), ["1 serving", "3 retired"]);
    assert_eq!(waiting(&db, 1, 0), ["1|the boat|8 bytes|0", "2|a bridge|8 bytes|0"]);
}

#[test]
fn a_third_model_ends_the_first() {
    let db = indexed(1);
    for model in [2, 3] {
        run(&db, generations::TARGET, values![model]);
        embed(&db, &[1, 2], model);
        assert!(flip(&db, model));
    }
    assert_eq!(places(&db), ["1 retired", "2 previous", "3 serving"]);
    while !run(&db, generations::SWEEP, values![2_i64]).is_empty() {}
    assert_eq!(places(&db), ["2 previous", "3 serving"]);
    assert_eq!(run(&db, "SELECT embedded_by FROM messages", &[]), ["3", "3"]);
}

#[test]
fn what_was_deleted_or_forgotten_is_in_no_index() {
    let db = indexed(2);
    run(&db, generations::TARGET, values![2_i64]);
    embed(&db, &[1, 2, 3, 4], 2);
    run(&db, memory::FORGET, values![1_i64, 1_i64]);
    assert_eq!((vectors(&db, 1).len(), vectors(&db, 2).len()), (3, 3));
    served(&db, 1, 1);
    assert_eq!(vectors(&db, 1).len(), 3);
    assert!(flip(&db, 2));
    run(&db, sessions::DELETE, values!["a".to_owned(), nobody()]);
    assert_eq!(run(&db, "SELECT count(*) FROM vectors", &[]), ["0"]);
}

#[test]
fn an_older_database_keeps_the_index_that_it_has() {
    let db = database(5);
    for digest in ["one", "two"] {
        run(&db, messages::MODEL, values![digest.to_owned()]);
    }
    // As statements of that version wrote them: later ones know owners.
    run(&db, "INSERT INTO sessions (id, created_at, last_updated_at) VALUES ('a', 5, 5)", &[]);
    for (turn, role) in [(1, "user"), (1, "assistant"), (2, "user"), (2, "assistant")] {
        let insert = "INSERT INTO messages (session, turn, role, status, timestamp, content) \
            VALUES (1, ?1, ?2, 'ok', 5, 'the boat')";
        run(&db, insert, values![i64::from(turn), role.to_owned()]);
    }
    embed(&db, &[1, 2, 3], 1);
    embed(&db, &[4], 2);
    upgrade(&db, 6, migrations::VERSION);
    assert_eq!(places(&db), ["1 serving", "2 retired"]);
    assert_eq!(vectors(&db, 1), ["1", "2", "3"]);
}

#[test]
fn what_the_model_refuses_waits_no_longer_and_holds_nobody_up() {
    let db = indexed(1);
    run(&db, generations::TARGET, values![2_i64]);
    embed(&db, &[1], 2);
    assert!(!flip(&db, 2));
    let refused = values![2_i64, 2_i64, Value::Null, "a bridge".to_owned(), 2_i64];
    run(&db, &indexing::insert_sql(1), refused);
    assert_eq!(waiting(&db, 2, 1), Vec::<String>::new());
    assert!(flip(&db, 2));
    assert_eq!(vectors(&db, 2), ["1"]);
    // It is found by its words, which are indexed once.
    assert_eq!(run(&db, "SELECT is_embedded FROM messages", &[]), ["1", "1"]);
    say(&db, 4);
    let refused = values![2_i64, 3_i64, Value::Null, "harbour".to_owned(), 1_i64];
    run(&db, &indexing::insert_sql(1), refused);
    assert!(super::places(&db).contains(&"1/harbour|3".to_owned()));
    // Another model is asked again.
    assert_eq!(waiting(&db, 3, 2).len(), 4);
}

#[test]
fn no_step_reads_more_than_it_must() {
    let db = indexed(1);
    let flip = plan(&db, generations::FLIP);
    assert!(flip.iter().filter(|step| step.contains("messages_queue")).count() == 2, "{flip:?}");
    assert!(flip.iter().any(|step| step.contains("vectors_message")), "{flip:?}");
    let queue = plan(&db, indexing::QUEUE);
    assert!(queue.iter().all(|step| !step.starts_with("SCAN m")), "{queue:?}");
}
