//! llama.cpp in this process. The only folder that names `llama_cpp_2`.
//!
//! One thread per model evaluates; tokenizing needs the vocabulary only and happens wherever it is
//! asked for. Models are loaded in the background: until then they say how far they are.

mod answer;
mod constraint;
mod describe;
mod embed;
mod engine;
mod file;
mod load;
mod loaded;
mod log;
mod memo;
mod parking;
mod probe;
mod sampling;
mod shelf;
mod slots;
mod stage;
#[cfg(target_os = "linux")]
mod team;
mod threads;
mod tokenize;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, mpsc};

use futures::future::{BoxFuture, FutureExt};
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;

use constraint::Constraints;
pub use describe::{Description, describe};
pub use embed::LlamaEmbedder;
use engine::{Command, Engine, Gauges};
use file::GgufFile;
use load::Weights;
use loaded::Loaded;
use parking::Parking;
pub use probe::{Kind, run as probe};
use shelf::Shelf;
use stage::{Staged, Teller};
use tokenize::Tokenizer;

use super::template::ChatTemplate;
use super::{ChatBackend, ChatModel, Generation, ModelError, Options, Prompt, Role, Side, Span};

/// Text that is tokenized where it is asked for, in bytes; more goes to a thread that may block.
const INLINE_BYTES: usize = 16 * 1024;
/// Roles whose template is rendered where it is asked for; more goes to a thread that may block.
const INLINE_ROLES: usize = 64;

/// How models are loaded, whichever they are.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// The context of one conversation, in tokens; none for 8,192, or for what the model was
    /// trained for if that is less.
    pub context_tokens: Option<u32>,
    /// Conversations that are answered at once; none for as many as the memory has room for, up to
    /// 16.
    pub slots: Option<u32>,
    /// Layers that a GPU evaluates, where there is one; none for all.
    pub gpu_layers: Option<u32>,
    /// This program, in another process of which a file is tried first; none if files are trusted.
    pub prober: Option<PathBuf>,
    /// The folder for the evaluated state of conversations for which there is no room in memory;
    /// none if it is not kept.
    pub states: Option<PathBuf>,
    /// The memory for the evaluated state of conversations that rest, in bytes; none for 256 MB.
    pub state_memory_bytes: Option<usize>,
}

/// A chat model that llama.cpp evaluates.
pub struct LlamaChat {
    staged: Arc<Staged<Loaded>>,
    states: Option<PathBuf>,
}

impl LlamaChat {
    /// Begins to load the GGUF file at `path` and returns at once. How many conversations are
    /// evaluated at once follows from the memory that each needs.
    pub fn load(path: PathBuf, setup: Setup) -> Self {
        let states = setup.states.clone();
        let staged = stage::spawn("llama-chat", move |teller| serve(&path, &setup, teller));
        Self { staged, states }
    }

    /// Runs `work` on the loaded model, on another thread if it is `large`.
    async fn with<T: Send + 'static>(
        &self,
        large: bool,
        work: impl FnOnce(&Loaded) -> Result<T, ModelError> + Send + 'static,
    ) -> Result<T, ModelError> {
        let loaded = self.staged.get()?;
        if !large {
            return work(&loaded);
        }
        let blocking = tokio::task::spawn_blocking(move || work(&loaded));
        blocking.await.map_err(|error| ModelError::EngineFailed(error.to_string()))?
    }
}

impl ChatBackend for LlamaChat {
    fn status(&self) -> ChatModel {
        match self.staged.get() {
            Ok(loaded) => loaded.status(),
            Err(_) => ChatModel::unready(self.staged.state()),
        }
    }

    fn count(&self, texts: Vec<String>) -> BoxFuture<'_, Result<Vec<u32>, ModelError>> {
        let large = texts.iter().map(String::len).sum::<usize>() > INLINE_BYTES;
        self.with(large, move |loaded| Ok(loaded.count(&texts))).boxed()
    }

    fn clip(
        &self,
        text: String,
        tokens_max: u32,
        side: Side,
    ) -> BoxFuture<'_, Result<Span, ModelError>> {
        let large = text.len() > INLINE_BYTES / 4;
        self.with(large, move |loaded| Ok(loaded.clip(&text, tokens_max, side))).boxed()
    }

    fn frame(&self, roles: Vec<Role>) -> BoxFuture<'_, Result<Vec<u32>, ModelError>> {
        let large = roles.len() > INLINE_ROLES
            && !self.staged.get().is_ok_and(|loaded| loaded.knows(&roles));
        self.with(large, move |loaded| loaded.frame(&roles)).boxed()
    }

    fn generate(
        &self,
        prompt: Prompt,
        options: Options,
    ) -> BoxFuture<'_, Result<Generation, ModelError>> {
        async move {
            options.check()?;
            prompt.check()?;
            let large = prompt.bytes() > INLINE_BYTES || options.constraint.is_some();
            let work = move |loaded: &Loaded| {
                if !options.digest.is_empty() && options.digest != loaded.digest {
                    return Err(ModelError::ModelChanged);
                }
                let tokens = loaded.tokens(&prompt)?;
                // What must have a form from its first token on has no room for a thought.
                let is_thought = loaded.opens_thought
                    && options.constraint.is_none()
                    && matches!(prompt, Prompt::Messages(_));
                loaded.start(tokens, options, is_thought)
            };
            self.with(large, work).await
        }
        .boxed()
    }

    fn forget(&self, thread: String) -> BoxFuture<'_, ()> {
        async move {
            if let Some(states) = &self.states {
                shelf::forget(states, &thread);
            }
            if let Ok(loaded) = self.staged.get() {
                // A thread that has ended remembers nothing.
                drop(loaded.commands.send(Command::Forget(thread)));
            }
        }
        .boxed()
    }
}

/// What is read from a file before anything is evaluated.
struct Parts {
    file: GgufFile,
    model: Arc<LlamaModel>,
    template: ChatTemplate,
    tokenizer: Arc<Tokenizer>,
}

/// Opens a file that is to chat.
///
/// Fails with a sentence for the operator.
fn open(
    path: &Path,
    weights: Weights,
    progress: impl FnMut(f32) -> bool + 'static,
) -> Result<Parts, String> {
    let file = GgufFile::open(path)?;
    if file.embeds {
        return Err(format!(
            "`{}` is an embedding model, which cannot chat; it can be the embedding model",
            path.display()
        ));
    }
    let model = Arc::new(load::model(path, weights, progress)?);
    if model.n_vocab() == 0 {
        return Err(format!("`{}` has no vocabulary, so it cannot read text", path.display()));
    }
    let source = model.chat_template(None).ok().and_then(|template| template.to_string().ok());
    let template = template(&model, source.as_deref());
    let tokenizer = Tokenizer::new(Arc::clone(&model), source.as_deref().unwrap_or(""));
    Ok(Parts { file, model, template, tokenizer: Arc::new(tokenizer) })
}

/// Loads a model, then answers until nobody holds it any more.
fn serve(path: &Path, setup: &Setup, teller: &Teller<Loaded>) -> Result<(), String> {
    probe::ask(setup, Kind::Chat, path, || teller.progress(0.0))?;
    let telling = teller.clone();
    let weights = Weights::Whole(setup.gpu_layers);
    let Parts { file, model, template, tokenizer } =
        open(path, weights, move |part| telling.progress(part))?;
    let sizes = load::sizes(&model, setup)?;
    let mut ctx = load::context(&model, &sizes)?;
    let reuses_prefix = load::warm_up(&mut ctx)?;
    if !reuses_prefix {
        tracing::warn!(
            "the state of `{}` cannot be cut back to where two turns begin to differ: it reads a \
             conversation anew every turn",
            file.name
        );
    }
    let gauges = Arc::new(Gauges::default());
    let (slots, context_tokens) = (sizes.slots, sizes.context_tokens);
    let parking = Parking::new(setup.state_memory_bytes, shelf(setup, &file.digest));
    let engine = Engine::new(ctx, &tokenizer, &sizes, parking, Arc::clone(&gauges));
    let (commands, received) = mpsc::channel();
    tracing::info!(
        "chat model `{}`: {} MB, {slots} conversations of {context_tokens} tokens at once",
        file.name,
        file.bytes >> 20
    );
    teller.ready(Loaded {
        name: file.name,
        digest: file.digest,
        sizes,
        reuses_prefix,
        tokenizer: Arc::clone(&tokenizer),
        constraints: Constraints::new(Arc::clone(&model)),
        opens_thought: template.opens_thought(),
        template,
        commands,
        gauges,
        shapes: Mutex::new(HashMap::new()),
    });
    engine.run(&received);
    Ok(())
}

/// Where the states of this model's conversations are kept on disk. Without, they are not kept.
fn shelf(setup: &Setup, digest: &str) -> Option<Shelf> {
    let states = setup.states.as_ref()?;
    let opened = Shelf::open(states, digest);
    let failed = |error| tracing::warn!("`{}` cannot be used: {error}", states.display());
    opened.map_err(failed).ok()
}

/// The model's chat template, or ChatML where it has none that works.
fn template(model: &LlamaModel, source: Option<&str>) -> ChatTemplate {
    let vocabulary = model.vocab();
    let text = |token: LlamaToken| {
        // A model without such a token has a negative number for it.
        let text = if token.0 < 0 { None } else { vocabulary.text(token) };
        text.map(|text| text.to_string_lossy().into_owned()).unwrap_or_default()
    };
    let (bos, eos) = (text(vocabulary.bos()), text(vocabulary.eos()));
    ChatTemplate::new(source, &bos, &eos).unwrap_or_else(|error| {
        tracing::warn!("{error}; ChatML is used instead");
        ChatTemplate::new(None, &bos, &eos).expect("ChatML is a template")
    })
}

#[cfg(test)]
mod tests;
