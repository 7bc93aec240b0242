//! The only place that configures wasmtime: what guests may use, and what ends them.
//!
//! There are two engines, because metering is compiled into the code of a guest. *Policies* are
//! metered with fuel, so that the same request costs the same on every machine; all other guests
//! (the api, vector search, embedding) wait for much and compute for long, and run without that
//! cost. An epoch that ticks every [`TICK`] is the backstop of both.

use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tracing::warn;
use wasmtime::component::Component;
use wasmtime::{
    Cache, CacheConfig, Config, Enabled, Engine, EngineWeak, PoolingAllocationConfig, Strategy,
};

/// The time between two epochs. A deadline of `n` epochs is met after `n - 1` to `n` ticks.
pub const TICK: Duration = Duration::from_millis(10);

/// The largest component that is compiled, in bytes.
pub const COMPONENT_BYTES_MAX: usize = 64 << 20;

/// The most guests of each engine that live at once, over all their stores.
const GUESTS_MAX: u32 = 640;
const POLICIES_MAX: u32 = 256;

/// What is kept of a guest's memory when its slot is reused, in bytes: cleared by writing zeros
/// instead of by a call to the kernel and a page fault for each page. Policies run in a fresh store
/// per call, and this is most of what a call costs.
const GUEST_RESIDENT_BYTES: usize = 256 << 10;
const POLICY_RESIDENT_BYTES: usize = 1 << 20;

/// The stack of a policy where nobody says otherwise, in bytes.
pub const POLICY_STACK_BYTES: usize = 512 << 10;

/// The engines of this process. Cheap to clone; the epoch ticks until the last clone is gone.
#[derive(Clone)]
pub struct Engines {
    guests: Engine,
    policies: Engine,
}

impl Engines {
    /// Makes the engines, and starts the thread that ticks their epochs. A call of a policy has a
    /// stack of `stack_bytes`.
    ///
    /// Compiled code is kept in `cache`, a folder that is made if it is missing and that nobody but
    /// this process may write to: it is keyed by the component, the configuration and the version
    /// of wasmtime, and it is the only compiled code that is ever loaded.
    ///
    /// # Errors
    ///
    /// Fails if the folder cannot be made, or this machine cannot run guests.
    pub fn with_stack(cache: &Path, stack_bytes: usize) -> Result<Self> {
        Self::with(Some(&open_cache(cache)?), stack_bytes)
    }

    /// As [`Engines::with_stack`], with the usual one.
    #[cfg(test)]
    pub fn new(cache: &Path) -> Result<Self> {
        Self::with_stack(cache, POLICY_STACK_BYTES)
    }

    /// Makes engines that keep no compiled code, for a command that compiles once, with a stack of
    /// so many bytes for policies.
    ///
    /// # Errors
    ///
    /// Fails if this machine cannot run guests.
    pub fn without_cache(stack_bytes: usize) -> Result<Self> {
        Self::with(None, stack_bytes)
    }

    fn with(cache: Option<&Cache>, stack_bytes: usize) -> Result<Self> {
        let engines = Self {
            guests: engine(guest_config(), guest_pool(), cache)?,
            policies: engine(policy_config(stack_bytes), policy_pool(), cache)?,
        };
        tick([engines.guests.weak(), engines.policies.weak()])?;
        Ok(engines)
    }

    /// The engine of guests that are not metered: epochs, no fuel.
    pub fn guests(&self) -> &Engine {
        &self.guests
    }

    /// The engine of policies: epochs and fuel, and no float that differs between machines.
    pub fn policies(&self) -> &Engine {
        &self.policies
    }
}

/// Compiles a component, or loads what was compiled of it before. Blocks for up to seconds.
///
/// # Errors
///
/// Fails if `bytes` are more than [`COMPONENT_BYTES_MAX`], or are not a valid component. Compiled
/// code is not: it is refused, whoever made it.
pub fn compile(engine: &Engine, bytes: &[u8]) -> Result<Component> {
    ensure!(
        bytes.len() <= COMPONENT_BYTES_MAX,
        "the component has {} bytes, and at most {COMPONENT_BYTES_MAX} are compiled",
        bytes.len()
    );
    Ok(Component::from_binary(engine, bytes)?)
}

/// What both kinds of guests have in common.
fn base_config() -> Config {
    let mut config = Config::new();
    config
        .strategy(Strategy::Cranelift)
        .parallel_compilation(true)
        .epoch_interruption(true)
        .wasm_component_model(true)
        .wasm_component_model_async(true)
        // What a guest computes is the same on every machine.
        .wasm_relaxed_simd(false);
    config
}

fn guest_config() -> Config {
    base_config()
}

fn policy_config(stack_bytes: usize) -> Config {
    let mut config = base_config();
    config.consume_fuel(true).cranelift_nan_canonicalization(true).max_wasm_stack(stack_bytes);
    config
}

fn guest_pool() -> PoolingAllocationConfig {
    pool(GUESTS_MAX, GUEST_RESIDENT_BYTES)
}

fn policy_pool() -> PoolingAllocationConfig {
    pool(POLICIES_MAX, POLICY_RESIDENT_BYTES)
}

/// A pool for `guests` components at once, each of one memory and a few small core instances (what
/// encoding a module as a component adds to it).
fn pool(guests: u32, resident_bytes: usize) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(guests)
        .total_core_instances(guests * 8)
        .total_memories(guests)
        .total_tables(guests * 4)
        .total_stacks(guests * 4)
        .max_unused_warm_slots(64)
        .linear_memory_keep_resident(resident_bytes)
        .table_keep_resident(16 << 10)
        .pagemap_scan(Enabled::Auto);
    pool
}

/// Makes an engine that allocates from a pool, or, where the machine grants too little address
/// space for that, one that allocates on demand: slower, and just as right.
fn engine(
    mut config: Config,
    pool: PoolingAllocationConfig,
    cache: Option<&Cache>,
) -> Result<Engine> {
    config.cache(cache.cloned());
    let mut pooling = config.clone();
    pooling.allocation_strategy(pool);
    match Engine::new(&pooling) {
        Ok(engine) => Ok(engine),
        Err(error) => {
            warn!("Guests start more slowly, since no pool of memory can be had: {error:#}");
            Engine::new(&config)
                .map_err(anyhow::Error::from)
                .context("this machine cannot run WebAssembly")
        }
    }
}

fn open_cache(folder: &Path) -> Result<Cache> {
    let at = || format!("cannot use the folder `{}` for compiled code", folder.display());
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).with_context(at)?;
    let folder = folder.canonicalize().with_context(at)?;
    let mut config = CacheConfig::new();
    config.with_directory(folder);
    Cache::new(config).map_err(anyhow::Error::from).with_context(at)
}

/// Starts the thread that moves the epochs on. It ends when all engines are gone.
fn tick(engines: [EngineWeak; 2]) -> Result<()> {
    let ticker = thread::Builder::new().name("epoch".to_owned());
    ticker
        .spawn(move || {
            loop {
                thread::sleep(TICK);
                let mut alive = false;
                for engine in engines.iter().filter_map(EngineWeak::upgrade) {
                    engine.increment_epoch();
                    alive = true;
                }
                if !alive {
                    break;
                }
            }
        })
        .context("cannot start the thread that ends runaway guests")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engines() -> (Engines, tempfile::TempDir) {
        let folder = tempfile::tempdir().expect("a folder");
        (Engines::new(folder.path()).expect("engines"), folder)
    }

    #[test]
    fn compiled_code_is_no_component() {
        let (engines, _folder) = engines();
        let empty = b"\0asm\x0d\0\x01\0";
        compile(engines.guests(), empty).expect("an empty component");
        let compiled = engines.guests().precompile_component(empty).expect("compiled");
        assert!(compile(engines.guests(), &compiled).is_err());
        assert!(compile(engines.guests(), b"(component)").is_err(), "text is no component");
    }

    #[test]
    fn what_is_too_large_is_not_compiled() {
        let (engines, _folder) = engines();
        let error =
            compile(engines.guests(), &vec![0; COMPONENT_BYTES_MAX + 1]).expect_err("refused");
        assert!(error.to_string().contains("67108865 bytes"), "{error}");
    }
}
