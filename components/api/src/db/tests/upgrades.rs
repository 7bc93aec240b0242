//! A database of an older version opens, and keeps its data.

use super::*;

/// A session with a turn, in a database of any version: statements of today may not fit it.
fn old_turn(db: &Connection, content: &str, now: i64) {
    let session = "INSERT INTO sessions (id, created_at, last_updated_at) VALUES ('a', 5, 5)";
    run(db, session, &[]);
    let turn = "INSERT INTO messages (session, turn, role, status, timestamp, content) \
        VALUES (1, 1, 'user', 'ok', ?2, ?1), (1, 1, 'assistant', 'pending', ?2, '')";
    run(db, turn, values![content.to_owned(), now]);
}

#[test]
fn a_database_of_version_1_keeps_its_data_and_gets_words() {
    let db = database(1);
    old_turn(&db, "the old boat", 10);
    end(&db, 2, "ok", "a fine one", 12);
    run(
        &db,
        "INSERT INTO indexings (message, model, vector) VALUES (1, 1, x'00'), (2, 1, x'00')",
        &[],
    );
    assert_eq!(queue(&db, 1), Vec::<String>::new());

    upgrade(&db, 2, migrations::VERSION);
    assert_eq!(run(&db, migrations::READ, &[]), [migrations::VERSION.to_string()]);
    let all = run(&db, messages::LIST, values![1_i64, 10_i64, 0_i64, 0_i64]);
    assert_eq!(all, ["1|1|10|user|the old boat|ok|0|-", "2|1|12|assistant|a fine one|ok|0|{}"]);
    // Everything waits to be indexed with its words; the vectors are not made twice.
    assert_eq!(queue(&db, 1).len(), 2);
    embed(&db, &[1, 2], 1);
    assert_eq!(run(&db, "SELECT count(*) FROM vectors", &[]), ["2"]);
    assert_eq!(run(&db, "SELECT messages FROM statistics", &[]), ["2"]);
    assert_eq!(run(&db, "SELECT is_embedded FROM messages", &[]), ["1", "1"]);
}

#[test]
fn a_database_of_version_2_keeps_its_data_and_its_words_move() {
    let db = database(2);
    old_turn(&db, "the old boat", 10);
    end(&db, 2, "ok", "a fine one", 12);
    index(&db, &[(1, r#"{"boat":1,"old":1}"#), (2, r#"{"fine":1}"#)], 1);
    assert_eq!(run(&db, "SELECT count(*) FROM postings", &[]), ["3"]);

    upgrade(&db, 3, migrations::VERSION);
    assert_eq!(queue(&db, 1), ["1|the old boat", "2|a fine one"]);
    index(&db, &[(1, "boat old"), (2, "fine")], 1);
    assert_eq!(places(&db), ["1/boat|1", "1/fine|2", "1/old|1"]);
    assert_eq!(run(&db, "SELECT messages, terms FROM statistics", &[]), ["2|6"]);
    assert_eq!(run(&db, "SELECT count(*) FROM vectors", &[]), ["2"]);
    assert_eq!(queue(&db, 1), Vec::<String>::new());
}

#[test]
fn a_migration_can_be_repeated() {
    let db = database(migrations::VERSION);
    session(&db, "a");
    post(&db, "a", "hello", 10);
    let before = run(&db, "SELECT name, sql FROM sqlite_schema ORDER BY name", &[]);
    // As an instance does that died before it moved the number.
    run(&db, "UPDATE schema_version SET version = 0", &[]);
    upgrade(&db, 1, migrations::VERSION);
    assert_eq!(run(&db, "SELECT name, sql FROM sqlite_schema ORDER BY name", &[]), before);
    assert_eq!(run(&db, "SELECT count(*) FROM messages", &[]), ["2"]);
    assert_eq!(run(&db, migrations::READ, &[]), [migrations::VERSION.to_string()]);
}

#[test]
fn what_a_session_is_tied_to_goes_with_it_and_comes_with_its_turns() {
    let db = database(7);
    run(&db, "INSERT INTO sessions (id, created_at, last_updated_at) VALUES ('a', 5, 5)", &[]);
    upgrade(&db, 8, 8);
    let tie = "INSERT INTO session_policies (session, hook, digest) VALUES (1, 'assembly', 'aa')";
    run(&db, tie, &[]);
    upgrade(&db, 9, migrations::VERSION);
    assert_eq!(run(&db, ties::LIST, values![1_i64]), ["assembly|aa"]);
    run(&db, ties::TIE, values![1_i64, "truncation".to_owned(), "bb".to_owned()]);
    run(&db, ties::TIE, values![1_i64, "assembly".to_owned(), "cc".to_owned()]);
    run(&db, ties::UNTIE, values![1_i64, "truncation".to_owned()]);
    assert_eq!(run(&db, ties::LIST, values![1_i64]), ["assembly|cc"]);
    let tied = "SELECT json_group_object(hook, digest) FROM session_ties WHERE session = 1 \
        HAVING count(*) > 0";
    assert_eq!(run(&db, tied, &[]), [r#"{"assembly":"cc"}"#]);
    run(&db, sessions::DELETE, values!["a".to_owned(), nobody()]);
    assert_eq!(run(&db, "SELECT count(*) FROM session_ties", &[]), ["0"]);
}
