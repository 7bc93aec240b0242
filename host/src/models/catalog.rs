//! Which models there are. A model is found by its name in this list and in no other way, so
//! nobody learns through it what else lies on the disk.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use crate::model::llama::{self, Description};

/// The folder of models, in the data folder.
pub const FOLDER: &str = "models";

/// How the file of a model ends.
pub const EXTENSION: &str = "gguf";

/// The most models of the folder that are looked at.
const MODELS_MAX: usize = 1_024;

/// Where a model comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The folder of models.
    Folder,
    /// The arguments of the program.
    CommandLine,
    /// It came with the program.
    Bundled,
    /// Another server, which the arguments of the program name. It has no file here.
    Server,
}

impl Source {
    /// As it stands in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Folder => "folder",
            Self::CommandLine => "command_line",
            Self::Bundled => "bundled",
            Self::Server => "server",
        }
    }
}

/// A model that can be chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What it is chosen by: the name of its file; the whole path of one that was named at start
    /// and has the name of another; what its server calls one that has no file.
    pub name: String,
    /// Its file; empty for one on another server.
    pub path: PathBuf,
    /// Where it comes from.
    pub source: Source,
}

/// The list of models.
pub struct Catalog {
    folder: PathBuf,
    named: Vec<Entry>,
    described: Mutex<HashMap<PathBuf, Known>>,
}

/// What was read from a file of this length and time.
struct Known {
    bytes: u64,
    modified: Option<SystemTime>,
    description: Result<Description, String>,
}

impl Catalog {
    /// The models in the folder of `data`, and these besides.
    pub fn new(data: &Path, named: Vec<Entry>) -> Self {
        Self { folder: data.join(FOLDER), named, described: Mutex::default() }
    }

    /// The folder of models. It need not exist.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// All models: those of the folder by name, then those that were named. Blocks.
    pub fn list(&self) -> Vec<Entry> {
        let files = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let paths = files.map(|file| file.path()).filter(|path| {
            path.extension().is_some_and(|extension| extension == EXTENSION) && path.is_file()
        });
        let mut paths: Vec<PathBuf> = paths.take(MODELS_MAX).collect();
        paths.sort();
        let in_folder = paths.into_iter().map(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            Entry { name, path, source: Source::Folder }
        });
        let mut entries: Vec<Entry> = Vec::new();
        for mut entry in in_folder.chain(self.named.iter().cloned()) {
            if entries.iter().any(|known| is_same(&known.path, &entry.path)) {
                continue;
            }
            if entries.iter().any(|known| known.name == entry.name) {
                entry.name = match entry.source {
                    Source::Server => format!("server/{}", entry.name),
                    _ => entry.path.to_string_lossy().into_owned(),
                };
            }
            entries.push(entry);
        }
        entries
    }

    /// The model of this name; the ending `.gguf` may be left out. One that was named at start may
    /// be called by its path. Blocks.
    pub fn find(&self, name: &str) -> Option<Entry> {
        let entries = self.list();
        let whole = format!("{name}.{EXTENSION}");
        let by_name = entries.iter().find(|entry| entry.name == name || entry.name == whole);
        let by_path = || {
            let is_it = |entry: &&Entry| {
                let is_given = !matches!(entry.source, Source::Folder | Source::Server);
                is_given && entry.path.as_path() == Path::new(name)
            };
            entries.iter().find(is_it)
        };
        by_name.or_else(by_path).cloned()
    }

    /// What is in a model's file. It is read again only when the file has changed. Blocks.
    ///
    /// # Errors
    ///
    /// Fails with a sentence for the operator if the file is no model that can be used.
    pub fn describe(&self, entry: &Entry) -> Result<Description, String> {
        let file = std::fs::metadata(&entry.path);
        let (bytes, modified) =
            file.map(|file| (file.len(), file.modified().ok())).unwrap_or_default();
        let lock = || self.described.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(&entry.path)
            && (known.bytes, known.modified) == (bytes, modified)
        {
            return known.description.clone();
        }
        let description = llama::describe(&entry.path);
        let known = Known { bytes, modified, description: description.clone() };
        let mut described = lock();
        if described.len() > MODELS_MAX {
            described.clear();
        }
        described.insert(entry.path.clone(), known);
        description
    }
}

fn is_same(one: &Path, other: &Path) -> bool {
    let (real, others) = (one.canonicalize().ok(), other.canonicalize().ok());
    one == other || (real.is_some() && real == others)
}

#[cfg(test)]
mod tests {
    use super::*;
    use loci_tests::tiny_gguf::TinyGguf;

    #[test]
    fn a_model_is_found_by_its_name_and_nothing_else_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let models = folder.path().join(FOLDER);
        std::fs::create_dir_all(models.join("inner.gguf")).expect("a folder");
        let given = folder.path().join("b.gguf");
        for file in [&models.join("b.gguf"), &models.join("a.gguf"), &given] {
            std::fs::write(file, "").expect("a file");
        }
        std::fs::write(models.join("notes.txt"), "").expect("a file");
        std::fs::write(folder.path().join("secret.gguf"), "").expect("a file");
        let of = |path: &Path| Entry {
            name: path.file_name().expect("a name").to_string_lossy().into_owned(),
            path: path.to_owned(),
            source: Source::CommandLine,
        };
        let named = vec![of(&given), of(&models.join("a.gguf"))];
        let catalog = Catalog::new(folder.path(), named);
        let path = given.to_str().expect("text");
        let names: Vec<String> = catalog.list().into_iter().map(|entry| entry.name).collect();
        assert_eq!(names, ["a.gguf", "b.gguf", path]);
        let found = |name: &str| catalog.find(name).map(|entry| entry.path);
        assert_eq!(found("a"), Some(models.join("a.gguf")));
        assert_eq!(found("b.gguf"), Some(models.join("b.gguf")));
        assert_eq!(found(path), Some(given));
        let inside = models.join("a.gguf");
        for wrong in ["../secret.gguf", "secret", "inner", "notes.txt", "", "/etc/passwd"] {
            assert_eq!(found(wrong), None, "{wrong}");
        }
        assert_eq!(found(inside.to_str().expect("text")), None);
    }

    #[test]
    fn what_is_in_a_file_is_told_and_a_change_is_noticed() {
        let folder = tempfile::tempdir().expect("a folder");
        let models = folder.path().join(FOLDER);
        std::fs::create_dir(&models).expect("a folder");
        let path = models.join("tiny.gguf");
        TinyGguf::chat().write(&path).expect("a model");
        let catalog = Catalog::new(folder.path(), Vec::new());
        let entry = catalog.find("tiny").expect("a model");
        let told = catalog.describe(&entry).expect("a description");
        assert_eq!((told.title.as_str(), told.architecture.as_str()), ("tiny", "llama"));
        assert_eq!((told.quantization.as_str(), told.context_tokens), ("f16", 16_384));
        assert!(!told.embeds && told.license.is_none() && told.parameters > 10_000);
        std::fs::write(&path, "no model").expect("a file");
        let error = catalog.describe(&entry).expect_err("it is no model");
        assert!(error.contains("not a GGUF file"), "{error}");
    }
}
