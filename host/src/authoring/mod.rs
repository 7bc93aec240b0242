//! `loci policy new` and `loci policy pack`: from nothing to a component that a server takes.

mod template;

use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use wit_component::ComponentEncoder;

use crate::config::{NewArguments, PackArguments};
use crate::engine::COMPONENT_BYTES_MAX;
pub use template::Language;
use template::{WIT, files};

/// The longest name of a policy, in bytes, as the contract says.
const NAME_BYTES_MAX: usize = 64;

/// Writes a project that builds and passes the conformance kit, into a new folder of its name, and
/// tells how it is built.
///
/// # Errors
///
/// Fails if the name is not in kebab-case, or if there is such a folder already.
pub fn new(arguments: &NewArguments) -> Result<()> {
    let name = &arguments.name;
    let words = name.split('-').all(|word| {
        word.starts_with(|c: char| c.is_ascii_lowercase())
            && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    });
    ensure!(
        words && name.len() <= NAME_BYTES_MAX,
        "`{name}` must be in kebab-case, like `my-policy`, in at most {NAME_BYTES_MAX} bytes"
    );
    let folder = Path::new(name);
    ensure!(!folder.exists(), "there is `{name}` already: choose another name or remove it");
    let wit = WIT.iter().map(|(file, text)| (format!("wit/{file}"), (*text).to_owned()));
    let project = files(arguments.lang, name);
    for (file, text) in project.into_iter().chain(wit) {
        let path = folder.join(&file);
        let at = || format!("cannot write `{}`", path.display());
        let parent = path.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent).with_context(at)?;
        std::fs::write(&path, text).with_context(at)?;
    }
    println!("`{name}` is there; `{name}/README.md` says how it is built");
    Ok(())
}

/// Makes a component of a core module that was compiled with the contract's types in it.
///
/// # Errors
///
/// Fails if the file is no such module, or if it imports something.
pub fn pack(arguments: &PackArguments) -> Result<()> {
    let shown = arguments.module.display();
    let bytes = std::fs::read(&arguments.module);
    let bytes = bytes.with_context(|| format!("cannot read `{shown}`"))?;
    ensure!(
        bytes.len() <= COMPONENT_BYTES_MAX,
        "`{shown}` has {} bytes, and a component has at most {COMPONENT_BYTES_MAX}",
        bytes.len()
    );
    // The fifth byte tells a component from a module.
    if bytes.get(4) == Some(&0x0d) {
        bail!("`{shown}` is a component already");
    }
    let encoder = ComponentEncoder::default().validate(true).module(&bytes);
    let component = encoder.and_then(|mut encoder| encoder.encode()).with_context(|| {
        format!(
            "`{shown}` is no module that implements a world: it must be built for \
             `wasm32-unknown-unknown`, with the types that `wit-bindgen` makes"
        )
    })?;
    let stem = arguments.module.file_stem().map(|stem| stem.to_string_lossy().replace('_', "-"));
    let out = match (&arguments.output, stem) {
        (Some(out), _) => out.clone(),
        (None, Some(stem)) => format!("{stem}.wasm").into(),
        (None, None) => bail!("`{shown}` names no file"),
    };
    let written = std::fs::write(&out, &component);
    written.with_context(|| format!("cannot write `{}`", out.display()))?;
    println!("`{}` has {} bytes", out.display(), component.len());
    Ok(())
}
