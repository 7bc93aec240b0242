//! What the host has to grant: its database, its models, its policies. Opened once, at start.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use anyhow::{Context as _, Result, bail, ensure};
use futures::future::{BoxFuture, FutureExt as _, ready};

use crate::capability::embeddings::{self, StaticEmbedder};
use crate::capability::{former, inference, llm, policy, search, sqlite, variables};
use crate::config::ServeConfig;
use crate::engine::Engines;
use crate::kit;
use crate::manifest::{self, DEFAULT_DATABASE};
use crate::metrics::Metrics;
use crate::model::llama::{LlamaEmbedder, Setup};
use crate::model::remote::RemoteEmbedder;
use crate::model::{ChatBackend, Embedder, EmbeddingModel, ModelError, Purpose};
use crate::policies::Registry;
use crate::serve::guest::Grants;
use crate::serve::models::Models;
use crate::slot::Grant;
use crate::store::{Database, Limits};

/// The interfaces of policies.
const ASSEMBLY: &str = "loci:policy/assembly@0.1.0";
const TRUNCATION: &str = "loci:policy/truncation@0.1.0";
const RANKING: &str = "loci:policy/ranking@0.1.0";
const CONDENSATION: &str = "loci:policy/condensation@0.1.0";
const EXTRACTION: &str = "loci:policy/extraction@0.1.0";
const CHUNKING: &str = "loci:policy/chunking@0.1.0";
const POLICIES: [&str; 6] = [ASSEMBLY, TRUNCATION, RANKING, CONDENSATION, EXTRACTION, CHUNKING];

/// The interface by which policies are chosen, which the host itself answers for.
const VERSIONS: &str = "loci:policy/versions@0.1.0";

/// The interfaces that the host's own chat model answers for: no component is loaded for them.
const CHAT: [&str; 3] =
    ["loci:inference/models@0.1.0", "loci:inference/tokenizer@0.1.0", "loci:inference/chat@0.1.0"];

/// The interface of vector search, and that of embedding.
const SEARCH: &str = "loci:search/vectors@0.1.0";
const EMBEDDINGS: &str = "loci:inference/embeddings@0.1.0";
/// Embedding with the models before.
const FORMER: &str = "loci:inference/former-embeddings@0.1.0";

/// The variables of the application that arguments set.
const REPLY_TOKENS: &str = "reply_tokens_max";
const INSTRUCTION: &str = "instruction";

/// The folder below the data folder for the evaluated state of conversations.
const STATES: &str = "states";

/// What embeds.
type Embeds = Arc<dyn Embedder>;

/// What the host has, for all components.
pub struct Services {
    engines: Engines,
    variables: variables::Values,
    databases: Arc<HashMap<String, Database>>,
    models: Arc<Models>,
    data: PathBuf,
    policies: Grant,
    metrics: Arc<Metrics>,
    /// The policies, once the component that depends on them is loaded.
    registry: OnceLock<Arc<Registry>>,
    /// The embedding model that was named at start, if one was. It goes before that of a component.
    embedder: Option<Arc<dyn Embedder>>,
}

impl Services {
    /// Opens the database and begins to load the models. Blocks.
    ///
    /// # Errors
    ///
    /// Fails if a required variable has no value, or the database cannot be opened.
    pub fn open(config: &ServeConfig, manifest: &manifest::App, engines: Engines) -> Result<Self> {
        let mut variables = variables::Values::find(manifest, |name| std::env::var(name).ok())?;
        if let Some(tokens) = config.reply_tokens {
            variables.set(REPLY_TOKENS, tokens.to_string()).context("`--reply-tokens`")?;
        }
        if let Some(text) = &config.instruction {
            variables.set(INSTRUCTION, text.clone()).context("`--instruction`")?;
        }
        let file = config.data.join("loci.db");
        let database = Database::open(&file, Limits::default())?;
        let databases = HashMap::from([(DEFAULT_DATABASE.to_owned(), database)]);
        let models = Arc::new(Models::open(config)?);
        Ok(Self {
            engines,
            variables,
            databases: Arc::new(databases),
            models,
            data: config.data.clone(),
            policies: config.policies,
            metrics: Arc::new(Metrics::new()),
            registry: OnceLock::new(),
            embedder: embedder(config),
        })
    }

    /// The chat model, and those that could take its place.
    pub fn models(&self) -> Arc<Models> {
        Arc::clone(&self.models)
    }

    /// What is counted.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// The policies, if a component that was loaded depends on them.
    pub fn registry(&self) -> Option<Arc<Registry>> {
        self.registry.get().cloned()
    }

    /// Closes the databases: what comes after this fails. Blocks until all is written.
    pub fn close(&self) {
        if let Some(registry) = self.registry.get() {
            registry.close();
        }
        self.databases.values().for_each(Database::close);
    }

    /// What a component is granted.
    ///
    /// # Errors
    ///
    /// Fails if one of its variables cannot be filled in, if one of its dependencies cannot be
    /// loaded, or if the host has nothing to do with one.
    pub fn grant(&self, name: &str, component: &manifest::Component) -> Result<Grants> {
        let files = &component.dependencies;
        let known = |interface: &String| {
            let mut all =
                POLICIES.iter().chain(&CHAT).chain(&[VERSIONS, SEARCH, EMBEDDINGS, FORMER]);
            all.any(|known| interface == known)
        };
        if let Some(interface) = files.keys().find(|interface| !known(interface)) {
            bail!("dependency `{interface}` is no interface that this host links");
        }
        let (embedder, former) = self.embedders(files.get(EMBEDDINGS))?;
        let reads_former = files.contains_key(FORMER);
        let chat = || Arc::clone(&self.models.chat) as Arc<dyn ChatBackend>;
        let chats = CHAT.iter().any(|interface| files.contains_key(*interface));
        Ok(Grants {
            component: name.to_owned(),
            environment: component.environment.clone().into_iter().collect(),
            variables: self.variables.of_component(&component.variables)?,
            sqlite: sqlite::Ctx::new(
                component.sqlite_databases.iter().cloned(),
                Arc::clone(&self.databases),
            ),
            llm: llm::Ctx::new(
                chat(),
                embedder.clone().unwrap_or_else(|| Arc::new(NoEmbedder)),
                component.ai_models.iter().cloned(),
            ),
            inference: chats.then(|| inference::Ctx::new(chat(), Arc::clone(&self.metrics))),
            embeddings: embedder.map(embeddings::Ctx::new),
            former: reads_former.then(|| former::Ctx::new(former)),
            policy: self.policies(files)?,
            search: self.search(files.get(SEARCH))?,
        })
    }

    /// What embeds for a component with this dependency: the model that was named at start, or else
    /// the dependency itself. And what embeds besides: the dependency, where it is not that.
    fn embedders(&self, file: Option<&PathBuf>) -> Result<(Option<Embeds>, Option<Embeds>)> {
        let Some(path) = file else {
            return Ok((None, None));
        };
        let own = StaticEmbedder::new(self.engines.guests(), &read(path)?);
        let own: Embeds = Arc::new(own.with_context(|| cannot_use(path))?);
        Ok(match &self.embedder {
            Some(named) => (Some(Arc::clone(named)), Some(own)),
            None => (Some(own), None),
        })
    }

    fn search(&self, file: Option<&PathBuf>) -> Result<Option<search::Ctx>> {
        let Some(path) = file else {
            return Ok(None);
        };
        let search = search::Ctx::new(self.engines.guests(), &read(path)?);
        search.with_context(|| cannot_use(path)).map(Some)
    }

    /// Fills the slots of the policies, if the component has any.
    fn policies(&self, files: &BTreeMap<String, PathBuf>) -> Result<Option<policy::Ctx>> {
        if !POLICIES.iter().any(|interface| files.contains_key(*interface)) {
            return Ok(None);
        }
        let file = |interface: &str| match files.get(interface) {
            Some(path) => read(path),
            None => bail!("`tool.loci.dependencies` has policies, but none for `{interface}`"),
        };
        let components = policy::Components {
            assembly: &file(ASSEMBLY)?,
            truncation: &file(TRUNCATION)?,
            ranking: &file(RANKING)?,
            condensation: &file(CONDENSATION)?,
            extraction: &file(EXTRACTION)?,
            chunking: &file(CHUNKING)?,
        };
        let engine = self.engines.policies();
        let policies = policy::Ctx::new(engine, &components, self.policies)?;
        let hooks = policies.hooks(&components);
        let (engine_of_kit, grant) = (engine.clone(), self.policies);
        let kit = Box::new(move |bytes: &[u8]| kit::check(&engine_of_kit, bytes, None, grant));
        let registry = Arc::new(Registry::open(&self.data, hooks, kit)?);
        ensure!(
            self.registry.set(Arc::clone(&registry)).is_ok(),
            "two components depend on policies, and their slots are those of one"
        );
        Ok(Some(policies.with(registry)))
    }
}

/// The embedding model that was named at start.
fn embedder(config: &ServeConfig) -> Option<Arc<dyn Embedder>> {
    match (&config.remote.embedding, &config.embedding_model) {
        (Some(it), _) => {
            Some(Arc::new(RemoteEmbedder::connect(it.endpoint.clone(), it.settings.clone())))
        }
        (None, Some(path)) => Some(Arc::new(LlamaEmbedder::load(path.clone(), setup(config)))),
        (None, None) => None,
    }
}

/// How llama.cpp runs models.
pub fn setup(config: &ServeConfig) -> Setup {
    Setup {
        context_tokens: config.context_tokens,
        slots: config.slots,
        gpu_layers: config.gpu_layers,
        prober: std::env::current_exe().ok(),
        states: Some(config.data.join(STATES)),
        state_memory_bytes: None,
    }
}

/// Stands for the embedding model of a component that has none.
struct NoEmbedder;

impl Embedder for NoEmbedder {
    fn describe(&self) -> Result<EmbeddingModel, ModelError> {
        Err(ModelError::NoModel)
    }

    fn embed(
        &self,
        _: Vec<String>,
        _: Purpose,
    ) -> BoxFuture<'_, Result<Vec<Vec<f32>>, ModelError>> {
        ready(Err(ModelError::NoModel)).boxed()
    }
}

fn cannot_use(path: &Path) -> String {
    format!("cannot use `{}`", path.display())
}

/// Reads a Wasm file.
///
/// # Errors
///
/// Fails, and names the file, if it cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path)
        .with_context(|| format!("cannot read `{}`; `cargo xtask build` makes it", path.display()))
}
