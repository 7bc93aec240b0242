//! The order of a session's turns. It stands in the database, since instances share nothing: a turn
//! runs when no earlier turn of its session is alive.

use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};

use super::sink::Sink;
use crate::db::Database;
use crate::db::messages::{self, Look, Posted};
use crate::http::error::ApiError;
use crate::limits;

/// Why a turn does not run.
pub enum Stopped {
    /// Somebody asked it to stop, or the client left.
    Cancelled,
    /// It cannot.
    Failed(ApiError),
}

impl From<ApiError> for Stopped {
    fn from(error: ApiError) -> Self {
        Self::Failed(error)
    }
}

/// Waits until no earlier turn of the session is alive.
///
/// Fails if the turn is cancelled meanwhile, its client leaves, or its session is deleted.
pub async fn wait(
    database: &Database,
    posted: &Posted,
    host_run: &str,
    sink: &Sink,
) -> Result<(), Stopped> {
    if !posted.blocked {
        return Ok(());
    }
    let mut sleep = 1;
    loop {
        match messages::look(database, posted, host_run).await? {
            Look::Free => return Ok(()),
            Look::Cancelled => return Err(Stopped::Cancelled),
            Look::Gone => return Err(ApiError::no_session(&posted.session_id).into()),
            Look::Blocked => {}
        }
        if sink.is_gone() {
            return Err(Stopped::Cancelled);
        }
        spin_sdk::time::sleep(Duration::from_millis(sleep)).await;
        sleep = (sleep * 2).min(limits::QUEUE_SLEEP_MILLIS_MAX);
    }
}

/// Does the work of a turn, and renews its lease for as long as that takes, whatever it waits for.
/// Who dies meanwhile is soon known to be dead, so that the next turn of the session can run.
pub async fn alive<T>(database: &Database, posted: &Posted, work: impl Future<Output = T>) -> T {
    let pause = || spin_sdk::time::sleep(Duration::from_millis(limits::LEASE_RENEWAL_MILLIS));
    let renew = async || {
        // A lease that could not be renewed is renewed the next time.
        let _ = messages::renew(database, posted).await;
    };
    meanwhile(work, pause, renew).await
}

/// Does this work, and again and again something else after a pause, until the work is done.
async fn meanwhile<T, P: Future<Output = ()>>(
    work: impl Future<Output = T>,
    pause: impl Fn() -> P,
    other: impl AsyncFn(),
) -> T {
    let again = async {
        loop {
            pause().await;
            other().await;
        }
    };
    match select(pin!(work), pin!(again)).await {
        Either::Left((done, _)) => done,
        Either::Right((never, _)) => never,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures::executor::block_on;

    use super::*;

    /// Comes back after so many looks.
    async fn looks(most: u32) {
        let left = Cell::new(most);
        futures::future::poll_fn(|context| {
            context.waker().wake_by_ref();
            match left.replace(left.get().saturating_sub(1)) {
                0 => std::task::Poll::Ready(()),
                _ => std::task::Poll::Pending,
            }
        })
        .await;
    }

    #[test]
    fn a_turn_stays_alive_whatever_it_waits_for_and_no_longer() {
        let renewed = Cell::new(0);
        let renew = async || renewed.set(renewed.get() + 1);
        block_on(meanwhile(looks(100), || looks(10), renew));
        assert!((8..=10).contains(&renewed.get()), "{} times", renewed.get());
        renewed.set(0);
        assert_eq!(block_on(meanwhile(async { 7 }, || looks(0), renew)), 7);
        assert_eq!(renewed.get(), 0);
    }

    #[test]
    fn two_renewals_may_fail_before_a_turn_counts_as_dead() {
        assert!(3 * 1_000 * limits::LEASE_RENEWAL_MILLIS as i64 <= limits::LEASE_MICROS);
    }
}
