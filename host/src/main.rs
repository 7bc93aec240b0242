//! The native host.
mod bindings;
fn main() {}
