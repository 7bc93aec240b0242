//! The files of policies: each under the sha256 of what is in it, so none is ever changed.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::slot::digest;

/// The folder with the files.
pub struct Shelf {
    folder: PathBuf,
}

impl Shelf {
    /// The shelf in this folder, which is made if it is missing. Blocks.
    ///
    /// # Errors
    ///
    /// Fails if the folder cannot be made.
    pub fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// Stores a component under its digest. After a power cut it is there whole, or not at all.
    /// Blocks.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be written.
    pub fn store(&self, digest: &str, bytes: &[u8]) -> io::Result<()> {
        let new = self.folder.join(format!("{digest}.new"));
        let mut file = File::create(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, self.path(digest))?;
        File::open(&self.folder)?.sync_all()
    }

    /// Reads the component with this digest. Blocks.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read, or holds something else than it did.
    pub fn read(&self, of: &str) -> io::Result<Vec<u8>> {
        let bytes = fs::read(self.path(of))?;
        if digest(&bytes) != of {
            return Err(io::Error::other("the file was changed: its sha256 is not its name"));
        }
        Ok(bytes)
    }

    /// Removes the component with this digest, if it is there. Blocks.
    ///
    /// # Errors
    ///
    /// Fails if it is there and cannot be removed.
    pub fn remove(&self, digest: &str) -> io::Result<()> {
        match fs::remove_file(self.path(digest)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn path(&self, digest: &str) -> PathBuf {
        self.folder.join(format!("{digest}.wasm"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_changed_is_not_taken() {
        let folder = tempfile::tempdir().expect("a folder");
        let shelf = Shelf::open(&folder.path().join("policies")).expect("a shelf");
        let name = digest(b"one");
        shelf.store(&name, b"one").expect("stored");
        assert_eq!(shelf.read(&name).expect("read"), b"one");
        fs::write(shelf.path(&name), b"two").expect("written");
        assert!(shelf.read(&name).is_err());
        shelf.remove(&name).expect("removed");
        shelf.remove(&name).expect("nothing to do");
        assert!(shelf.read(&name).is_err());
    }
}
