//! Makes the JavaScript package of the policies from the module that cargo built.
//!
//! The package is one folder of plain ES modules: what wasm-bindgen writes for the web, which
//! browsers and edge runtimes load as it stands, and beside it what Node needs.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

/// The crate that the module is built from.
pub const CRATE: &str = "loci-policies";

/// The files that are written by hand.
const FILES: [(&str, &[u8]); 6] = [
    ("package.json", include_bytes!("../../js/package.json")),
    ("node.js", include_bytes!("../../js/node.js")),
    ("prompt.js", include_bytes!("../../js/prompt.js")),
    ("prompt.d.ts", include_bytes!("../../js/prompt.d.ts")),
    ("server.js", include_bytes!("../../js/server.js")),
    ("server.d.ts", include_bytes!("../../js/server.d.ts")),
];

/// Writes the package into `target/policies` of the repository.
///
/// Fails if the module was made with another version of wasm-bindgen, or a file cannot be written.
pub fn pack(repository: &Path, module: &Path) -> Result<()> {
    let folder = &repository.join("target/policies");
    let table = &repository.join("models/embedding-static/table.bin");
    let mut bindgen = Bindgen::new();
    bindgen.input_path(module).out_name("policies").typescript(true);
    bindgen.omit_default_module_path(false);
    bindgen.web(true)?.remove_name_section(true).remove_producers_section(true);
    bindgen.generate(folder).with_context(|| format!("`{}`", module.display()))?;
    for (name, content) in FILES {
        let path = folder.join(name);
        fs::write(&path, content).with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    let copy = folder.join("embedding-static.bin");
    fs::copy(table, &copy).with_context(|| format!("cannot write `{}`", copy.display()))?;
    Ok(())
}
