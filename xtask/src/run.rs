//! The commands, step by step.

use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result};

use crate::guests;
use crate::machine::{self, cargo, heading, root, run, run_beside, target_folder};

/// What takes minutes, but only once: every command builds the whole workspace's targets of a kind,
/// never those of one package. Cargo then gives each dependency the same features every time.
const ONCE: &str = "(llama.cpp and wasmtime take minutes the first time)";

/// Installs what is missing, builds, and becomes the server. Ctrl-C goes straight to it.
pub fn up(arguments: &[String]) -> Result<()> {
    build()?;
    heading("Starting Loci");
    let host = target_folder().join("release/loci");
    let error = Command::new(&host).arg("serve").args(arguments).current_dir(root()).exec();
    Err(error).with_context(|| format!("`{}` could not be started", host.display()))
}

/// Builds the host, and beside it the components: neither alone keeps all processors busy.
pub fn build() -> Result<()> {
    machine::prepare_native()?;
    heading(&format!("Building the host {ONCE}"));
    run_beside(&mut cargo(&["build", "--release", "--workspace", "--bins"]), guests::build)
}

/// Builds what `spin up` runs, and no host.
pub fn build_for_spin() -> Result<()> {
    guests::build()?;
    eprintln!("\n`spin up` in {} runs them", root().display());
    Ok(())
}

/// Formatting, lints, and every test.
pub fn test(arguments: &[String]) -> Result<()> {
    machine::prepare_rust(&[("rustfmt", "cargo-fmt"), ("clippy", "cargo-clippy")])?;
    machine::prepare_native()?;
    machine::prepare_page(true)?;
    heading("Checking the formatting");
    run(&mut cargo(&["fmt", "--all", "--check"]))?;
    heading(&format!("Building the host and the tests {ONCE}"));
    run_beside(&mut cargo(&["build", "--release", "--workspace", "--all-targets"]), || {
        guests::build()?;
        heading("Linting what is compiled for Wasm");
        guests::lint()
    })?;
    heading("Linting");
    let lint = ["clippy", "--release", "--workspace", "--all-targets", "--", "-D", "warnings"];
    run(&mut cargo(&lint))?;
    heading("Testing");
    run(cargo(&["test", "--release", "--workspace", "--no-fail-fast"]).args(arguments))
}

/// Measures. The components and the host are built before, since the benchmark runs them.
pub fn bench(arguments: &[String]) -> Result<()> {
    build()?;
    let (name, rest) = arguments.split_first().map_or(("turn", arguments), |(a, b)| (a, b));
    run(cargo(&["bench", "--workspace", "--bench", name, "--"]).args(rest))
}

/// Has the golden tests write what they find as what they expect.
pub fn bless() -> Result<()> {
    build()?;
    heading("Rewriting what the golden tests expect");
    let tests = ["test", "--release", "--workspace", "--test", "main", "golden"];
    run(cargo(&tests).env("BLESS", "1"))?;
    eprintln!("\n`git diff` shows what changed; commit it only if that is what you meant");
    Ok(())
}
