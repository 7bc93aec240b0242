//! What stands beside what a search found, and who speaks.

use rusqlite::Connection;
use rusqlite::types::Value;

use super::{database, embed, end, post, run, session};
use crate::db::candidates::{SPEAKERS, around_sql};
use crate::db::imports::{self, Imported};
use crate::db::{memory, migrations, sessions};

/// Lets somebody with a name speak in a session.
pub fn name(db: &Connection, session: i64) {
    run(db, "INSERT INTO speakers (session, name) VALUES (?1, 'Ann')", values![session]);
}

/// Messages around these: id and turn.
fn around(db: &Connection, session: i64, ids: &str, turn: i64) -> Vec<String> {
    let rows = run(db, &around_sql(), values![session, ids.to_owned(), turn, 1_i64, 3_i64]);
    let mut rows: Vec<String> = rows
        .iter()
        .map(|row| row.split('|').collect::<Vec<_>>())
        .map(|cells| format!("{} in {}", cells[0], cells[4]))
        .collect();
    rows.sort();
    rows
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
    embed(&db, &[4], 1);
    let told = run(&db, &around_sql(), values![1_i64, "[4]".to_owned(), 3_i64, 1_i64, 3_i64]);
    let four = told.iter().find(|row| row.starts_with("4|")).expect("it was found");
    assert_eq!(four, "4|assistant|12|9|2|12|a f|-|8 bytes");
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
    let told = run(&db, &around_sql(), values![1_i64, "[4]".to_owned(), 99_i64, 1_i64, 9_i64]);
    assert!(told.iter().any(|row| row.ends_with("|hello|Ben|-")), "{told:?}");
    run(&db, sessions::DELETE, values!["a".to_owned(), String::new()]);
    assert_eq!(speakers(1), Vec::<String>::new());
}
