//! `loci keys`: what an operator does with keys. A server that runs takes up what changed.

use std::fs::File;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::json;

use super::{Grants, Key, Keys, file};
use crate::config::{KeysArguments, KeysCommand};
use crate::file::private_folder;

/// The file that whoever changes the keys holds locked. It is not the one of the keys: that is
/// replaced by another.
const LOCK: &str = "keys.lock";

/// Does what the arguments say.
///
/// # Errors
///
/// Fails as what they say does.
pub fn run(arguments: KeysArguments) -> Result<()> {
    let path = file(&arguments.data);
    match arguments.command {
        KeysCommand::List { json } => list(&Keys::read(&path)?, json),
        KeysCommand::Add { name, admin, shares, per_minute } => {
            private_folder(&arguments.data).with_context(|| {
                format!("cannot make the folder `{}`", arguments.data.display())
            })?;
            let _lock = lock(&arguments.data)?;
            let mut keys = Keys::read(&path)?;
            let text = keys.add(&name, Grants { admin, shares, per_minute })?;
            keys.write(&path)?;
            eprintln!("Key `{name}`; it is shown this once:");
            println!("{text}");
        }
        KeysCommand::Remove { name } => {
            // Where there is no file, there is nothing to change.
            let _lock = path.exists().then(|| lock(&arguments.data)).transpose()?;
            let mut keys = Keys::read(&path)?;
            let gone = keys.remove(&name)?;
            keys.write(&path)?;
            eprintln!("Key `{}` opens nothing any more", gone.name);
        }
    }
    Ok(())
}

/// Waits until nobody else changes the keys of a data folder, until it is dropped.
fn lock(data: &Path) -> Result<File> {
    let path = data.join(LOCK);
    let name = || format!("cannot lock `{}`", path.display());
    let lock = File::options().create(true).truncate(false).write(true).open(&path);
    let lock = lock.with_context(name)?;
    lock.lock().with_context(name)?;
    Ok(lock)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_are_made_at_once_are_all_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let add = &|name: String| {
            let command = KeysCommand::Add { name, admin: false, shares: None, per_minute: None };
            run(KeysArguments { command, data: data.clone() })
        };
        std::thread::scope(|scope| {
            let made: Vec<_> =
                (0..16).map(|one| scope.spawn(move || add(format!("key{one}")))).collect();
            made.into_iter().for_each(|made| made.join().expect("no panic").expect("a key"));
        });
        assert_eq!(Keys::read(&file(&data)).expect("the file").keys.len(), 16);
    }
}
