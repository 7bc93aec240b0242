//! The order of a session's turns. It stands in the database, since instances share nothing: a turn
//! runs when no earlier turn of its session is alive.

use std::time::Duration;

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
            Look::Free(_) => return Ok(()),
            Look::Cancelled => return Err(Stopped::Cancelled),
            Look::Gone => return Err(ApiError::no_session(&posted.session_id).into()),
            Look::Blocked(lease) => messages::keep_alive(database, posted, lease).await?,
        }
        if sink.is_gone() {
            return Err(Stopped::Cancelled);
        }
        spin_sdk::time::sleep(Duration::from_millis(sleep)).await;
        sleep = (sleep * 2).min(limits::QUEUE_SLEEP_MILLIS_MAX);
    }
}
