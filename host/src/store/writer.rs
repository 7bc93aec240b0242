//! The thread that writes: many statements, one commit, one sync of the disk, many answers.
//!
//! A lone statement waits for nothing but its own commit. While one commit syncs, what arrives
//! queues up and makes the next batch; so the number of syncs does not grow with the callers.

use super::error::{Error, is_constraint};
use super::limits::{
    BATCH_STATEMENTS_MAX, BATCH_TIME_MAX, CHECKPOINT_PAGES, WAL_PAGES_MAX, WAL_RESTART_TIME_MAX,
};
use super::session::{Done, Job, Session};
use crossbeam_channel::{Receiver, Sender};
use rusqlite::wal::CheckpointMode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

/// What a thread is told.
pub(super) enum Message {
    /// Run a statement.
    Run(Job),
    /// Finish what came before, and end.
    Stop,
}

/// A statement of a batch with what came of it.
type Tried = (Job, Result<Done, Error>);

/// The writer's side of one database.
pub(super) struct Writer {
    session: Session,
    queue: Receiver<Message>,
    /// Wakes the checkpointer.
    checkpoint: Sender<()>,
    /// Pages in the log after the last commit.
    wal_pages: Arc<AtomicU32>,
    /// The log's size from which the writer makes it start anew.
    restart_at: u32,
    stopping: bool,
}

impl Writer {
    /// A writer on a session whose commits report the pages in the log to `wal_pages`.
    pub(super) fn new(
        session: Session,
        queue: Receiver<Message>,
        checkpoint: Sender<()>,
        wal_pages: Arc<AtomicU32>,
    ) -> Self {
        let restart_at = WAL_PAGES_MAX;
        Self { session, queue, checkpoint, wal_pages, restart_at, stopping: false }
    }

    /// Serves until told to stop, then empties the log into the database and closes it.
    pub(super) fn serve(mut self) {
        while !self.stopping {
            match self.queue.recv() {
                Ok(Message::Run(job)) => {
                    self.batch(job);
                    self.tend_log();
                }
                Ok(Message::Stop) | Err(_) => break,
            }
        }
        let connection = self.session.into_connection();
        if let Err(error) = connection.wal_checkpoint_v2(Some(c"main"), CheckpointMode::TRUNCATE) {
            tracing::warn!(%error, "the write-ahead log is kept for the next start");
        }
        if let Err((_, error)) = connection.close() {
            tracing::warn!(%error, "the database was not closed cleanly");
        }
    }

    /// Runs `first` and what waits behind it in one transaction.
    fn batch(&mut self, first: Job) {
        if let Err(error) = self.session.control("BEGIN IMMEDIATE") {
            return self.refuse_waiting(first, &Error::from_sqlite(error));
        }
        let start = Instant::now();
        let mut tried: Vec<Tried> = Vec::new();
        let mut next = Some(first);
        while let Some(job) = next.take() {
            // Whoever has gone before the statement began is not interested in it.
            if !job.reply.is_closed() {
                let outcome = self.run_in_savepoint(&job);
                let ended = self.session.connection().is_autocommit();
                tried.push((job, outcome));
                if ended {
                    // `OR ROLLBACK`, a full disk or the clock took the whole transaction along.
                    let last = tried.pop();
                    self.run_each_alone(tried);
                    return last.into_iter().for_each(answer);
                }
            }
            if tried.len() < BATCH_STATEMENTS_MAX && start.elapsed() < BATCH_TIME_MAX {
                next = self.waiting();
            }
        }
        match self.session.control("COMMIT") {
            Ok(()) => tried.into_iter().for_each(answer),
            Err(error) => {
                self.roll_back();
                if is_constraint(&error) && tried.len() > 1 {
                    // A deferred constraint of one of them.
                    return self.run_each_alone(tried);
                }
                let error = Error::from_sqlite(error);
                tried.into_iter().for_each(|(job, _)| answer((job, Err(error.clone()))));
            }
        }
    }

    /// The next statement, if one waits.
    fn waiting(&mut self) -> Option<Job> {
        match self.queue.try_recv() {
            Ok(Message::Run(job)) => Some(job),
            Ok(Message::Stop) => {
                self.stopping = true;
                None
            }
            Err(_) => None,
        }
    }

    /// Runs a statement so that nothing of it is left if it fails.
    fn run_in_savepoint(&self, job: &Job) -> Result<Done, Error> {
        self.session.control("SAVEPOINT loci").map_err(Error::from_sqlite)?;
        let outcome = self.session.run(&job.request);
        if self.session.connection().is_autocommit() {
            return outcome;
        }
        if outcome.is_err() {
            self.session.control("ROLLBACK TO loci").map_err(Error::from_sqlite)?;
        }
        self.session.control("RELEASE loci").map_err(Error::from_sqlite)?;
        outcome
    }

    /// Repeats statements whose batch was undone, each with a commit of its own. Nobody was told
    /// of their first results.
    fn run_each_alone(&self, tried: Vec<Tried>) {
        for (job, _) in tried {
            let outcome = self.run_alone(&job);
            answer((job, outcome));
        }
    }

    fn run_alone(&self, job: &Job) -> Result<Done, Error> {
        self.session.control("BEGIN IMMEDIATE").map_err(Error::from_sqlite)?;
        let outcome = self.session.run(&job.request);
        if outcome.is_ok() {
            if let Err(error) = self.session.control("COMMIT") {
                self.roll_back();
                return Err(Error::from_sqlite(error));
            }
        } else {
            self.roll_back();
        }
        outcome
    }

    fn roll_back(&self) {
        if self.session.connection().is_autocommit() {
            return;
        }
        if let Err(error) = self.session.control("ROLLBACK") {
            tracing::error!(%error, "a transaction could not be rolled back");
        }
    }

    /// Nothing can be written: says so to all who wait now, not to one after the other.
    fn refuse_waiting(&mut self, first: Job, error: &Error) {
        let mut next = Some(first);
        while let Some(job) = next.take() {
            answer((job, Err(error.clone())));
            next = self.waiting();
        }
    }

    /// Keeps the log bounded. As a rule the checkpointer does so beside the writer; but a log that
    /// always grows never starts anew, and then the writer waits a moment for that.
    fn tend_log(&mut self) {
        let pages = self.wal_pages.load(Ordering::Relaxed);
        if pages >= CHECKPOINT_PAGES {
            // Full means that it is awake already.
            let _ = self.checkpoint.try_send(());
        }
        if pages < self.restart_at {
            self.restart_at = WAL_PAGES_MAX;
            return;
        }
        let connection = self.session.connection();
        let restarted = connection
            .busy_timeout(WAL_RESTART_TIME_MAX)
            .and_then(|()| connection.wal_checkpoint_v2(Some(c"main"), CheckpointMode::RESTART));
        if let Err(error) = connection.busy_timeout(self.session.limits().busy_time) {
            tracing::warn!(%error, "the busy timeout could not be set");
        }
        match restarted {
            Ok(_) => self.wal_pages.store(0, Ordering::Relaxed),
            // A long read holds the log. Not at every commit again.
            Err(_) => self.restart_at = pages + WAL_PAGES_MAX / 4,
        }
    }
}

/// Whoever asked may be gone; then nobody needs the answer.
fn answer((job, outcome): Tried) {
    let _ = job.reply.send(outcome);
}
