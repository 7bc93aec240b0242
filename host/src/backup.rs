//! Backups: what cannot be made again of a data folder, in a folder of its own, with a list that
//! tells whether it is whole. Models, compiled code and the state of conversations can be.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::config::BackupArguments;
use crate::file::{private_folder, temporary_folder};
use crate::store;

/// The list, in the folder of a backup.
const LIST: &str = "backup.json";
/// The most bytes of the list: anything longer was not written here.
const LIST_BYTES_MAX: u64 = 16 << 20;
/// The form of a backup that this program writes and reads.
const FORM: u32 = 1;
/// The database, in a data folder and in a backup.
const DATABASE: &str = "loci.db";
/// What the names of its files end in, beyond that: SQLite's logs and the index of one.
const DATABASE_ENDINGS: [&str; 4] = ["", "-wal", "-shm", "-journal"];
/// What else is kept, where it is there: files and folders. The log of the policies is read before
/// the policies that it names, so none is missing.
const KEPT: [&str; 3] = ["keys.json", "llm.json", "policies"];

/// How the name of the folder begins in which a restore works, in the data folder.
const RESTORING: &str = ".loci-restore-";

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
    let made = write_beside(data, backup);
    let files = made.with_context(|| format!("cannot make the backup `{}`", backup.display()))?;
    eprintln!("{files} files are in `{}`", backup.display());
    Ok(())
}

/// Writes a backup in a folder beside its place, which is removed unless it gets there. Returns how
/// many files there are.
fn write_beside(data: &Path, backup: &Path) -> Result<usize> {
    let folder = parent(backup);
    fs::create_dir_all(folder)?;
    let part = temporary_folder(".loci-backup-", folder)?;
    let files = write(data, part.path())?;
    fs::rename(part.path(), backup)?;
    // It is there no more, so nothing is left to remove.
    let _ = part.keep();
    sync(folder)?;
    Ok(files)
}

/// Writes all files and the list of them. Returns how many there are.
fn write(data: &Path, part: &Path) -> Result<usize> {
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
    sync(&path)?;
    sync(part)?;
    Ok(list.files.len())
}

/// Makes a data folder of a backup. Blocks.
///
/// # Errors
///
/// Fails if the backup is not whole, if there is a database in the data folder already or what is
/// left of one, or if something else there is not what the backup has. Until the database is there,
/// this can be done again.
pub fn restore(arguments: &BackupArguments) -> Result<()> {
    let (data, backup) = (&arguments.data, &arguments.backup);
    let list = read(backup)?;
    store::check(&backup.join(DATABASE))?;
    for ending in DATABASE_ENDINGS {
        let file = data.join(format!("{DATABASE}{ending}"));
        // What such a file still has of another database would be taken for this one's.
        ensure!(
            !file.exists(),
            "there is `{}` already; name another folder with `--data`",
            file.display()
        );
    }
    private_folder(data).with_context(|| format!("cannot make the folder `{}`", data.display()))?;
    // Held until the end: nobody else restores into this folder meanwhile.
    let _alone = clear(data)
        .with_context(|| format!("cannot use the folder `{}`", data.display()))?
        .with_context(|| format!("`{}` is being restored already", data.display()))?;
    put(backup, data, &list).with_context(|| format!("cannot restore `{}`", data.display()))?;
    eprintln!("`{}` is as it was at {}", data.display(), list.at);
    Ok(())
}

/// Removes what restores that were cut short left in a data folder. Returns the folder, which
/// others find locked for as long as it is held; none, and nothing is removed, if it is locked
/// already.
///
/// # Errors
///
/// Fails if the folder cannot be read, or what is left cannot be removed.
pub fn clear(data: &Path) -> io::Result<Option<File>> {
    let folder = File::open(data)?;
    match folder.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    for entry in fs::read_dir(data)? {
        let entry = entry?;
        let is_left = entry.file_name().to_string_lossy().starts_with(RESTORING);
        if is_left && entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(Some(folder))
}

/// Copies all into a folder in the data folder, and moves it from there to its place: whatever
/// stands there is whole. The database goes last.
fn put(backup: &Path, data: &Path, list: &List) -> Result<()> {
    let part = temporary_folder(RESTORING, data)?;
    let mut wanted = Vec::new();
    for name in KEPT.into_iter().chain([DATABASE]) {
        let (from, to) = (backup.join(name), data.join(name));
        if to.exists() {
            let is_same = from.exists() && list.has(name, &to)?;
            ensure!(is_same, "there is `{}` already", to.display());
        } else if from.exists() {
            copy(&from, &part.path().join(name))?;
            wanted.push(name);
        }
    }
    for name in wanted {
        fs::rename(part.path().join(name), data.join(name))?;
        sync(data)?;
    }
    Ok(())
}

impl List {
    /// Whether what is at `path` is what the list has by this name, file or folder.
    fn has(&self, name: &str, path: &Path) -> Result<bool> {
        let mut found = BTreeMap::new();
        if path.is_dir() {
            digests(path, &format!("{name}/"), &mut found)?;
        } else {
            found.insert(name.to_owned(), digest(path)?);
        }
        let folder = format!("{name}/");
        let kept = self.files.iter().filter(|(file, _)| *file == name || file.starts_with(&folder));
        Ok(kept.eq(&found))
    }
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
            files.insert(name, digest(&path)?);
        }
    }
    Ok(())
}

/// The SHA-256 of a file.
fn digest(path: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    io::copy(&mut File::open(path)?, &mut hash)?;
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The folder that something is in.
fn parent(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Waits until a file, or the names in a folder, would outlast a power cut.
fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Copies a file, or a folder of files: a log before the components that it names, and nothing that
/// is being written just now.
fn copy(from: &Path, to: &Path) -> Result<()> {
    if !from.is_dir() {
        fs::copy(from, to)?;
        return Ok(sync(to)?);
    }
    fs::create_dir_all(to)?;
    let mut names = Vec::new();
    for entry in fs::read_dir(from)? {
        names.push(PathBuf::from(entry?.file_name()));
    }
    let ends = |name: &Path, with: &str| name.extension().is_some_and(|ending| ending == with);
    names.retain(|name| !ends(name, "new"));
    names.sort_by_key(|name| ends(name, "wasm"));
    names.iter().try_for_each(|name| copy(&from.join(name), &to.join(name)))?;
    Ok(sync(to)?)
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
    fn a_backup_touches_nothing_beside_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut made = backup(folder.path());
        let near = folder.path().join("other.part");
        fs::create_dir(&near).expect("a folder");
        fs::write(near.join("mine"), "kept").expect("written");
        made.backup = folder.path().join("other");
        make(&made).expect("a backup");
        assert!(near.join("mine").exists());
        made.data = folder.path().join("nowhere");
        made.backup = folder.path().join("third");
        assert!(make(&made).is_err());
        let names =
            fs::read_dir(folder.path()).expect("a folder").map(|it| it.unwrap().file_name());
        let mut names: Vec<_> = names.map(|name| name.into_string().expect("a name")).collect();
        names.sort();
        assert_eq!(names, ["backup", "data", "other", "other.part"]);
    }

    #[test]
    fn nothing_is_restored_over_what_is_left_of_a_database() {
        let folder = tempfile::tempdir().expect("a folder");
        let made = backup(folder.path());
        for ending in DATABASE_ENDINGS {
            let data = folder.path().join(format!("left{ending}"));
            fs::create_dir(&data).expect("a folder");
            fs::write(data.join(format!("{DATABASE}{ending}")), "left").expect("written");
            let other = BackupArguments { data, backup: made.backup.clone() };
            let refused = restore(&other).expect_err("refused").to_string();
            assert!(refused.contains(&format!("loci.db{ending}`")), "{refused}");
            assert!(!other.data.join("keys.json").exists());
        }
    }

    #[test]
    fn a_restore_that_was_cut_short_can_be_done_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let made = backup(folder.path());
        let other = BackupArguments { data: folder.path().join("other"), ..made };
        let policies = other.data.join("policies");
        let left = other.data.join(format!("{RESTORING}abc"));
        fs::create_dir_all(&left).expect("a folder");
        fs::write(left.join(DATABASE), "half").expect("written");
        let held = clear(&other.data).expect("cleared").expect("nobody holds it");
        assert!(!left.exists());
        fs::create_dir_all(&left).expect("a folder");
        let refused = restore(&other).expect_err("refused").to_string();
        assert!(refused.contains("is being restored already"), "{refused}");
        assert!(left.exists(), "it may be of the one that is at work");
        drop(held);
        fs::create_dir_all(&policies).expect("a folder");
        fs::write(policies.join("a.wasm"), "another").expect("written");
        let refused = format!("{:#}", restore(&other).expect_err("refused"));
        assert!(refused.contains("policies` already"), "{refused}");
        fs::write(policies.join("a.wasm"), "a").expect("written");
        restore(&other).expect("the rest is restored");
        assert!(other.data.join("keys.json").exists() && other.data.join(DATABASE).exists());
        let left = fs::read_dir(&other.data).expect("a folder").count();
        assert_eq!(left, 3, "nothing is left of the copying");
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
