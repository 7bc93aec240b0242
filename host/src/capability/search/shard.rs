//! One long-lived instance of the vector-search component.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use tokio::sync::Mutex;
use wasmtime::component::{
    Component, ComponentExportIndex, ComponentNamedList, Instance, InstancePre, Lift, Lower,
    ResourceAny, TypedFunc,
};
use wasmtime::{Engine, Store, StoreLimits};

use crate::bindings::search::vectors::{Candidate, Entry, Error, Hit, Likeness, Statistics, Text};
use crate::capability::pure::{self, Limits};

/// The interface, as it is exported.
const INTERFACE: &str = "loci:search/vectors@0.1.0";
/// The time that one call may take, in ticks of the epoch (10 ms each).
const TICKS_MAX: u64 = 300;
/// The component drops scopes long before the memory is full, and the largest answer is a part of a
/// snapshot: about 1 MiB.
const LIMITS: Limits = Limits { memory_bytes: 320 << 20, ticks: TICKS_MAX, answer_bytes: 4 << 20 };
/// The interface that makes graphs. A component need not have it: its scopes are then scanned.
const GRAPHS: &str = "loci:search/graphs@0.1.0";
/// What making a graph may take: half an hour, and an answer about as large as what it is made of.
const BUILD_LIMITS: Limits =
    Limits { memory_bytes: 1 << 30, ticks: 180_000, answer_bytes: 256 << 20 };

/// A component that was compiled and linked with nothing.
pub struct Loaded {
    pre: InstancePre<StoreLimits>,
    exports: Exports,
}

/// Where the functions of the interface are.
struct Exports {
    open: ComponentExportIndex,
    mark: ComponentExportIndex,
    insert: ComponentExportIndex,
    remove: ComponentExportIndex,
    drop_scope: ComponentExportIndex,
    search: ComponentExportIndex,
    candidates: ComponentExportIndex,
    compare: ComponentExportIndex,
    worded: ComponentExportIndex,
    insert_words: ComponentExportIndex,
    search_words: ComponentExportIndex,
    score_words: ComponentExportIndex,
    snapshot: ComponentExportIndex,
    restore: ComponentExportIndex,
    wanted: Option<ComponentExportIndex>,
    build: Option<ComponentExportIndex>,
    statistics: ComponentExportIndex,
}

impl Loaded {
    /// Compiles and links a component, and starts it once to see that it is what it should be.
    ///
    /// # Errors
    ///
    /// Fails if the component is invalid, imports something, or does not export the interface.
    pub fn new(engine: &Engine, component: &[u8]) -> Result<Self> {
        let pre = pure::link(engine, component)?;
        let loaded = Self { exports: Exports::of(pre.component())?, pre };
        loaded.start()?;
        Ok(loaded)
    }

    /// Makes a graph from the parts of a snapshot, in an instance of its own. Blocks for up to
    /// minutes.
    ///
    /// # Errors
    ///
    /// Fails if the component makes no graphs, or not of these parts, or takes too long.
    pub fn build(&self, parts: &[Vec<u8>]) -> Result<Vec<Vec<u8>>> {
        let build = self.exports.build.as_ref().context("the component makes no graphs")?;
        let mut store = pure::store(self.pre.engine(), &BUILD_LIMITS);
        let instance = self.pre.instantiate(&mut store)?;
        let build: Build = typed(&instance, &mut store, build)?;
        let (graph,) = build.call(&mut store, (parts,))?;
        graph.map_err(|error| anyhow::anyhow!("the component refused the snapshot: {error:?}"))
    }

    fn start(&self) -> Result<(Store<StoreLimits>, Functions)> {
        let mut store = pure::store(self.pre.engine(), &LIMITS);
        let instance = self.pre.instantiate(&mut store)?;
        let functions = self.exports.functions(&mut store, &instance)?;
        Ok((store, functions))
    }
}

impl Exports {
    fn of(component: &Component) -> Result<Self> {
        let interface = component.get_export_index(None, INTERFACE);
        ensure!(interface.is_some(), "the component does not export `{INTERFACE}`");
        let find = |name: &str| {
            component
                .get_export_index(interface.as_ref(), name)
                .with_context(|| format!("`{INTERFACE}` lacks the function `{name}`"))
        };
        let graphs = component.get_export_index(None, GRAPHS);
        let graph = |name| component.get_export_index(graphs.as_ref(), name);
        Ok(Self {
            wanted: graphs.and_then(|_| graph("wanted")),
            build: graphs.and_then(|_| graph("build")),
            open: find("[static]index.open")?,
            mark: find("[method]index.mark")?,
            insert: find("[method]index.insert")?,
            remove: find("[method]index.remove")?,
            drop_scope: find("[method]index.drop-scope")?,
            search: find("[method]index.search")?,
            candidates: find("[method]index.candidates")?,
            compare: find("[method]index.compare")?,
            worded: find("[method]index.worded")?,
            insert_words: find("[method]index.insert-words")?,
            search_words: find("[method]index.search-words")?,
            score_words: find("[method]index.score-words")?,
            snapshot: find("[method]index.snapshot")?,
            restore: find("[method]index.restore")?,
            statistics: find("[method]index.statistics")?,
        })
    }

    fn functions(&self, store: &mut Store<StoreLimits>, of: &Instance) -> Result<Functions> {
        Ok(Functions {
            open: typed(of, store, &self.open)?,
            mark: typed(of, store, &self.mark)?,
            insert: typed(of, store, &self.insert)?,
            remove: typed(of, store, &self.remove)?,
            drop_scope: typed(of, store, &self.drop_scope)?,
            search: typed(of, store, &self.search)?,
            candidates: typed(of, store, &self.candidates)?,
            compare: typed(of, store, &self.compare)?,
            worded: typed(of, store, &self.worded)?,
            insert_words: typed(of, store, &self.insert_words)?,
            search_words: typed(of, store, &self.search_words)?,
            score_words: typed(of, store, &self.score_words)?,
            snapshot: typed(of, store, &self.snapshot)?,
            restore: typed(of, store, &self.restore)?,
            wanted: self.wanted.as_ref().map(|index| typed(of, store, index)).transpose()?,
            statistics: typed(of, store, &self.statistics)?,
        })
    }
}

fn typed<P, R>(
    instance: &Instance,
    store: &mut Store<StoreLimits>,
    index: &ComponentExportIndex,
) -> Result<TypedFunc<P, R>>
where
    P: ComponentNamedList + Lower,
    R: ComponentNamedList + Lift,
{
    let function = instance.get_typed_func(store, index).map_err(anyhow::Error::from);
    function.with_context(|| format!("a function of `{INTERFACE}` has another type"))
}

/// What functions with long types take and return.
type Build<'a> = TypedFunc<(&'a [Vec<u8>],), (Result<Vec<Vec<u8>>, Error>,)>;
type Snapshot = TypedFunc<(ResourceAny, String, u32), (Option<Vec<u8>>,)>;
type Restore = TypedFunc<(ResourceAny, String, Vec<u8>), (Result<(), Error>,)>;
type Insert = TypedFunc<(ResourceAny, String, Vec<Entry>, u64), (Result<(), Error>,)>;
type Compare = TypedFunc<
    (ResourceAny, String, Vec<f32>, Vec<u64>, Vec<u64>),
    (Result<Vec<Option<Likeness>>, Error>,),
>;
type InsertWords =
    TypedFunc<(ResourceAny, String, Vec<Text>, Option<u64>, u64), (Result<bool, Error>,)>;
type SearchWords =
    TypedFunc<(ResourceAny, String, Vec<String>, u32), (Result<Option<Vec<Hit>>, Error>,)>;
type ScoreWords =
    TypedFunc<(ResourceAny, String, Vec<String>, Vec<u64>), (Result<Vec<Option<f32>>, Error>,)>;
pub type Look<R> = TypedFunc<(ResourceAny, Vec<String>, Vec<f32>, u32), (Result<Vec<R>, Error>,)>;

/// The functions of the interface.
pub struct Functions {
    open: TypedFunc<(String, u32), (Result<ResourceAny, Error>,)>,
    pub mark: TypedFunc<(ResourceAny, String), (Option<u64>,)>,
    pub insert: Insert,
    pub remove: TypedFunc<(ResourceAny, String, Vec<u64>), (u32,)>,
    pub drop_scope: TypedFunc<(ResourceAny, String), ()>,
    search: Look<Hit>,
    candidates: Look<Candidate>,
    pub compare: Compare,
    pub worded: TypedFunc<(ResourceAny, String), (Option<u64>,)>,
    pub insert_words: InsertWords,
    pub search_words: SearchWords,
    pub score_words: ScoreWords,
    pub snapshot: Snapshot,
    pub restore: Restore,
    pub wanted: Option<TypedFunc<(ResourceAny, String), (bool,)>>,
    pub statistics: TypedFunc<(ResourceAny,), (Statistics,)>,
}

/// What a search finds.
pub trait Found: Lift + Send + Sync + 'static {
    /// The function that finds it.
    fn function(of: &Functions) -> Look<Self>
    where
        Self: Sized;

    /// The number of its scope.
    fn scope(&mut self) -> &mut u32;

    /// What it is ordered by: score, scope, id.
    fn key(&self) -> (f32, u32, u64);
}

impl Found for Hit {
    fn function(of: &Functions) -> Look<Self> {
        of.search
    }

    fn scope(&mut self) -> &mut u32 {
        &mut self.scope
    }

    fn key(&self) -> (f32, u32, u64) {
        (self.score, self.scope, self.id)
    }
}

impl Found for Candidate {
    fn function(of: &Functions) -> Look<Self> {
        of.candidates
    }

    fn scope(&mut self) -> &mut u32 {
        &mut self.scope
    }

    fn key(&self) -> (f32, u32, u64) {
        (self.score, self.scope, self.id)
    }
}

/// An index that a guest opened.
#[derive(Clone)]
pub struct Opened {
    /// Its place among all that were opened.
    pub place: usize,
    /// Its name.
    pub name: Arc<str>,
    /// The length of its vectors.
    pub dimensions: u32,
}

/// A running instance.
pub struct Live {
    of: Arc<Loaded>,
    store: Store<StoreLimits>,
    functions: Functions,
    /// The component's own indexes, by the places of those that guests opened.
    indexes: Vec<Option<ResourceAny>>,
}

impl Live {
    fn start(of: &Arc<Loaded>) -> wasmtime::Result<Self> {
        let (store, functions) = of.start().map_err(wasmtime::Error::from_anyhow)?;
        Ok(Self { of: Arc::clone(of), store, functions, indexes: Vec::new() })
    }

    /// What can be called.
    pub fn functions(&self) -> &Functions {
        &self.functions
    }

    /// What it is called with.
    pub fn store(&mut self) -> &mut Store<StoreLimits> {
        &mut self.store
    }

    /// The component's own index for one that a guest opened.
    fn index(&mut self, opened: &Opened) -> wasmtime::Result<ResourceAny> {
        if self.indexes.len() <= opened.place {
            self.indexes.resize(opened.place + 1, None);
        }
        if let Some(index) = self.indexes[opened.place] {
            return Ok(index);
        }
        let arguments = (opened.name.to_string(), opened.dimensions);
        let (index,) = self.functions.open.call(&mut self.store, arguments)?;
        let index = index.map_err(|error| {
            wasmtime::Error::msg(format!("it did not open an index that is in order: {error:?}"))
        })?;
        self.indexes[opened.place] = Some(index);
        Ok(index)
    }
}

/// The instance has trapped, and what it held is gone.
pub struct Lost;

/// The place of one instance, which is started when it is first used.
#[derive(Default)]
pub struct Shard {
    live: Mutex<Option<Live>>,
}

impl Shard {
    /// Calls the instance, which is that of `component`: another is ended, and so is one that
    /// traps.
    pub async fn call<R>(
        &self,
        component: &Arc<Loaded>,
        opened: &Opened,
        call: impl FnOnce(&mut Live, ResourceAny) -> wasmtime::Result<R>,
    ) -> Result<R, Lost> {
        let mut place = self.live.lock().await;
        // Taken out while it runs: what does not come back is gone, whatever happens.
        let taken = place.take().filter(|live| Arc::ptr_eq(&live.of, component));
        let started = taken.map_or_else(|| Live::start(component), Ok);
        let answer = started.and_then(|mut live| {
            live.store.set_epoch_deadline(TICKS_MAX);
            let index = live.index(opened)?;
            let answer = call(&mut live, index)?;
            Ok((live, answer))
        });
        match answer {
            Ok((live, answer)) => {
                *place = Some(live);
                Ok(answer)
            }
            Err(error) => {
                tracing::warn!("Vector search trapped, and begins anew: {error:?}");
                Err(Lost)
            }
        }
    }
}
