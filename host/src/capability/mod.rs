//! What the host grants to guests: one file per interface. Each checks the grant, checks the limit,
//! and translates; the guest's mistake is a case of the interface, the host's own is a trap.

pub mod embeddings;
pub mod former;
pub mod inference;
pub mod llm;
pub mod policy;
mod pure;
pub mod search;
pub mod sqlite;
pub mod variables;
