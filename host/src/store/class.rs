//! Which of a database's threads runs a statement: the readers, or the writer.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use super::limits::{CACHED_CLASSES, CACHED_STATEMENT_BYTES_MAX};

/// What a statement does, as far as its place to run depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// It changes nothing. So often in a row it kept the thread of who asked too long.
    Read(u8),
    /// It changes nothing, and takes long.
    LongRead,
    /// It is an `INSERT`, `UPDATE` or `DELETE`, so it has a number of changes.
    Change,
    /// It writes otherwise: it alters the schema or the header.
    Write,
}

impl Class {
    /// The class of a statement for which `sqlite3_stmt_readonly` says `readonly`.
    pub(super) fn of(sql: &str, readonly: bool) -> Self {
        let word = first_word(sql);
        // `DROP TABLE IF EXISTS t` reads nothing and writes nothing where there is no `t`, which is
        // what a connection may believe whose schema is old. So only what can never write is
        // believed.
        let reads = ["select", "with", "values", "explain", "pragma", ""];
        if readonly && reads.iter().any(|read| word.eq_ignore_ascii_case(read)) {
            return Self::Read(0);
        }
        // What writes and begins with WITH is an INSERT, UPDATE or DELETE.
        let changes = ["insert", "update", "delete", "replace", "with"];
        if changes.iter().any(|change| word.eq_ignore_ascii_case(change)) {
            Self::Change
        } else {
            Self::Write
        }
    }
}

/// The first word of a statement, after blanks and comments; empty where there is none.
pub(super) fn first_word(sql: &str) -> &str {
    let mut rest = sql;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == ';');
        if let Some(comment) = rest.strip_prefix("--") {
            rest = comment.split_once('\n').map_or("", |(_, after)| after);
        } else if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.split_once("*/").map_or("", |(_, after)| after);
        } else {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            return &rest[..end.unwrap_or(rest.len())];
        }
    }
}

/// Remembers the class of a text, so that a statement known to write goes straight to the writer.
#[derive(Default)]
pub(super) struct Classes {
    known: RwLock<HashMap<Box<str>, Class>>,
}

impl Classes {
    /// The class of a text that was seen before.
    pub(super) fn get(&self, sql: &str) -> Option<Class> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(sql).copied()
    }

    /// Remembers a class. When there are too many all are forgotten: they are quickly learnt again,
    /// and an order of use would cost every statement a write lock.
    pub(super) fn insert(&self, sql: &str, class: Class) {
        if sql.len() > CACHED_STATEMENT_BYTES_MAX {
            return;
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= CACHED_CLASSES {
            known.clear();
        }
        known.insert(sql.into(), class);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_stands_behind_blanks_comments_and_empty_statements() {
        assert_eq!(first_word("SELECT 1"), "SELECT");
        assert_eq!(first_word(" \n\t;; -- why\n /* how */ insert into t"), "insert");
        assert_eq!(first_word("/* never closed"), "");
        assert_eq!(first_word("-- only a comment"), "");
        assert_eq!(first_word("(SELECT 1)"), "");
    }

    #[test]
    fn a_change_is_told_from_other_writes() {
        assert_eq!(Class::of("WITH x AS (SELECT 1) DELETE FROM t", false), Class::Change);
        assert_eq!(Class::of("replace into t values (1)", false), Class::Change);
        assert_eq!(Class::of("CREATE TABLE t (a)", false), Class::Write);
        assert_eq!(Class::of("WITH x AS (SELECT 1) SELECT * FROM x", true), Class::Read(0));
        assert_eq!(Class::of("(SELECT 1)", true), Class::Read(0));
    }

    #[test]
    fn what_may_change_the_schema_is_never_a_read() {
        for sql in ["DROP TABLE IF EXISTS t", "create view if not exists v as select 1"] {
            assert_eq!(Class::of(sql, true), Class::Write, "{sql}");
        }
    }

    #[test]
    fn the_classes_known_are_bounded() {
        let classes = Classes::default();
        for number in 0..3 * CACHED_CLASSES {
            classes.insert(&format!("SELECT {number}"), Class::Read(0));
        }
        assert!(classes.known.read().unwrap().len() <= CACHED_CLASSES);
        let long = format!("SELECT '{}'", "x".repeat(CACHED_STATEMENT_BYTES_MAX));
        classes.insert(&long, Class::Read(0));
        assert_eq!(classes.get(&long), None);
    }
}
