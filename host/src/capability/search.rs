//! `loci:search@0.1.0`: the vector index, shared by all instances of the api.
//!
//! Scopes are spread over a few instances of the component, each in a store of its own, that live
//! as long as the host. A trap ends one of them: what it held is gone, the caller hears `failed`,
//! and a fresh instance is filled again by whoever finds that its marks are missing. Replacing the
//! component is the same for all of them at once.

mod compare;
mod graphs;
mod shard;
#[cfg(test)]
mod tests;
mod view;
mod words;

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::Result;
use arc_swap::ArcSwap;
use wasmtime::Engine;
use wasmtime::component::Resource;

use crate::bindings::search::vectors::{Candidate, Entry, Error, Hit, Index, Statistics};
use shard::{Found, Loaded, Lost, Opened, Shard};
pub use view::{View, add_to_linker};

/// The dimensions of a vector.
const DIMENSIONS_MAX: u32 = 4_096;
/// The name of an index or a scope, in bytes.
const NAME_BYTES_MAX: usize = 128;
/// The entries of one insert.
const ENTRIES_MAX: u32 = 4_096;
/// The ids that a shard removes in one call; more are removed in several.
const IDS_PER_CALL: usize = 65_536;
/// The scopes of one search.
const SCOPES_MAX: u32 = 256;
/// The hits of one search.
const HITS_MAX: u32 = 1_024;
/// The candidates of one search.
const CANDIDATES_MAX: u32 = 4_096;
/// The indexes of one host: one for each embedding model that it has seen.
const INDEXES_MAX: u32 = 64;
/// The most instances of the component.
const SHARDS_MAX: usize = 8;

/// The vector index. Cheap to clone; all clones share it.
#[derive(Clone)]
pub struct Ctx {
    shared: Arc<Shared>,
}

struct Shared {
    engine: Engine,
    component: ArcSwap<Loaded>,
    /// The indexes that were opened, by their places, which are the guests' resources.
    indexes: Mutex<Vec<Opened>>,
    shards: Box<[Shard]>,
    graphs: graphs::Queue,
}

impl Ctx {
    /// Makes an empty index of this component, on as many instances as there are processors.
    /// Compiles: it blocks for up to seconds.
    ///
    /// # Errors
    ///
    /// Fails if the component is invalid, imports something, or does not export the interface.
    pub fn new(engine: &Engine, component: &[u8]) -> Result<Self> {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        Self::with_shards(engine, component, processors.min(SHARDS_MAX))
    }

    fn with_shards(engine: &Engine, component: &[u8], count: usize) -> Result<Self> {
        let shared = Shared {
            engine: engine.clone(),
            component: ArcSwap::from_pointee(Loaded::new(engine, component)?),
            indexes: Mutex::default(),
            shards: (0..count).map(|_| Shard::default()).collect(),
            graphs: graphs::Queue::default(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Replaces the component. Calls that have begun end with the old one; after that each shard
    /// starts afresh, and is filled again as it is used. Compiles: it blocks for up to seconds.
    ///
    /// # Errors
    ///
    /// Fails as `new` does. The index is then as it was.
    #[cfg_attr(not(test), expect(dead_code, reason = "the API that swaps components comes later"))]
    pub fn load(&self, component: &[u8]) -> Result<()> {
        let loaded = Loaded::new(&self.shared.engine, component)?;
        self.shared.component.store(Arc::new(loaded));
        Ok(())
    }

    /// What one call borrows.
    pub fn view(&mut self) -> View<'_> {
        View { ctx: self }
    }
}

impl Shared {
    /// The place of an index, which is made if there is none of this name.
    fn open(&self, name: String, dimensions: u32) -> Result<u32, Error> {
        check_name(&name)?;
        let mut indexes = self.indexes.lock().unwrap_or_else(PoisonError::into_inner);
        let place = match indexes.iter().position(|index| *index.name == *name) {
            Some(place) if indexes[place].dimensions == dimensions => place,
            Some(place) => return Err(Error::Dimensions(indexes[place].dimensions)),
            None if dimensions == 0 || dimensions > DIMENSIONS_MAX => {
                return Err(Error::Dimensions(dimensions));
            }
            None if indexes.len() >= INDEXES_MAX as usize => {
                return Err(Error::TooMany(INDEXES_MAX));
            }
            None => {
                let place = indexes.len();
                indexes.push(Opened { place, name: name.into(), dimensions });
                place
            }
        };
        Ok(place as u32)
    }

    fn opened(&self, index: &Resource<Index>) -> wasmtime::Result<Opened> {
        let index = self.index(index.rep() as usize);
        index.ok_or_else(|| wasmtime::Error::msg("an unknown index"))
    }

    fn index(&self, place: usize) -> Option<Opened> {
        let indexes = self.indexes.lock().unwrap_or_else(PoisonError::into_inner);
        indexes.get(place).cloned()
    }

    /// The shard that holds a scope.
    fn place_of(&self, scope: &str) -> usize {
        let mut hasher = DefaultHasher::new();
        scope.hash(&mut hasher);
        (hasher.finish() % self.shards.len() as u64) as usize
    }

    fn shard_of(&self, scope: &str) -> &Shard {
        &self.shards[self.place_of(scope)]
    }

    async fn insert(
        self: &Arc<Self>,
        index: &Opened,
        scope: String,
        entries: Vec<Entry>,
        mark: u64,
    ) -> Result<(), Error> {
        check_name(&scope)?;
        if entries.len() > ENTRIES_MAX as usize {
            return Err(Error::TooMany(ENTRIES_MAX));
        }
        let shard = self.shard_of(&scope);
        let component = self.component.load_full();
        let name = scope.clone();
        let inserted = shard.call(&component, index, |live, index| {
            let (insert, wanted) = (live.functions().insert, live.functions().wanted);
            let done = insert.call(live.store(), (index, scope.clone(), entries, mark))?.0;
            match wanted {
                Some(wanted) if done.is_ok() => {
                    Ok((done, wanted.call(live.store(), (index, scope))?.0))
                }
                _ => Ok((done, false)),
            }
        });
        let (done, wants_graph) = inserted.await?;
        if wants_graph {
            graphs::ask(self, index, name);
        }
        done
    }

    /// What each shard is to search, once the request is found to be in order.
    fn parts(
        &self,
        index: &Opened,
        scopes: Vec<String>,
        query: &[f32],
        most: u32,
    ) -> Result<BTreeMap<usize, Part>, Error> {
        if scopes.len() > SCOPES_MAX as usize {
            return Err(Error::TooMany(SCOPES_MAX));
        }
        if most > HITS_MAX {
            return Err(Error::TooMany(HITS_MAX));
        }
        scopes.iter().try_for_each(|scope| check_name(scope))?;
        if query.len() != index.dimensions as usize || query.iter().any(|x| !x.is_finite()) {
            return Err(Error::BadVector(0));
        }
        let mut parts: BTreeMap<usize, Part> = BTreeMap::new();
        for (number, scope) in scopes.into_iter().enumerate() {
            let part = parts.entry(self.place_of(&scope)).or_default();
            part.numbers.push(number as u32);
            part.scopes.push(scope);
        }
        Ok(parts)
    }

    /// Asks each shard that holds one of the scopes. The answers are unordered if `several` did.
    async fn look<R: Found>(
        &self,
        index: &Opened,
        scopes: Vec<String>,
        query: Vec<f32>,
        most: u32,
    ) -> Result<(Vec<R>, bool), Error> {
        let parts = self.parts(index, scopes, &query, most)?;
        let several = parts.len() > 1;
        let mut all = Vec::new();
        for (place, Part { numbers, scopes }) in parts {
            let query = query.clone();
            let component = self.component.load_full();
            let found = self.shards[place].call(&component, index, |live, index| {
                let look = R::function(live.functions());
                Ok(look.call(live.store(), (index, scopes, query, most))?.0)
            });
            for mut one in found.await?? {
                // A component that answers with a scope that it was not asked for is broken.
                let scope = one.scope();
                *scope = *numbers.get(*scope as usize).ok_or(Error::Failed)?;
                all.push(one);
            }
        }
        Ok((all, several))
    }

    async fn search(
        &self,
        index: &Opened,
        scopes: Vec<String>,
        query: Vec<f32>,
        most: u32,
    ) -> Result<Vec<Hit>, Error> {
        let (mut hits, several) = self.look::<Hit>(index, scopes, query, most).await?;
        if several {
            hits.sort_by(order);
            hits.truncate(most as usize);
        }
        Ok(hits)
    }

    async fn candidates(
        &self,
        index: &Opened,
        scopes: Vec<String>,
        query: Vec<f32>,
        most: u32,
    ) -> Result<Vec<Candidate>, Error> {
        let (mut all, several) = self.look::<Candidate>(index, scopes, query, most).await?;
        if several {
            sift(&mut all, most as usize);
            all.sort_by(order);
        }
        if all.len() > CANDIDATES_MAX as usize {
            return Err(Error::TooMany(CANDIDATES_MAX));
        }
        Ok(all)
    }

    async fn statistics(&self, index: &Opened) -> Statistics {
        let mut sum = Statistics { scopes: 0, vectors: 0, bytes: 0 };
        let component = self.component.load_full();
        for shard in &self.shards {
            let held = shard.call(&component, index, |live, index| {
                let statistics = live.functions().statistics;
                Ok(statistics.call(live.store(), (index,))?.0)
            });
            // A shard that was lost holds nothing.
            if let Ok(held) = held.await {
                sum.scopes += held.scopes;
                sum.vectors += held.vectors;
                sum.bytes += held.bytes;
            }
        }
        sum
    }
}

/// The scopes that one shard searches, and the numbers that the caller knows them by.
#[derive(Default)]
struct Part {
    numbers: Vec<u32>,
    scopes: Vec<String>,
}

/// The order of an answer: the best first; equal scores in the order of scope and id.
fn order<R: Found>(a: &R, b: &R) -> Ordering {
    let (a, b) = (a.key(), b.key());
    b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2))
}

/// Leaves out what cannot be among the `most` nearest of all shards together: what cannot reach the
/// cosine that `most` others are sure to reach.
fn sift(all: &mut Vec<Candidate>, most: usize) {
    let mut sure: Vec<f32> = all.iter().map(|one| one.score - one.slack).collect();
    sure.sort_by(|a, b| b.total_cmp(a));
    if let Some(bar) = most.checked_sub(1).and_then(|last| sure.get(last)) {
        all.retain(|one| one.score + one.slack >= *bar);
    }
}

fn check_name(name: &str) -> Result<(), Error> {
    if name.is_empty() || name.len() > NAME_BYTES_MAX { Err(Error::BadScope) } else { Ok(()) }
}

impl From<Lost> for Error {
    fn from(_: Lost) -> Self {
        Self::Failed
    }
}
