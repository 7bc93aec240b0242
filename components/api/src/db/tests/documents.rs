//! Documents on a real SQLite: one content is one document, nothing derived outlives it, and work
//! on a version that is gone has no effect.

use rusqlite::Connection;
use rusqlite::types::Value;

use super::{database, nobody, plan, run, session};
use crate::db::{documents, generations, migrations, passages, reading};

fn upload(db: &Connection, id: &str, sha256: &str, now: i64) {
    let parameters = values![
        id.to_owned(),
        format!("{id}.txt"),
        sha256.to_owned(),
        5_i64,
        b"hello".to_vec(),
        now,
        nobody(),
    ];
    run(db, documents::STORE, parameters);
}

/// Stores a text and two chunks, as the version of this number.
fn read(db: &Connection, number: i64, version: i64) {
    run(db, reading::CLEAR, values![number, version]);
    run(db, reading::STORE_TEXT, values![number, version, b"boat bridge".to_vec()]);
    let chunks = r#"[[0,0,4,1,["Top"],"boat"],[1,5,11,2,[],"bridge"]]"#.to_owned();
    run(db, reading::STORE_CHUNKS, values![number, version, chunks]);
    let told = values![
        number,
        version,
        "plain".to_owned(),
        "UTF-8".to_owned(),
        String::new(),
        0_i64,
        Value::Null,
        2_i64,
    ];
    run(db, reading::READ, told);
}

fn index(db: &Connection, chunk: i64, model: i64, terms: &str, error: Option<&str>) {
    let vector = error.map_or(Value::from(vec![0_u8; 8]), |_| Value::Null);
    let error = error.map_or(Value::Null, |error| Value::from(error.to_owned()));
    let parameters = values![model, chunk, vector, terms.to_owned(), 1_i64, error];
    run(db, &reading::insert_sql(1), parameters);
}

fn claim(db: &Connection, now: i64) -> Vec<String> {
    run(db, reading::CLAIM, values![now + 100, "r".to_owned(), now])
}

fn state(db: &Connection) -> Vec<String> {
    run(db, "SELECT id, version, status, chunks, worded, terms FROM documents ORDER BY no", &[])
}

fn everything(db: &Connection) -> Vec<String> {
    let all = "SELECT (SELECT count(*) FROM documents), (SELECT count(*) FROM document_sources), \
        (SELECT count(*) FROM document_texts), (SELECT count(*) FROM chunks), \
        (SELECT count(*) FROM chunk_vectors), (SELECT count(*) FROM chunk_word_places), \
        (SELECT count(*) FROM session_documents)";
    run(db, all, &[])
}

#[test]
fn the_same_content_is_one_document() {
    let db = database(migrations::VERSION);
    upload(&db, "a", "x", 1);
    upload(&db, "b", "x", 2);
    assert_eq!(state(&db), ["a|1|queued|0|0|0"]);
    assert_eq!(run(&db, documents::BY_CONTENT, values!["x".to_owned()]).len(), 1);
    upload(&db, "b", "y", 3);
    // What another document has does not take the place of this one's content.
    upload(&db, "b", "x", 4);
    assert_eq!(run(&db, "SELECT id, sha256, version FROM documents", &[]), ["a|x|1", "b|y|1"]);
}

#[test]
fn a_document_is_read_indexed_and_found() {
    let db = database(migrations::VERSION);
    upload(&db, "a", "x", 1);
    assert_eq!(claim(&db, 10), ["1|a|1|0|1"]);
    assert_eq!(claim(&db, 20), Vec::<String>::new(), "somebody works on it");
    assert_eq!(claim(&db, 110), ["1|a|1|0|2"], "whose lease ran out is dead");
    read(&db, 1, 1);
    // A step that is repeated changes nothing.
    run(&db, reading::STORE_CHUNKS, values![1_i64, 1_i64, "[[0,0,4,1,[],\"x\"]]".to_owned()]);
    let waiting = run(&db, reading::WAITING, values![1_i64, 7_i64, 10_i64, 0_i64]);
    assert_eq!(waiting, [r#"1|["Top"]|boat|0"#, "2|[]|bridge|0"]);
    index(&db, 1, 7, "boat", None);
    index(&db, 1, 7, "boat", None);
    index(&db, 2, 7, "bridge", Some("too long"));
    assert_eq!(state(&db), ["a|1|indexing|2|2|2"]);
    let waiting = run(&db, reading::WAITING, values![1_i64, 7_i64, 10_i64, 0_i64]);
    assert_eq!(waiting, Vec::<String>::new());
    run(&db, reading::READY, values![1_i64, 1_i64, 7_i64]);
    assert_eq!(claim(&db, 300), Vec::<String>::new());
    let failed = run(&db, documents::FAILED, values!["a".to_owned(), 10_i64, nobody()]);
    assert_eq!(failed, ["1|2|5|11|too long"]);

    let places = |terms: &str, numbers: &str| {
        run(&db, passages::PLACES, values![terms.to_owned(), numbers.to_owned(), 10_i64])
    };
    let (first, second) = (format!("2|2|{}", 4096 + 1), format!("2|2|{}", 2 * 4096 + 1));
    assert_eq!(places(r#"["boat","sea"]"#, "[1]"), [first, "2|2|-".to_owned()]);
    assert_eq!(places(r#"["bridge"]"#, "[1]"), [second]);
    assert_eq!(places(r#"["boat"]"#, "[2]"), ["-|-|-"]);
    let fetch = |documents: &str, model: i64| {
        run(&db, passages::FETCH, values![documents.to_owned(), "[1,2]".to_owned(), model])
    };
    assert_eq!(fetch("[1]", 7)[0], r#"1|a|a.txt|1|0|1|["Top"]|0|boat|8 bytes"#);
    assert_eq!(fetch("[1]", 8)[0], r#"1|a|a.txt|1|0|1|["Top"]|0|boat|-"#);
    assert_eq!(fetch("[9]", 7), Vec::<String>::new());
    let text = run(&db, documents::TEXT, values!["a".to_owned(), 5_i64, 6_i64, nobody()]);
    assert_eq!(text, ["6 bytes|11"]);

    // Another model embeds it anew; its words stay.
    run(&db, reading::OUTDATED, values![8_i64]);
    assert_eq!(claim(&db, 400), ["1|a|1|1|1"]);
    index(&db, 1, 8, "boat", None);
    index(&db, 2, 8, "bridge", None);
    assert_eq!(run(&db, "SELECT chunk, model FROM chunk_vectors", &[]), ["1|8", "2|8"]);
    let last = run(&db, "SELECT max(seq) FROM chunk_vectors", &[]).remove(0);
    let marks = run(&db, passages::MARKS, values!["[1,2]".to_owned(), 8_i64]);
    assert_eq!(marks, [format!("1|{last}"), "2|-".to_owned()]);
    assert_eq!(state(&db), ["a|1|indexing|2|2|2"]);
}

#[test]
fn the_old_index_serves_until_the_new_one_holds_every_passage() {
    let db = database(migrations::VERSION);
    ["one", "two"].into_iter().for_each(|digest| {
        run(&db, crate::db::messages::MODEL, values![digest.to_owned()]);
    });
    run(&db, generations::TARGET, values![1_i64]);
    upload(&db, "a", "x", 1);
    claim(&db, 10);
    read(&db, 1, 1);
    [(1, "boat"), (2, "bridge")].into_iter().for_each(|(id, word)| index(&db, id, 1, word, None));
    run(&db, reading::READY, values![1_i64, 1_i64, 1_i64]);

    run(&db, generations::TARGET, values![2_i64]);
    run(&db, reading::OUTDATED, values![2_i64]);
    let waiting = || run(&db, reading::WAITING, values![1_i64, 2_i64, 10_i64, 1_i64]);
    assert_eq!(waiting(), [r#"1|["Top"]|boat|1"#, "2|[]|bridge|1"]);
    index(&db, 1, 2, "boat", None);
    let vectors = || run(&db, "SELECT chunk, model FROM chunk_vectors ORDER BY model, chunk", &[]);
    assert_eq!(vectors(), ["1|1", "2|1", "1|2"]);
    let flip = || !run(&db, generations::FLIP, values![2_i64]).is_empty();
    assert!(!flip());
    index(&db, 2, 2, "bridge", None);
    assert!(flip());
    // What is new while one is being built goes into both, and into none that does not serve.
    run(&db, &reading::served_sql(1), values![1_i64, 1_i64, vec![0_u8; 8]]);
    assert_eq!(vectors(), ["1|1", "2|1", "1|2", "2|2"]);
    run(&db, "UPDATE generations SET place = 'retired' WHERE model = 1", &[]);
    while !run(&db, generations::SWEEP, values![2_i64]).is_empty() {}
    assert_eq!(vectors(), ["1|2", "2|2"]);
}

#[test]
fn what_is_replaced_leaves_nothing_and_work_on_it_has_no_effect() {
    let db = database(migrations::VERSION);
    upload(&db, "a", "x", 1);
    read(&db, 1, 1);
    index(&db, 1, 7, "boat", None);
    upload(&db, "a", "y", 2);
    assert_eq!(state(&db), ["a|2|queued|0|0|0"]);
    assert_eq!(everything(&db), ["1|1|0|0|0|0|0"]);
    read(&db, 1, 1);
    run(&db, reading::FAILED, values![1_i64, 1_i64, "code".to_owned(), "why".to_owned()]);
    assert_eq!(state(&db), ["a|2|queued|0|0|0"]);
    read(&db, 1, 2);
    assert_eq!(state(&db), ["a|2|indexing|2|0|0"]);
    run(&db, documents::AGAIN, values!["a".to_owned(), nobody()]);
    assert_eq!(state(&db), ["a|3|queued|0|0|0"]);
    assert_eq!(everything(&db), ["1|1|0|0|0|0|0"]);
}

/// How many passages of the document can be found, and how many failed; as it is shown.
fn progress(db: &Connection) -> String {
    let counted = "SELECT count(CASE WHEN embedded_by <> 0 AND error IS NULL THEN 1 END) || '|' \
        || count(error) FROM chunks";
    let shown = run(db, documents::GET, values!["a".to_owned(), nobody()]).remove(0);
    let shown = shown.split('|').skip(12).take(2).collect::<Vec<_>>().join("|");
    assert_eq!(run(db, counted, &[]), [shown.as_str()]);
    shown
}

#[test]
fn progress_is_counted_as_it_is_made() {
    let db = database(migrations::VERSION);
    upload(&db, "a", "x", 1);
    assert_eq!(progress(&db), "0|0");
    read(&db, 1, 1);
    index(&db, 1, 7, "boat", None);
    index(&db, 2, 7, "bridge", Some("too long"));
    assert_eq!(progress(&db), "1|1");
    index(&db, 2, 7, "bridge", None);
    assert_eq!(progress(&db), "2|0");
    index(&db, 1, 8, "boat", Some("too long"));
    assert_eq!(progress(&db), "1|1");
    run(&db, "UPDATE chunks SET embedded_by = 0 WHERE id = 2", &[]);
    assert_eq!(progress(&db), "0|1");
    index(&db, 2, 8, "bridge", None);
    run(&db, documents::AGAIN, values!["a".to_owned(), nobody()]);
    assert_eq!(progress(&db), "0|0");
    // What an older version indexed is counted once.
    let db = database(9);
    let old = "INSERT INTO documents (id, name, sha256, bytes, created_at, updated_at) \
        VALUES ('a', 'a', 'x', 1, 1, 1)";
    run(&db, old, &[]);
    let chunk = "INSERT INTO chunks (document, place, start, stop, page, headings, content, \
        embedded_by, error) VALUES (1, ?1, 0, 1, 0, '[]', 'x', 7, ?2)";
    run(&db, chunk, values![0_i64, Value::Null]);
    run(&db, chunk, values![1_i64, "too long".to_owned()]);
    super::upgrade(&db, 10, migrations::VERSION);
    assert_eq!(progress(&db), "1|1");
    super::upgrade(&db, migrations::VERSION, migrations::VERSION);
    assert_eq!(progress(&db), "1|1");
}

#[test]
fn a_deleted_document_leaves_nothing_and_a_deleted_session_no_link() {
    let db = database(migrations::VERSION);
    session(&db, "s");
    session(&db, "t");
    upload(&db, "a", "x", 1);
    upload(&db, "b", "y", 2);
    read(&db, 1, 1);
    index(&db, 1, 7, "boat", None);
    index(&db, 2, 7, "bridge", None);
    run(&db, documents::LINK, values![1_i64, "[1,2]".to_owned(), 256_i64]);
    run(&db, documents::LINK, values![2_i64, "[1]".to_owned(), 256_i64]);
    assert_eq!(run(&db, documents::LINKED, values![1_i64, "[2,1]".to_owned()]), ["2"]);
    // One more than a session may have is not linked, and what is linked already counts once.
    run(&db, documents::LINK, values![2_i64, "[1,2]".to_owned(), 1_i64]);
    run(&db, documents::LINK, values![1_i64, "[1,2]".to_owned(), 2_i64]);
    let shown = run(&db, "SELECT session, document FROM session_documents ORDER BY 1, 2", &[]);
    assert_eq!(shown, ["1|1", "1|2", "2|1"]);
    assert_eq!(run(&db, documents::DELETE, values!["a".to_owned(), nobody()]), ["1"]);
    assert_eq!(everything(&db), ["1|1|0|0|0|0|1"]);
    run(&db, crate::db::sessions::DELETE, values!["s".to_owned(), nobody()]);
    assert_eq!(everything(&db), ["1|1|0|0|0|0|0"]);
    assert_eq!(
        run(&db, documents::DELETE, values!["a".to_owned(), nobody()]),
        Vec::<String>::new()
    );
}

#[test]
fn no_statement_of_documents_reads_a_whole_table() {
    let db = database(migrations::VERSION);
    let insert = reading::insert_sql(2);
    for sql in [
        documents::GET,
        documents::BY_CONTENT,
        documents::LIST,
        documents::RENAME,
        documents::AGAIN,
        documents::DELETE,
        documents::TEXT,
        documents::FAILED,
        documents::NUMBERS,
        documents::LINK,
        documents::LINKED,
        documents::UNLINK,
        reading::CLAIM,
        reading::WAITING,
        reading::CLEAR,
        reading::STORE_CHUNKS,
        insert.as_str(),
        passages::MARKS,
        passages::AFTER,
        passages::PLACES,
        passages::FETCH,
        passages::BY_IDS,
    ] {
        for step in plan(&db, sql) {
            let few = ["SCAN j ", "SCAN n ", "SCAN s", "SCAN (", "SCAN json_each"];
            let scans = step.starts_with("SCAN")
                && !few.iter().any(|few| step.starts_with(few))
                && !step.contains("USING INDEX documents_queue")
                && !step.contains("ROW VALUES CLAUSE")
                && !step.starts_with("SCAN p VIRTUAL TABLE INDEX 259")
                && !step.contains("CONSTANT ROW");
            assert!(!scans, "`{step}` in: {sql}");
        }
    }
}
