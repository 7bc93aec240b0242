//! Where a turn went on without something that it should have had.

use serde::Serialize;

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
