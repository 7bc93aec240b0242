//! Why a component is not taken as a policy.

use std::fmt;

use super::Ended;
use crate::bindings::policy::types::Failure;

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
    /// It cannot be started.
    Start(Failure),
    /// It cannot say what it is.
    Describe { function: &'static str, failure: Failure },
    /// What it says it is breaks this rule.
    Description(&'static str),
    /// It does not answer this one (from 0) of the requests that every policy can answer.
    Trial { index: usize, ended: Ended },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { bytes, most } => {
                write!(f, "the policy has {bytes} bytes, and at most {most} are taken")
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
            Self::Start(failure) => {
                write!(f, "the policy cannot be started: {}", name(*failure))
            }
            Self::Describe { function, failure } => {
                write!(f, "the policy does not answer `{function}`: {}", name(*failure))
            }
            Self::Description(rule) => {
                write!(f, "the policy describes itself against a rule: {rule}")
            }
            Self::Trial { index, ended } => {
                let failure = name(Failure::from(*ended));
                write!(f, "the policy fails request {index} of its trial: {failure}")?;
                match ended {
                    Ended::Broke(rule) => write!(f, ", the rule is: {rule}"),
                    Ended::Failed(_) => Ok(()),
                }
            }
        }
    }
}

impl std::error::Error for Refusal {}

fn list(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
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
