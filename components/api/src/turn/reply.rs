//! Letting the model speak, and stopping it in time.

use std::time::Duration;

use futures::future::{Either, select};
use serde_json::json;
use spin_sdk::wit_bindgen::{StreamReader, StreamResult};

use super::sink::{Gone, Sink};
use super::thought::{Part, Thought};
use crate::bindings::inference::chat::{
    self, Constraint, Finish, Generation, Options, Outcome, Priority, Prompt,
};
use crate::bindings::inference::types::Error as ModelError;
use crate::db::Database;
use crate::db::messages::{self, Look, Posted};
use crate::http::request;
use crate::limits;

/// What the model said, and how it ended.
#[derive(Debug)]
pub struct Reply {
    /// What was said, as far as it came.
    pub text: String,
    /// What was thought before it.
    pub thought: String,
    /// Why it ended.
    pub ended: Ended,
    /// How it went, where the model got that far.
    pub outcome: Option<Outcome>,
}

impl Reply {
    /// One that ended before the model spoke.
    pub fn without_text(ended: Ended) -> Self {
        Self { text: String::new(), thought: String::new(), ended, outcome: None }
    }
}

/// Why a reply ended.
#[derive(Debug, PartialEq, Clone)]
pub enum Ended {
    /// The model was done.
    Stop,
    /// It reached a limit of length.
    Length,
    /// Somebody stopped it: by `cancel`, or by closing the connection.
    Cancelled,
    /// It failed.
    Failed(ModelError),
}

impl Ended {
    /// The `finish_reason` of the metadata.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::Cancelled => "cancelled",
            Self::Failed(_) => "error",
        }
    }
}

/// The options of a request, as the model takes them.
pub fn options(
    asked: &request::Options,
    reply_tokens_max: u32,
    digest: &str,
    thread: &str,
) -> Options {
    Options {
        digest: digest.to_owned(),
        thread: thread.to_owned(),
        reply_tokens_max,
        temperature: asked.temperature,
        top_p: asked.top_p,
        top_k: asked.top_k,
        min_p: asked.min_p,
        repeat_penalty: asked.repeat_penalty,
        seed: asked.seed,
        stop: asked.stop.clone(),
        priority: Priority::Chat,
        time_ms_max: None,
        constraint: asked.constraint.clone().map(|constraint| match constraint {
            request::Constraint::JsonSchema(schema) => Constraint::JsonSchema(schema),
            request::Constraint::Grammar(grammar) => Constraint::Grammar(grammar),
        }),
    }
}

/// Has the model begin. `waiting` is called once if that takes a while.
///
/// Fails as the model does.
pub async fn begin(
    prompt: Prompt,
    options: Options,
    waiting: impl AsyncFnOnce(),
) -> Result<Generation, ModelError> {
    let generation = Box::pin(chat::generate(prompt, options));
    let patience =
        Box::pin(spin_sdk::time::sleep(Duration::from_millis(limits::STREAM_DECISION_MILLIS / 2)));
    match select(generation, patience).await {
        Either::Left((begun, _)) => begun,
        Either::Right(((), generation)) => {
            waiting().await;
            generation.await
        }
    }
}

/// Takes down what the model says and hands it on, until it ends, its client leaves, or `stopped`,
/// which is asked again and again, says so. `thought` tells what of it is one.
pub async fn listen(
    generation: Generation,
    mut thought: Thought,
    stopped: impl AsyncFn() -> bool,
    sink: &mut Sink,
) -> Reply {
    let Generation { pieces, outcome } = generation;
    let mut said = Part::default();
    let mut read = Box::pin(read_some(pieces));
    let mut tick = Box::pin(tick());
    let ended = loop {
        match select(read, tick).await {
            Either::Left(((stream, batch, done), still)) => {
                tick = still;
                let mut part = thought.push(&batch.concat());
                if done {
                    let rest = thought.finish();
                    part.thought.push_str(&rest.thought);
                    part.text.push_str(&rest.text);
                }
                let more = part.thought.len() + part.text.len();
                if said.thought.len() + said.text.len() + more > limits::MESSAGE_BYTES_MAX {
                    break Some(Ended::Length);
                }
                said.thought.push_str(&part.thought);
                said.text.push_str(&part.text);
                if tell(part, sink).await.is_err() {
                    break Some(Ended::Cancelled);
                }
                if done {
                    break None;
                }
                read = Box::pin(read_some(stream));
            }
            Either::Right(((), still)) => {
                read = still;
                if sink.is_gone() || stopped().await {
                    break Some(Ended::Cancelled);
                }
                tick = Box::pin(self::tick());
            }
        }
    };
    let Part { thought, text } = said;
    let thought = thought.trim_end().to_owned();
    match ended {
        // Dropping the stream stops the model. It need not be waited for.
        Some(ended) => Reply { text, thought, ended, outcome: None },
        None => match outcome.await {
            Ok(outcome) => {
                let ended = match outcome.finish {
                    Finish::Stop => Ended::Stop,
                    Finish::Length => Ended::Length,
                };
                Reply { text, thought, ended, outcome: Some(outcome) }
            }
            Err(error) => Reply { text, thought, ended: Ended::Failed(error), outcome: None },
        },
    }
}

/// Tells a client what came: thoughts and the answer are events of their own.
async fn tell(part: Part, sink: &mut Sink) -> Result<(), Gone> {
    if !part.thought.is_empty() {
        sink.send("reasoning", &json!({ "content": part.thought })).await?;
    }
    if !part.text.is_empty() {
        sink.send("delta", &json!({ "content": part.text })).await?;
    }
    Ok(())
}

async fn tick() {
    spin_sdk::time::sleep(Duration::from_millis(limits::CANCEL_POLL_MILLIS)).await;
}

/// Reads what is there, and says whether that was all. The stream comes back, so that a read that
/// is not over when the clock ticks can go on afterwards: dropping it could lose what it has read.
async fn read_some(mut stream: StreamReader<String>) -> (StreamReader<String>, Vec<String>, bool) {
    let (result, batch) = stream.read(Vec::with_capacity(limits::STREAM_READ_MAX)).await;
    let done = !matches!(result, StreamResult::Complete(_));
    (stream, batch, done)
}

/// Whether the turn was cancelled, or its session deleted.
pub async fn is_stopped(database: &Database, posted: &Posted, host_run: &str) -> bool {
    // Where the database is busy, the model may go on.
    matches!(messages::look(database, posted, host_run).await, Ok(Look::Cancelled | Look::Gone))
}
