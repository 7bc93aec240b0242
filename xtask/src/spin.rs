//! Puts the components of a package together, for Spin, which takes one file for each package.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, anyhow, bail};
use toml::{Table, Value};
use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions, NodeId};

use crate::guests::{read, write_if_changed};
use crate::machine::{heading, root};

/// Builds each file that `spin.toml` names for a whole package, from those that `tool.loci` names
/// for its interfaces.
pub fn compose() -> Result<()> {
    heading("Putting together what Spin takes");
    let text = fs::read_to_string(root().join("spin.toml")).context("`spin.toml` is unreadable")?;
    let manifest: Table = text.parse().context("`spin.toml` is not TOML")?;
    let none = Table::new();
    let table = |value: Option<&Value>| value.and_then(Value::as_table).unwrap_or(&none).clone();
    for (name, component) in table(manifest.get("component")) {
        let tool = table(component.get("tool"));
        let singles = table(table(tool.get("loci")).get("dependencies"));
        for (package, dependency) in table(component.get("dependencies")) {
            compose_package(&package, &dependency, &singles)
                .with_context(|| format!("dependency `{package}` of component `{name}`"))?;
        }
    }
    Ok(())
}

fn compose_package(package: &str, dependency: &Value, singles: &Table) -> Result<()> {
    let whole = dependency.get("path").and_then(Value::as_str).context("it has no `path`")?;
    let (name, version) = package.split_once('@').context("it has no version")?;
    let parts: BTreeMap<&str, &str> = singles
        .iter()
        .filter(|(interface, _)| interface.starts_with(&format!("{name}/")))
        .filter_map(|(interface, path)| Some((interface.as_str(), path.as_str()?)))
        .collect();
    if parts.values().any(|part| *part == whole) {
        return Ok(());
    }
    if parts.is_empty() {
        bail!("`tool.loci.dependencies` names no component for any of its interfaces");
    }
    let path = root().join(whole);
    let folder = path.parent().context("it has no folder")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    write_if_changed(&path, &put_together(&parts, &format!("{name}/types@{version}"))?)
}

/// One component that exports each interface from the component that is named for it. What the
/// interfaces of a component are made of is exported too, or they would speak of types that have no
/// name: from the first component as the types of the package, from the others beside it.
fn put_together(parts: &BTreeMap<&str, &str>, types: &str) -> Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let mut instances: BTreeMap<&str, NodeId> = BTreeMap::new();
    for (interface, path) in parts {
        if !instances.contains_key(path) {
            let bytes = read(&root().join(path))?;
            let package = Package::from_bytes(path, None, bytes, graph.types_mut())?;
            let package = graph.register_package(package)?;
            instances.insert(path, graph.instantiate(package));
            let name = match instances.len() {
                1 => types.to_string(),
                number => format!("types-of-part{number}"),
            };
            let types = graph.alias_instance_export(instances[path], types)?;
            graph.export(types, name)?;
        }
        let node = graph
            .alias_instance_export(instances[path], interface)
            .map_err(|error| anyhow!("`{path}` does not export `{interface}`: {error}"))?;
        graph.export(node, *interface)?;
    }
    Ok(graph.encode(EncodeOptions::default())?)
}
