//! Where a turn went on without something that it should have had.

use serde::Serialize;

use crate::bindings::policy::types::Failure;

/// A policy that was overruled, or a search that was left out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Degraded {
    /// `search`, `embedding`, `ranking`, `condensation`, `assembly` or `truncation`.
    pub part: &'static str,
    /// What went wrong.
    pub reason: String,
}

impl Degraded {
    /// This part failed for this reason.
    pub fn new(part: &'static str, reason: impl Into<String>) -> Self {
        Self { part, reason: reason.into() }
    }
}

/// Why a host ended a call of a policy, or overruled it.
pub fn reason(failure: Failure) -> String {
    let reason = match failure {
        Failure::Trapped => "it trapped",
        Failure::OutOfFuel => "it used more instructions than one call may",
        Failure::OutOfTime => "it ran for longer than one call may",
        Failure::OutOfMemory => "it asked for more memory than one call may",
        Failure::RequestTooLarge => "its request would be larger than one may be",
        Failure::InvalidAnswer => "its answer breaks a rule of its interface",
    };
    reason.to_owned()
}
