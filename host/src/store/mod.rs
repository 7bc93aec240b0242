//! SQLite for guests: one writer that commits in groups, readers beside it, limits on everything.
//!
//! A [`Database`] is one file. It has one thread that writes, a few that read, and one that empties
//! the write-ahead log. Only a short read runs on the async thread that asks. A [`Connection`] is
//! what a guest holds: it costs nothing, and keeps what SQLite keeps for each connection (the last
//! rowid, the number of changes). A statement is answered when it is durable, and whoever was
//! answered sees what it wrote.
//!
//! Each call is one statement and one transaction. `BEGIN`, `SAVEPOINT` and what else would leave
//! something on a connection is refused by a text that says what to do instead (see `guard.rs`).

mod class;
mod copy;
mod error;
mod guard;
pub mod limits;
mod near;
mod open;
mod reader;
mod session;
#[cfg(test)]
mod tests;
mod value;
mod writer;

pub use copy::{check, copy};
pub use error::Error;
pub use limits::Limits;
pub use open::OpenError;
pub use value::{Rows, Value};

use class::{Class, Classes};
use crossbeam_channel::Sender;
use limits::{NEAR_READERS, PARAMETERS_MAX, READERS, STATEMENT_BYTES_MAX};
use near::Near;
use session::{Job, Request, Session};
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;
use writer::{Message, Writer};

/// A database file that is served. Clones share it; the last one to go closes it.
#[derive(Clone)]
pub struct Database {
    inner: Arc<Inner>,
}

struct Inner {
    limits: Limits,
    classes: Arc<Classes>,
    writer: Sender<Message>,
    readers: Sender<Message>,
    near: Near,
    threads: Mutex<Option<Threads>>,
}

struct Threads {
    readers: Vec<JoinHandle<()>>,
    checkpointer: JoinHandle<()>,
    writer: JoinHandle<()>,
    /// Held until all threads have ended.
    _claim: open::Claim,
}

impl Database {
    /// Opens the database `path`, creating it and its folder if they are missing. Blocks.
    ///
    /// Fails if the file is not a SQLite database or is damaged, if it cannot be read and written,
    /// or if another process serves it. Then nothing was written to it.
    pub fn open(path: &Path, limits: Limits) -> Result<Self, OpenError> {
        let claim = open::Claim::take(path)?;
        let path = claim.path().to_owned();
        let fail = |error: rusqlite::Error| OpenError::new(&path, error);

        let mut connection = open::open_writer(&path, &limits)?;
        let wal_pages = Arc::new(AtomicU32::new(0));
        let reported = wal_pages.clone();
        let report = move |_: &mut rusqlite::hooks::Wal, pages: i32| {
            reported.store(u32::try_from(pages).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        };
        connection.wal_hook(Some(report)).map_err(fail)?;

        let (writer, writer_queue) = crossbeam_channel::bounded(limits.queue_statements);
        let (readers, reader_queue) = crossbeam_channel::bounded(limits.queue_statements);
        let (wake, woken) = crossbeam_channel::bounded(1);
        let classes = Arc::new(Classes::default());

        let reader = |busy_time| {
            let connection = open::open_reader(&path, &limits)?;
            connection.busy_timeout(busy_time).map_err(fail)?;
            Session::new(connection, limits.clone()).map_err(fail)
        };
        let sessions =
            (0..READERS).map(|_| reader(limits.busy_time)).collect::<Result<Vec<_>, _>>()?;
        let near = (0..NEAR_READERS).map(|_| reader(Duration::ZERO)).collect::<Result<_, _>>()?;
        let near = Near::new(near);
        let checkpointer = open::open_checkpointer(&path, &limits)?;
        let session = Session::new(connection, limits.clone()).map_err(fail)?;
        let writing = Writer::new(session, writer_queue, wake, wal_pages);

        let start = |name: &str, work: Box<dyn FnOnce() + Send>| {
            let thread = std::thread::Builder::new().name(name.into());
            thread.spawn(work).map_err(|error| OpenError::new(&path, error))
        };
        let mut reading = Vec::with_capacity(READERS);
        for session in sessions {
            let (queue, writer) = (reader_queue.clone(), writer.clone());
            let classes = classes.clone();
            let work = move || reader::serve(&session, &queue, &writer, &classes);
            reading.push(start("sqlite-read", Box::new(work))?);
        }
        let work = move || reader::checkpoint(&checkpointer, &woken);
        let threads = Threads {
            readers: reading,
            checkpointer: start("sqlite-log", Box::new(work))?,
            writer: start("sqlite-write", Box::new(move || writing.serve()))?,
            _claim: claim,
        };
        let threads = Mutex::new(Some(threads));
        Ok(Self { inner: Arc::new(Inner { limits, classes, writer, readers, near, threads }) })
    }

    /// A connection of its own, with no last rowid and no changes yet.
    pub fn connect(&self) -> Connection {
        Connection { database: self.clone(), counts: Arc::new(Counts::default()) }
    }

    /// Finishes what waits, empties the log into the file and closes it. Blocks; statements after
    /// it fail with [`Error::Closed`]. Dropping the last clone does the same.
    pub fn close(&self) {
        self.inner.close();
    }
}

impl Inner {
    fn close(&self) {
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(threads) = threads else { return };
        self.near.close();
        // The readers first: they hand statements on to the writer.
        for _ in &threads.readers {
            let _ = self.readers.send(Message::Stop);
        }
        let ended = threads.readers.into_iter().map(JoinHandle::join).all(|end| end.is_ok());
        let _ = self.writer.send(Message::Stop);
        // The writer's end wakes the checkpointer, whose connection may be the last to close.
        let ended = threads.writer.join().is_ok() && ended;
        let ended = threads.checkpointer.join().is_ok() && ended;
        if !ended {
            tracing::error!("a thread of the database had panicked");
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

/// A guest's connection to a database. Clones are the same connection.
#[derive(Clone)]
pub struct Connection {
    database: Database,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    last_insert_rowid: AtomicI64,
    changes: AtomicU64,
}

impl Connection {
    /// Runs one statement with its parameters in order, and gives its whole result.
    ///
    /// It waits without blocking the thread, but for a read that takes at most `NEAR_TIME_MAX`.
    /// Dropping the future before the statement began takes it back; later, the statement runs to
    /// its end.
    pub async fn execute(&self, sql: String, parameters: Vec<Value>) -> Result<Rows, Error> {
        let inner = &self.database.inner;
        check_size(&sql, &parameters, &inner.limits)?;
        let class = inner.classes.get(&sql);
        let last_insert_rowid = self.last_insert_rowid();
        let request = Request { sql, parameters, last_insert_rowid };
        if let Some(Class::Read(late)) = class
            && let Some(done) = inner.near.run(&request, late, &inner.classes)
        {
            return Ok(done.rows);
        }
        let (reply, answer) = oneshot::channel();
        let job = Job { request, reply };
        let queue = match class {
            // What is not known yet is prepared by a reader, which sees what it is.
            Some(Class::Read(_) | Class::LongRead) | None => &inner.readers,
            Some(Class::Change | Class::Write) => &inner.writer,
        };
        queue.try_send(Message::Run(job)).map_err(|refused| reader::queue_error(&refused))?;
        let done = answer.await.map_err(|_| Error::Closed)??;
        if let Some(changes) = done.changes {
            self.counts.last_insert_rowid.store(done.last_insert_rowid, Ordering::Relaxed);
            self.counts.changes.store(changes, Ordering::Relaxed);
        }
        Ok(done.rows)
    }

    /// The rowid of this connection's last successful `INSERT`, 0 before the first.
    pub fn last_insert_rowid(&self) -> i64 {
        self.counts.last_insert_rowid.load(Ordering::Relaxed)
    }

    /// Rows that this connection's last `INSERT`, `UPDATE` or `DELETE` changed, 0 before the first.
    pub fn changes(&self) -> u64 {
        self.counts.changes.load(Ordering::Relaxed)
    }
}

/// What can be measured before the statement is sent.
fn check_size(sql: &str, parameters: &[Value], limits: &Limits) -> Result<(), Error> {
    if sql.len() > STATEMENT_BYTES_MAX {
        let bytes = sql.len();
        return Err(Error::Limit(format!(
            "the statement has {bytes} bytes; at most {STATEMENT_BYTES_MAX} are taken"
        )));
    }
    if parameters.len() > PARAMETERS_MAX {
        let count = parameters.len();
        return Err(Error::Limit(format!(
            "{count} parameters were given; at most {PARAMETERS_MAX} are taken"
        )));
    }
    let most = limits.value_bytes;
    for (index, value) in parameters.iter().enumerate() {
        if value.bytes() > most {
            let (number, bytes) = (index + 1, value.bytes());
            return Err(Error::Limit(format!(
                "parameter {number} has {bytes} bytes; at most {most} are taken"
            )));
        }
    }
    Ok(())
}
