//! Backups: what cannot be made again of a data folder, in a folder of its own, with a list that
//! tells whether it is whole. Models, compiled code and the state of conversations can be.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::config::BackupArguments;
use crate::store;

/// The list, in the folder of a backup.
const LIST: &str = "backup.json";
/// The most bytes of the list: anything longer was not written here.
const LIST_BYTES_MAX: u64 = 16 << 20;
/// The form of a backup that this program writes and reads.
const FORM: u32 = 1;
/// The database, in a data folder and in a backup.
const DATABASE: &str = "loci.db";
/// What else is kept, where it is there: files and folders. The log of the policies is read before
/// the policies that it names, so none is missing.
const KEPT: [&str; 3] = ["keys.json", "llm.json", "policies"];

/// What is in a backup.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct List {
    form: u32,
    /// The version of Loci that made it.
    loci: String,
    /// When, in UTC.
    at: String,
    /// The SHA-256 of every file, by its path in the folder.
    files: BTreeMap<String, String>,
}

/// Makes a backup of a data folder, whether somebody serves it or not. Blocks.
///
/// # Errors
///
/// Fails if there is no database, if the folder of the backup exists, or if it cannot be written;
/// it does not exist then.
pub fn make(arguments: &BackupArguments) -> Result<()> {
    let (data, backup) = (&arguments.data, &arguments.backup);
    let database = data.join(DATABASE);
    ensure!(database.is_file(), "there is no database `{}`", database.display());
    ensure!(!backup.exists(), "`{}` exists already; name a new folder", backup.display());
    let mut part = backup.clone().into_os_string();
    part.push(".part");
    let part = PathBuf::from(part);
    let made = write(data, &part).and_then(|files| {
        fs::rename(&part, backup)?;
        Ok(files)
    });
    let files = made.with_context(|| {
        let _ = fs::remove_dir_all(&part);
        format!("cannot make the backup `{}`", backup.display())
    })?;
    eprintln!("{files} files are in `{}`", backup.display());
    Ok(())
}

/// Writes all files and the list of them. Returns how many there are.
fn write(data: &Path, part: &Path) -> Result<usize> {
    if part.exists() {
        // What an earlier try left, that was ended in the middle.
        fs::remove_dir_all(part)?;
    }
    fs::create_dir_all(part)?;
    store::copy(&data.join(DATABASE), &part.join(DATABASE))?;
    for name in KEPT {
        let from = data.join(name);
        if from.exists() {
            copy(&from, &part.join(name))?;
        }
    }
    let mut files = BTreeMap::new();
    digests(part, "", &mut files)?;
    let list = List {
        form: FORM,
        loci: env!("CARGO_PKG_VERSION").to_owned(),
        at: Timestamp::now().to_string(),
        files,
    };
    let path = part.join(LIST);
    fs::write(&path, serde_json::to_vec_pretty(&list)?)?;
    File::open(&path)?.sync_all()?;
    Ok(list.files.len())
}

/// Makes a data folder of a backup. Blocks.
///
/// # Errors
///
/// Fails if the backup is not whole, or if there is a database in the data folder already.
pub fn restore(arguments: &BackupArguments) -> Result<()> {
    let (data, backup) = (&arguments.data, &arguments.backup);
    let list = read(backup)?;
    store::check(&backup.join(DATABASE))?;
    let database = data.join(DATABASE);
    ensure!(
        !database.exists(),
        "there is a database `{}` already; name another folder with `--data`",
        database.display()
    );
    fs::create_dir_all(data)
        .with_context(|| format!("cannot make the folder `{}`", data.display()))?;
    for name in KEPT {
        ensure!(!data.join(name).exists(), "there is `{}` already", data.join(name).display());
    }
    // The database last: until it is there, this can be done again.
    for name in KEPT.into_iter().chain([DATABASE]) {
        let from = backup.join(name);
        if from.exists() {
            copy(&from, &data.join(name))
                .with_context(|| format!("cannot write `{}`", data.join(name).display()))?;
        }
    }
    eprintln!("`{}` is as it was at {}", data.display(), list.at);
    Ok(())
}

/// Reads the list of a backup, and compares what is there with it.
fn read(backup: &Path) -> Result<List> {
    let path = backup.join(LIST);
    let name = || format!("`{}`", path.display());
    let found = fs::metadata(&path)
        .with_context(|| format!("{} is not there: this is no backup", name()))?;
    ensure!(found.len() <= LIST_BYTES_MAX, "{} has more than {LIST_BYTES_MAX} bytes", name());
    let list: List = serde_json::from_str(&fs::read_to_string(&path).with_context(name)?)
        .with_context(|| format!("{} is damaged", name()))?;
    ensure!(list.form == FORM, "{} is of a later version of Loci: {}", name(), list.loci);
    let mut files = BTreeMap::new();
    digests(backup, "", &mut files)?;
    files.remove(LIST);
    ensure!(list.files.contains_key(DATABASE), "the backup has no `{DATABASE}`");
    for (file, digest) in &list.files {
        match files.get(file) {
            Some(found) if found == digest => {}
            Some(_) => bail!("the backup is damaged: `{file}` is not what it was"),
            None => bail!("the backup is damaged: `{file}` is missing"),
        }
    }
    if let Some(file) = files.keys().find(|file| !list.files.contains_key(*file)) {
        bail!("the backup has `{file}`, which its list does not know");
    }
    Ok(list)
}

/// The SHA-256 of all files below a folder, by their paths in it.
fn digests(folder: &Path, prefix: &str, files: &mut BTreeMap<String, String>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_str().context("the name of a file must be UTF-8")?;
        let (path, name) = (entry.path(), format!("{prefix}{name}"));
        if entry.file_type()?.is_dir() {
            digests(&path, &format!("{name}/"), files)?;
        } else {
            let mut hash = Sha256::new();
            io::copy(&mut File::open(&path)?, &mut hash)?;
            files.insert(name, hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect());
        }
    }
    Ok(())
}

/// Copies a file, or a folder of files: a log before the components that it names, and nothing that
/// is being written just now.
fn copy(from: &Path, to: &Path) -> Result<()> {
    if !from.is_dir() {
        fs::copy(from, to)?;
        return Ok(File::open(to)?.sync_all()?);
    }
    fs::create_dir_all(to)?;
    let mut names = Vec::new();
    for entry in fs::read_dir(from)? {
        names.push(PathBuf::from(entry?.file_name()));
    }
    let ends = |name: &Path, with: &str| name.extension().is_some_and(|ending| ending == with);
    names.retain(|name| !ends(name, "new"));
    names.sort_by_key(|name| ends(name, "wasm"));
    names.iter().try_for_each(|name| copy(&from.join(name), &to.join(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A data folder with a backup of it.
    fn backup(folder: &Path) -> BackupArguments {
        let data = folder.join("data");
        fs::create_dir_all(data.join("policies")).expect("a folder");
        let database = store::Database::open(&data.join(DATABASE), store::Limits::default());
        database.expect("a database").close();
        fs::write(data.join("keys.json"), "{}").expect("written");
        fs::write(data.join("policies/a.wasm"), "a").expect("written");
        fs::write(data.join("policies/b.new"), "b").expect("written");
        fs::write(data.join("models"), "large").expect("written");
        let arguments = BackupArguments { backup: folder.join("backup"), data };
        make(&arguments).expect("a backup");
        arguments
    }

    #[test]
    fn what_was_kept_comes_back_into_an_empty_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let made = backup(folder.path());
        assert!(make(&made).is_err(), "it is there already");
        assert!(restore(&made).is_err(), "the database is there already");
        let other = BackupArguments { data: folder.path().join("other"), ..made };
        restore(&other).expect("restored");
        assert_eq!(fs::read(other.data.join("keys.json")).expect("kept"), b"{}");
        assert_eq!(fs::read(other.data.join("policies/a.wasm")).expect("kept"), b"a");
        assert!(!other.data.join("policies/b.new").exists() && !other.data.join("models").exists());
    }

    #[test]
    fn a_backup_that_was_changed_is_refused_by_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let made = backup(folder.path());
        let other = BackupArguments { data: folder.path().join("other"), ..made };
        let refused = || restore(&other).expect_err("refused").to_string();
        let keys = other.backup.join("keys.json");
        fs::write(other.backup.join("more"), "x").expect("written");
        assert!(refused().contains("`more`"));
        fs::remove_file(other.backup.join("more")).expect("removed");
        fs::write(&keys, "{ }").expect("written");
        assert!(refused().contains("`keys.json`"));
        fs::remove_file(&keys).expect("removed");
        assert!(refused().contains("`keys.json` is missing"));
        fs::remove_file(other.backup.join(LIST)).expect("removed");
        assert!(refused().contains("no backup"));
        assert!(!other.data.exists());
    }
}
