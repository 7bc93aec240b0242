//! The embedding model that is a component, kept warm: a few instances that have their tokenizer
//! set up. Each call gets one to itself.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context as _, Result};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::Semaphore;
use wasmtime::component::{ComponentExportIndex, Instance, InstancePre, TypedFunc};
use wasmtime::{Engine, Store, StoreLimits, Trap};

use crate::bindings::inference::embeddings::{self, Purpose};
use crate::bindings::inference::types;
use crate::capability::pure::{self, Limits};
use crate::model::{self, Embedder, EmbeddingModel, ModelError};

/// The interface, as it is exported.
const INTERFACE: &str = "loci:inference/embeddings@0.1.0";
/// The time that one call may take, in ticks of the epoch (10 ms each).
const TICKS_MAX: u64 = 1_000;
/// Memory is for the table, the tokenizer and the texts of one call; an answer has at most 256
/// vectors of 4,096 numbers.
const LIMITS: Limits = Limits { memory_bytes: 128 << 20, ticks: TICKS_MAX, answer_bytes: 8 << 20 };
/// The most instances.
const INSTANCES_MAX: usize = 8;
/// Up to so much text takes less time than handing it to another thread and back, in bytes.
const AT_ONCE_BYTES_MAX: usize = 2_048;

/// A component that embeds by itself.
///
/// Its digest is its own: it names the table and the method, so it changes when vectors do, and
/// does not when the component was only compiled anew.
pub struct StaticEmbedder {
    shared: Arc<Shared>,
}

struct Shared {
    pre: InstancePre<StoreLimits>,
    embed: ComponentExportIndex,
    count: ComponentExportIndex,
    model: EmbeddingModel,
    idle: Mutex<Vec<Warm>>,
    permits: Semaphore,
}

/// An instance that has embedded before.
struct Warm {
    store: Store<StoreLimits>,
    embed: TypedFunc<Arguments, Answer>,
    count: TypedFunc<(Vec<String>,), Counts>,
}

type Arguments = (Vec<String>, Purpose);
type Answer = (Result<Vec<Vec<f32>>, types::Error>,);
type Counts = (Result<Vec<u32>, types::Error>,);

impl StaticEmbedder {
    /// Compiles the component, starts one instance, and asks it what it is. Blocks for up to
    /// seconds. Further instances, one for each processor at most, are started when they are
    /// needed.
    ///
    /// # Errors
    ///
    /// Fails if the component is invalid, imports something, does not export the interface, or does
    /// not say which model it is.
    pub fn new(engine: &Engine, component: &[u8]) -> Result<Self> {
        let pre = pure::link(engine, component)?;
        let component = pre.component();
        let interface = component.get_export_index(None, INTERFACE);
        let find = |name| {
            interface
                .as_ref()
                .and_then(|interface| component.get_export_index(Some(interface), name))
                .with_context(|| format!("the component does not export `{name}` of `{INTERFACE}`"))
        };
        let (describe, embed, count) = (find("describe")?, find("embed")?, find("count")?);
        let model = described(&pre, &describe)?;
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let shared = Shared {
            permits: Semaphore::new(processors.min(INSTANCES_MAX)),
            idle: Mutex::default(),
            pre,
            embed,
            count,
            model,
        };
        // The first text that somebody sends is not the one that sets up the tokenizer.
        shared.run(vec![String::new()], Purpose::Query)?;
        Ok(Self { shared: Arc::new(shared) })
    }
}

impl Embedder for StaticEmbedder {
    fn describe(&self) -> Result<EmbeddingModel, ModelError> {
        Ok(self.shared.model.clone())
    }

    fn embed(
        &self,
        texts: Vec<String>,
        purpose: model::Purpose,
    ) -> BoxFuture<'_, Result<Vec<Vec<f32>>, ModelError>> {
        let purpose = match purpose {
            model::Purpose::Passage => Purpose::Passage,
            model::Purpose::Query => Purpose::Query,
        };
        async move {
            let permit = self.shared.permits.acquire().await;
            let _permit = permit.map_err(|error| ModelError::EngineFailed(error.to_string()))?;
            let bytes: usize = texts.iter().map(String::len).sum();
            if bytes <= AT_ONCE_BYTES_MAX && self.shared.has_idle() {
                return self.shared.run(texts, purpose);
            }
            let shared = Arc::clone(&self.shared);
            let work = tokio::task::spawn_blocking(move || shared.run(texts, purpose));
            work.await.unwrap_or_else(|error| Err(ModelError::EngineFailed(error.to_string())))
        }
        .boxed()
    }

    fn count(&self, texts: Vec<String>) -> BoxFuture<'_, Result<Vec<u32>, ModelError>> {
        async move {
            let permit = self.shared.permits.acquire().await;
            let _permit = permit.map_err(|error| ModelError::EngineFailed(error.to_string()))?;
            let shared = Arc::clone(&self.shared);
            let work = tokio::task::spawn_blocking(move || shared.count(texts));
            work.await.unwrap_or_else(|error| Err(ModelError::EngineFailed(error.to_string())))
        }
        .boxed()
    }
}

impl Shared {
    fn has_idle(&self) -> bool {
        !self.idle.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Embeds on an instance that is idle, or on a new one. Blocks.
    fn run(&self, texts: Vec<String>, purpose: Purpose) -> Result<Vec<Vec<f32>>, ModelError> {
        let count = texts.len();
        let answer = self.call(|warm| {
            let (answer,) = warm.embed.call(&mut warm.store, (texts, purpose))?;
            Ok(answer)
        })?;
        let vectors = answer.map_err(failure)?;
        let dimensions = self.model.dimensions as usize;
        let sound = |vector: &Vec<f32>| {
            vector.len() == dimensions && vector.iter().all(|number| number.is_finite())
        };
        if vectors.len() == count && vectors.iter().all(sound) {
            Ok(vectors)
        } else {
            let how = "the component answered with other vectors than it was asked for";
            Err(ModelError::EngineFailed(how.to_owned()))
        }
    }

    /// Counts on an instance that is idle, or on a new one. Blocks.
    fn count(&self, texts: Vec<String>) -> Result<Vec<u32>, ModelError> {
        let count = texts.len();
        let answer = self.call(|warm| {
            let (answer,) = warm.count.call(&mut warm.store, (texts,))?;
            Ok(answer)
        })?;
        let counts = answer.map_err(failure)?;
        if counts.len() == count {
            Ok(counts)
        } else {
            let how = "the component did not count each text that it was asked for";
            Err(ModelError::EngineFailed(how.to_owned()))
        }
    }

    /// Does something with an instance that is idle, or with a new one. One that has trapped does
    /// not come back.
    fn call<R>(
        &self,
        work: impl FnOnce(&mut Warm) -> wasmtime::Result<R>,
    ) -> Result<R, ModelError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let started = idle.map_or_else(|| self.start(), Ok);
        let done = started.and_then(|mut warm| {
            warm.store.set_epoch_deadline(TICKS_MAX);
            let answer = work(&mut warm)?;
            Ok((warm, answer))
        });
        let (warm, answer) = done.map_err(|error| match error.downcast_ref::<Trap>() {
            Some(Trap::Interrupt) => ModelError::TimedOut,
            _ => ModelError::EngineFailed(format!("{error:?}")),
        })?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(warm);
        Ok(answer)
    }

    fn start(&self) -> wasmtime::Result<Warm> {
        let (mut store, instance) = start(&self.pre)?;
        let embed = instance.get_typed_func(&mut store, self.embed)?;
        let count = instance.get_typed_func(&mut store, self.count)?;
        Ok(Warm { store, embed, count })
    }
}

/// Starts an instance.
fn start(pre: &InstancePre<StoreLimits>) -> wasmtime::Result<(Store<StoreLimits>, Instance)> {
    let mut store = pure::store(pre.engine(), &LIMITS);
    let instance = pre.instantiate(&mut store)?;
    Ok((store, instance))
}

/// What the component says that it is.
fn described(
    pre: &InstancePre<StoreLimits>,
    describe: &ComponentExportIndex,
) -> Result<EmbeddingModel> {
    type Described = (Result<embeddings::EmbeddingModel, types::Error>,);
    let (mut store, instance) = start(pre)?;
    let describe = instance.get_typed_func::<(), Described>(&mut store, describe)?;
    let (model,) = describe.call(&mut store, ())?;
    let model = model.map_err(failure).context("the component does not say what it is")?;
    Ok(EmbeddingModel {
        name: model.name,
        digest: model.digest,
        dimensions: model.dimensions,
        tokens_max: model.tokens_max,
    })
}

/// What went wrong in the component. It has no model to load, and no queue.
fn failure(error: types::Error) -> ModelError {
    match error {
        types::Error::InvalidRequest => {
            ModelError::InvalidRequest("the component's own limits are lower".to_owned())
        }
        types::Error::TimedOut => ModelError::TimedOut,
        types::Error::Busy(milliseconds) => ModelError::Busy(milliseconds),
        other => ModelError::EngineFailed(format!("the component answered `{other:?}`")),
    }
}
