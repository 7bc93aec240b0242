//! What the end-to-end tests and the benchmark share: a real server in a process of its own, a
//! client that speaks its API, and a tiny model for it to run.

pub mod client;
pub mod programs;
pub mod server;
pub mod stand_in;
pub mod tiny_gguf;
pub mod zoo;
