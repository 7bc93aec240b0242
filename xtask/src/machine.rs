//! What a machine needs before anything can be built, and how it comes there.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The targets that components are built for.
pub const TARGETS: [&str; 2] = ["wasm32-unknown-unknown", "wasm32-wasip2"];

/// The folder that this workspace lies in.
pub fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_path_buf()
}

/// The folder that cargo builds into.
pub fn target_folder() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |path| root().join(path))
}

/// A heading on standard error, where cargo's own progress goes.
pub fn heading(text: &str) {
    eprintln!("\n==> {text}");
}

/// Runs a command to its end, its output passing through; its failure is an error.
pub fn run(command: &mut Command) -> Result<()> {
    let words = words(command);
    let status = command
        .status()
        .with_context(|| format!("`{words}` could not be started"))?;
    if !status.success() {
        bail!("`{words}` failed ({status}); what it printed above says why");
    }
    Ok(())
}

/// The command as a person would type it.
pub fn words(command: &Command) -> String {
    let mut words = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        words.push(' ');
        words.push_str(&argument.to_string_lossy());
    }
    words
}

/// `cargo`, the one that started this program, in the root of the workspace.
pub fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root());
    cargo
}

/// Installs what building needs and is not there: it asks for nothing that is there already.
pub fn prepare() -> Result<()> {
    prepare_rust(&[])?;
    prepare_native()
}

/// The same, with what the lints need besides.
pub fn prepare_for_tests() -> Result<()> {
    prepare_rust(&[("rustfmt", "cargo-fmt"), ("clippy", "cargo-clippy")])?;
    prepare_native()
}

/// Installs Rust's Wasm targets, and components named with the program that each brings.
pub fn prepare_rust(components: &[(&str, &str)]) -> Result<()> {
    let targets: Vec<&str> = TARGETS
        .into_iter()
        .filter(|target| !has_target(target))
        .collect();
    let components: Vec<&str> = components
        .iter()
        .filter(|(_, program)| !answers(program, "--version"))
        .map(|(component, _)| *component)
        .collect();
    for (kind, names) in [("target", targets), ("component", components)] {
        if names.is_empty() {
            continue;
        }
        heading(&format!("Installing for Rust: {}", names.join(", ")));
        if !answers("rustup", "--version") {
            bail!(
                "Rust lacks {}, and `rustup`, which could install that, is not on the PATH; get \
                 it from https://rustup.rs and try again",
                names.join(", ")
            );
        }
        run(Command::new("rustup")
            .args([kind, "add"])
            .args(&names)
            .current_dir(root()))?;
    }
    Ok(())
}

/// Installs what llama.cpp is built with: cmake, a C++ compiler, and libclang with its headers.
fn prepare_native() -> Result<()> {
    let mut missing = Vec::new();
    if !answers("cmake", "--version") {
        missing.push("cmake");
    }
    if !["c++", "g++", "clang++"]
        .iter()
        .any(|compiler| answers(compiler, "--version"))
    {
        missing.push("g++");
    }
    if !answers("make", "--version") && !answers("ninja", "--version") {
        missing.push("make");
    }
    if !has_libclang() {
        missing.push("libclang-dev");
    }
    if missing.is_empty() {
        return Ok(());
    }
    heading(&format!("Installing for llama.cpp: {}", missing.join(", ")));
    let by_hand = format!("sudo apt-get install --yes {}", missing.join(" "));
    if !answers("apt-get", "--version") {
        bail!(
            "there is no `apt-get` here; install {} with this system's own package manager (on \
             Debian: `{by_hand}`) and try again",
            missing.join(", ")
        );
    }
    let sudo = !is_root();
    if sudo && !answers_all("sudo", &["-n", "true"]) {
        bail!("installing needs root; run `{by_hand}` and try again");
    }
    let apt = |arguments: &[&str]| {
        let mut command = Command::new(if sudo { "sudo" } else { "apt-get" });
        if sudo {
            command.args(["-n", "apt-get"]);
        }
        command
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    // A stale list of packages is only an error if the installation then fails.
    let _stale = run(&mut apt(&["update", "--quiet"]));
    let mut install = apt(&["install", "--yes", "--no-install-recommends"]);
    run(install.args(&missing)).with_context(|| format!("`{by_hand}` may show more"))
}

/// Whether rustc has the standard library of a target.
fn has_target(target: &str) -> bool {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let asked = Command::new(rustc)
        .args(["--print", "target-libdir", "--target", target])
        .output();
    asked.is_ok_and(|output| {
        output.status.success()
            && Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir()
    })
}

/// Whether bindgen will find libclang, and the headers without which it is of no use.
fn has_libclang() -> bool {
    if env::var_os("LIBCLANG_PATH").is_some() || cfg!(target_os = "macos") {
        return true;
    }
    let llvms = entries("/usr/lib")
        .chain(entries("/usr/lib64"))
        .filter(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("llvm"))
        });
    let prefixes: Vec<PathBuf> = llvms
        .chain([PathBuf::from("/usr"), "/usr/local".into()])
        .collect();
    let holds = |folder: PathBuf, start: &str, inside: &str| {
        entries(folder).any(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with(start))
                && path.join(inside).exists()
        })
    };
    let folders = [
        "lib",
        "lib64",
        "lib/x86_64-linux-gnu",
        "lib/aarch64-linux-gnu",
    ];
    let library = prefixes.iter().any(|prefix| {
        folders
            .iter()
            .any(|folder| holds(prefix.join(folder), "libclang", ""))
    });
    let headers = prefixes.iter().any(|prefix| {
        ["lib/clang", "lib64/clang"]
            .iter()
            .any(|folder| holds(prefix.join(folder), "", "include/stddef.h"))
    });
    library && headers
}

/// What lies in a folder; nothing, where there is no such folder.
fn entries(folder: impl AsRef<Path>) -> impl Iterator<Item = PathBuf> {
    std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).trim() == "0")
}

fn answers(program: &str, argument: &str) -> bool {
    answers_all(program, &[argument])
}

/// Whether a program is there and content with these arguments. Its output is not shown.
fn answers_all(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
        .current_dir(root())
        .status()
        .is_ok_and(|status| status.success())
}
