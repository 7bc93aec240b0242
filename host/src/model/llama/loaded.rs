//! A chat model that is loaded: what of it everybody may use at once.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Instant;

use llama_cpp_2::token::LlamaToken;
use openai_wire::THOUGHT_BEGIN;
use tokio::sync::oneshot;

use super::answer::Job;
use super::constraint::Constraints;
use super::engine::{Command, Gauges};
use super::load::Sizes;
use super::tokenize::Tokenizer;
use crate::model::clip;
use crate::model::template::{ChatTemplate, today};
use crate::model::{
    ChatModel, Generation, ModelError, Options, Priority, Prompt, Role, Side, Span, State,
};

/// Requests that may wait for their first token.
pub const QUEUE_MAX: u32 = 64;
/// Sequences of roles whose literals are kept. Conversations grow message by message through the
/// same ones, so few are ever needed.
const SHAPES_MAX: usize = 1_024;

/// The tokens of the chat template around the contents of messages with certain roles.
type Shape = Arc<Vec<Vec<LlamaToken>>>;

/// A model that answers.
pub struct Loaded {
    /// See `ChatModel::name`.
    pub name: String,
    /// See `ChatModel::digest`.
    pub digest: String,
    /// The sizes of its context.
    pub sizes: Sizes,
    /// See `ChatModel::reuses_prefix`.
    pub reuses_prefix: bool,
    /// Its tokenizer.
    pub tokenizer: Arc<Tokenizer>,
    /// What its answers can be made to look like.
    pub constraints: Constraints,
    /// Its chat template.
    pub template: ChatTemplate,
    /// Whether that has its answers to conversations begin with a thought.
    pub opens_thought: bool,
    /// Where its thread listens.
    pub commands: mpsc::Sender<Command>,
    /// What its thread tells.
    pub gauges: Arc<Gauges>,
    /// Literals by day and roles.
    pub shapes: Mutex<HashMap<(i64, Vec<Role>), Shape>>,
}

impl Loaded {
    /// See `ChatBackend::status`.
    pub fn status(&self) -> ChatModel {
        ChatModel {
            name: self.name.clone(),
            backend: "llama.cpp".into(),
            digest: self.digest.clone(),
            context_tokens: self.sizes.context_tokens,
            exact_counts: true,
            queued: self.gauges.queued.load(Ordering::Relaxed),
            active: self.gauges.active.load(Ordering::Relaxed),
            memory_bytes: self.sizes.memory_bytes,
            reuses_prefix: Some(self.reuses_prefix),
            ..ChatModel::unready(State::Ready)
        }
    }

    /// See `ChatBackend::count`.
    pub fn count(&self, texts: &[String]) -> Vec<u32> {
        texts.iter().map(|text| self.tokenizer.data(text).len() as u32).collect()
    }

    /// See `ChatBackend::clip`.
    pub fn clip(&self, text: &str, tokens_max: u32, side: Side) -> Span {
        let range = match side {
            Side::Beginning => clip::beginning(&*self.tokenizer, text, tokens_max as usize),
            Side::End => clip::end(&*self.tokenizer, text, tokens_max as usize),
        };
        Span { start: range.start as u32, end: range.end as u32 }
    }

    /// See `ChatBackend::frame`.
    pub fn frame(&self, roles: &[Role]) -> Result<Vec<u32>, ModelError> {
        if roles.is_empty() {
            return Ok(vec![u32::from(self.tokenizer.beginning().is_some())]);
        }
        Ok(self.shape(roles)?.iter().map(|literal| literal.len() as u32).collect())
    }

    /// The tokens of a prompt: exactly those that `frame` and `count` count.
    pub fn tokens(&self, prompt: &Prompt) -> Result<Vec<LlamaToken>, ModelError> {
        let mut tokens = Vec::new();
        match prompt {
            Prompt::Text(pieces) => {
                tokens.extend(self.tokenizer.beginning());
                pieces.iter().for_each(|piece| tokens.extend(self.tokenizer.data(piece).iter()));
            }
            Prompt::Messages(messages) => {
                let roles: Vec<Role> = messages.iter().map(|message| message.role).collect();
                let shape = self.shape(&roles)?;
                for (literal, message) in shape.iter().zip(messages) {
                    tokens.extend(literal);
                    message.pieces.iter().for_each(|piece| {
                        tokens.extend(self.tokenizer.data(piece).iter());
                    });
                }
                tokens.extend(shape.last().into_iter().flatten());
            }
        }
        Ok(tokens)
    }

    /// Hands an accepted prompt to the thread. `is_thought` says that the answer begins with a
    /// thought whose mark stands in the prompt.
    pub fn start(
        &self,
        prompt: Vec<LlamaToken>,
        options: Options,
        is_thought: bool,
    ) -> Result<Generation, ModelError> {
        if prompt.is_empty() {
            return Err(ModelError::InvalidRequest("a prompt has at least one token".into()));
        }
        let limit = self.sizes.context_tokens;
        let needed = (prompt.len() as u64 + u64::from(options.reply_tokens_max))
            .min(u64::from(u32::MAX)) as u32;
        if needed > limit {
            return Err(ModelError::ContextExceeded { needed, limit });
        }
        let constraint = options.constraint.as_ref().map(|it| self.constraints.read(it));
        let constraint = constraint.transpose()?;
        // What nobody waits for must not keep out those who do.
        let is_chat = options.priority == Priority::Chat;
        let most = if is_chat { QUEUE_MAX } else { QUEUE_MAX / 2 };
        let room = |queued| (queued < most).then_some(queued + 1);
        let queued = &self.gauges.queued;
        if queued.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).is_err() {
            return Err(ModelError::Busy(self.wait_ms()));
        }
        let (text, pieces) = tokio::sync::mpsc::unbounded_channel();
        if is_thought {
            // Who receives it is still here.
            let _ = text.send(THOUGHT_BEGIN.to_owned());
        }
        let (told, outcome) = oneshot::channel();
        let arrived = Instant::now();
        let job = Job {
            prompt,
            deadline: arrived + options.time(),
            options,
            constraint,
            pieces: text,
            outcome: told,
            arrived,
        };
        if self.commands.send(Command::Generate(Box::new(job))).is_err() {
            queued.fetch_sub(1, Ordering::Relaxed);
            return Err(ModelError::EngineFailed("its thread has ended".into()));
        }
        Ok(Generation { pieces, outcome })
    }

    /// How long a request that finds the queue full should wait: until a slot's share of the queue
    /// has been answered at the pace of late, in milliseconds.
    fn wait_ms(&self) -> u32 {
        let each = self.gauges.request_ms.load(Ordering::Relaxed);
        (each.saturating_mul(QUEUE_MAX) / self.sizes.slots / 4).clamp(250, 30_000)
    }

    /// Whether `frame` has nothing to do but look it up.
    pub fn knows(&self, roles: &[Role]) -> bool {
        roles.is_empty() || self.known_shape(&(today(), roles.to_vec())).is_some()
    }

    fn known_shape(&self, key: &(i64, Vec<Role>)) -> Option<Shape> {
        self.shapes.lock().expect("nobody panics while holding it").get(key).cloned()
    }

    fn shape(&self, roles: &[Role]) -> Result<Shape, ModelError> {
        let day = today();
        let key = (day, roles.to_vec());
        if let Some(shape) = self.known_shape(&key) {
            return Ok(shape);
        }
        let literals = self.template.literals(roles, day)?;
        let mut shape: Vec<Vec<LlamaToken>> = literals
            .iter()
            .enumerate()
            .map(|(index, literal)| self.tokenizer.literal(literal, index == 0))
            .collect();
        if let Some(beginning) = self.tokenizer.beginning()
            && shape[0].first() != Some(&beginning)
        {
            shape[0].insert(0, beginning);
        }
        let shape = Arc::new(shape);
        let mut shapes = self.shapes.lock().expect("nobody panics while holding it");
        if shapes.len() >= SHAPES_MAX {
            shapes.clear();
        }
        shapes.insert(key, Arc::clone(&shape));
        Ok(shape)
    }
}
