//! The component that ships, called as Loci's host calls it.

use std::path::Path;

use anyhow::{Context, Result, anyhow};
use vector_search::vectors;
use wasmtime::component::{
    Component as Compiled, ComponentNamedList, ComponentType, Instance, Lift, Linker, Lower,
    ResourceAny, TypedFunc,
};
use wasmtime::{Config, Engine, Store};

use crate::data::DIMENSIONS;

const INTERFACE: &str = "loci:search/vectors@0.1.0";

#[derive(ComponentType, Lower)]
#[component(record)]
struct Entry {
    id: u64,
    vector: Vec<f32>,
}

#[derive(ComponentType, Lift)]
#[component(record)]
struct Hit {
    #[expect(dead_code, reason = "there is one scope")]
    scope: u32,
    id: u64,
    #[expect(dead_code, reason = "only the order counts")]
    score: f32,
}

#[derive(ComponentType, Lift)]
#[component(record)]
struct Candidate {
    #[expect(dead_code, reason = "there is one scope")]
    scope: u32,
    id: u64,
    #[expect(dead_code, reason = "full vectors are compared")]
    score: f32,
    #[expect(dead_code, reason = "full vectors are compared")]
    slack: f32,
}

#[derive(ComponentType, Lift, Debug)]
#[component(variant)]
#[expect(dead_code, reason = "what it says is only shown")]
enum Error {
    #[component(name = "dimensions")]
    Dimensions(u32),
    #[component(name = "bad-vector")]
    BadVector(u32),
    #[component(name = "bad-scope")]
    BadScope,
    #[component(name = "too-many")]
    TooMany(u32),
    #[component(name = "scope-full")]
    ScopeFull(u64),
    #[component(name = "damaged")]
    Damaged,
    #[component(name = "other-version")]
    OtherVersion,
    #[component(name = "failed")]
    Failed,
}

type Insert = TypedFunc<(ResourceAny, String, Vec<Entry>, u64), (Result<(), Error>,)>;
type Restore = TypedFunc<(ResourceAny, String, Vec<u8>), (Result<(), Error>,)>;
type Look<R> = TypedFunc<(ResourceAny, Vec<String>, Vec<f32>, u32), (Result<Vec<R>, Error>,)>;

/// One instance, and an index in it.
pub struct Component {
    store: Store<()>,
    index: ResourceAny,
    insert: Insert,
    restore: Restore,
    search: Look<Hit>,
    candidates: Look<Candidate>,
}

impl Component {
    /// Starts the component that `cargo xtask build` made.
    pub fn start() -> Result<Self> {
        let file =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/components/vector-search.wasm");
        let mut config = Config::new();
        config.epoch_interruption(true).wasm_relaxed_simd(false);
        let engine = Engine::new(&config)?;
        let compiled = Compiled::from_file(&engine, &file).map_err(anyhow::Error::from);
        let compiled = compiled
            .with_context(|| format!("`{}`: `cargo xtask build` makes it", file.display()))?;
        let mut store = Store::new(&engine, ());
        store.set_epoch_deadline(u64::MAX / 2);
        let instance = Linker::new(&engine).instantiate(&mut store, &compiled)?;
        let open: TypedFunc<(String, u32), (Result<ResourceAny, Error>,)> =
            function(&instance, &mut store, "[static]index.open")?;
        let (index,) = open.call(&mut store, ("bench".to_owned(), DIMENSIONS))?;
        Ok(Self {
            index: index.map_err(|error| anyhow!("{error:?}"))?,
            insert: function(&instance, &mut store, "[method]index.insert")?,
            restore: function(&instance, &mut store, "[method]index.restore")?,
            search: function(&instance, &mut store, "[method]index.search")?,
            candidates: function(&instance, &mut store, "[method]index.candidates")?,
            store,
        })
    }

    /// Inserts entries.
    pub fn insert(&mut self, scope: &str, entries: Vec<vectors::Entry>) -> Result<()> {
        let entry = |entry: vectors::Entry| Entry { id: entry.id, vector: entry.vector };
        let entries = entries.into_iter().map(entry).collect();
        let arguments = (self.index, scope.to_owned(), entries, 1);
        let (done,) = self.insert.call(&mut self.store, arguments)?;
        done.map_err(|error| anyhow!("{error:?}"))
    }

    /// Takes a part of a snapshot in.
    pub fn restore(&mut self, scope: &str, part: &[u8]) -> Result<()> {
        let arguments = (self.index, scope.to_owned(), part.to_vec());
        let (done,) = self.restore.call(&mut self.store, arguments)?;
        done.map_err(|error| anyhow!("{error:?}"))
    }

    /// The ids of the best.
    pub fn search(&mut self, scope: &str, query: &[f32], most: u32) -> Result<Vec<u64>> {
        let arguments = (self.index, vec![scope.to_owned()], query.to_vec(), most);
        let (hits,) = self.search.call(&mut self.store, arguments)?;
        let hits = hits.map_err(|error| anyhow!("{error:?}"))?;
        Ok(hits.into_iter().map(|hit| hit.id).collect())
    }

    /// The ids of what may be among the nearest.
    pub fn candidates(&mut self, scope: &str, query: &[f32], most: u32) -> Result<Vec<u64>> {
        let arguments = (self.index, vec![scope.to_owned()], query.to_vec(), most);
        let (found,) = self.candidates.call(&mut self.store, arguments)?;
        let found = found.map_err(|error| anyhow!("{error:?}"))?;
        Ok(found.into_iter().map(|one| one.id).collect())
    }
}

fn function<P, R>(instance: &Instance, store: &mut Store<()>, name: &str) -> Result<TypedFunc<P, R>>
where
    P: ComponentNamedList + Lower,
    R: ComponentNamedList + Lift,
{
    let interface = instance.get_export_index(&mut *store, None, INTERFACE);
    let index = instance.get_export_index(&mut *store, interface.as_ref(), name);
    let index = index.with_context(|| format!("the component has no `{name}`"))?;
    Ok(instance.get_typed_func(store, index)?)
}
