//! Builds, tests and runs Loci.
fn main() {}
