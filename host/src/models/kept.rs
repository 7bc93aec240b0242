//! What an operator has chosen while the server ran: one small file in the data folder, replaced
//! as a whole.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::file::{Readers, replace};
use crate::model::GenerationConfig;

/// The file, in the data folder.
const FILE: &str = "llm.json";

/// The most bytes of the file: anything longer was not written here.
const BYTES_MAX: u64 = 64 << 10;

/// What was chosen, and the file that holds it.
pub struct Kept {
    file: PathBuf,
    choices: Mutex<Choices>,
}

#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Choices {
    chat: Option<Chosen>,
    generation: GenerationConfig,
}

/// A model that was chosen to chat.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Chosen {
    /// Its name in the catalog.
    pub name: String,
    /// What would have chatted without the choice: the model of the command line. A program that
    /// is started with another one means that one.
    pub instead_of: String,
}

impl Kept {
    /// Reads the file in the folder `data`, if there is one. Blocks.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read, or holds something else.
    pub fn open(data: &Path) -> Result<Self> {
        let file = data.join(FILE);
        let name = || format!("`{}`", file.display());
        let choices = match fs::metadata(&file) {
            Ok(found) => {
                ensure!(found.len() <= BYTES_MAX, "{} has more than {BYTES_MAX} bytes", name());
                let text = fs::read_to_string(&file)
                    .with_context(|| format!("{} cannot be read", name()))?;
                let choices: Choices = serde_json::from_str(&text).with_context(|| {
                    format!("{} is damaged; without it, all settings have their defaults", name())
                })?;
                choices.generation.check().with_context(name)?;
                choices
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Choices::default(),
            Err(error) => return Err(error).with_context(|| format!("{} cannot be read", name())),
        };
        Ok(Self { file, choices: Mutex::new(choices) })
    }

    /// The model that was chosen instead of the one of the command line, if it was.
    pub fn chat(&self, instead_of: &str) -> Option<Chosen> {
        let choices = self.choices.lock().unwrap_or_else(PoisonError::into_inner);
        choices.chat.clone().filter(|chosen| chosen.instead_of == instead_of)
    }

    /// How the model answers where a request does not say.
    pub fn generation(&self) -> GenerationConfig {
        self.choices.lock().unwrap_or_else(PoisonError::into_inner).generation.clone()
    }

    /// Keeps a choice of the model. It is on the disk when this returns. Blocks.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be written; nothing has changed then.
    pub fn set_chat(&self, chosen: Option<Chosen>) -> Result<()> {
        self.change(|choices| choices.chat = chosen)
    }

    /// Keeps how the model answers, as [`Kept::set_chat`] does.
    ///
    /// # Errors
    ///
    /// See [`Kept::set_chat`].
    pub fn set_generation(&self, generation: GenerationConfig) -> Result<()> {
        self.change(|choices| choices.generation = generation)
    }

    fn change(&self, change: impl FnOnce(&mut Choices)) -> Result<()> {
        let mut choices = self.choices.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = choices.clone();
        change(&mut changed);
        replace(&self.file, &serde_json::to_vec_pretty(&changed)?, Readers::Usual)
            .with_context(|| format!("`{}` cannot be written", self.file.display()))?;
        *choices = changed;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_there_again_and_belongs_to_its_command_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let kept = Kept::open(folder.path()).expect("nothing yet");
        assert_eq!(kept.chat("a.gguf"), None);
        let chosen = Chosen { name: "b.gguf".to_owned(), instead_of: "a.gguf".to_owned() };
        kept.set_chat(Some(chosen.clone())).expect("written");
        let set = GenerationConfig { temperature: Some(0.1), ..GenerationConfig::default() };
        kept.set_generation(set.clone()).expect("written");
        let again = Kept::open(folder.path()).expect("the file");
        assert_eq!(again.chat("a.gguf"), Some(chosen));
        assert_eq!(again.chat("c.gguf"), None);
        assert_eq!(again.generation(), set);
    }

    #[test]
    fn a_damaged_file_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        for damaged in ["{", "{\"colour\":1}", "{\"generation\":{\"temperature\":9}}"] {
            fs::write(folder.path().join(FILE), damaged).expect("a file");
            let error = Kept::open(folder.path()).err().expect("damaged");
            assert!(format!("{error:#}").contains(FILE), "{error:#}");
        }
    }
}
