//! Small files that are replaced as a whole, and folders that are their owner's alone.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Whoever may read other new files.
    Usual,
    /// Its owner alone.
    Owner,
}

/// Replaces a file as a whole: after a power cut it is the old one or the new one. Blocks.
///
/// # Errors
///
/// Fails if it cannot be written; the old one is still there then.
pub fn replace(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    let new = path.with_extension("new");
    let mode = if readers == Readers::Owner { 0o600 } else { 0o666 };
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(mode).open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// Makes a folder, and those around it, that nobody but its owner can enter. One that is there
/// stays as it is. Blocks.
///
/// # Errors
///
/// Fails if it cannot be made.
pub fn private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Makes a folder in another, that is removed with what is returned, with a name that begins with
/// `prefix` and that nobody can foresee. Nobody but its owner can enter it. Blocks.
///
/// # Errors
///
/// Fails if it cannot be made.
pub fn temporary_folder(prefix: &str, inside: &Path) -> io::Result<tempfile::TempDir> {
    let mode = fs::Permissions::from_mode(0o700);
    tempfile::Builder::new().prefix(prefix).permissions(mode).tempdir_in(inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_for_its_owner_nobody_else_reads() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keys.json");
        replace(&path, b"one", Readers::Owner).expect("written");
        replace(&path, b"two", Readers::Owner).expect("written again");
        assert_eq!(fs::read(&path).expect("it is there"), b"two");
        let mode = fs::metadata(&path).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o077, 0);
    }

    #[test]
    fn a_new_folder_is_its_owners_and_an_old_one_stays_as_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let mode =
            |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        let (outer, inner) = (folder.path().join("a"), folder.path().join("a/b"));
        private_folder(&inner).expect("made");
        assert_eq!((mode(&outer), mode(&inner)), (0o700, 0o700));
        let old = folder.path().join("old");
        fs::create_dir(&old).expect("made");
        fs::set_permissions(&old, fs::Permissions::from_mode(0o750)).expect("set");
        private_folder(&old).expect("there");
        assert_eq!(mode(&old), 0o750);
    }
}
