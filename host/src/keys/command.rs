//! `loci keys`: what an operator does with keys. A server that runs takes up what changed.

use std::fs;

use anyhow::{Context as _, Result};
use serde_json::json;

use super::{Grants, Key, Keys, file};
use crate::config::{KeysArguments, KeysCommand};

/// Does what the arguments say.
///
/// # Errors
///
/// Fails as what they say does.
pub fn run(arguments: KeysArguments) -> Result<()> {
    let path = file(&arguments.data);
    let mut keys = Keys::read(&path)?;
    match arguments.command {
        KeysCommand::List { json } => list(&keys, json),
        KeysCommand::Add { name, admin, shares, per_minute } => {
            let text = keys.add(&name, Grants { admin, shares, per_minute })?;
            fs::create_dir_all(&arguments.data).with_context(|| {
                format!("cannot make the folder `{}`", arguments.data.display())
            })?;
            keys.write(&path)?;
            eprintln!("Key `{name}`; it is shown this once:");
            println!("{text}");
        }
        KeysCommand::Remove { name } => {
            let gone = keys.remove(&name)?;
            keys.write(&path)?;
            eprintln!("Key `{}` opens nothing any more", gone.name);
        }
    }
    Ok(())
}

fn list(keys: &Keys, as_json: bool) {
    if as_json {
        let rows: Vec<_> = keys.keys.iter().map(fields).collect();
        println!("{}", json!(rows));
        return;
    }
    if keys.keys.is_empty() {
        eprintln!("There are no keys; `loci keys add NAME` makes one");
    }
    for key in &keys.keys {
        let admin = if key.admin { "admin" } else { "" };
        let limit = key.per_minute.map(|most| format!("{most} a minute")).unwrap_or_default();
        println!("{:<24}  {:<16}  {admin:<5}  {limit}", key.name, key.owner);
    }
}

/// What may be told of a key.
fn fields(key: &Key) -> serde_json::Value {
    let Key { name, owner, admin, per_minute, .. } = key;
    json!({ "name": name, "owner": owner, "admin": admin, "per_minute": per_minute })
}
