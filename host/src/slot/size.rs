//! How large policies may be, and how much a call may take: a size, and what is set beside it.

use clap::{Args, ValueEnum};

use super::{Allowance, POLICY_BYTES_MAX};
use crate::engine::{POLICY_STACK_BYTES, TICK};

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

/// What policies may be and what a call of one may take. Beside the size, which says all of it,
/// each limit can be set by itself, for the policies that a turn asks.
#[derive(Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    /// How large policies may be, and how much a call of one may take: `large` is for those that
    /// bring the engine of their language
    #[arg(long, value_name = "SIZE", env = "LOCI_POLICY_SIZE", default_value = "standard")]
    pub policy_size: Size,
    /// The bytes of a policy [default: by the size, 8 MiB or 32 MiB]
    #[arg(
        long,
        value_name = "BYTES",
        env = "LOCI_POLICY_BYTES",
        value_parser = clap::value_parser!(u32).range(1..=33_554_432)
    )]
    policy_bytes: Option<u32>,
    /// The fuel of a call, about one unit for each instruction [default: by the size, 50 million or
    /// 1,000 million]
    #[arg(
        long,
        value_name = "UNITS",
        env = "LOCI_POLICY_FUEL",
        value_parser = clap::value_parser!(u64).range(1..=100_000_000_000)
    )]
    policy_fuel: Option<u64>,
    /// The fuel of a call for each byte of its request, besides [default: by size and world, from
    /// 200]
    #[arg(
        long,
        value_name = "UNITS",
        env = "LOCI_POLICY_FUEL_PER_BYTE",
        value_parser = clap::value_parser!(u64).range(0..=1_000_000)
    )]
    policy_fuel_per_byte: Option<u64>,
    /// The time of a call, which ends what fuel does not, in steps of 10 ms [default: 2000]
    #[arg(
        long,
        value_name = "MILLISECONDS",
        env = "LOCI_POLICY_TIME_MS",
        value_parser = clap::value_parser!(u64).range(20..=60_000)
    )]
    policy_time_ms: Option<u64>,
    /// The linear memory of a call [default: by the size, 64 MiB or 256 MiB]
    #[arg(
        long,
        value_name = "BYTES",
        env = "LOCI_POLICY_MEMORY_BYTES",
        value_parser = clap::value_parser!(u32).range(65_536..=1_073_741_824)
    )]
    policy_memory_bytes: Option<u32>,
    /// The stack of a call [default: 512 KiB]
    #[arg(
        long,
        value_name = "BYTES",
        env = "LOCI_POLICY_STACK_BYTES",
        value_parser = clap::value_parser!(u32).range(65_536..=1_048_576)
    )]
    policy_stack_bytes: Option<u32>,
    /// The elements of a table of a call [default: by the size, 10,000 or 100,000]
    #[arg(
        long,
        value_name = "ELEMENTS",
        env = "LOCI_POLICY_TABLE_ELEMENTS",
        value_parser = clap::value_parser!(u32).range(1..=1_000_000)
    )]
    policy_table_elements: Option<u32>,
    /// The bytes of a request, beside what each interface says of its parts [default: 32 MiB]
    #[arg(
        long,
        value_name = "BYTES",
        env = "LOCI_POLICY_REQUEST_BYTES",
        value_parser = clap::value_parser!(u32).range(1_024..=33_554_432)
    )]
    policy_request_bytes: Option<u32>,
    /// The bytes of an answer in the host's memory [default: 1 MiB]
    #[arg(
        long,
        value_name = "BYTES",
        env = "LOCI_POLICY_ANSWER_BYTES",
        value_parser = clap::value_parser!(u32).range(1_024..=33_554_432)
    )]
    policy_answer_bytes: Option<u32>,
}

impl Grant {
    /// The same with another size.
    pub fn sized(self, policy_size: Size) -> Self {
        Self { policy_size, ..self }
    }

    /// The bytes of the stack of a call.
    pub fn stack_bytes(self) -> usize {
        self.policy_stack_bytes.map_or(POLICY_STACK_BYTES, |bytes| bytes as usize)
    }

    /// The allowance, given the standard one. What reads and cuts files keeps that of its size,
    /// since it is asked for other things.
    pub fn of(self, standard: Allowance) -> Allowance {
        let sized = Allowance { stack_bytes: self.stack_bytes(), ..self.policy_size.of(standard) };
        if !standard.is_of_a_turn {
            return sized;
        }
        let bytes = |set: Option<u32>, unset: usize| set.map_or(unset, |bytes| bytes as usize);
        let ticks = |ms: u64| ms.div_ceil(TICK.as_millis() as u64);
        Allowance {
            component_bytes: bytes(self.policy_bytes, sized.component_bytes),
            fuel: self.policy_fuel.unwrap_or(sized.fuel),
            fuel_per_byte: self.policy_fuel_per_byte.unwrap_or(sized.fuel_per_byte),
            ticks: self.policy_time_ms.map_or(sized.ticks, ticks),
            memory_bytes: bytes(self.policy_memory_bytes, sized.memory_bytes),
            table_elements: bytes(self.policy_table_elements, sized.table_elements),
            request_bytes: bytes(self.policy_request_bytes, sized.request_bytes),
            answer_bytes: bytes(self.policy_answer_bytes, sized.answer_bytes),
            ..sized
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slot::OF_A_TURN;

    #[test]
    fn what_is_set_goes_before_the_size_and_only_in_a_turn() {
        let set = Grant {
            policy_fuel: Some(7),
            policy_time_ms: Some(95),
            policy_stack_bytes: Some(65_536),
            ..Grant::default().sized(Size::Large)
        };
        let large = Grant::default().sized(Size::Large).of(OF_A_TURN);
        assert_eq!(large.fuel, FUEL * OF_A_TURN.fuel);
        let expected = Allowance { fuel: 7, ticks: 10, stack_bytes: 65_536, ..large };
        assert_eq!(set.of(OF_A_TURN), expected);
        let apart = Allowance { is_of_a_turn: false, ..OF_A_TURN };
        assert_eq!(set.of(apart).fuel, large.fuel);
        assert_eq!(Grant::default().of(OF_A_TURN), OF_A_TURN);
    }
}
