//! `loci:inference@0.1.0`: the chat model's state, its tokenizer, and chatting. Embeddings are a
//! capability of their own, since they come from another model.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::mpsc::UnboundedReceiver;
use wasmtime::StoreContextMut;
use wasmtime::component::{
    Access, Accessor, Destination, FutureReader, HasData, Linker, StreamProducer, StreamReader,
    StreamResult, VecBuffer,
};

use crate::bindings::inference::{chat, models, tokenizer, types};
use crate::metrics::Metrics;
use crate::model::{self, ChatBackend, ModelError};

/// Texts in one call of `count`.
const TEXTS_MAX: usize = 1_024;
/// The length of a text to be counted or clipped, in bytes.
const TEXT_BYTES_MAX: usize = 65_536;
/// Roles in one call of `frame`.
const ROLES_MAX: usize = 1_024;
/// Pieces that are handed to the guest at once.
const PIECES_MAX: usize = 64;

/// The chat model that a component may use. Cheap to clone.
#[derive(Clone)]
pub struct Ctx {
    chat: Arc<dyn ChatBackend>,
    metrics: Arc<Metrics>,
}

impl Ctx {
    /// Grants the use of `chat`, whose answers are counted.
    pub fn new(chat: Arc<dyn ChatBackend>, metrics: Arc<Metrics>) -> Self {
        Self { chat, metrics }
    }

    /// What one call borrows.
    pub fn view(&mut self) -> View<'_> {
        View { ctx: self }
    }
}

/// What one call borrows of the store.
pub struct View<'a> {
    ctx: &'a Ctx,
}

struct Inference;

impl HasData for Inference {
    type Data<'a> = View<'a>;
}

fn chat_of<T>(accessor: &Accessor<T, Inference>) -> Arc<dyn ChatBackend> {
    accessor.with(|mut access| Arc::clone(&access.get().ctx.chat))
}

impl types::Host for View<'_> {}
impl models::Host for View<'_> {}
impl tokenizer::Host for View<'_> {}
impl chat::Host for View<'_> {}

impl<T: Send> models::HostWithStore<T> for Inference {
    async fn status(accessor: &Accessor<T, Self>) -> wasmtime::Result<models::ChatModel> {
        Ok(chat_of(accessor).status().into())
    }
}

impl<T: Send> tokenizer::HostWithStore<T> for Inference {
    async fn count(
        accessor: &Accessor<T, Self>,
        texts: Vec<String>,
    ) -> wasmtime::Result<Result<Vec<u32>, types::Error>> {
        if texts.len() > TEXTS_MAX || texts.iter().any(|text| text.len() > TEXT_BYTES_MAX) {
            return Ok(Err(types::Error::InvalidRequest));
        }
        Ok(chat_of(accessor).count(texts).await.map_err(types::Error::from))
    }

    async fn clip(
        accessor: &Accessor<T, Self>,
        text: String,
        tokens_max: u32,
        side: tokenizer::Side,
    ) -> wasmtime::Result<Result<tokenizer::Span, types::Error>> {
        if text.len() > TEXT_BYTES_MAX {
            return Ok(Err(types::Error::InvalidRequest));
        }
        let side = match side {
            tokenizer::Side::Beginning => model::Side::Beginning,
            tokenizer::Side::End => model::Side::End,
        };
        let span = chat_of(accessor).clip(text, tokens_max, side).await;
        Ok(span
            .map(|span| tokenizer::Span { start: span.start, end: span.end })
            .map_err(types::Error::from))
    }

    async fn frame(
        accessor: &Accessor<T, Self>,
        roles: Vec<types::Role>,
    ) -> wasmtime::Result<Result<Vec<u32>, types::Error>> {
        if roles.len() > ROLES_MAX {
            return Ok(Err(types::Error::InvalidRequest));
        }
        let roles = roles.into_iter().map(Into::into).collect();
        Ok(chat_of(accessor).frame(roles).await.map_err(types::Error::from))
    }
}

impl<T: Send> chat::HostWithStore<T> for Inference {
    async fn generate(
        accessor: &Accessor<T, Self>,
        prompt: chat::Prompt,
        options: chat::Options,
    ) -> wasmtime::Result<Result<chat::Generation, types::Error>> {
        match chat_of(accessor).generate(prompt.into(), options.into()).await {
            Ok(generation) => accessor.with(|access| stream(access, generation)).map(Ok),
            Err(error) => {
                accessor.with(|mut access| access.get().ctx.metrics.generated(None));
                Ok(Err(error.into()))
            }
        }
    }

    async fn forget(accessor: &Accessor<T, Self>, thread: String) -> wasmtime::Result<()> {
        chat_of(accessor).forget(thread).await;
        Ok(())
    }
}

/// Hands an answer in the making to the guest.
fn stream<T: Send>(
    mut access: Access<'_, T, Inference>,
    generation: model::Generation,
) -> wasmtime::Result<chat::Generation> {
    let pieces = Pieces { received: generation.pieces, next: None };
    let pieces = StreamReader::new(&mut access, pieces)?;
    let metrics = Arc::clone(&access.get().ctx.metrics);
    let outcome = FutureReader::new(&mut access, async move {
        let outcome = match generation.outcome.await {
            Ok(outcome) => outcome,
            Err(_) => Err(ModelError::EngineFailed("its thread has ended".into())),
        };
        metrics.generated(outcome.as_ref().ok());
        Ok::<_, wasmtime::Error>(outcome.map(Into::into).map_err(types::Error::from))
    })?;
    Ok(chat::Generation { pieces, outcome })
}

/// The pieces of an answer. Dropped with the guest's end of the stream, which stops the model.
struct Pieces {
    received: UnboundedReceiver<String>,
    /// A piece that was taken out of the channel to see whether there is one.
    next: Option<String>,
}

impl<D> StreamProducer<D> for Pieces {
    type Item = String;
    type Buffer = VecBuffer<String>;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut store: StoreContextMut<'a, D>,
        mut destination: Destination<'a, String, VecBuffer<String>>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        if self.next.is_none() {
            match self.received.poll_recv(context) {
                Poll::Ready(Some(piece)) => self.next = Some(piece),
                Poll::Ready(None) => return Poll::Ready(Ok(StreamResult::Dropped)),
                Poll::Pending if finish => return Poll::Ready(Ok(StreamResult::Cancelled)),
                Poll::Pending => return Poll::Pending,
            }
        }
        // A read of nothing only asks whether there is something.
        let room = destination.remaining(&mut store).unwrap_or(PIECES_MAX).min(PIECES_MAX);
        if room > 0 {
            let mut pieces: Vec<String> = self.next.take().into_iter().collect();
            while pieces.len() < room
                && let Ok(piece) = self.received.try_recv()
            {
                pieces.push(piece);
            }
            destination.set_buffer(pieces.into());
        }
        Poll::Ready(Ok(StreamResult::Completed))
    }
}

/// The case of the interface for an error of a model; what the case cannot hold goes to the log.
impl From<ModelError> for types::Error {
    fn from(error: ModelError) -> Self {
        match error {
            ModelError::NoModel => Self::NoModel,
            ModelError::Loading(percent) => Self::Loading(percent),
            ModelError::LoadFailed => Self::LoadFailed,
            ModelError::ModelChanged => Self::ModelChanged,
            ModelError::ContextExceeded { needed, limit } => {
                Self::ContextExceeded(types::Shortfall { needed, limit })
            }
            ModelError::Busy(ms) => Self::Busy(ms),
            ModelError::TimedOut => Self::TimedOut,
            ModelError::InvalidRequest(why) => {
                tracing::warn!("a request to a model was refused: {why}");
                Self::InvalidRequest
            }
            ModelError::Unreachable(how) => {
                tracing::warn!("a model's server cannot be reached: {how}");
                Self::Unreachable
            }
            ModelError::Refused(status) => Self::Refused(status),
            ModelError::ConstraintRefused(why) => Self::ConstraintRefused(why),
            ModelError::EngineFailed(how) => {
                tracing::error!("a model's engine failed: {how}");
                Self::EngineFailed
            }
        }
    }
}

impl From<types::Role> for model::Role {
    fn from(role: types::Role) -> Self {
        match role {
            types::Role::System => Self::System,
            types::Role::User => Self::User,
            types::Role::Assistant => Self::Assistant,
        }
    }
}

impl From<chat::Prompt> for model::Prompt {
    fn from(prompt: chat::Prompt) -> Self {
        match prompt {
            chat::Prompt::Messages(messages) => Self::Messages(
                messages
                    .into_iter()
                    .map(|m| model::Message { role: m.role.into(), pieces: m.pieces })
                    .collect(),
            ),
            chat::Prompt::Text(pieces) => Self::Text(pieces),
        }
    }
}

impl From<chat::Options> for model::Options {
    fn from(options: chat::Options) -> Self {
        Self {
            digest: options.digest,
            thread: options.thread,
            reply_tokens_max: options.reply_tokens_max,
            temperature: options.temperature,
            top_p: options.top_p,
            top_k: options.top_k,
            min_p: options.min_p,
            repeat_penalty: options.repeat_penalty,
            seed: options.seed,
            stop: options.stop,
            priority: match options.priority {
                chat::Priority::Chat => model::Priority::Chat,
                chat::Priority::Summary => model::Priority::Summary,
                chat::Priority::Background => model::Priority::Background,
            },
            time_ms_max: options.time_ms_max,
            constraint: options.constraint.map(|constraint| match constraint {
                chat::Constraint::JsonSchema(schema) => model::Constraint::JsonSchema(schema),
                chat::Constraint::Grammar(grammar) => model::Constraint::Grammar(grammar),
            }),
        }
    }
}

impl From<model::Outcome> for chat::Outcome {
    fn from(outcome: model::Outcome) -> Self {
        Self {
            finish: match outcome.finish {
                model::Finish::Stop => chat::Finish::Stop,
                model::Finish::Length => chat::Finish::Length,
            },
            prompt_tokens: outcome.prompt_tokens,
            cached_tokens: outcome.cached_tokens,
            reply_tokens: outcome.reply_tokens,
        }
    }
}

impl From<model::ChatModel> for models::ChatModel {
    fn from(model: model::ChatModel) -> Self {
        Self {
            state: model.state.into(),
            name: model.name,
            backend: model.backend,
            digest: model.digest,
            context_tokens: model.context_tokens,
            exact_counts: model.exact_counts,
            queued: model.queued,
            active: model.active,
            memory_bytes: model.memory_bytes,
            reuses_prefix: model.reuses_prefix,
            reply_tokens: model.reply_tokens,
            next: model.next.map(|(name, state)| models::NextModel { name, state: state.into() }),
        }
    }
}

impl From<model::State> for models::State {
    fn from(state: model::State) -> Self {
        match state {
            model::State::None => Self::None,
            model::State::Loading(percent) => Self::Loading(percent),
            model::State::Ready => Self::Ready,
            model::State::Failed(reason) => Self::Failed(reason),
        }
    }
}

/// Gives a component the chat model.
///
/// # Errors
///
/// Fails if the linker has one of the interfaces already.
pub fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> View<'_>,
) -> wasmtime::Result<()> {
    types::add_to_linker::<T, Inference>(linker, view)?;
    models::add_to_linker::<T, Inference>(linker, view)?;
    tokenizer::add_to_linker::<T, Inference>(linker, view)?;
    chat::add_to_linker::<T, Inference>(linker, view)
}
