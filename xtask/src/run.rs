//! The commands, step by step.

use std::env::consts::EXE_SUFFIX;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::guests;
use crate::machine::{
    cargo, heading, prepare, prepare_for_tests, prepare_rust, root, run, target_folder, words,
};

/// Installs what is missing, builds, and becomes the server. Ctrl-C goes straight to it.
pub fn up(arguments: &[String]) -> Result<()> {
    build()?;
    heading("Starting Loci");
    let mut serve = Command::new(host());
    serve.arg("serve").args(arguments).current_dir(root());
    let error = serve.exec();
    Err(error).with_context(|| format!("`{}` could not be started", words(&serve)))
}

/// Builds components and host.
pub fn build() -> Result<()> {
    prepare()?;
    guests::build()?;
    heading("Building the host (llama.cpp and wasmtime take minutes the first time)");
    run(cargo().args(["build", "--release", "--package", "loci"]))
}

/// Builds what `spin up` needs: the components of `spin.toml`, which names them and how they are
/// composed.
pub fn build_for_spin() -> Result<()> {
    prepare_rust(&[])?;
    guests::build()?;
    eprintln!("\n`spin up` in {} runs them", root().display());
    Ok(())
}

/// Formatting, lints, and every test.
pub fn test(arguments: &[String]) -> Result<()> {
    prepare_for_tests()?;
    heading("Checking the formatting");
    run(cargo().args(["fmt", "--all", "--check"]))?;
    guests::build()?;
    heading("Linting what is compiled for Wasm");
    guests::lint()?;
    // The tests start the host that lies beside them. It is built with all the rest, in one go:
    // cargo then settles each dependency's features once, and compiles it once.
    heading("Building the host and the tests (llama.cpp and wasmtime take minutes the first time)");
    run(cargo().args(["build", "--release", "--workspace", "--all-targets"]))?;
    heading("Linting");
    let all = [
        "--release",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ];
    run(cargo().arg("clippy").args(all))?;
    heading("Testing");
    count_tests(
        cargo()
            .args(["test", "--release", "--workspace", "--no-fail-fast"])
            .args(arguments),
    )
}

/// Measures. The components and the host are built before, since the benchmark runs them.
pub fn bench(arguments: &[String]) -> Result<()> {
    build()?;
    heading("Measuring");
    run(cargo()
        .args(["bench", "--package", "loci-tests"])
        .args(arguments))
}

/// Has the golden tests write what they find as what they expect.
pub fn bless() -> Result<()> {
    build()?;
    heading("Rewriting what the golden tests expect");
    let tests = ["test", "--release", "--package", "loci-tests", "golden"];
    run(cargo().args(tests).env("BLESS", "1"))?;
    eprintln!("\n`git diff` shows what changed; commit it only if that is what you meant");
    Ok(())
}

/// The host's program.
fn host() -> PathBuf {
    target_folder()
        .join("release")
        .join(format!("loci{EXE_SUFFIX}"))
}

/// Runs `cargo test`, shows its output, and ends with the sum of its results.
fn count_tests(command: &mut Command) -> Result<()> {
    let words = words(command);
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("`{words}` could not be started"))?;
    let output = child.stdout.take().context("`cargo test` has no output")?;
    let (mut passed, mut failed) = (0, 0);
    for line in BufReader::new(output).lines() {
        let line = line.context("the output of `cargo test` cannot be read")?;
        println!("{line}");
        if line.starts_with("test result: ") {
            passed += number_before(&line, " passed");
            failed += number_before(&line, " failed");
        }
    }
    let status = child
        .wait()
        .with_context(|| format!("`{words}` was lost"))?;
    println!("\n{passed} passed, {failed} failed");
    if !status.success() {
        bail!("`{words}` failed ({status}); what it printed above says why");
    }
    Ok(())
}

/// The number that stands before a word; 0 where there is none.
fn number_before(line: &str, word: &str) -> u64 {
    let before = line.split_once(word).map_or("", |(before, _)| before);
    before
        .rsplit(' ')
        .next()
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::number_before;

    #[test]
    fn results_are_read_from_the_lines_of_cargo_test() {
        let line =
            "test result: FAILED. 12 passed; 3 failed; 0 ignored; 0 measured; 1 filtered out";
        assert_eq!(number_before(line, " passed"), 12);
        assert_eq!(number_before(line, " failed"), 3);
        assert_eq!(number_before("test result: ok.", " passed"), 0);
    }
}
