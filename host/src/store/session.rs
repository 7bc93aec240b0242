//! One SQLite connection, used by one thread at a time, and one statement run on it within the
//! limits.

use super::class::{Class, first_word};
use super::error::{Error, is_interrupt, is_too_big};
use super::guard::Guard;
use super::limits::{CACHED_STATEMENT_BYTES_MAX, Limits};
use super::value::{Collector, Rows, Value};
use rusqlite::{CachedStatement, Connection, Statement};
use std::ops::{Deref, DerefMut};
use std::time::Duration;
use tokio::sync::oneshot;

/// A statement with what belongs to it.
pub(super) struct Request {
    pub(super) sql: String,
    pub(super) parameters: Vec<Value>,
    /// What `last_insert_rowid()` says before the statement.
    pub(super) last_insert_rowid: i64,
}

/// A statement on its way to a thread.
pub(super) struct Job {
    pub(super) request: Request,
    pub(super) reply: oneshot::Sender<Result<Done, Error>>,
}

/// What a statement did.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) rows: Rows,
    pub(super) last_insert_rowid: i64,
    /// Rows changed; none for a statement that is no `INSERT`, `UPDATE` or `DELETE`.
    pub(super) changes: Option<u64>,
}

/// A connection with its guard.
pub(super) struct Session {
    connection: Connection,
    guard: Guard,
    limits: Limits,
}

/// A prepared statement: from the cache, or a long one that is not worth a place there.
enum Prepared<'session> {
    Cached(CachedStatement<'session>),
    Once(Statement<'session>),
}

impl<'session> Deref for Prepared<'session> {
    type Target = Statement<'session>;
    fn deref(&self) -> &Self::Target {
        match self {
            Self::Cached(statement) => statement,
            Self::Once(statement) => statement,
        }
    }
}

impl DerefMut for Prepared<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        match self {
            Self::Cached(statement) => statement,
            Self::Once(statement) => statement,
        }
    }
}

impl Session {
    /// Wraps a connection that is set up; its guests are watched from here on.
    pub(super) fn new(mut connection: Connection, limits: Limits) -> rusqlite::Result<Self> {
        let guard = Guard::install(&mut connection)?;
        Ok(Self { connection, guard, limits })
    }

    /// The connection, for what the host itself does.
    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// What its guests' statements may measure.
    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Gives the connection back, to be closed.
    pub(super) fn into_connection(self) -> Connection {
        self.connection
    }

    /// Runs one of the host's own statements.
    pub(super) fn control(&self, sql: &'static str) -> rusqlite::Result<()> {
        self.guard.trusting(|| self.connection.prepare_cached(sql)?.raw_execute()).map(drop)
    }

    /// Whether a statement only reads, without running it.
    pub(super) fn classify(&self, sql: &str) -> Result<Class, Error> {
        self.guard.start_clock(self.limits.statement_time);
        let statement = self.prepare(sql);
        self.guard.stop_clock();
        Ok(Class::of(sql, statement?.readonly()))
    }

    /// Runs a statement and gathers its whole result, so that nobody who reads slowly holds the
    /// connection or the log.
    pub(super) fn run(&self, request: &Request) -> Result<Done, Error> {
        self.run_within(request, self.limits.statement_time)
    }

    /// As [`Session::run`], but it ends after `time`.
    pub(super) fn run_within(&self, request: &Request, time: Duration) -> Result<Done, Error> {
        self.guard.start_clock(time);
        let outcome = self.run_in_time(request);
        self.guard.stop_clock();
        outcome
    }

    fn run_in_time(&self, request: &Request) -> Result<Done, Error> {
        let mut statement = self.prepare(&request.sql)?;
        bind(&mut statement, &request.parameters)?;
        self.set_last_insert_rowid(request.last_insert_rowid);
        let mut collector = Collector::new(&self.limits);
        let mut rows = statement.raw_query();
        loop {
            match rows.next() {
                Ok(Some(row)) => collector.push(row, row.as_ref().column_count())?,
                Ok(None) => break,
                Err(error) => return Err(self.explain(error)),
            }
        }
        drop(rows);
        // Only now: a statement prepared before the schema changed is prepared anew by its first
        // step, and `SELECT *` may have other columns then.
        let columns = statement.column_names().map(str::to_owned).collect();
        let counts = Class::of(&request.sql, statement.readonly()) == Class::Change;
        Ok(Done {
            rows: Rows { columns, rows: collector.into_rows() },
            last_insert_rowid: self.connection.last_insert_rowid(),
            changes: counts.then(|| self.connection.changes()),
        })
    }

    fn prepare(&self, sql: &str) -> Result<Prepared<'_>, Error> {
        match first_word(sql) {
            "" => return Err(Error::Refused("the text holds no statement".into())),
            // It attaches a file of its own, which SQLite asks about only when it runs.
            word if word.eq_ignore_ascii_case("vacuum") => {
                return Err(Error::Refused("`VACUUM` is closed; free pages are used again".into()));
            }
            _ => {}
        }
        let prepared = if sql.len() > CACHED_STATEMENT_BYTES_MAX {
            self.connection.prepare(sql).map(Prepared::Once)
        } else {
            self.connection.prepare_cached(sql).map(Prepared::Cached)
        };
        prepared.map_err(|error| self.explain(error))
    }

    /// Puts SQLite's error into words: its own are short where the guard or the clock ended it.
    fn explain(&self, error: rusqlite::Error) -> Error {
        if let Some(reason) = self.guard.take_refusal() {
            return Error::Refused(reason);
        }
        if is_interrupt(&error) {
            let time = self.limits.statement_time;
            return Error::Limit(format!("the statement ran longer than {time:?}"));
        }
        if is_too_big(&error) {
            let bytes = self.limits.value_bytes;
            return Error::Limit(format!("a value or row is longer than {bytes} bytes"));
        }
        Error::from_sqlite(error)
    }

    /// Makes the SQL function `last_insert_rowid()` speak of the guest's connection, not of whoever
    /// used this one before.
    fn set_last_insert_rowid(&self, rowid: i64) {
        // SAFETY: the handle is that of the open connection that `self` owns, used on no other
        // thread meanwhile; the call stores a number and keeps no pointer.
        unsafe {
            let handle = self.connection.handle();
            rusqlite::ffi::sqlite3_set_last_insert_rowid(handle, rowid);
        }
    }
}

fn bind(statement: &mut Statement<'_>, parameters: &[Value]) -> Result<(), Error> {
    let wanted = statement.parameter_count();
    if wanted != parameters.len() {
        let given = parameters.len();
        return Err(Error::Failed(format!(
            "the statement takes {wanted} parameters; {given} were given"
        )));
    }
    for (index, value) in parameters.iter().enumerate() {
        statement.raw_bind_parameter(index + 1, value).map_err(Error::from_sqlite)?;
    }
    Ok(())
}
