//! `loci policy check`.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use super::check;
use crate::config::CheckArguments;
use crate::engine::{COMPONENT_BYTES_MAX, Engines};

/// Checks a component, and tells the report on the standard output. Blocks.
///
/// # Errors
///
/// Fails if the file cannot be read, or does not keep the contract.
pub fn run(arguments: &CheckArguments, as_json: bool) -> Result<()> {
    let bytes = read(&arguments.file)?;
    let engines = Engines::without_cache(arguments.policies.stack_bytes())?;
    let world = arguments.world.as_deref();
    let grant = arguments.policies;
    let mut report = check(engines.policies(), &bytes, world, grant);
    if arguments.time && report.passed {
        report.timing = super::time(engines.policies(), &bytes, grant);
    }
    match as_json {
        true => println!("{}", serde_json::to_string_pretty(&report)?),
        false => println!("{report}"),
    }
    ensure!(report.passed, "`{}` does not keep the contract", arguments.file.display());
    Ok(())
}

/// Reads a component.
///
/// # Errors
///
/// Fails if there is no such file, or if it is larger than any component may be.
fn read(file: &Path) -> Result<Vec<u8>> {
    let at = || format!("cannot read `{}`", file.display());
    let bytes = std::fs::metadata(file).with_context(at)?.len();
    ensure!(
        bytes <= COMPONENT_BYTES_MAX as u64,
        "`{}` has {bytes} bytes, and a component has at most {COMPONENT_BYTES_MAX}",
        file.display()
    );
    std::fs::read(file).with_context(at)
}
