//! Owners on a real SQLite: what is found by an id, or listed, is the owner's, in every statement.

use rusqlite::Connection;
use rusqlite::types::Value;

use super::{database, nobody, post, run, session, upgrade};
use crate::db::{documents, found, imports, messages, migrations, receipts, sessions};

/// A session `s` and a document `d` of Ada's.
fn of_ada() -> Connection {
    let db = database(migrations::VERSION);
    let ada = || "ada".to_owned();
    run(&db, sessions::CREATE, values!["s".to_owned(), Value::Null, 5_i64, Value::Null, ada()]);
    store(&db, "d", "ada/x", "ada");
    run(&db, "INSERT INTO session_documents (session, document) VALUES (1, 1)", &[]);
    db
}

fn store(db: &Connection, id: &str, key: &str, owner: &str) {
    let (id, key, owner) = (id.to_owned(), key.to_owned(), owner.to_owned());
    let parameters = values![id.clone(), id, key, 5_i64, b"hello".to_vec(), 7_i64, owner];
    run(db, documents::STORE, parameters);
}

#[test]
fn no_statement_finds_what_is_anothers() {
    let db = of_ada();
    let (s, d) = (|| Value::from("s".to_owned()), || Value::from("d".to_owned()));
    let number = |number: i64| Value::from(number);
    let ids = Value::from("[\"d\"]".to_owned());
    let post = vec![s(), number(9), s(), number(1), number(99), s(), number(3), number(0)];
    let all: [(&str, Vec<Value>); 16] = [
        (sessions::GET, vec![s()]),
        (sessions::NUMBER, vec![s()]),
        (sessions::RENAME, vec![s(), s()]),
        (sessions::SET_MEMORY, vec![s(), number(1)]),
        (sessions::INSTRUCT, vec![s(), s()]),
        (sessions::LIST, vec![number(9), number(0)]),
        (messages::POST, post),
        (messages::IMAGINE, vec![s()]),
        (documents::GET, vec![d()]),
        (documents::LIST, vec![number(9), number(0)]),
        (documents::NUMBERS, vec![ids]),
        (documents::RENAME, vec![d(), d(), number(9)]),
        (documents::AGAIN, vec![d()]),
        (documents::SESSIONS, vec![d()]),
        (documents::DELETE, vec![d()]),
        (sessions::DELETE, vec![s()]),
    ];
    for owner in ["eve", "", "ada"] {
        for (sql, parameters) in &all {
            let mut parameters = parameters.clone();
            parameters.push(Value::from(owner.to_owned()));
            let found = run(&db, sql, &parameters);
            assert_eq!(!found.is_empty(), owner == "ada", "`{owner}`: {sql}");
        }
    }
}

#[test]
fn every_statement_that_takes_an_id_takes_an_owner() {
    let by_id = [
        sessions::GET,
        sessions::NUMBER,
        sessions::RENAME,
        sessions::SET_MEMORY,
        sessions::INSTRUCT,
        sessions::DELETE,
        messages::POST,
        messages::IMAGINE,
        receipts::LATEST,
        imports::IMPORT,
        documents::GET,
        documents::RENAME,
        documents::AGAIN,
        documents::DELETE,
        documents::SESSIONS,
        documents::TEXT,
        documents::FAILED,
        documents::NUMBERS,
    ];
    for sql in by_id {
        assert!(sql.contains("owner = ?"), "{sql}");
    }
}

#[test]
fn what_was_said_is_found_in_all_sessions_of_an_owner_and_no_others() {
    let db = of_ada();
    let eve = || "eve".to_owned();
    run(&db, sessions::CREATE, values!["e".to_owned(), Value::Null, 9_i64, Value::Null, eve()]);
    for (id, at) in [("t", 6_i64), ("u", 7)] {
        let ada = "ada".to_owned();
        run(&db, sessions::CREATE, values![id.to_owned(), Value::Null, at, Value::Null, ada]);
    }
    let say = "INSERT INTO messages (session, turn, role, status, timestamp, content) \
        VALUES (?1, ?2, 'user', 'ok', 1, ?3)";
    for (session, turn, said) in
        [(1, 1, "The Boat"), (1, 2, "a boat"), (1, 3, "100%"), (2, 1, "boats"), (3, 1, "boat")]
    {
        run(&db, say, values![i64::from(session), i64::from(turn), said.to_owned()]);
    }
    let find = |owner: &str, pattern: &str, each: i64, limit: i64, skip: i64| -> Vec<String> {
        let (owner, pattern) = (owner.to_owned(), pattern.to_owned());
        let rows = run(&db, found::FIND, values![owner, pattern, each, limit, skip]);
        let told = |row: &String| row.split('|').nth(4).unwrap_or_default().to_owned();
        rows.iter().map(told).collect()
    };
    assert_eq!(find("ada", "%boat%", 9, 9, 0), ["boat", "a boat", "The Boat"]);
    assert_eq!(find("ada", "%boat%", 1, 9, 0), ["boat", "a boat"]);
    assert_eq!(find("ada", "%boat%", 9, 1, 1), ["a boat"]);
    assert_eq!(find("ada", "%100\\%%", 9, 9, 0), ["100%"]);
    assert_eq!(find("eve", "%boat%", 9, 9, 0), ["boats"]);
    assert!(find("", "%%", 9, 9, 0).is_empty());
}

#[test]
fn the_same_content_is_a_document_of_each() {
    let db = of_ada();
    store(&db, "e", "eve/x", "eve");
    // An id of Ada's does not let Eve replace what it names.
    store(&db, "d", "eve/y", "eve");
    let found = run(&db, "SELECT id, owner, sha256, version FROM documents ORDER BY id", &[]);
    assert_eq!(found, ["d|ada|ada/x|1", "e|eve|eve/x|1"]);
}

#[test]
fn what_an_older_version_stored_is_whoevers_needs_no_key() {
    let db = database(9);
    let old = "INSERT INTO sessions (id, created_at, last_updated_at) VALUES ('a', 5, 5)";
    run(&db, old, &[]);
    upgrade(&db, 10, migrations::VERSION);
    // A second instance, or one that goes on where another died, finds its work done.
    upgrade(&db, 10, 10);
    let mine = values!["a".to_owned(), String::new()];
    assert_eq!(run(&db, sessions::NUMBER, mine), ["1"]);
}

#[test]
fn sessions_are_listed_newest_first() {
    let db = database(migrations::VERSION);
    for id in ["a", "b", "c"] {
        session(&db, id);
    }
    post(&db, "b", "hello", 50);
    let ids = |skip: i64| -> Vec<String> {
        let rows = run(&db, sessions::LIST, values![2_i64, skip, nobody()]);
        rows.iter().map(|row| row[..1].to_owned()).collect()
    };
    assert_eq!(ids(0), ["b", "c"]);
    assert_eq!(ids(2), ["a"]);
}
