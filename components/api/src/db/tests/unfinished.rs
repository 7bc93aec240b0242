//! Sessions that are being made of a file: they are nobody's until they are whole.

use rusqlite::types::Value;

use super::{database, nobody, run};
use crate::db::{migrations, sessions, unfinished};

#[test]
fn a_session_is_nobodys_until_it_is_whole_and_goes_if_nobody_finishes_it() {
    let db = database(migrations::VERSION);
    let text = |text: &str| Value::from(text.to_owned());
    let ada = "ada".to_owned();
    let [first, second] = ["one", "two"].map(|host_run| unfinished::owner(host_run, &ada));
    for (id, owner, at) in
        [("a", &first, 50_i64), ("b", &second, 50), ("c", &second, 5), ("d", &ada, 5)]
    {
        run(
            &db,
            sessions::CREATE,
            values![id.to_owned(), Value::Null, at, Value::Null, owner.clone()],
        );
    }
    let list = |owner: &str| -> Vec<String> {
        let rows = run(&db, sessions::LIST, values![9_i64, 0_i64, owner.to_owned()]);
        rows.iter().map(|row| row[..1].to_owned()).collect()
    };
    assert_eq!(list("ada"), ["d"]);
    // The run `two` goes on with what it began lately.
    let begin = unfinished::owner("two", "");
    assert_eq!(run(&db, unfinished::SWEEP, &[text(&begin), Value::from(10_i64)]), ["a", "c"]);
    let reveal = [text("b"), text("ada"), text(&second)];
    assert_eq!(run(&db, sessions::REVEAL, &reveal).len(), 1);
    assert_eq!(list("ada"), ["b", "d"]);
    // What is whole, or was taken for dead, is not to be had again.
    assert!(run(&db, sessions::REVEAL, &reveal).is_empty());
    assert!(run(&db, unfinished::SWEEP, &[text("import one "), Value::from(99_i64)]).is_empty());
    assert!(list(&nobody()).is_empty());
}
