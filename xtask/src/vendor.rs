//! Copies the WIT that others publish into `wit/deps`. Nothing else writes there.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::machine::root;

/// Takes the place of `wit/deps` with the packages in a checkout of Spin, byte for byte: WASI's and
/// its own. Spin's own world, which names all that it offers, comes as the package `spin-up`.
pub fn vendor(spin: &Path) -> Result<()> {
    let from = spin.join("wit");
    let world = from.join("world.wit");
    if !world.is_file() {
        bail!(
            "`{}` is no checkout of Spin: it has no `wit/world.wit`",
            spin.display()
        );
    }
    let commit = Command::new("git")
        .arg("-C")
        .arg(spin)
        .args(["rev-parse", "HEAD"])
        .output()
        .context("`git` could not be started")?;
    if !commit.status.success() {
        bail!(
            "`{}` is no git checkout, so its commit cannot be noted",
            spin.display()
        );
    }
    let commit = String::from_utf8_lossy(&commit.stdout).trim().to_string();

    let to = root().join("wit/deps");
    if to.exists() {
        fs::remove_dir_all(&to)
            .with_context(|| format!("`{}` cannot be replaced", to.display()))?;
    }
    copy_folder(&from.join("deps"), &to)?;
    let up = to.join("spin-up");
    fs::create_dir_all(&up).with_context(|| uncopied(&up))?;
    fs::copy(&world, up.join("world.wit")).with_context(|| uncopied(&world))?;
    let source = format!("https://github.com/spinframework/spin {commit}\n");
    fs::write(to.join("SOURCE"), source).with_context(|| uncopied(&to))?;
    eprintln!("`wit/deps` is now that of Spin {commit}");
    Ok(())
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| uncopied(to))?;
    for entry in fs::read_dir(from).with_context(|| uncopied(from))? {
        let path = entry.with_context(|| uncopied(from))?.path();
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy_folder(&path, &target)?;
        } else {
            fs::copy(&path, &target).with_context(|| uncopied(&path))?;
        }
    }
    Ok(())
}

fn uncopied(path: &Path) -> String {
    format!("`{}` cannot be copied", path.display())
}
