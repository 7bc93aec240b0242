//! Components that import nothing and stay: each instance in a store of its own, with limits.

use anyhow::{Result, ensure};
use wasmtime::component::{InstancePre, Linker};
use wasmtime::{Engine, Store, StoreLimits, StoreLimitsBuilder};

use crate::engine::compile;

/// What one instance may take.
pub struct Limits {
    /// Its memory, in bytes.
    pub memory_bytes: usize,
    /// The time of its start, in ticks of the epoch. Each call sets its own deadline.
    pub ticks: u64,
    /// What one answer may take in the host's memory, in bytes.
    pub answer_bytes: usize,
}

/// Compiles a component and links it with nothing. Blocks for up to seconds.
///
/// # Errors
///
/// Fails if the component is invalid or imports something.
pub fn link(engine: &Engine, bytes: &[u8]) -> Result<InstancePre<StoreLimits>> {
    let component = compile(engine, bytes)?;
    let imports: Vec<String> =
        component.component_type().imports(engine).map(|(name, _)| format!("`{name}`")).collect();
    ensure!(
        imports.is_empty(),
        "the component imports {}, and may import nothing",
        imports.join(", ")
    );
    Ok(Linker::new(engine).instantiate_pre(&component)?)
}

/// Makes a store for one instance.
pub fn store(engine: &Engine, limits: &Limits) -> Store<StoreLimits> {
    let memory = StoreLimitsBuilder::new().memory_size(limits.memory_bytes).build();
    let mut store = Store::new(engine, memory);
    store.limiter(|memory| memory);
    store.set_epoch_deadline(limits.ticks);
    store.set_hostcall_fuel(limits.answer_bytes);
    store
}
