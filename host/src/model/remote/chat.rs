//! The chat model of a server.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt, ready};
use openai_wire::Dialect;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use super::Background;
use super::answer::{self, Question};
use super::client::Client;
use super::endpoint::Endpoint;
use super::measure::Measure;
use super::watch::Watch;
use crate::model::{
    ChatBackend, ChatModel, Constraint, Generation, ModelError, Options, Prompt, Role, Side, Span,
    State,
};

/// The context where neither the operator nor the server tells it, in tokens: what the most modest
/// servers offer without being asked for more.
const CONTEXT_TOKENS_DEFAULT: u32 = 4096;
/// Requests that are with the server at once; it has a queue of its own.
const REQUESTS_MAX: u32 = 256;
/// What a caller who is one too many should wait, in milliseconds.
const RETRY_MS: u32 = 1_000;
/// How long `generate` waits for the server to accept or refuse. A refusal that comes later comes
/// as the outcome: nobody can cancel what has not been returned yet.
const ACCEPT_TIME: Duration = Duration::from_millis(200);

/// A chat model that a server runs.
pub struct RemoteChat {
    shared: Arc<Shared>,
    /// Where the client could be made, and there is a server to watch.
    _watching: Option<Background>,
}

/// What the answers and the watch share with the model.
pub(super) struct Shared {
    /// None where this system cannot speak to the server at all; `watch` says why.
    client: Option<Client>,
    pub(super) watch: Watch,
    measure: OnceLock<Measure>,
    /// What the operator says, and what the server says; 0 for nothing.
    context_said: u32,
    context_found: AtomicU32,
    /// What the server does not take, as it has said.
    dialect: Mutex<Dialect>,
    pub(super) queued: AtomicU32,
    pub(super) active: AtomicU32,
}

impl RemoteChat {
    /// Begins to watch a server and returns at once. `context_tokens` is the context of one
    /// conversation; without it, what the server tells, or 4,096. `tokenizer` is the model's
    /// `tokenizer.json`. Needs a runtime.
    pub fn connect(
        endpoint: Endpoint,
        context_tokens: Option<u32>,
        tokenizer: Option<PathBuf>,
    ) -> Self {
        let (client, failed) = match Client::new(endpoint) {
            Ok(client) => (Some(client), None),
            Err(reason) => (None, Some(State::Failed(reason))),
        };
        let shared = Arc::new(Shared {
            client,
            watch: Watch::new(),
            measure: OnceLock::new(),
            context_said: context_tokens.unwrap_or(0),
            context_found: AtomicU32::new(0),
            dialect: Mutex::default(),
            queued: AtomicU32::new(0),
            active: AtomicU32::new(0),
        });
        if let Some(failed) = failed {
            shared.watch.set(failed);
            return Self { shared, _watching: None };
        }
        if tokenizer.is_none() {
            shared.measure.get_or_init(|| Measure::Estimate);
        }
        let watching = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move { shared.run(tokenizer).await }
        });
        Self { shared, _watching: Some(Background(watching)) }
    }
}

impl Shared {
    async fn run(&self, tokenizer: Option<PathBuf>) {
        let Some(client) = &self.client else { return };
        if let Some(path) = tokenizer {
            match read(path).await {
                Ok(measure) => drop(self.measure.set(measure)),
                Err(reason) => return self.watch.set(State::Failed(reason)),
            }
        }
        let found = |found: &super::watch::Found| {
            if let Some(tokens) = found.context_tokens {
                self.context_found.store(tokens, Ordering::Relaxed);
            }
        };
        self.watch.run(client, found).await;
    }

    pub(super) fn client(&self) -> Result<&Client, ModelError> {
        self.client.as_ref().ok_or(ModelError::LoadFailed)
    }

    /// What measures, once it is there.
    pub(super) fn measure(&self) -> Result<&Measure, ModelError> {
        self.measure.get().ok_or_else(|| match self.watch.state() {
            State::Loading(percent) => ModelError::Loading(percent),
            _ => ModelError::LoadFailed,
        })
    }

    fn context_tokens(&self) -> u32 {
        let found = self.context_found.load(Ordering::Relaxed);
        let said = [self.context_said, found].into_iter().find(|tokens| *tokens > 0);
        said.unwrap_or(CONTEXT_TOKENS_DEFAULT)
    }

    /// What is known of what the server takes.
    pub(super) fn dialect(&self) -> Dialect {
        *self.dialect.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Learns from a refusal. Returns whether there is another way to ask.
    pub(super) fn learn(&self, asked: Dialect, refusal: &str) -> bool {
        let mut dialect = self.dialect.lock().unwrap_or_else(PoisonError::into_inner);
        let learnt = dialect.learn(refusal);
        *dialect = learnt.unwrap_or(*dialect);
        // Somebody else may have learnt it meanwhile.
        *dialect != asked
    }

    /// Identifies the model and how it is measured.
    fn digest(&self) -> Result<String, ModelError> {
        let endpoint = self.client()?.endpoint();
        let measure = self.measure()?.name();
        Ok(format!("{measure}:openai:{}:{}", endpoint.base.url(""), endpoint.model))
    }

    /// Checks what can be checked here; returns the tokens of the prompt.
    fn check(&self, prompt: &Prompt, options: &Options) -> Result<u32, ModelError> {
        if !options.digest.is_empty() && options.digest != self.digest()? {
            return Err(ModelError::ModelChanged);
        }
        let tokens = self.measure()?.prompt(prompt)?;
        let needed = tokens.saturating_add(options.reply_tokens_max);
        let limit = self.context_tokens();
        if needed > limit {
            return Err(ModelError::ContextExceeded { needed, limit });
        }
        Ok(tokens)
    }

    async fn generate(
        self: Arc<Self>,
        prompt: Prompt,
        options: Options,
    ) -> Result<Generation, ModelError> {
        options.check()?;
        prompt.check()?;
        let slow = self.measure()?.is_slow(prompt.bytes());
        let checked = with(Arc::clone(&self), slow, move |shared| {
            let prompt_tokens = shared.check(&prompt, &options)?;
            let schema = schema(&prompt, &options)?;
            Ok(Question { prompt, options, prompt_tokens, schema })
        });
        let question = checked.await?;
        let requests = self.queued.load(Ordering::Relaxed) + self.active.load(Ordering::Relaxed);
        if requests >= REQUESTS_MAX {
            return Err(ModelError::Busy(RETRY_MS));
        }
        let (sender, pieces) = mpsc::unbounded_channel();
        let (told, outcome) = oneshot::channel();
        let (accept, accepted) = oneshot::channel();
        tokio::spawn(answer::answer(self, question, sender, accept, told));
        match tokio::time::timeout(ACCEPT_TIME, accepted).await {
            Ok(Ok(Err(error))) => Err(error),
            _ => Ok(Generation { pieces, outcome }),
        }
    }
}

impl ChatBackend for RemoteChat {
    fn status(&self) -> ChatModel {
        let shared = &self.shared;
        let state = shared.watch.state();
        let known = (shared.client(), shared.measure(), shared.digest());
        let (State::Ready, (Ok(client), Ok(measure), Ok(digest))) = (&state, known) else {
            return ChatModel::unready(state);
        };
        ChatModel {
            name: client.endpoint().model.clone(),
            backend: "openai".into(),
            digest,
            context_tokens: shared.context_tokens(),
            exact_counts: measure.is_exact(),
            queued: shared.queued.load(Ordering::Relaxed),
            active: shared.active.load(Ordering::Relaxed),
            ..ChatModel::unready(state)
        }
    }

    fn count(&self, texts: Vec<String>) -> BoxFuture<'_, Result<Vec<u32>, ModelError>> {
        async move {
            let bytes = texts.iter().map(String::len).sum();
            let slow = self.shared.measure()?.is_slow(bytes);
            with(Arc::clone(&self.shared), slow, move |shared| {
                let measure = shared.measure()?;
                Ok(texts.iter().map(|text| measure.count(text)).collect())
            })
            .await
        }
        .boxed()
    }

    fn clip(
        &self,
        text: String,
        tokens_max: u32,
        side: Side,
    ) -> BoxFuture<'_, Result<Span, ModelError>> {
        async move {
            let slow = self.shared.measure()?.is_slow(4 * text.len());
            with(Arc::clone(&self.shared), slow, move |shared| {
                Ok(shared.measure()?.clip(&text, tokens_max, side))
            })
            .await
        }
        .boxed()
    }

    fn frame(&self, roles: Vec<Role>) -> BoxFuture<'_, Result<Vec<u32>, ModelError>> {
        ready(self.shared.measure().and_then(|measure| measure.frame(&roles))).boxed()
    }

    fn generate(
        &self,
        prompt: Prompt,
        options: Options,
    ) -> BoxFuture<'_, Result<Generation, ModelError>> {
        Arc::clone(&self.shared).generate(prompt, options).boxed()
    }

    /// A server decides by itself what it keeps of a conversation; there is nothing to tell it.
    fn forget(&self, _: String) -> BoxFuture<'_, ()> {
        ready(()).boxed()
    }
}

/// Runs `work` here, or on a thread that may block if it is `slow`.
async fn with<T: Send + 'static>(
    shared: Arc<Shared>,
    slow: bool,
    work: impl FnOnce(&Shared) -> Result<T, ModelError> + Send + 'static,
) -> Result<T, ModelError> {
    if !slow {
        return work(&shared);
    }
    let blocking = tokio::task::spawn_blocking(move || work(&shared));
    blocking.await.map_err(|error| ModelError::EngineFailed(error.to_string()))?
}

async fn read(path: PathBuf) -> Result<Measure, String> {
    let reading = tokio::task::spawn_blocking(move || Measure::read(Path::new(&path)));
    reading.await.map_err(|_| "reading the tokenizer panicked; the log says where".to_owned())?
}

/// The schema of an answer, if it is to have one.
///
/// Fails with `ConstraintRefused` if the constraint is none that servers know.
fn schema(prompt: &Prompt, options: &Options) -> Result<Option<Value>, ModelError> {
    let refused = |why: String| Err(ModelError::ConstraintRefused(why));
    match (&options.constraint, prompt) {
        (None, _) => Ok(None),
        (Some(Constraint::JsonSchema(schema)), Prompt::Messages(_)) => {
            let parsed = serde_json::from_str(schema);
            parsed.map(Some).or_else(|error| refused(format!("the schema is no JSON: {error}")))
        }
        (Some(_), _) => refused("this model's server knows JSON schemas of conversations".into()),
    }
}
