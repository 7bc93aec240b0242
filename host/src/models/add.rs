//! Bringing a model into the folder: whole or not at all, and only if it is one.

use std::fs::{self, File};
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};

use super::catalog::{Catalog, EXTENSION};
use super::hub::{self, Hub, Reference};
use super::minilm;
use super::origin::Origin;
use crate::config::AddArguments;
use crate::model::llama::{self, Description};

/// The folder, inside that of the models, of what is not a model yet.
const PARTS: &str = ".parts";

/// The longest name of a model, in bytes.
const NAME_BYTES_MAX: usize = 128;

/// A model that was added.
pub struct Added {
    /// Its name in the list.
    pub name: String,
    /// What is in it.
    pub description: Description,
}

/// Adds the model that `arguments` name to the folder of `catalog`. Blocks.
///
/// # Errors
///
/// Fails if there is no such model, if it is damaged, or if there is one of this name already.
pub fn add(catalog: &Catalog, arguments: &AddArguments) -> Result<Added> {
    if let Some(reference) = Reference::parse(&arguments.source) {
        return from_hub(catalog, arguments, &reference.map_err(anyhow::Error::msg)?);
    }
    if arguments.source == minilm::NAME {
        return minilm::add(catalog, arguments);
    }
    from_file(catalog, arguments)
}

fn from_hub(catalog: &Catalog, arguments: &AddArguments, file: &Reference) -> Result<Added> {
    let place = Place::of(catalog, arguments.name.as_deref().unwrap_or(file.file_name()))?;
    let token = std::env::var(hub::TOKEN).ok().filter(|token| !token.is_empty());
    let hub = Hub::new(&arguments.hub, token.as_deref()).map_err(anyhow::Error::msg)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (path, facts) = runtime
        .block_on(async {
            let facts = hub.ask(file).await?;
            let bar = Bar::new(facts.bytes);
            let path = hub.fetch(file, &facts, &place.parts, &bar).await;
            bar.0.finish_and_clear();
            Ok::<_, String>((path?, facts))
        })
        .map_err(anyhow::Error::msg)?;
    if facts.sha256.is_none() {
        eprintln!("The hub names no SHA-256 for this file, so it was not checked");
    }
    let origin = Origin { source: file.to_string(), sha256: facts.sha256 };
    place.take(&path, &origin)
}

fn from_file(catalog: &Catalog, arguments: &AddArguments) -> Result<Added> {
    let source = Path::new(&arguments.source);
    ensure!(
        source.is_file(),
        "there is no file `{}`; a model of a hub is named like `hf:OWNER/REPOSITORY/FILE.gguf`",
        arguments.source
    );
    let source = source.canonicalize().with_context(|| format!("`{}`", arguments.source))?;
    let file = source.file_name().unwrap_or_default().to_string_lossy();
    let place = Place::of(catalog, arguments.name.as_deref().unwrap_or(&file))?;
    llama::describe(&source).map_err(anyhow::Error::msg)?;
    let part = place.parts.join(format!("{}.{}", place.name, std::process::id()));
    let failed = || format!("`{}` cannot be brought into the folder", source.display());
    fs::create_dir_all(&place.parts).with_context(failed)?;
    // What an earlier process of the same number left behind.
    let _ = fs::remove_file(&part);
    if arguments.link {
        link(&source, &part).with_context(failed)?;
    } else {
        fs::copy(&source, &part)
            .and_then(|_| File::open(&part)?.sync_all())
            .with_context(failed)?;
    }
    let taken = place.take(&part, &Origin { source: source.display().to_string(), sha256: None });
    if taken.is_err() {
        let _ = fs::remove_file(&part);
    }
    taken
}

#[cfg(unix)]
fn link(source: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(source, link)
}

#[cfg(not(unix))]
fn link(source: &Path, link: &Path) -> io::Result<()> {
    fs::hard_link(source, link)
}

/// Where a model is to be.
pub struct Place {
    /// The name of its file.
    pub name: String,
    /// The folder of what is not a model yet.
    pub parts: PathBuf,
    path: PathBuf,
}

impl Place {
    /// The place of a model of this name; the ending `.gguf` may be left out.
    ///
    /// # Errors
    ///
    /// Fails if it is no name of a file, or taken.
    pub fn of(catalog: &Catalog, name: &str) -> Result<Self> {
        let name = match name.strip_suffix(&format!(".{EXTENSION}")) {
            Some(_) => name.to_owned(),
            None => format!("{name}.{EXTENSION}"),
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.+".contains(&byte);
        ensure!(
            name.bytes().all(plain) && !name.starts_with('.') && name.len() <= NAME_BYTES_MAX,
            "`{name}` cannot be the name of a model: it may have letters, digits, `-`, `_`, `.` \
             and `+`, at most {NAME_BYTES_MAX} bytes; `--name` gives it another"
        );
        let path = catalog.folder().join(&name);
        if path.symlink_metadata().is_ok() {
            bail!("there is a model `{name}` already: remove it first, or use `--name`");
        }
        Ok(Self { name, parts: catalog.folder().join(PARTS), path })
    }

    /// Makes the file at `part` the model, if it is one; else the file is removed.
    ///
    /// # Errors
    ///
    /// Fails if it is no model that can be used, or cannot be brought to its place.
    pub fn take(&self, part: &Path, origin: &Origin) -> Result<Added> {
        let described = llama::describe(part);
        let description = described.map_err(|reason| {
            // Going on from what is no model would never make it one.
            let _ = fs::remove_file(part);
            let reason = reason.replace(&part.display().to_string(), &origin.source);
            anyhow::Error::msg(reason)
        })?;
        origin.write(&self.path)?;
        let moved = fs::rename(part, &self.path).and_then(|()| {
            let folder = self.path.parent().unwrap_or(Path::new("."));
            File::open(folder)?.sync_all()
        });
        moved.with_context(|| format!("`{}` cannot be written", self.path.display()))?;
        // Others may be on their way: then it stays.
        let _ = fs::remove_dir(&self.parts);
        Ok(Added { name: self.name.clone(), description })
    }
}

/// How far a download is, for a person who watches, and in words where nobody does.
struct Bar(ProgressBar);

impl Bar {
    fn new(bytes: u64) -> Self {
        let bar = ProgressBar::new(bytes);
        let looks = "{bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} to go {msg}";
        if let Ok(style) = ProgressStyle::with_template(looks) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }
}

impl hub::Progress for Bar {
    fn at(&self, bytes: u64) {
        self.0.set_position(bytes);
    }

    fn again(&self, reason: &str) {
        if io::stderr().is_terminal() {
            self.0.println(format!("{reason}; trying again"));
        } else {
            eprintln!("{reason}; trying again");
        }
    }

    fn checking(&self) {
        self.0.set_message("checking");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_whole_and_is_no_model_does_not_stay() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = Place::of(&Catalog::new(folder.path(), Vec::new()), "new").expect("a place");
        fs::create_dir_all(&place.parts).expect("a folder");
        let part = place.parts.join("new.gguf.part");
        fs::write(&part, "this is no model").expect("written");
        let origin = Origin { source: "hf:a/b/new.gguf".to_owned(), sha256: None };
        let refused = place.take(&part, &origin).err().expect("refused").to_string();
        assert!(refused.contains("hf:a/b/new.gguf"), "{refused}");
        assert!(!part.exists(), "another try would go on from it");
    }
}
