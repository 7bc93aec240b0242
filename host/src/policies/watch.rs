//! `loci policy watch`: what is saved in a folder is put in use at once, for people who are writing
//! a policy. The folder is looked at again and again, so it may lie on any file system.

use std::collections::HashMap;
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};
use serde_json::json;

use super::command::activate;
use super::server::Server;
use super::told::summary;

/// How often the folder is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What tells whether a file was written again: its time and its length.
type Version = (SystemTime, u64);

/// Puts each component of a folder in use, now and whenever it is saved again, until the process
/// ends. What the server refuses is told, and the policy in use stays.
///
/// # Errors
///
/// Fails if the folder cannot be read.
pub async fn watch(server: &Server, folder: &Path) -> Result<Infallible> {
    let mut done: HashMap<PathBuf, Version> = HashMap::new();
    let mut before = HashMap::new();
    loop {
        let there = look(folder)?;
        // A file that still grows is taken at the next look, when it has not changed since.
        let settled = there.iter().filter(|(path, version)| before.get(*path) == Some(*version));
        let mut fresh: Vec<_> =
            settled.filter(|(path, version)| done.get(*path) != Some(*version)).collect();
        fresh.sort_by_key(|(_, (written, _))| *written);
        for (path, version) in fresh {
            println!("{}: {}", path.display(), told(server, path).await);
            done.insert(path.clone(), *version);
        }
        done.retain(|path, _| there.contains_key(path));
        before = there;
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// The components in a folder.
fn look(folder: &Path) -> Result<HashMap<PathBuf, Version>> {
    let mut there = HashMap::new();
    let at = || format!("cannot read the folder `{}`", folder.display());
    for entry in std::fs::read_dir(folder).with_context(at)? {
        let path = entry.with_context(at)?.path();
        // What is gone by now is no error: editors write beside, and rename.
        let Ok(data) = std::fs::metadata(&path) else { continue };
        if data.is_file() && path.extension().is_some_and(|extension| extension == "wasm") {
            there.insert(path, (data.modified().unwrap_or(SystemTime::UNIX_EPOCH), data.len()));
        }
    }
    Ok(there)
}

/// What became of one file.
async fn told(server: &Server, path: &Path) -> String {
    let put = async {
        let bytes = tokio::fs::read(path).await.context("it cannot be read")?;
        let name = path.file_stem().map(|name| name.to_string_lossy().into_owned());
        let row = server.add(bytes, name).await?;
        let digest = row["digest"].as_str().unwrap_or_default();
        activate(server, digest, json!({})).await
    };
    match put.await {
        Ok(row) => summary(&row),
        Err(error) => format!("not put in use: {error:#}"),
    }
}
