//! The chat model of this host, and those that can take its place while it serves.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use tracing::{info, warn};

use crate::config::ServeConfig;
use crate::model::llama::{LlamaChat, Setup};
use crate::model::remote::RemoteChat;
use crate::model::{Absent, ChatBackend, GenerationConfig, Loading, Switch};
use crate::models::{Catalog, Chosen, Entry, Kept, Source};
use crate::serve::services::setup;

/// The models that this host knows, and the one that chats.
pub struct Models {
    /// The one that chats.
    pub chat: Arc<Switch>,
    /// All that can be chosen.
    pub catalog: Arc<Catalog>,
    kept: Arc<Kept>,
    /// What the command line says that chats; empty for none.
    by_default: String,
    setup: Setup,
    /// The model of the command line that is on another server. It takes no room here, so it stays.
    remote: Option<Arc<dyn ChatBackend>>,
}

impl Models {
    /// Begins to load the model that was chosen last, or else the one of the command line. Blocks.
    ///
    /// # Errors
    ///
    /// Fails if what was chosen cannot be read.
    pub fn open(config: &ServeConfig) -> Result<Self> {
        let kept = Arc::new(Kept::open(&config.data)?);
        let catalog = Arc::new(Catalog::new(&config.data, named(config)));
        let remote = config.remote.chat.as_ref().map(|it| -> Arc<dyn ChatBackend> {
            let (endpoint, tokenizer) = (it.endpoint.clone(), it.tokenizer.clone());
            Arc::new(RemoteChat::connect(endpoint, config.context_tokens, tokenizer))
        });
        let entries = catalog.list();
        let is_server = |it: &&Entry| it.source == Source::Server;
        let is_named = |it: &&Entry| Some(&it.path) == config.model.as_ref();
        let given = entries.iter().find(is_server).or_else(|| entries.iter().find(is_named));
        let by_default = given.map(identity).unwrap_or_default();
        let chosen = kept.chat(&by_default).and_then(|chosen| {
            let entry = catalog.find(&chosen.name);
            match &entry {
                Some(_) => info!("The chat model is `{}`, which was chosen before", chosen.name),
                None => warn!("The model `{}`, chosen before, is not there any more", chosen.name),
            }
            entry
        });
        let entry = chosen.or_else(|| given.cloned());
        let none = Switch::new(String::new(), Arc::new(Absent), kept.generation());
        let mut models =
            Self { chat: Arc::new(none), catalog, kept, by_default, setup: setup(config), remote };
        match entry {
            Some(entry) => {
                if entry.source == Source::Server {
                    models.drop_states();
                }
                let backend = models.begin(&entry);
                let chat = Switch::new(entry.name, backend, models.kept.generation());
                models.chat = Arc::new(chat);
            }
            None => {
                models.drop_states();
                warn!("There is no chat model: `--model FILE.gguf` or `--model-url URL` names one");
            }
        }
        Ok(models)
    }

    /// Begins to load a model.
    fn begin(&self, entry: &Entry) -> Arc<dyn ChatBackend> {
        match &self.remote {
            Some(remote) if entry.source == Source::Server => Arc::clone(remote),
            _ => Arc::new(LlamaChat::load(entry.path.clone(), self.setup.clone())),
        }
    }

    /// Removes the evaluated state of conversations that another model left on the disk: where no
    /// llama.cpp answers, nobody would forget it with its session.
    fn drop_states(&self) {
        drop_states(self.setup.states.as_deref());
    }

    /// Has this model chat as soon as it can, and from the next start on. Blocks while the choice
    /// is noted, where it chats already.
    ///
    /// # Errors
    ///
    /// Fails if it chats already, and the choice cannot be noted.
    pub fn choose(&self, entry: &Entry) -> Result<Loading, String> {
        let kept = Arc::clone(&self.kept);
        let chosen = Chosen { name: entry.name.clone(), instead_of: self.by_default.clone() };
        let is_default = identity(entry) == self.by_default;
        // Only now: a server that never answers takes no model's place.
        let states = self.setup.states.clone().filter(|_| entry.source == Source::Server);
        let keep = move || {
            let chosen = (!is_default).then_some(chosen);
            kept.set_chat(chosen).map_err(|error| format!("{error:#}"))?;
            drop_states(states.as_deref());
            Ok(())
        };
        self.chat.load(&entry.name, || self.begin(entry), keep)
    }

    /// Sets how the model answers from the next turn on, where a request does not say. Blocks until
    /// that is on the disk.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be written; nothing has changed then.
    pub fn set_generation(&self, generation: GenerationConfig) -> Result<()> {
        self.kept.set_generation(generation.clone())?;
        self.chat.set_generation(generation);
        Ok(())
    }
}

fn drop_states(states: Option<&Path>) {
    if let Some(states) = states {
        // Mostly there are none.
        drop(std::fs::remove_dir_all(states));
    }
}

/// The models that are none of the folder's: those of the command line, and the bundled one.
fn named(config: &ServeConfig) -> Vec<Entry> {
    let of = |path: &PathBuf, source| Entry {
        name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        path: path.clone(),
        source,
    };
    let server = config.remote.chat.as_ref().map(|it| Entry {
        name: it.endpoint.model.clone(),
        path: PathBuf::new(),
        source: Source::Server,
    });
    let bundled = config.bundled_model.as_ref();
    let given = config.model.iter().chain(&config.embedding_model);
    let given = given.filter(|path| bundled != Some(path));
    let given = given.map(|path| of(path, Source::CommandLine));
    let bundled = bundled.map(|path| of(path, Source::Bundled));
    server.into_iter().chain(given).chain(bundled).collect()
}

/// What tells one model of the command line from another, from one start to the next.
fn identity(entry: &Entry) -> String {
    match entry.source {
        Source::Server => format!("server {}", entry.name),
        _ => entry.path.to_string_lossy().into_owned(),
    }
}
