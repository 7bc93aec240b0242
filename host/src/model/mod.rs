//! What a model can do, whoever runs it: chat and embed. The capabilities speak to these traits;
//! only the folders below know what stands behind them.

mod absent;
mod assembler;
mod clip;
mod generation;
pub mod llama;
mod options;
pub mod remote;
mod switch;
mod template;

pub use absent::Absent;
pub use generation::GenerationConfig;
pub use switch::{Loading, Switch};

use std::fmt;

use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

/// Who says a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The operator: what the model is told to be and do.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
}

/// One message of a conversation.
#[derive(Clone, Debug)]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// Its content in pieces, each tokenized by itself as data.
    pub pieces: Vec<String>,
}

/// What the model reads.
#[derive(Clone, Debug)]
pub enum Prompt {
    /// A conversation, written with the model's chat template.
    Messages(Vec<Message>),
    /// Plain text in pieces, each tokenized by itself as data.
    Text(Vec<String>),
}

/// Who goes first where there is not room for all: the later ones here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Nobody waits for it.
    Background,
    /// It helps a later turn.
    Summary,
    /// Somebody waits for it.
    Chat,
}

/// What the text of an answer must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Constraint {
    /// JSON that this JSON schema describes.
    JsonSchema(String),
    /// A text of this grammar, in the language of Lark.
    Grammar(String),
}

/// How to answer. What is `None` is left to the engine's configuration.
#[derive(Clone, Debug)]
pub struct Options {
    /// The digest of the model that the prompt was measured with; empty for any.
    pub digest: String,
    /// Names what the prompt continues, so that its evaluated state is reused. Empty for none.
    pub thread: String,
    /// The most tokens to answer with, at least 1.
    pub reply_tokens_max: u32,
    /// Sampling temperature, 0 to 2; 0 always takes the most likely token.
    pub temperature: Option<f32>,
    /// Nucleus sampling: the share of probability that is considered, above 0 up to 1.
    pub top_p: Option<f32>,
    /// How many of the most likely tokens are considered; 0 considers all.
    pub top_k: Option<u32>,
    /// Drops tokens less likely than this share of the likeliest one, 0 to 1.
    pub min_p: Option<f32>,
    /// Divides the score of tokens that appeared lately, 1 to 2; 1 does nothing.
    pub repeat_penalty: Option<f32>,
    /// The same seed, prompt and model give the same text.
    pub seed: Option<u32>,
    /// Texts that end the answer and are not part of it.
    pub stop: Vec<String>,
    /// Who goes first.
    pub priority: Priority,
    /// How long the answer may take from its acceptance to its end, in milliseconds.
    pub time_ms_max: Option<u32>,
    /// What the text of the answer must be.
    pub constraint: Option<Constraint>,
}

impl Options {
    /// The engine's own configuration for an answer of at most `reply_tokens_max` tokens.
    pub fn new(reply_tokens_max: u32) -> Self {
        Self {
            digest: String::new(),
            thread: String::new(),
            reply_tokens_max,
            temperature: None,
            top_p: None,
            top_k: None,
            min_p: None,
            repeat_penalty: None,
            seed: None,
            stop: Vec::new(),
            priority: Priority::Chat,
            time_ms_max: None,
            constraint: None,
        }
    }
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The model was done, or met a stop text.
    Stop,
    /// `reply_tokens_max` or the model's context was reached.
    Length,
}

/// How an answer went. All counts are in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Why it ended.
    pub finish: Finish,
    /// The length of the prompt.
    pub prompt_tokens: u32,
    /// How much of the prompt had already been evaluated in an earlier call.
    pub cached_tokens: u32,
    /// The length of the answer.
    pub reply_tokens: u32,
}

/// An answer in the making. Dropping `pieces` stops the model within a token.
#[derive(Debug)]
pub struct Generation {
    /// The text as it is made: whole characters, never empty. It holds at most the whole answer,
    /// so a slow reader costs no more than the answer's own size and never stalls the engine.
    pub pieces: mpsc::UnboundedReceiver<String>,
    /// How it went, sent once the last piece has been. A closed channel is an `EngineFailed`.
    pub outcome: oneshot::Receiver<Result<Outcome, ModelError>>,
}

/// Which end of a text is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The beginning.
    Beginning,
    /// The end.
    End,
}

/// A half-open range of bytes on character borders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// How far a model is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// None is configured.
    None,
    /// It is being loaded: percent done.
    Loading(u8),
    /// It answers.
    Ready,
    /// It could not be loaded: a sentence for the operator.
    Failed(String),
}

/// The model that chats. All but `state` is 0 or empty unless it is `Ready`.
#[derive(Clone, Debug)]
pub struct ChatModel {
    /// How far it is.
    pub state: State,
    /// The name that people know it by.
    pub name: String,
    /// What answers, for example `llama.cpp`.
    pub backend: String,
    /// Identifies model and tokenizer.
    pub digest: String,
    /// The context of one conversation, in tokens.
    pub context_tokens: u32,
    /// Whether token counts are exact.
    pub exact_counts: bool,
    /// Requests that wait for their first token.
    pub queued: u32,
    /// Requests that are being answered.
    pub active: u32,
    /// The memory that the model takes, in bytes; 0 where nobody can tell.
    pub memory_bytes: u64,
    /// Whether the next turn of a conversation evaluates only what is new; none where nobody can
    /// tell.
    pub reuses_prefix: Option<bool>,
    /// The most tokens of a reply to whoever does not say; 0 to leave that to the caller.
    pub reply_tokens: u32,
    /// The model that is to take its place: its name, and whether it is `Loading` or `Failed`.
    pub next: Option<(String, State)>,
}

impl ChatModel {
    /// A model that does not answer (yet): only its state says anything.
    pub fn unready(state: State) -> Self {
        Self {
            state,
            name: String::new(),
            backend: String::new(),
            digest: String::new(),
            context_tokens: 0,
            exact_counts: false,
            queued: 0,
            active: 0,
            memory_bytes: 0,
            reuses_prefix: None,
            reply_tokens: 0,
            next: None,
        }
    }
}

/// The tokens that a text begins with and a vector reflects, at most. A vector of more says a
/// little of everything and finds nothing; what a text is about, it mostly says at its beginning.
pub const EMBEDDED_TOKENS_MAX: u32 = 256;

/// The model that embeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddingModel {
    /// The name that people know it by.
    pub name: String,
    /// Identifies the model: vectors made under one digest compare with no other's.
    pub digest: String,
    /// The length of its vectors.
    pub dimensions: u32,
    /// The most tokens of a text that one vector reflects.
    pub tokens_max: u32,
}

/// What an embedded text will be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To be found.
    Passage,
    /// To find.
    Query,
}

/// Why a model did not answer. The cases are those of `loci:inference/types.error`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelError {
    /// No model is configured.
    NoModel,
    /// The model is being loaded: percent done.
    Loading(u8),
    /// The model could not be loaded; `status` says why.
    LoadFailed,
    /// Another model than the one that the caller measured with is active.
    ModelChanged,
    /// More tokens than there is room for.
    ContextExceeded {
        /// The tokens that were needed.
        needed: u32,
        /// The tokens that there is room for.
        limit: u32,
    },
    /// Too many requests wait; try again after this many milliseconds.
    Busy(u32),
    /// The work took longer than it may.
    TimedOut,
    /// A limit was passed or an option is out of range: what, and what would be right.
    InvalidRequest(String),
    /// The model's server could not be reached, or broke off: how, for the log.
    Unreachable(String),
    /// The model's server answered with this HTTP status.
    Refused(u16),
    /// The constraint is wrong or too large, or cannot be had here: a sentence for its author.
    ConstraintRefused(String),
    /// The engine failed: how, for the log.
    EngineFailed(String),
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoModel => write!(f, "no model is configured"),
            Self::Loading(percent) => write!(f, "the model is being loaded ({percent} %)"),
            Self::LoadFailed => write!(f, "the model could not be loaded"),
            Self::ModelChanged => write!(f, "another model has become active"),
            Self::ContextExceeded { needed, limit } => {
                write!(f, "{needed} tokens are needed, there is room for {limit}")
            }
            Self::Busy(ms) => write!(f, "too many requests wait; try again after {ms} ms"),
            Self::TimedOut => write!(f, "the work took longer than it may"),
            Self::InvalidRequest(why) => write!(f, "invalid request: {why}"),
            Self::Unreachable(how) => write!(f, "the model's server cannot be reached: {how}"),
            Self::Refused(status) => write!(f, "the model's server answers with status {status}"),
            Self::ConstraintRefused(why) => write!(f, "the constraint cannot be used: {why}"),
            Self::EngineFailed(how) => write!(f, "the engine failed: {how}"),
        }
    }
}

impl std::error::Error for ModelError {}

/// A model that chats, and its tokenizer. Every method may be called at any time from any task;
/// only `generate` waits for the model itself.
pub trait ChatBackend: Send + Sync + 'static {
    /// Tells how the model is. Never waits for it.
    fn status(&self) -> ChatModel;

    /// Counts the tokens of each text as data, without markers.
    fn count(&self, texts: Vec<String>) -> BoxFuture<'_, Result<Vec<u32>, ModelError>>;

    /// Finds the longest beginning or end of `text` with at most `tokens_max` tokens, as bytes.
    fn clip(
        &self,
        text: String,
        tokens_max: u32,
        side: Side,
    ) -> BoxFuture<'_, Result<Span, ModelError>>;

    /// Counts what the chat template writes around messages with these roles: one number before
    /// each content and one after the last. No roles: the markers that plain text begins with.
    fn frame(&self, roles: Vec<Role>) -> BoxFuture<'_, Result<Vec<u32>, ModelError>>;

    /// Begins to answer a prompt. Returns when the request is accepted, not when it is answered.
    fn generate(
        &self,
        prompt: Prompt,
        options: Options,
    ) -> BoxFuture<'_, Result<Generation, ModelError>>;

    /// Forgets the evaluated state kept under this name.
    fn forget(&self, thread: String) -> BoxFuture<'_, ()>;
}

/// A model that turns texts into vectors of length 1 (or 0: nothing that it knows).
pub trait Embedder: Send + Sync + 'static {
    /// Tells which model embeds.
    fn describe(&self) -> Result<EmbeddingModel, ModelError>;

    /// Embeds texts: one vector for each, in the same order.
    fn embed(
        &self,
        texts: Vec<String>,
        purpose: Purpose,
    ) -> BoxFuture<'_, Result<Vec<Vec<f32>>, ModelError>>;

    /// Counts the tokens of texts. A model whose tokenizer is out of reach estimates, and rather
    /// too much than too little.
    fn count(&self, texts: Vec<String>) -> BoxFuture<'_, Result<Vec<u32>, ModelError>> {
        let counts = texts.iter().map(|text| estimate_tokens(text)).collect();
        Box::pin(std::future::ready(Ok(counts)))
    }
}

/// The most tokens that a text is likely to have, where nobody can count them: words of other
/// scripts fall into characters, and long or rare words into pieces of a few letters.
fn estimate_tokens(text: &str) -> u32 {
    let word = |word: &str| match word.is_ascii() {
        true => {
            let marks = word.bytes().filter(|byte| !byte.is_ascii_alphanumeric()).count();
            marks + (word.len() - marks).div_ceil(3)
        }
        false => word.chars().count(),
    };
    u32::try_from(text.split_whitespace().map(word).sum::<usize>()).unwrap_or(u32::MAX)
}
