//! What stands beside what a search found, and who speaks.

use rusqlite::Connection;
use rusqlite::types::Value;

use super::{database, end, post, rows, run, session};
use crate::db::candidates::{Near, SPEAKERS, around_sql, placed};
use crate::db::imports::{self, Imported};
use crate::db::{memory, migrations, sessions};

/// Lets somebody with a name speak in a session.
pub fn name(db: &Connection, session: i64) {
    run(db, "INSERT INTO speakers (session, name) VALUES (?1, 'Ann')", values![session]);
}

/// What stands around these messages, of each as many characters as this.
fn near(db: &Connection, session: i64, ids: &str, turn: i64, chars: i64) -> Vec<(u64, Near)> {
    let mut found = rows(db, &around_sql(), values![session, ids.to_owned(), turn, chars]);
    assert_eq!(found.len(), 1);
    placed(found.remove(0))
}

/// Messages around these: id and turn.
fn around(db: &Connection, session: i64, ids: &str, turn: i64) -> Vec<String> {
    let near = near(db, session, ids, turn, 3);
    let mut told: Vec<String> =
        near.iter().map(|(place, one)| format!("{} in {}", one.message, place / 2)).collect();
    told.sort();
    told
}

#[test]
fn what_was_said_right_before_and_after_comes_along() {
    let db = database(migrations::VERSION);
    for (id, first) in [("a", 1), ("b", 9)] {
        session(&db, id);
        for reply in (first..first + 8).step_by(2).map(|user| user + 1) {
            post(&db, id, "hello", 10);
            end(&db, reply, "ok", "a fine reply", 12);
        }
    }
    assert_eq!(around(&db, 1, "[4]", 9), ["3 in 2", "4 in 2", "5 in 3"]);
    // At both ends there is one neighbour only; what another session said is none.
    assert_eq!(around(&db, 1, "[1,8,9]", 9), ["1 in 1", "2 in 1", "7 in 4", "8 in 4"]);
    // What is not to be recalled is passed over, and the turn itself and what came after it is out.
    run(&db, memory::FORGET, values![1_i64, 3_i64]);
    assert_eq!(around(&db, 1, "[4,3]", 9), ["2 in 1", "4 in 2", "5 in 3"]);
    assert_eq!(around(&db, 1, "[4]", 3), ["2 in 1", "4 in 2"]);
    let told = near(&db, 1, "[4]", 3, 3);
    let (place, four) = told.iter().find(|(_, one)| one.message == 4).expect("it was found");
    assert_eq!((*place, four.role, four.name.as_deref()), (5, "assistant", None));
    assert_eq!((four.timestamp, four.hash, four.bytes), (12, 9, 12));
    assert_eq!(four.beginning, "a f");
    assert!(near(&db, 1, "[]", 9, 3).is_empty());
}

#[test]
fn who_speaks_is_known_of_what_was_imported() {
    let db = database(8);
    // As statements of that version wrote them: later ones know owners.
    for id in ["a", "b"] {
        let insert = "INSERT INTO sessions (id, created_at, last_updated_at) VALUES (?1, 5, 5)";
        run(&db, insert, values![id.to_owned()]);
    }
    for (turn, name) in [(1_i64, Some("Ann")), (2, Some("Ann")), (3, None)] {
        let insert = "INSERT INTO messages \
            (session, turn, role, status, timestamp, content, metadata) \
            VALUES (1, ?1, 'user', 'ok', 5, 'hello', ?2)";
        let metadata = name.map(|name| format!("{{\"name\":\"{name}\"}}"));
        run(&db, insert, values![turn, metadata]);
    }
    let said = |name: Option<&str>| Imported {
        role: "user",
        name: name.map(str::to_owned),
        timestamp: Some(5),
        content: "hello".to_owned(),
        status: "ok",
        forgotten: false,
    };
    let import = |db: &Connection, names: &[Option<&str>]| {
        let all: Vec<Imported> = names.iter().copied().map(said).collect();
        run(db, imports::IMPORT, values!["a".to_owned(), imports::rows(&all, 40), String::new()]);
    };
    super::upgrade(&db, 9, migrations::VERSION);
    import(&db, &[Some("Ben"), Some("Ann"), None]);
    let speakers = |session: i64| run(&db, SPEAKERS, values![session, 9_i64]);
    assert_eq!((speakers(1), speakers(2)), (vec!["Ann".to_owned(), "Ben".to_owned()], vec![]));
    let told = near(&db, 1, "[4]", 99, 9);
    let ben = told.iter().find(|(_, one)| one.name.as_deref() == Some("Ben"));
    assert_eq!(ben.map(|(_, one)| one.beginning.as_str()), Some("hello"), "{told:?}");
    run(&db, sessions::DELETE, values!["a".to_owned(), String::new()]);
    assert_eq!(speakers(1), Vec::<String>::new());
}
