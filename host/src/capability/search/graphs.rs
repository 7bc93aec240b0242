//! Graphs for large scopes, made in the background.
//!
//! To make one takes a minute for 100,000 vectors, and an instance does one thing at a time. So it
//! is made in an instance of its own, on a thread of its own, from a snapshot that is taken part by
//! part, and its parts are handed to the instance that holds the scope: whoever searches waits for
//! a part at the most. One graph is made at a time.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use anyhow::{Context as _, Result};
use tokio::sync::oneshot;

use super::Shared;
use super::shard::{Loaded, Opened};
use crate::bindings::search::vectors::Error;

/// A part of a snapshot, in bytes: several times what the component writes.
const PART_BYTES_MAX: usize = 16 << 20;

/// A scope of an index, by the place of the index.
type Key = (usize, String);

/// What is to be made, and what is not to be tried again.
#[derive(Default)]
pub struct Queue {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: BTreeSet<Key>,
    failed: BTreeSet<Key>,
    running: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many scopes are not to be tried again.
    #[cfg(test)]
    pub fn failed(&self) -> usize {
        self.lock().failed.len()
    }

    /// The next scope; nobody is at work any more if there is none.
    fn next(&self) -> Option<Key> {
        let mut state = self.lock();
        let next = state.waiting.pop_first();
        state.running = next.is_some();
        next
    }
}

/// Has a graph made for a scope that wants one.
pub fn ask(shared: &Arc<Shared>, index: &Opened, scope: String) {
    let mut state = shared.graphs.lock();
    let key = (index.place, scope);
    if state.failed.contains(&key) || !state.waiting.insert(key) || state.running {
        return;
    }
    state.running = true;
    drop(state);
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        while let Some(key) = shared.graphs.next() {
            if let Err(error) = make(&shared, &key).await {
                tracing::warn!("No graph for a large scope, which is scanned: {error:#}");
                shared.graphs.lock().failed.insert(key);
            }
        }
    });
}

/// Makes a graph, and hands it over.
async fn make(shared: &Shared, (place, scope): &Key) -> Result<()> {
    let index = shared.index(*place).context("the index is not open")?;
    let component = shared.component.load_full();
    if !shared.wants_graph(&index, scope).await {
        return Ok(());
    }
    let mut parts = Vec::new();
    while let Some(part) = shared.snapshot(&index, scope.clone(), parts.len() as u32).await? {
        parts.push(part);
    }
    for part in built(component, parts).await? {
        shared.restore(&index, scope.clone(), part).await?;
    }
    Ok(())
}

/// Makes a graph on a thread of its own, which nobody waits for when the host ends.
async fn built(component: Arc<Loaded>, parts: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>> {
    let (sender, receiver) = oneshot::channel();
    let build = move || {
        // Nobody listens when the host ends.
        let _ = sender.send(component.build(&parts));
    };
    thread::Builder::new().name("graph".to_owned()).spawn(build)?;
    receiver.await.context("the thread ended without an answer")?
}

impl Shared {
    /// Whether a scope is so large that a graph is worth it. A component that makes none wants
    /// none.
    async fn wants_graph(&self, index: &Opened, scope: &str) -> bool {
        let component = self.component.load_full();
        let scope = scope.to_owned();
        let wanted = self.shard_of(&scope).call(&component, index, |live, index| {
            match live.functions().wanted {
                Some(wanted) => Ok(wanted.call(live.store(), (index, scope))?.0),
                None => Ok(false),
            }
        });
        wanted.await.unwrap_or(false)
    }

    /// A part of a snapshot of a scope; none beyond the last.
    pub async fn snapshot(
        &self,
        index: &Opened,
        scope: String,
        part: u32,
    ) -> Result<Option<Vec<u8>>, Error> {
        let component = self.component.load_full();
        let part = self.shard_of(&scope).call(&component, index, |live, index| {
            let snapshot = live.functions().snapshot;
            Ok(snapshot.call(live.store(), (index, scope, part))?.0)
        });
        Ok(part.await?)
    }

    /// Hands a part of a snapshot to a scope.
    pub async fn restore(&self, index: &Opened, scope: String, part: Vec<u8>) -> Result<(), Error> {
        super::check_name(&scope)?;
        if part.len() > PART_BYTES_MAX {
            return Err(Error::Damaged);
        }
        let component = self.component.load_full();
        let restored = self.shard_of(&scope).call(&component, index, |live, index| {
            let restore = live.functions().restore;
            Ok(restore.call(live.store(), (index, scope, part))?.0)
        });
        restored.await?
    }
}
