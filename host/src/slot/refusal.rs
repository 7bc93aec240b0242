//! Why a component is not taken as a policy.

use std::fmt;

use super::{Allowance, Ended};
use crate::bindings::policy::types::Failure;
use crate::engine::TICK;

/// Why a component is not taken as a policy. Whoever sent it reads this.
#[derive(Debug)]
pub enum Refusal {
    /// It has this many bytes, of so many that are taken.
    TooLarge { bytes: usize, most: usize },
    /// It is machine code, whose safety nobody can check.
    Precompiled,
    /// It is a core module.
    CoreModule,
    /// It is no WebAssembly.
    NoComponent,
    /// It is no valid component, for this reason.
    Invalid(String),
    /// It imports these.
    Imports(Vec<String>),
    /// It does not export the interface, but these.
    NoInterface { interface: &'static str, exports: Vec<String> },
    /// The interface that it exports lacks a function.
    NoFunction { interface: &'static str, function: &'static str },
    /// A function has another type, as this reason says.
    WrongType { interface: &'static str, function: &'static str, cause: String },
    /// It cannot be started. In this and what follows, `limits` are those that it met, as a part of
    /// a sentence; empty where it met none.
    Start { failure: Failure, limits: String },
    /// It cannot say what it is.
    Describe { function: &'static str, failure: Failure, limits: String },
    /// What it says it is breaks this rule.
    Description(&'static str),
    /// It does not answer this one (from 0) of the requests that every policy can answer.
    Trial { index: usize, ended: Ended, limits: String },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { bytes, most } => {
                write!(
                    f,
                    "the policy has {bytes} bytes, and at most {most} are taken (`policy-bytes`)"
                )
            }
            Self::Precompiled => f.write_str(
                "the policy is compiled already; send the WebAssembly component that it was \
                 compiled from",
            ),
            Self::CoreModule => f.write_str(
                "the policy is a core module; encode it as a component with `wasm-tools component \
                 new`",
            ),
            Self::NoComponent => f.write_str("the policy is no WebAssembly component"),
            Self::Invalid(cause) => write!(f, "the policy is no valid component: {cause}"),
            Self::Imports(names) => {
                write!(
                    f,
                    "a policy imports nothing but WASI 0.2, which tells it nothing, and this one \
                     imports {}",
                    list(names)
                )
            }
            Self::NoInterface { interface, exports } if exports.is_empty() => {
                write!(f, "the policy must export `{interface}`, and exports nothing")
            }
            Self::NoInterface { interface, exports } => {
                write!(f, "the policy must export `{interface}`, and exports {}", list(exports))
            }
            Self::NoFunction { interface, function } => {
                write!(f, "the policy exports `{interface}` without its function `{function}`")
            }
            Self::WrongType { interface, function, cause } => {
                write!(f, "`{function}` of `{interface}` has another type in the policy: {cause}")
            }
            Self::Start { failure, limits } => {
                write!(f, "the policy cannot be started: {}{limits}", name(*failure))
            }
            Self::Describe { function, failure, limits } => {
                write!(f, "the policy does not answer `{function}`: {}{limits}", name(*failure))
            }
            Self::Description(rule) => {
                write!(f, "the policy describes itself against a rule: {rule}")
            }
            Self::Trial { index, ended, limits } => {
                let failure = name(Failure::from(*ended));
                write!(f, "the policy fails request {index} of its trial: {failure}")?;
                match ended {
                    Ended::Broke(rule) => write!(f, ", the rule is: {rule}"),
                    Ended::Failed(_) => f.write_str(limits),
                }
            }
        }
    }
}

impl std::error::Error for Refusal {}

fn list(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// What a call that failed so may take, under the names of the settings: the rest of a sentence.
/// Empty where no limit was met.
pub fn limits(failure: Failure, allowance: &Allowance) -> String {
    let it = allowance;
    match failure {
        Failure::Trapped => String::new(),
        Failure::OutOfFuel => format!(
            "; a call may use {} units of fuel (`policy-fuel`) and {} for each byte of its request \
             (`policy-fuel-per-byte`)",
            it.fuel, it.fuel_per_byte
        ),
        Failure::OutOfTime => format!(
            "; a call may take {} ms (`policy-time-ms`)",
            u128::from(it.ticks) * TICK.as_millis()
        ),
        Failure::OutOfMemory => format!(
            "; a call may have {} bytes of memory (`policy-memory-bytes`), {} of stack \
             (`policy-stack-bytes`) and tables of {} elements (`policy-table-elements`)",
            it.memory_bytes, it.stack_bytes, it.table_elements
        ),
        Failure::RequestTooLarge => format!(
            "; a request may have {} bytes (`policy-request-bytes`), and what its interface says",
            it.request_bytes
        ),
        Failure::InvalidAnswer => format!(
            "; an answer is one of its interface and takes at most {} bytes \
             (`policy-answer-bytes`)",
            it.answer_bytes
        ),
    }
}

/// The case, as the interface calls it.
pub fn case(failure: Failure) -> &'static str {
    name(failure).trim_matches('`')
}

/// The case, as the interface calls it, in backticks.
pub fn name(failure: Failure) -> &'static str {
    match failure {
        Failure::Trapped => "`trapped`",
        Failure::OutOfFuel => "`out-of-fuel`",
        Failure::OutOfTime => "`out-of-time`",
        Failure::OutOfMemory => "`out-of-memory`",
        Failure::RequestTooLarge => "`request-too-large`",
        Failure::InvalidAnswer => "`invalid-answer`",
    }
}
