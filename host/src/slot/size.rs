//! How large policies may be.

use clap::ValueEnum;

use super::{Allowance, POLICY_BYTES_MAX};

/// How large policies may be, and how much a call may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Size {
    /// What is compiled to WebAssembly, from Rust for example.
    #[default]
    Standard,
    /// Also what brings the engine of its language: JavaScript, Python.
    Large,
}

/// By how much more a call of a large policy may take.
const FUEL: u64 = 20;

impl Size {
    /// The allowance of this size, given the standard one.
    ///
    /// An engine interprets, so it needs more of everything, and is made of many modules. The time
    /// stays what it is: it is what the person who waits notices.
    pub fn of(self, standard: Allowance) -> Allowance {
        match self {
            Self::Standard => standard,
            Self::Large => Allowance {
                component_bytes: POLICY_BYTES_MAX,
                fuel: standard.fuel * FUEL,
                fuel_per_byte: standard.fuel_per_byte * FUEL,
                memory_bytes: standard.memory_bytes.max(256 << 20),
                table_elements: 100_000,
                core_instances: 64,
                tables: 16,
                ..standard
            },
        }
    }
}
