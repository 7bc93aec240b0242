//! What the vector index held of a session, saved in the database and taken in again. The rows of
//! the vectors stay the truth: where a snapshot is missing, damaged or of another version, they are
//! read instead.

use std::rc::Rc;

use super::recall::Scope;
use crate::bindings::search::vectors::{Error, Index};
use crate::db::Database;
use crate::db::snapshots::{self, Owner};
use crate::generation::Embedder;
use crate::http::error::ApiError;
use crate::{limits, time};

fn owner(scope: &Scope<'_>, embedder: &Embedder) -> Owner {
    Owner { session: scope.session, model: embedder.number }
}

/// Takes the snapshot of a session in. Returns the mark that it goes to; what was stored after it
/// is not in the index yet, and nobody counts on the scope before it is given this mark. None if
/// there is no snapshot that can be used.
///
/// Fails with 500 if the database does.
pub async fn load(
    database: &Database,
    scope: &Scope<'_>,
    embedder: &Embedder,
    index: &Index,
) -> Result<Option<u64>, ApiError> {
    let owner = owner(scope, embedder);
    let Some(head) = snapshots::head(database, owner).await? else {
        return Ok(None);
    };
    let mut whole = true;
    for part in 0..head.parts {
        let body = snapshots::read(database, owner, head.token, part).await?;
        let done =
            body.ok_or(Error::Damaged).and_then(|body| index.restore(scope.session_id, &body));
        if let Err(error) = done {
            eprintln!("a snapshot of the vector index cannot be used, its rows are: {error:?}");
            snapshots::give_up(database, owner, head.token).await?;
            whole = false;
            break;
        }
    }
    // After the parts: what is removed from now on is removed from the index by whoever does it.
    let removed = snapshots::removed(database, owner).await?;
    index.remove(scope.session_id, &removed);
    Ok(whole.then_some(head.mark))
}

/// Saves what the index holds of a session, where so many rows had to be read that a snapshot is
/// worth it.
pub fn save(scope: &Scope<'_>, embedder: &Embedder, index: &Rc<Index>, rows: usize) {
    if rows < limits::SNAPSHOT_ROWS {
        return;
    }
    let owner = owner(scope, embedder);
    let (session_id, index) = (scope.session_id.to_owned(), index.clone());
    spin_sdk::wasip3::spawn(async move {
        if let Err(error) = write(owner, &session_id, &index).await {
            eprintln!("the vector index was not saved: {}", error.message);
        }
    });
}

async fn write(owner: Owner, session_id: &str, index: &Index) -> Result<(), ApiError> {
    let database = Database::open().await?;
    let Some(mark) = index.mark(session_id) else {
        return Ok(());
    };
    let token = time::now_micros();
    snapshots::begin(&database, owner, token, mark).await?;
    let mut parts = 0;
    while let Some(body) = index.snapshot(session_id, parts) {
        if parts == limits::SNAPSHOT_PARTS_MAX {
            return Ok(());
        }
        snapshots::write(&database, owner, token, parts, body).await?;
        parts += 1;
    }
    snapshots::end(&database, owner, token, parts).await
}
