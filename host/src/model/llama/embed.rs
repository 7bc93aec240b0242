//! Embeddings by a GGUF model: a context and a thread of their own, so that no embedding ever waits
//! for a chat.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};

use futures::future::{BoxFuture, FutureExt};
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::{LlamaContextParams, LlamaPoolingType};
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;
use tokio::sync::oneshot;

use super::file::GgufFile;
use super::load::Weights;
use super::probe::{self, Kind};
use super::stage::{self, Staged, Teller};
use super::{Setup, load, log, threads};
use crate::model::{EMBEDDED_TOKENS_MAX, Embedder, EmbeddingModel, ModelError, Purpose};

/// Requests that may wait.
const QUEUE_MAX: usize = 64;
/// What a caller who finds the queue full should wait, in milliseconds.
const RETRY_MS: u32 = 250;
/// Tokens that are evaluated at once, at most.
const BATCH_TOKENS_MAX: u32 = 512;
/// Texts that are evaluated at once, at most.
const SEQUENCES_MAX: u32 = 16;

enum Request {
    Embed { texts: Vec<String>, reply: oneshot::Sender<Result<Vec<Vec<f32>>, ModelError>> },
    Count { texts: Vec<String>, reply: oneshot::Sender<Result<Vec<u32>, ModelError>> },
}

struct Ready {
    model: EmbeddingModel,
    requests: SyncSender<Request>,
}

/// An embedding model that llama.cpp evaluates.
pub struct LlamaEmbedder {
    staged: Arc<Staged<Ready>>,
}

impl LlamaEmbedder {
    /// Begins to load the GGUF file at `path` and returns at once.
    pub fn load(path: PathBuf, setup: Setup) -> Self {
        let staged = stage::spawn("llama-embed", move |teller| serve(&path, &setup, teller));
        Self { staged }
    }
}

impl Embedder for LlamaEmbedder {
    fn describe(&self) -> Result<EmbeddingModel, ModelError> {
        Ok(self.staged.get()?.model.clone())
    }

    /// A GGUF file does not say how a model wants purposes marked, so both are embedded alike.
    fn embed(
        &self,
        texts: Vec<String>,
        _: Purpose,
    ) -> BoxFuture<'_, Result<Vec<Vec<f32>>, ModelError>> {
        self.ask(|reply| Request::Embed { texts, reply }).boxed()
    }

    fn count(&self, texts: Vec<String>) -> BoxFuture<'_, Result<Vec<u32>, ModelError>> {
        self.ask(|reply| Request::Count { texts, reply }).boxed()
    }
}

impl LlamaEmbedder {
    /// Hands a request to the thread of the model, and waits for its answer.
    async fn ask<R>(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<R, ModelError>>) -> Request,
    ) -> Result<R, ModelError> {
        let (reply, replied) = oneshot::channel();
        match self.staged.get()?.requests.try_send(request(reply)) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Err(ModelError::Busy(RETRY_MS)),
            Err(TrySendError::Disconnected(_)) => return Err(ended()),
        }
        replied.await.unwrap_or_else(|_| Err(ended()))
    }
}

fn ended() -> ModelError {
    ModelError::EngineFailed("the thread of the embedding model has ended".into())
}

/// Opens a file that is to embed.
///
/// Fails with a sentence for the operator.
fn open(
    path: &Path,
    weights: Weights,
    progress: impl FnMut(f32) -> bool + 'static,
) -> Result<(GgufFile, LlamaModel), String> {
    let file = GgufFile::open(path)?;
    if !file.embeds {
        return Err(format!(
            "`{}` is not an embedding model; it can be the chat model",
            path.display()
        ));
    }
    let model = load::model(path, weights, progress)?;
    Ok((file, model))
}

/// Tries a file, in a process that this may end.
///
/// Fails with a sentence for the operator.
pub fn attempt(path: &Path, weights: Weights) -> Result<(), String> {
    let (_, model) = open(path, weights, |_| true)?;
    let mut engine = Engine::new(&model)?;
    if weights != Weights::Shapes {
        engine.embed(&["a".to_owned()]).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Loads a model, then embeds until nobody holds it any more.
fn serve(path: &Path, setup: &Setup, teller: &Teller<Ready>) -> Result<(), String> {
    probe::ask(setup, Kind::Embedding, path, || teller.progress(0.0))?;
    let telling = teller.clone();
    let weights = Weights::Whole(setup.gpu_layers);
    let (file, model) = open(path, weights, move |part| telling.progress(part))?;
    let mut engine = Engine::new(&model)?;
    let (requests, received) = mpsc::sync_channel(QUEUE_MAX);
    let description = EmbeddingModel {
        name: file.name,
        digest: file.digest,
        dimensions: model.n_embd_out().unsigned_abs(),
        tokens_max: engine.tokens_max as u32,
    };
    // Evaluates once, so that what cannot work fails now, and the weights are in memory.
    engine.embed(&["a".to_owned()]).map_err(|error| error.to_string())?;
    tracing::info!("embedding model `{}`: {} dimensions", description.name, description.dimensions);
    teller.ready(Ready { model: description, requests });
    engine.run(&received);
    Ok(())
}

/// A text, as much of it as counts.
struct Beginning {
    text: usize,
    tokens: Vec<LlamaToken>,
}

struct Engine<'m> {
    model: &'m LlamaModel,
    ctx: LlamaContext<'m>,
    batch: LlamaBatch<'static>,
    /// The most tokens of a text, without markers.
    tokens_max: usize,
    /// The most tokens in one batch.
    room: usize,
    before: Vec<LlamaToken>,
    after: Vec<LlamaToken>,
}

impl<'m> Engine<'m> {
    fn new(model: &'m LlamaModel) -> Result<Self, String> {
        let trained = model.n_ctx_train().max(1);
        let tokens = trained.min(BATCH_TOKENS_MAX);
        let params = LlamaContextParams::default()
            .with_n_ctx(std::num::NonZeroU32::new(tokens))
            .with_n_batch(tokens)
            .with_n_ubatch(tokens)
            .with_n_seq_max(SEQUENCES_MAX)
            .with_kv_unified(true)
            .with_embeddings(true)
            .with_pooling_type(pooling(model)?)
            .with_n_threads(threads::count_for_batches(model))
            .with_n_threads_batch(threads::count_for_batches(model))
            .with_no_perf(true);
        log::begin();
        let ctx = model
            .new_context(log::backend(), params)
            .map_err(|_| format!("no context could be made: {}", log::errors()))?;
        let (before, after) = markers(model);
        let room = ctx.n_ubatch() as usize;
        let room = room.min(tokens as usize);
        let seen = room.min(EMBEDDED_TOKENS_MAX as usize);
        let tokens_max = seen.saturating_sub(before.len() + after.len());
        if tokens_max == 0 {
            return Err("the model's window has no room for text".into());
        }
        let batch = LlamaBatch::new(room, 1);
        Ok(Self { model, ctx, batch, tokens_max, room, before, after })
    }

    fn run(&mut self, requests: &Receiver<Request>) {
        // Whoever asked may have left, or leave meanwhile.
        for request in requests {
            match request {
                Request::Embed { texts, reply } if !reply.is_closed() => {
                    drop(reply.send(self.embed(&texts)));
                }
                Request::Count { texts, reply } => drop(reply.send(Ok(self.count(&texts)))),
                Request::Embed { .. } => {}
            }
        }
    }

    /// One vector for each text: of length 1, or of zeros where there is no token.
    fn embed(&mut self, texts: &[String]) -> Result<Vec<Vec<f32>>, ModelError> {
        let width = self.model.n_embd_out().unsigned_abs() as usize;
        let mut vectors = vec![vec![0f32; width]; texts.len()];
        let beginnings = self.beginnings(texts);
        let mut next = 0;
        while next < beginnings.len() {
            let count = self.fill(&beginnings[next..]);
            self.ctx
                .decode(&mut self.batch)
                .map_err(|error| ModelError::EngineFailed(error.to_string()))?;
            for (sequence, beginning) in beginnings[next..next + count].iter().enumerate() {
                let vector = self
                    .ctx
                    .embeddings_seq_ith(sequence as i32)
                    .map_err(|error| ModelError::EngineFailed(error.to_string()))?;
                vectors[beginning.text].copy_from_slice(vector);
            }
            self.ctx.clear_kv_cache();
            next += count;
        }
        for vector in &mut vectors {
            let length = length(vector);
            if length > 0.0 {
                vector.iter_mut().for_each(|value| *value /= length);
            }
        }
        Ok(vectors)
    }

    /// The tokens of each text, without markers.
    fn count(&self, texts: &[String]) -> Vec<u32> {
        let vocabulary = self.model.vocab();
        let count = |text: &String| vocabulary.tokenize(text.as_bytes(), false, false).len() as u32;
        texts.iter().map(count).collect()
    }

    /// The tokens that each text begins with, where it has any.
    fn beginnings(&self, texts: &[String]) -> Vec<Beginning> {
        let vocabulary = self.model.vocab();
        let beginning = |(text, content): (usize, &String)| {
            let mut tokens = vocabulary.tokenize(content.as_bytes(), false, false);
            tokens.truncate(self.tokens_max);
            (!tokens.is_empty()).then_some(Beginning { text, tokens })
        };
        texts.iter().enumerate().filter_map(beginning).collect()
    }

    /// Fills the batch with as many texts as have room, and returns how many: at least one.
    fn fill(&mut self, beginnings: &[Beginning]) -> usize {
        self.batch.clear();
        let mut count = 0;
        for beginning in beginnings.iter().take(SEQUENCES_MAX as usize) {
            let length = self.before.len() + beginning.tokens.len() + self.after.len();
            if self.batch.n_tokens() as usize + length > self.room {
                break;
            }
            let tokens = self.before.iter().chain(&beginning.tokens).chain(&self.after);
            for (position, token) in tokens.enumerate() {
                self.batch
                    .add(*token, position as i32, &[count], true)
                    .expect("the length was checked");
            }
            count += 1;
        }
        count as usize
    }
}

fn length(vector: &[f32]) -> f32 {
    vector.iter().map(|value| value * value).sum::<f32>().sqrt()
}

/// The tokens that the model wants before and after a text.
fn markers(model: &LlamaModel) -> (Vec<LlamaToken>, Vec<LlamaToken>) {
    let vocabulary = model.vocab();
    let mut tokens = vocabulary.tokenize(b"", true, false);
    let begins = usize::from(tokens.first() == Some(&vocabulary.bos()));
    let after = tokens.split_off(begins);
    (tokens, after)
}

/// How the vectors of tokens become one: as the file says; else their mean.
///
/// Fails with a sentence for the operator if the model ranks texts instead.
fn pooling(model: &LlamaModel) -> Result<LlamaPoolingType, String> {
    let architecture = model.meta_val_str("general.architecture").unwrap_or_default();
    let value = model.meta_val_str(&format!("{architecture}.pooling_type"));
    let code: Option<i32> = value.ok().and_then(|text| text.parse().ok());
    match LlamaPoolingType::from(code.unwrap_or(-1)) {
        LlamaPoolingType::Rank => Err("the model ranks texts; it does not embed them".into()),
        LlamaPoolingType::None | LlamaPoolingType::Unspecified => Ok(LlamaPoolingType::Mean),
        known => Ok(known),
    }
}
