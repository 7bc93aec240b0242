//! The statements of this component on a real SQLite: what the schema promises, and that no
//! statement of a turn reads more than its index shows it.

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use spin_sdk::sqlite::RowResult;

use super::{Row, indexing, memory, messages, migrations, receipts, sessions, superseded, ties};

/// Runs a statement and returns its rows as text, columns joined by `|`.
fn run(db: &Connection, sql: &str, parameters: &[Value]) -> Vec<String> {
    let mut statement = db.prepare(sql).unwrap_or_else(|error| panic!("{error}: {sql}"));
    let columns = statement.column_count();
    let mut rows = statement.query(params_from_iter(parameters)).unwrap();
    let mut found = Vec::new();
    while let Some(row) = rows.next().unwrap_or_else(|error| panic!("{error}: {sql}")) {
        let cells: Vec<String> = (0..columns)
            .map(|column| match row.get::<_, Value>(column).unwrap() {
                Value::Null => "-".to_owned(),
                Value::Integer(number) => number.to_string(),
                Value::Real(number) => number.to_string(),
                Value::Text(text) => text,
                Value::Blob(bytes) => format!("{} bytes", bytes.len()),
            })
            .collect();
        found.push(cells.join("|"));
    }
    found
}

/// Runs a statement and returns its rows as the host does.
fn rows(db: &Connection, sql: &str, parameters: &[Value]) -> Vec<Row> {
    let mut statement = db.prepare(sql).unwrap_or_else(|error| panic!("{error}: {sql}"));
    let columns = statement.column_count();
    let row = |row: &rusqlite::Row<'_>| {
        let value = |column| match row.get(column)? {
            Value::Null => Ok(spin_sdk::sqlite::Value::Null),
            Value::Integer(number) => Ok(number.into()),
            Value::Real(number) => Ok(number.into()),
            Value::Text(text) => Ok(text.into()),
            Value::Blob(bytes) => Ok(bytes.into()),
        };
        Ok(Row(RowResult { values: (0..columns).map(value).collect::<rusqlite::Result<_>>()? }))
    };
    let found = statement.query_map(params_from_iter(parameters), row).unwrap();
    found.map(Result::unwrap).collect()
}

macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$(Value::from($value)),*] };
}

mod candidates;
mod documents;
mod imports;
mod index_generations;
mod owners;
mod snapshots;
mod superseding;
mod unfinished;
mod upgrades;
mod windows;

/// The owner where no key is needed.
fn nobody() -> String {
    String::new()
}

/// A new database of this version.
fn database(version: i64) -> Connection {
    let db = Connection::open_in_memory().unwrap();
    run(&db, migrations::CREATE, &[]);
    run(&db, migrations::BEGIN, &[]);
    upgrade(&db, 1, version);
    db
}

fn upgrade(db: &Connection, from: i64, to: i64) {
    for version in from..=to {
        for statement in migrations::statements(version) {
            let is_done = migrations::probe(statement).is_some_and(|it| db.prepare(it).is_ok());
            if !is_done {
                run(db, statement, &[]);
            }
        }
        run(db, migrations::MOVE, values![version]);
    }
}

/// What waits to be indexed by a model: ids and texts.
fn queue(db: &Connection, model: i64) -> Vec<String> {
    let rows = run(db, indexing::QUEUE, values![model, 10_i64, 0_i64]);
    let short = |row: String| row.split('|').take(2).collect::<Vec<_>>().join("|");
    rows.into_iter().map(short).collect()
}

fn session(db: &Connection, id: &str) {
    run(db, sessions::CREATE, values![id.to_owned(), Value::Null, 5_i64, Value::Null, nobody()]);
}

/// Posts a message; the rows are those of `messages::POST`.
fn post(db: &Connection, session: &str, content: &str, now: i64) -> Vec<String> {
    post_instead(db, session, content, now, 0)
}

/// Posts a message in the place of the turns from one on.
fn post_instead(db: &Connection, session: &str, content: &str, now: i64, from: i64) -> Vec<String> {
    let (id, content, run_of) = (session.to_owned(), content.to_owned(), "r".to_owned());
    let values = values![id, now, content, 1_i64, now + 100, run_of, 3_i64, from, nobody()];
    run(db, messages::POST, values)
}

fn end(db: &Connection, reply: i64, status: &str, content: &str, now: i64) {
    let parameters = values![
        reply,
        status.to_owned(),
        content.to_owned(),
        9_i64,
        now,
        3_i64,
        1_i64,
        "{}".to_owned(),
        "{\"receipt\":1}".to_owned(),
        reply - 1,
        "ok".to_owned(),
        2_i64,
        Value::Null,
    ];
    run(db, messages::END, parameters);
}

fn look(db: &Connection, reply: i64, run_of: &str, now: i64) -> Vec<String> {
    run(db, messages::LOOK, values![reply, run_of.to_owned(), now])
}

fn embed(db: &Connection, ids: &[i64], model: i64) {
    let texts: Vec<(i64, &str)> = ids.iter().map(|id| (*id, "boat boat bridge")).collect();
    index(db, &texts, model);
}

/// Indexes messages under a model, with these words.
fn index(db: &Connection, texts: &[(i64, &str)], model: i64) {
    let mut parameters = vec![Value::from(model)];
    for (id, terms) in texts {
        parameters.push(Value::from(*id));
        parameters.push(Value::from(vec![0_u8; 8]));
        parameters.push(Value::from((*terms).to_owned()));
        parameters.push(Value::from(3_i64));
    }
    run(db, &indexing::insert_sql(texts.len()), &parameters);
}

#[test]
fn a_post_makes_a_turn_of_two_messages_in_order() {
    let db = database(migrations::VERSION);
    session(&db, "a");
    assert_eq!(post(&db, "a", "hello", 10), ["1|1|1|1|-|0|-|-", "2|1|1|1|-|0|-|-"]);
    // The second turn is blocked by the first, which is alive.
    assert_eq!(post(&db, "a", "again", 20), ["3|1|2|1|-|1|-|-", "4|1|2|1|-|1|-|-"]);
    assert_eq!(post(&db, "nobody", "hello", 30), Vec::<String>::new());
    assert_eq!(
        run(&db, "SELECT turn, role, status, content FROM messages ORDER BY turn, role DESC", &[]),
        ["1|user|ok|hello", "1|assistant|pending|", "2|user|ok|again", "2|assistant|pending|"]
    );
    assert_eq!(run(&db, "SELECT turns, last_updated_at FROM sessions", &[]), ["2|20"]);
}

#[test]
fn a_full_queue_stores_nothing() {
    let db = database(migrations::VERSION);
    session(&db, "a");
    for now in 0..3 {
        assert_eq!(post(&db, "a", "hello", now).len(), 2);
    }
    assert_eq!(post(&db, "a", "hello", 4).len(), 0);
    assert_eq!(run(&db, "SELECT count(*) FROM messages", &[]), ["6"]);
}

#[test]
fn a_turn_runs_when_no_earlier_one_is_alive() {
    let db = database(migrations::VERSION);
    session(&db, "a");
    post(&db, "a", "one", 10);
    post(&db, "a", "two", 11);
    assert_eq!(look(&db, 4, "r", 20), ["0|1"]);
    // Its lease ran out; or it belonged to another run of the host.
    assert_eq!(look(&db, 4, "r", 110), ["0|0"]);
    assert_eq!(look(&db, 4, "s", 20), ["0|0"]);
    run(&db, messages::RENEW, values![2_i64, 500_i64]);
    assert_eq!(look(&db, 4, "r", 110), ["0|1"]);
    end(&db, 2, "ok", "first", 120);
    assert_eq!(look(&db, 4, "r", 121), ["0|0"]);
    assert_eq!(look(&db, 2, "r", 121), Vec::<String>::new());
}

#[test]
fn a_cancelled_turn_is_told() {
    let db = database(migrations::VERSION);
    session(&db, "a");
    post(&db, "a", "one", 10);
    assert_eq!(run(&db, messages::CANCEL, values![1_i64]), ["2"]);
    assert_eq!(look(&db, 2, "r", 20), ["1|0"]);
    end(&db, 2, "cancelled", "I was say", 30);
    assert_eq!(run(&db, messages::CANCEL, values![1_i64]), Vec::<String>::new());
}

#[test]
fn the_end_of_a_turn_is_one_statement() {
    let db = database(migrations::VERSION);
    session(&db, "a");
    post(&db, "a", "hello", 10);
    end(&db, 2, "ok", "hi there", 42);
    assert_eq!(
        run(&db, "SELECT id, status, content, timestamp, tokens, tokens_by FROM messages", &[]),
        ["1|ok|hello|10|2|1", "2|ok|hi there|42|3|1"]
    );
    assert_eq!(run(&db, "SELECT last_updated_at FROM sessions", &[]), ["42"]);
    assert_eq!(run(&db, messages::RECEIPT, values![1_i64, 2_i64]), ["{\"receipt\":1}"]);
    // A turn ends once.
    end(&db, 2, "failed", "", 50);
    assert_eq!(run(&db, "SELECT status, timestamp FROM messages WHERE id = 2", &[]), ["ok|42"]);
}

#[test]
fn a_turn_that_died_leaves_what_the_user_said_marked_and_queued() {
    let db = database(migrations::VERSION);
    session(&db, "a");
    post(&db, "a", "one", 10);
    post(&db, "a", "two", 11);
    end(&db, 2, "ok", "done", 12);
    // The same run, the lease still runs: it is alive.
    let same = run(&db, messages::ABANDON, values!["r".to_owned(), 20_i64]);
    assert_eq!(same, Vec::<String>::new());
    // Another run of the host: it is dead at once.
    assert_eq!(run(&db, messages::ABANDON, values!["s".to_owned(), 20_i64]), ["4"]);
    let all = run(&db, messages::LIST, values![1_i64, 10_i64, 0_i64, 0_i64]);
    assert_eq!(
        all,
        [
            "1|1|10|user|one|ok|0|-",
            "2|1|12|assistant|done|ok|0|{}",
            "3|2|11|user|two|interrupted|0|-"
        ]
    );
    let queue = queue(&db, 1);
    assert_eq!(queue, ["1|one", "2|done", "3|two"]);
    // The end of a turn that was taken for dead changes nothing.
    end(&db, 4, "ok", "late", 30);
    assert_eq!(run(&db, "SELECT count(*) FROM messages", &[]), ["3"]);
    assert_eq!(run(&db, "SELECT count(*) FROM receipts", &[]), ["1"]);
}

#[test]
fn a_message_is_indexed_once_and_again_by_another_model() {
    let db = database(migrations::VERSION);
    session(&db, "a");
    post(&db, "a", "one", 10);
    end(&db, 2, "ok", "done", 12);
    embed(&db, &[1, 2], 1);
    embed(&db, &[1, 2], 1);
    assert_eq!(run(&db, indexing::AFTER, values![1_i64, 1_i64, 0_i64, 9_i64]).len(), 2);
    assert_eq!(queue(&db, 1), Vec::<String>::new());
    assert_eq!(run(&db, "SELECT is_embedded FROM messages", &[]), ["1", "1"]);
    // Under another model all waits again, and its vectors replace the old ones.
    assert_eq!(queue(&db, 2).len(), 2);
    embed(&db, &[1], 2);
    assert_eq!(run(&db, "SELECT message, model FROM vectors ORDER BY seq", &[]), ["2|1", "1|2"]);
    assert_eq!(queue(&db, 2), ["2|done"]);
}

#[test]
fn what_failed_is_not_indexed() {
    let db = database(migrations::VERSION);
    session(&db, "a");
    post(&db, "a", "one", 10);
    end(&db, 2, "failed", "half a sen", 12);
    assert_eq!(queue(&db, 1), ["1|one"]);
    embed(&db, &[1, 2], 1);
    assert_eq!(run(&db, "SELECT message FROM vectors", &[]), ["1"]);
    assert_eq!(run(&db, "SELECT is_embedded FROM messages", &[]), ["1", "0"]);
}

#[test]
fn a_forgotten_memory_is_gone_and_stays_gone() {
    let db = database(migrations::VERSION);
    session(&db, "a");
    post(&db, "a", "one", 10);
    end(&db, 2, "ok", "done", 12);
    embed(&db, &[1, 2], 1);
    assert_eq!(run(&db, memory::FORGET, values![1_i64, 1_i64]), ["1"]);
    assert_eq!(run(&db, memory::FORGET, values![1_i64, 1_i64]), Vec::<String>::new());
    assert_eq!(run(&db, "SELECT message FROM vectors", &[]), ["2"]);
    assert_eq!(
        run(&db, memory::LIST, values![1_i64, 9_i64, 0_i64, 99_i64]),
        ["2|1|assistant|12|done"]
    );
    assert_eq!(queue(&db, 1), Vec::<String>::new());
    embed(&db, &[1], 1);
    assert_eq!(run(&db, "SELECT message FROM vectors", &[]), ["2"]);
    let fetched = run(&db, memory::FETCH, values![1_i64, "[1,2]".to_owned(), 9_i64]);
    assert_eq!(fetched, ["2|1|assistant|12|3|1|done"]);
    // Another session's message is not found by its id.
    assert_eq!(run(&db, memory::FORGET, values![2_i64, 2_i64]), Vec::<String>::new());
    assert_eq!(run(&db, memory::FETCH, values![2_i64, "[1,2]".to_owned(), 9_i64]).len(), 0);
}

#[test]
fn a_deleted_session_leaves_nothing() {
    let db = database(migrations::VERSION);
    session(&db, "a");
    session(&db, "b");
    for (id, reply) in [("a", 2), ("b", 4)] {
        post(&db, id, "one", 10);
        end(&db, reply, "ok", "done", 12);
        embed(&db, &[reply - 1, reply], 1);
        snapshots::leave(&db, reply / 2);
        let tie = values![reply / 2, "assembly".to_owned(), "aa".to_owned()];
        run(&db, ties::TIE, tie);
        candidates::name(&db, reply / 2);
    }
    assert_eq!(run(&db, sessions::DELETE, values!["a".to_owned(), nobody()]), ["1"]);
    assert_eq!(
        places(&db),
        ["2/boat|3", "2/boat|3", "2/boat|4", "2/boat|4", "2/bridge|3", "2/bridge|4"]
    );
    for table in tables_of_sessions(&db) {
        let column = if table == "receipts" { "message" } else { "session" };
        let owner = if table == "receipts" { 4 } else { 2 };
        let owners = run(&db, &format!("SELECT DISTINCT {column} FROM {table}"), &[]);
        assert_eq!(owners, [owner.to_string()], "{table}");
    }
    // Work on it that was under way finds nothing.
    embed(&db, &[1, 2], 1);
    end(&db, 2, "ok", "late", 30);
    for table in ["vectors", "statistics", "messages"] {
        let count = run(&db, &format!("SELECT count(*) FROM {table} WHERE session = 1"), &[]);
        assert_eq!(count, ["0"], "{table}");
    }
    assert_eq!(places(&db).iter().filter(|place| place.starts_with("1/")).count(), 0);
    // A session's number is never given to another.
    session(&db, "c");
    assert_eq!(run(&db, sessions::NUMBER, values!["c".to_owned(), nobody()]), ["3"]);
}

/// Every place of every term: the term, and the message.
fn places(db: &Connection) -> Vec<String> {
    run(db, "SELECT term, doc / 4096 FROM word_places ORDER BY term, doc", &[])
}

/// The tables whose rows belong to a session, besides those of the words.
fn tables_of_sessions(db: &Connection) -> Vec<String> {
    // Version 14 emptied `session_policies`.
    let all = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
        AND name NOT IN ('schema_version', 'sessions', 'models', 'generations', \
            'session_policies') \
        AND name NOT LIKE 'word%' AND name NOT LIKE 'chunk%' AND name NOT LIKE '%document%'";
    run(db, all, &[])
}

#[test]
fn no_statement_reads_a_whole_table() {
    let db = database(migrations::VERSION);
    let (insert, around) = (indexing::insert_sql(2), super::candidates::around_sql());
    for sql in [
        sessions::LIST,
        sessions::GET,
        sessions::NUMBER,
        sessions::RENAME,
        sessions::SET_MEMORY,
        sessions::DELETE,
        messages::POST,
        messages::LOOK,
        messages::RENEW,
        messages::END,
        messages::CANCEL,
        messages::LIST,
        super::window::WINDOW,
        messages::SAID_BEFORE,
        messages::RECEIPT,
        messages::BY_IDS,
        indexing::QUEUE,
        indexing::AFTER,
        memory::LIST,
        memory::FETCH,
        memory::FORGET,
        memory::POSTINGS,
        memory::SAID,
        superseded::TURN,
        superseded::STOP,
        superseded::GONE,
        receipts::LATEST_OF,
        ties::TIE,
        ties::UNTIE,
        ties::LIST,
        super::candidates::SPEAKERS,
        super::candidates::DURING,
        insert.as_str(),
        around.as_str(),
    ] {
        for step in plan(&db, sql) {
            let scans = step.starts_with("SCAN")
                && !step.contains("ROW VALUES CLAUSE")
                && !step.starts_with("SCAN v")
                && !step.starts_with("SCAN j ")
                // One term of the vocabulary, by equality.
                && !step.starts_with("SCAN p VIRTUAL TABLE INDEX 259")
                && !step.contains("CONSTANT ROW")
                && !step.starts_with("SCAN (");
            assert!(!scans, "`{step}` in: {sql}");
            // Two rows of a turn, and the terms of a query, are few.
            let few = [messages::POST, memory::POSTINGS].contains(&sql);
            let sorts = step.contains("TEMP B-TREE") && !few;
            assert!(!sorts, "`{step}` in: {sql}");
        }
    }
    // What is asked for by id costs as much as there are ids, however long the session is.
    for sql in [messages::BY_IDS, memory::FETCH] {
        let plan = plan(&db, sql);
        assert!(plan.iter().any(|step| step.contains("m USING INTEGER PRIMARY KEY")), "{plan:?}");
    }
    // The latest of all are read from the end, and no more of them than wanted.
    let latest = plan(&db, receipts::LATEST);
    assert!(!latest.iter().any(|step| step.contains("TEMP B-TREE")), "{latest:?}");
    // What died is found among what is pending, not among all that was ever said.
    let abandon = plan(&db, messages::ABANDON);
    assert!(abandon.iter().any(|step| step.contains("messages_pending")), "{abandon:?}");
}

/// The steps of a statement, those of its triggers not included.
fn plan(db: &Connection, sql: &str) -> Vec<String> {
    let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let count = statement.parameter_count();
    let rows = statement
        .query_map(params_from_iter(vec![Value::from(1_i64); count]), |row| row.get::<_, String>(3))
        .unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn words_are_counted_once_and_per_session() {
    let db = database(migrations::VERSION);
    for (id, reply) in [("a", 2), ("b", 4)] {
        session(&db, id);
        post(&db, id, "one", 10);
        end(&db, reply, "ok", "done", 12);
    }
    for _ in 0..2 {
        index(&db, &[(1, "boat boat tide"), (2, "boat")], 1);
        index(&db, &[(3, "boat boat boat it's 3.14")], 1);
    }
    // Another model makes another vector, but the words are the same.
    index(&db, &[(1, "boat boat tide")], 2);
    let search = |session: i64, terms: &str, most: i64| {
        run(&db, memory::POSTINGS, values![session, terms.to_owned(), most])
    };
    // Messages, terms, and of each term the places: 4096 times the message, and its length.
    let terms = r#"["boat","tide","kite"]"#;
    let tide = (4096 + 3).to_string();
    let boat = format!("{tide} {tide} {}", 2 * 4096 + 3);
    assert_eq!(search(1, terms, 9), [format!("2|6|{boat}"), format!("2|6|{tide}"), "2|6|-".into()]);
    assert_eq!(search(1, r#"["boat"]"#, 2), [format!("2|6|{tide} {tide}")]);
    let other = (3 * 4096 + 3).to_string();
    let found = [format!("1|3|{other}"), format!("1|3|{other}")];
    assert_eq!(search(2, r#"["it's","3.14"]"#, 9), found);
    assert_eq!(search(3, terms, 9), Vec::<String>::new());
}

#[test]
fn a_forgotten_memory_leaves_no_word() {
    let db = database(migrations::VERSION);
    session(&db, "a");
    post(&db, "a", "one", 10);
    end(&db, 2, "ok", "done", 12);
    index(&db, &[(1, "boat boat secret"), (2, "boat")], 1);
    run(&db, memory::FORGET, values![1_i64, 1_i64]);
    assert_eq!(places(&db), ["1/boat|2"]);
    assert_eq!(run(&db, "SELECT messages, terms FROM statistics", &[]), ["1|3"]);
    // It is not indexed again.
    index(&db, &[(1, "boat boat secret")], 1);
    assert_eq!(places(&db), ["1/boat|2"]);
}
