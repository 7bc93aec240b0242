//! What ends a call: memory and tables beyond what it may have, and what became of it.

use wasmtime::{ResourceLimiter, Trap};
use wasmtime_wasi::I32Exit;

use super::Allowance;
use super::deaf::Wasi;
use crate::bindings::policy::types::Failure;

/// The memories that a component may consist of.
const MEMORIES_MAX: usize = 1;

/// What a call may take, and whether it was refused more.
pub struct Limits {
    allowance: Allowance,
    largest_bytes: usize,
    refused: bool,
    /// Made when it is asked for: most policies import nothing.
    wasi: Option<Box<Wasi>>,
}

impl Limits {
    /// Of a call that has not begun.
    pub fn new(allowance: &Allowance) -> Self {
        Self { allowance: *allowance, largest_bytes: 0, refused: false, wasi: None }
    }

    /// What the call sees of the world.
    pub fn wasi(&mut self) -> &mut Wasi {
        self.wasi.get_or_insert_with(|| Box::new(Wasi::new()))
    }

    /// The linear memory at its largest, in bytes.
    pub fn largest_bytes(&self) -> usize {
        self.largest_bytes
    }
}

impl ResourceLimiter for Limits {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let granted = desired <= self.allowance.memory_bytes;
        self.refused |= !granted;
        if granted {
            self.largest_bytes = self.largest_bytes.max(desired);
        }
        Ok(granted)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let granted = desired <= self.allowance.table_elements;
        self.refused |= !granted;
        Ok(granted)
    }

    fn instances(&self) -> usize {
        self.allowance.core_instances
    }

    fn tables(&self) -> usize {
        self.allowance.tables
    }

    fn memories(&self) -> usize {
        MEMORIES_MAX
    }
}

/// Why a call ended early. Whoever was refused memory and then trapped had no other way to say so.
pub fn failure(error: &wasmtime::Error, limits: &Limits) -> Failure {
    let trap = error.downcast_ref::<Trap>();
    match trap {
        Some(Trap::OutOfFuel) => Failure::OutOfFuel,
        Some(Trap::Interrupt) => Failure::OutOfTime,
        Some(Trap::StackOverflow | Trap::AllocationTooLarge) => Failure::OutOfMemory,
        _ if limits.refused => Failure::OutOfMemory,
        Some(_) => Failure::Trapped,
        // It ended itself, as a program would.
        None if error.is::<I32Exit>() => Failure::Trapped,
        None => Failure::InvalidAnswer,
    }
}
