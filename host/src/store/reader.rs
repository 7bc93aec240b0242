//! The threads that read what takes long, and the one that empties the log.

use super::class::{Class, Classes};
use super::error::Error;
use super::limits::NEAR_TIME_MAX;
use super::session::Session;
use super::writer::Message;
use crossbeam_channel::{Receiver, Sender, TrySendError};
use rusqlite::Connection;
use rusqlite::wal::CheckpointMode;
use std::time::Instant;

/// Serves statements until told to stop. One that turns out to write goes on to `writer`.
pub(super) fn serve(
    session: &Session,
    queue: &Receiver<Message>,
    writer: &Sender<Message>,
    classes: &Classes,
) {
    while let Ok(Message::Run(job)) = queue.recv() {
        if job.reply.is_closed() {
            continue;
        }
        let sql = &job.request.sql;
        let class = match classes.get(sql) {
            Some(class) => Ok(class),
            None => session.classify(sql).inspect(|class| classes.insert(sql, *class)),
        };
        match class {
            Ok(class @ (Class::Read(_) | Class::LongRead)) => {
                let begun = Instant::now();
                let outcome = session.run(&job.request);
                // It may have been long only once: for a page that was not in memory, for example.
                if class == Class::LongRead && begun.elapsed() < NEAR_TIME_MAX / 2 {
                    classes.insert(sql, Class::Read(0));
                }
                let _ = job.reply.send(outcome);
            }
            Err(error @ (Error::Refused(_) | Error::Limit(_))) => {
                let _ = job.reply.send(Err(error));
            }
            // An error may come of a schema that has changed since this connection read it: SQLite
            // looks again for a missing table, but not for the missing trigger of a view. The
            // writer's is the schema as it is, so its answer counts.
            Ok(Class::Change | Class::Write) | Err(_) => {
                if let Err(refused) = writer.try_send(Message::Run(job)) {
                    refuse(refused);
                }
            }
        }
    }
}

/// Tells the caller of a statement that no queue took.
fn refuse(refused: TrySendError<Message>) {
    let error = queue_error(&refused);
    if let Message::Run(job) = refused.into_inner() {
        let _ = job.reply.send(Err(error));
    }
}

/// Why a queue did not take a statement.
pub(super) fn queue_error(refused: &TrySendError<Message>) -> Error {
    match refused {
        TrySendError::Full(_) => Error::Limit(
            "too many statements wait for the database (`QUEUE_STATEMENTS_MAX`); try again later"
                .into(),
        ),
        TrySendError::Disconnected(_) => Error::Closed,
    }
}

/// Carries pages from the log into the database each time it is woken, beside readers and writer.
/// It ends when the writer does.
pub(super) fn checkpoint(connection: &Connection, wake: &Receiver<()>) {
    while wake.recv().is_ok() {
        if let Err(error) = connection.wal_checkpoint_v2(Some(c"main"), CheckpointMode::PASSIVE) {
            tracing::warn!(%error, "the write-ahead log could not be emptied; it will be later");
        }
    }
}
