//! Where a model of the folder came from: a small file beside it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

/// Where a model came from.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
pub struct Origin {
    /// What it was added by: a path, or a name on a hub.
    pub source: String,
    /// The SHA-256 that it was checked against, in hexadecimal digits.
    pub sha256: Option<String>,
}

impl Origin {
    /// Writes it beside the model at `model`.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be written.
    pub fn write(&self, model: &Path) -> Result<()> {
        let path = path(model);
        fs::write(&path, serde_json::to_vec_pretty(self)?)
            .with_context(|| format!("`{}` cannot be written", path.display()))
    }

    /// Reads it. None for a model that came there in another way.
    pub fn read(model: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(path(model)).ok()?).ok()
    }

    /// Removes it.
    pub fn remove(model: &Path) {
        // There need not be one.
        let _ = fs::remove_file(path(model));
    }
}

fn path(model: &Path) -> PathBuf {
    let mut name = model.as_os_str().to_owned();
    name.push(".origin.json");
    PathBuf::from(name)
}
