//! What a machine needs before anything can be built, and how it comes there.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

/// The targets that components are built for: those that import nothing, and those that do.
pub const TARGETS: [&str; 2] = ["wasm32-unknown-unknown", "wasm32-wasip2"];

/// The folder that this workspace lies in.
pub fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_path_buf()
}

/// The folder that cargo builds into.
pub fn target_folder() -> PathBuf {
    root().join(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// A heading on standard error, where cargo's own progress goes.
pub fn heading(text: &str) {
    eprintln!("\n==> {text}");
}

/// `cargo`, the one that started this program, in the root of the workspace.
pub fn cargo(arguments: &[&str]) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root()).args(arguments);
    cargo
}

/// Runs a command to its end, its output passing through; its failure is an error.
pub fn run(command: &mut Command) -> Result<()> {
    run_beside(command, || Ok(()))
}

/// Runs a command while something else is done. If that fails, the command is ended.
pub fn run_beside(command: &mut Command, other: impl FnOnce() -> Result<()>) -> Result<()> {
    let mut child = command.spawn().with_context(|| format!("{command:?} could not be started"))?;
    other().inspect_err(|_| drop(child.kill()))?;
    let status = child.wait().with_context(|| format!("{command:?} cannot be waited for"))?;
    ensure!(status.success(), "{command:?} failed ({status}); what it printed above says why");
    Ok(())
}

/// Installs Rust's Wasm targets, and components, named with the program that each brings; asks for
/// nothing that is there already.
pub fn prepare_rust(components: &[(&str, &str)]) -> Result<()> {
    let targets: Vec<&str> = TARGETS.into_iter().filter(|target| !has_target(target)).collect();
    let absent = components.iter().filter(|(_, program)| !answers(program, &["--version"]));
    let components: Vec<&str> = absent.map(|(component, _)| *component).collect();
    for (kind, names) in [("target", targets), ("component", components)] {
        if names.is_empty() {
            continue;
        }
        let names_text = names.join(", ");
        heading(&format!("Installing for Rust: {names_text}"));
        if !answers("rustup", &["--version"]) {
            bail!(
                "Rust lacks {names_text}, and `rustup`, which could install that, is not on the \
                 PATH; get it from https://rustup.rs and try again"
            );
        }
        run(Command::new("rustup").args([kind, "add"]).args(&names).current_dir(root()))?;
    }
    Ok(())
}

/// Installs what llama.cpp is built with: cmake, make, a C++ compiler, and libclang, which reads
/// its headers.
pub fn prepare_native() -> Result<()> {
    // Debian's package brings the compiler's own headers too, without which libclang is of no use.
    let debian = answers("apt-get", &["--version"]);
    let there = if debian { ("dpkg", &["-s", "libclang-dev"][..]) } else { ("clang", &["-v"][..]) };
    let libclang = env::var_os("LIBCLANG_PATH").is_some() || answers(there.0, there.1);
    let there = |program| answers(program, &["--version"]);
    let tools = [("cmake", there("cmake")), ("make", there("make")), ("g++", there("c++"))];
    install("llama.cpp", tools.into_iter().chain([("libclang-dev", libclang)]))
}

/// Installs what the page is built with, and with `tests` what tries it: a browser, and Python.
pub fn prepare_page(tests: bool) -> Result<()> {
    let there = |name, program| (name, answers(program, &["--version"]));
    let venv = ("python3-venv", answers("python3", &["-m", "ensurepip", "--version"]));
    let tools = [there("nodejs", "node"), there("npm", "npm"), there("chromium", "chromium"), venv];
    install("the page", tools.into_iter().take(if tests { 4 } else { 2 }))
}

/// Installs those of Debian's packages that are not there.
fn install(what: &str, needed: impl Iterator<Item = (&'static str, bool)>) -> Result<()> {
    let missing: Vec<&str> = needed.filter(|(_, there)| !there).map(|(name, _)| name).collect();
    if missing.is_empty() {
        return Ok(());
    }
    heading(&format!("Installing for {what}: {}", missing.join(", ")));
    let by_hand = format!("sudo apt-get install --yes {}", missing.join(" "));
    if !answers("apt-get", &["--version"]) {
        bail!(
            "there is no `apt-get` here; install what `{by_hand}` installs on Debian with this \
             system's own package manager and try again"
        );
    }
    let root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
    if !root && !answers("sudo", &["-n", "true"]) {
        bail!("installing needs root; run `{by_hand}` and try again");
    }
    let apt = |arguments: &[&str]| {
        let words = if root { &["apt-get"][..] } else { &["sudo", "-n", "apt-get"] };
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    // A stale list of packages is an error only if the installation then fails.
    let _stale = run(&mut apt(&["update", "--quiet"]));
    let mut install = apt(&["install", "--yes", "--no-install-recommends"]);
    run(install.args(&missing)).with_context(|| format!("`{by_hand}` may show more"))
}

/// Whether rustc has the standard library of a target.
fn has_target(target: &str) -> bool {
    let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.args(["--print", "target-libdir", "--target", target]).current_dir(root());
    let folder = rustc.output();
    folder.is_ok_and(|out| Path::new(String::from_utf8_lossy(&out.stdout).trim()).is_dir())
}

/// Whether a program is there and content with these arguments. Its output is not shown.
fn answers(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.current_dir(root()).status().is_ok_and(|status| status.success())
}
