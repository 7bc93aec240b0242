//! Short reads run on the thread that asks: to wake another thread, and to be woken by it, costs
//! more than they do.

use super::class::{Class, Classes};
use super::limits::{NEAR_LATE_MAX, NEAR_TIME_MAX};
use super::session::{Done, Request, Session};
#[cfg(test)]
use std::sync::MutexGuard;
use std::sync::{Mutex, PoisonError, TryLockError};
use std::time::Instant;

/// Connections for short reads, for whoever finds one free.
pub(super) struct Near {
    /// None once they are closed.
    sessions: Vec<Mutex<Option<Session>>>,
}

impl Near {
    pub(super) fn new(sessions: Vec<Session>) -> Self {
        Self { sessions: sessions.into_iter().map(|session| Mutex::new(Some(session))).collect() }
    }

    /// Runs a statement that only reads, if a connection is free and it takes no longer than
    /// `NEAR_TIME_MAX`, which it did not keep `late` times before. None where it is for the readers
    /// to run; also where it fails, since only they wait for what is busy.
    pub(super) fn run(&self, request: &Request, late: u8, classes: &Classes) -> Option<Done> {
        let session = self.sessions.iter().find_map(|session| match session.try_lock() {
            Ok(session) => Some(session),
            Err(TryLockError::Poisoned(session)) => Some(session.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        })?;
        let begun = Instant::now();
        let outcome = session.as_ref()?.run_within(request, NEAR_TIME_MAX);
        if begun.elapsed() >= NEAR_TIME_MAX {
            let is_long = late + 1 >= NEAR_LATE_MAX;
            let class = if is_long { Class::LongRead } else { Class::Read(late + 1) };
            classes.insert(&request.sql, class);
        } else if late > 0 {
            classes.insert(&request.sql, Class::Read(0));
        }
        outcome.ok()
    }

    /// Closes the connections. Who asks later is told nothing.
    pub(super) fn close(&self) {
        for session in &self.sessions {
            session.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
    }

    /// Keeps all connections busy until what it returns is dropped.
    #[cfg(test)]
    pub(super) fn hold_all(&self) -> Vec<MutexGuard<'_, Option<Session>>> {
        self.sessions.iter().map(|session| session.lock().unwrap()).collect()
    }
}
