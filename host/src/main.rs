//! The native host.
mod bindings;
mod engine;
mod manifest;
fn main() {}
