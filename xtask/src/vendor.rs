//! Copies the WIT that others publish into `wit/deps`. Nothing else writes there.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::machine::{root, run};

/// Takes the place of `wit/deps` with the packages in a checkout of Spin, byte for byte: WASI's and
/// its own. Spin's own world, which names all that it offers, comes as the package `spin-up`.
pub fn vendor(spin: &Path) -> Result<()> {
    let from = spin.join("wit");
    let git = Command::new("git").arg("-C").arg(spin).args(["rev-parse", "HEAD"]).output();
    let git = git.context("`git` could not be started")?;
    if !git.status.success() || !from.join("world.wit").is_file() {
        bail!("`{}` is no git checkout of Spin: it has no `wit/world.wit`", spin.display());
    }
    let commit = String::from_utf8_lossy(&git.stdout).trim().to_string();
    let to = root().join("wit/deps");
    run(Command::new("rm").arg("-rf").arg(&to))?;
    run(Command::new("cp").arg("-R").args([&from.join("deps"), &to]))?;
    run(Command::new("mkdir").arg(to.join("spin-up")))?;
    run(Command::new("cp").args([&from.join("world.wit"), &to.join("spin-up")]))?;
    fs::write(to.join("SOURCE"), format!("https://github.com/spinframework/spin {commit}\n"))
        .with_context(|| format!("`{}` cannot be written", to.display()))?;
    eprintln!("`wit/deps` is now that of Spin {commit}");
    Ok(())
}
