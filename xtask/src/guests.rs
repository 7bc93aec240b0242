//! Builds what runs as Wasm, into `target/components`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use loci_policies_pack::{CRATE, pack};
use wit_component::{ComponentEncoder, DecodedWasm, decode};

use crate::machine::{
    TARGETS, cargo, heading, prepare_page, prepare_rust, root, run, target_folder,
};

/// The components that may import something. All others import nothing, and are built for a target
/// that has nothing to import.
const WITH_IMPORTS: [&str; 3] = ["api", "inference-adapter", "page"];

/// The profile of the components, and the name of its folder.
const PROFILE: &str = "component";

/// Builds all components, and the page, which is part of one.
pub fn build() -> Result<()> {
    prepare_rust(&[])?;
    prepare_page(false)?;
    let (granted, pure) = names()?;
    let [for_pure, for_granted] = TARGETS;
    heading("Building the components that import nothing, and the page");
    run(&mut cargo_for("build", for_pure, &pure))?;
    run(&mut cargo_for("build", for_pure, &[CRATE.into()]))?;
    pack(&root(), &built(for_pure, CRATE))?;
    run(Command::new("node").arg("components/page/build.mjs").current_dir(root()))?;
    heading("Building the components with imports");
    run(&mut cargo_for("build", for_granted, &granted))?;

    let folder = root().join("target/components");
    fs::create_dir_all(&folder).with_context(|| cannot("write", &folder))?;
    for name in pure.iter().chain(&granted) {
        let component = match pure.contains(name) {
            true => encode(name, &read(&built(for_pure, name))?)?,
            false => read(&built(for_granted, name))?,
        };
        write_if_changed(&folder.join(format!("{name}.wasm")), &component)?;
    }
    crate::spin::compose()
}

/// Lints what is compiled for Wasm only.
pub fn lint() -> Result<()> {
    let (granted, pure) = names()?;
    let sets = [(TARGETS[0], pure), (TARGETS[0], vec![CRATE.into()]), (TARGETS[1], granted)];
    let linted = |(target, names): (_, Vec<_>)| cargo_for("clippy", target, &names);
    sets.into_iter().try_for_each(|set| run(linted(set).args(["--", "-D", "warnings"])))
}

/// One cargo for all components of a target, so that they are compiled beside each other.
fn cargo_for(verb: &str, target: &str, names: &[String]) -> Command {
    let mut command = cargo(&[verb, "--lib", "--profile", PROFILE, "--target", target]);
    command.args(names.iter().flat_map(|name| ["--package", name]));
    // From outside, these would make other components.
    command.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    command.env("CARGO_INCREMENTAL", "0");
    command
}

/// The crates in `components/`, by the names of their folders: with imports, and without.
fn names() -> Result<(Vec<String>, Vec<String>)> {
    let folder = root().join("components");
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| cannot("read", &folder))? {
        let path = entry.with_context(|| cannot("read", &folder))?.path();
        if path.join("Cargo.toml").exists() {
            names.extend(path.file_name().map(|name| name.to_string_lossy().into_owned()));
        }
    }
    names.sort();
    Ok(names.into_iter().partition(|name| WITH_IMPORTS.contains(&name.as_str())))
}

/// Where cargo leaves the module of a crate.
fn built(target: &str, name: &str) -> PathBuf {
    target_folder().join(target).join(PROFILE).join(name.replace('-', "_") + ".wasm")
}

/// Makes a component of a core module; refuses one that imports anything.
fn encode(name: &str, module: &[u8]) -> Result<Vec<u8>> {
    let component = ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|mut encoder| encoder.encode())
        .with_context(|| format!("`{name}` cannot be made a component"))?;
    let DecodedWasm::Component(resolve, world) = decode(&component)? else {
        bail!("`{name}` became a WIT package, not a component; it exports no world");
    };
    let world = &resolve.worlds[world];
    if world.exports.is_empty() {
        bail!("`{name}` exports nothing; does it call `export!` for `wasm` targets?");
    }
    if !world.imports.is_empty() {
        let imports: Vec<_> =
            world.imports.keys().map(|key| format!("`{}`", resolve.name_world_key(key))).collect();
        bail!("`{name}` imports {}, but may import nothing", imports.join(", "));
    }
    Ok(component)
}

/// Leaves a file alone that is right already, so that what watches it sees no change. Others may be
/// reading it: it is replaced whole.
pub fn write_if_changed(path: &Path, content: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|old| old == content) {
        return Ok(());
    }
    let new = path.with_extension(format!("{}.new", std::process::id()));
    fs::write(&new, content).with_context(|| cannot("write", &new))?;
    fs::rename(&new, path).with_context(|| cannot("write", path))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    eprintln!("    {name}: {} kB", content.len().div_ceil(1000));
    Ok(())
}

pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| cannot("read", path))
}

fn cannot(what: &str, path: &Path) -> String {
    format!("cannot {what} `{}`", path.display())
}
