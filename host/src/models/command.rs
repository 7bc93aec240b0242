//! `loci models`: what is in the folder, adding to it, taking from it.

use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use super::add;
use super::catalog::{Catalog, Entry, Source};
use super::origin::Origin;
use crate::config::{ModelsArguments, ModelsCommand};
use crate::file::private_folder;
use crate::model::llama::{self, Description};

/// Does what the arguments say, and tells it on the standard output. Blocks.
///
/// # Errors
///
/// Fails as what was asked for does.
pub fn run(arguments: ModelsArguments) -> Result<()> {
    private_folder(&arguments.data)
        .with_context(|| format!("cannot make the folder `{}`", arguments.data.display()))?;
    let data = arguments.data.canonicalize()?;
    let catalog = Catalog::new(&data, Vec::new());
    match arguments.command {
        ModelsCommand::List { json } => list(&catalog, json),
        ModelsCommand::Add(add) => {
            let added = add::add(&catalog, &add)?;
            println!("Added `{}`: {}", added.name, summary(&added.description));
            Ok(())
        }
        ModelsCommand::Remove { name } => remove(&catalog, &name),
        ModelsCommand::Info { name, json } => info(&catalog, &name, json),
    }
}

fn list(catalog: &Catalog, as_json: bool) -> Result<()> {
    let entries = catalog.list();
    if as_json {
        let all: Vec<Value> =
            entries.iter().map(|entry| to_json(entry, &catalog.describe(entry))).collect();
        println!("{}", serde_json::to_string_pretty(&all)?);
        return Ok(());
    }
    if entries.is_empty() {
        println!("There is no model in `{}`", catalog.folder().display());
    }
    let width = entries.iter().map(|entry| entry.name.len()).max().unwrap_or(0);
    for entry in &entries {
        let told = match catalog.describe(entry) {
            Ok(description) => summary(&description),
            Err(reason) => reason,
        };
        println!("{:width$}  {told}", entry.name);
    }
    Ok(())
}

fn remove(catalog: &Catalog, name: &str) -> Result<()> {
    let Some(entry) = catalog.find(name) else {
        bail!("there is no model `{name}` in `{}`", catalog.folder().display());
    };
    ensure!(entry.source == Source::Folder, "`{name}` is not in the folder of models");
    std::fs::remove_file(&entry.path)
        .with_context(|| format!("`{}` cannot be removed", entry.path.display()))?;
    Origin::remove(&entry.path);
    println!("Removed `{}`", entry.name);
    Ok(())
}

fn info(catalog: &Catalog, name: &str, as_json: bool) -> Result<()> {
    let file = Path::new(name);
    let entry = match catalog.find(name) {
        Some(entry) => entry,
        None if file.is_file() => {
            Entry { name: name.to_owned(), path: file.to_owned(), source: Source::CommandLine }
        }
        None => bail!(
            "there is no model `{name}` in `{}`, and no file of this name",
            catalog.folder().display()
        ),
    };
    let described = llama::describe(&entry.path);
    if as_json {
        println!("{}", serde_json::to_string_pretty(&to_json(&entry, &described))?);
        return Ok(());
    }
    let it = described.map_err(anyhow::Error::msg)?;
    let origin = Origin::read(&entry.path);
    let mut lines = vec![
        ("name", entry.name),
        ("title", it.title.clone()),
        ("use", kind(&it).to_owned()),
        ("architecture", it.architecture.clone()),
        ("parameters", count(it.parameters)),
        ("weights", it.quantization.clone()),
        ("size", size(it.bytes)),
        ("context", format!("{} tokens", it.context_tokens)),
        ("licence", it.license.clone().unwrap_or_else(|| "the file does not say".to_owned())),
        ("digest", it.digest.clone()),
    ];
    lines.extend(origin.map(|origin| ("origin", origin.source)));
    for (what, value) in lines {
        println!("{what:13} {value}");
    }
    Ok(())
}

fn to_json(entry: &Entry, described: &Result<Description, String>) -> Value {
    let mut row = described.as_ref().map_or_else(|reason| json!({ "error": reason }), fields);
    row["name"] = json!(entry.name);
    row["source"] = json!(entry.source.as_str());
    let origin = Origin::read(&entry.path);
    row["origin"] = json!(origin.as_ref().map(|origin| &origin.source));
    row["sha256"] = json!(origin.and_then(|origin| origin.sha256));
    row
}

/// What is in a model, as it stands in JSON.
pub fn fields(it: &Description) -> Value {
    json!({
        "error": null,
        "title": it.title,
        "kind": kind(it),
        "architecture": it.architecture,
        "size_bytes": it.bytes,
        "parameters": it.parameters,
        "quantization": it.quantization,
        "context_tokens": it.context_tokens,
        "dimensions": it.embeds.then_some(it.dimensions),
        "license": it.license,
        "digest": it.digest,
    })
}

fn kind(it: &Description) -> &'static str {
    if it.embeds { "embedding" } else { "chat" }
}

fn summary(it: &Description) -> String {
    let parts = [
        kind(it).to_owned(),
        format!("{} parameters", count(it.parameters)),
        it.quantization.clone(),
        size(it.bytes),
        format!("{} tokens", it.context_tokens),
        it.license.clone().unwrap_or_else(|| "licence unknown".to_owned()),
    ];
    parts.join(", ")
}

fn size(bytes: u64) -> String {
    match bytes {
        1_000_000_000.. => format!("{:.1} GB", bytes as f64 / 1e9),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

fn count(parameters: u64) -> String {
    match parameters {
        1_000_000_000.. => format!("{:.1} B", parameters as f64 / 1e9),
        _ => format!("{:.1} M", parameters as f64 / 1e6),
    }
}
