//! Builds the guests of `tests/programs`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Once;

use crate::server::repository;

/// Builds these packages for a target, or all where none is named, and returns the folder of what
/// was built.
///
/// # Panics
///
/// Panics if cargo does not build them.
pub fn build(target: &str, packages: &[&str]) -> PathBuf {
    static PINNED: Once = Once::new();
    let (source, folder) =
        (repository().join("tests/programs"), repository().join("target/programs"));
    // The versions of the project are theirs too, so that there is one list of them.
    PINNED.call_once(|| {
        let lock = "Cargo.lock";
        fs::copy(repository().join(lock), source.join(lock)).expect("the versions can be copied");
    });
    let cargo = Command::new(env!("CARGO"))
        .args(["build", "--release", "--target", target, "--target-dir"])
        .arg(&folder)
        .args(packages.iter().flat_map(|package| ["--package", package]))
        .current_dir(&source)
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .output()
        .expect("cargo can be started");
    assert!(cargo.status.success(), "{}", String::from_utf8_lossy(&cargo.stderr));
    folder.join(target).join("release")
}
