//! One answer: from the server's events to the pieces that are read.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use openai_wire::{
    self as wire, Broken, Call, Dialect, Events, Marks, Reply, Said, Stops, estimate,
};
use serde_json::Value;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use super::chat::Shared;
use super::client::{Body, Client};
use super::watch;
use crate::model::{Finish, ModelError, Options, Outcome, Prompt, Role};

/// What servers send as a stream of events; and as a whole, where they do not stream.
const EVENTS: &str = "text/event-stream";
const JSON: &str = "application/json";
/// The longest answer that comes as a whole, in bytes.
const WHOLE_BYTES_MAX: usize = 4 << 20;
/// How long the end of a finished answer is waited for, so that its connection can be used again.
const END_TIME_MAX: Duration = Duration::from_secs(1);

/// What is to be answered.
pub struct Question {
    /// What the model reads.
    pub prompt: Prompt,
    /// How it is to answer.
    pub options: Options,
    /// The tokens of the prompt, for when the server does not count them.
    pub prompt_tokens: u32,
    /// The JSON schema of the answer, if it is to have one.
    pub schema: Option<Value>,
}

/// One more of something, for as long as it is held.
struct Counted<'a>(&'a AtomicU32);

impl<'a> Counted<'a> {
    fn new(counter: &'a AtomicU32) -> Self {
        counter.fetch_add(1, Ordering::Relaxed);
        Self(counter)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Answers. `accept` hears first whether the server does, and `told` last how it went; when nobody
/// reads the pieces any more, the connection is closed at once.
pub async fn answer(
    shared: Arc<Shared>,
    mut question: Question,
    pieces: UnboundedSender<String>,
    accept: oneshot::Sender<Result<(), ModelError>>,
    told: oneshot::Sender<Result<Outcome, ModelError>>,
) {
    let time_max = question.options.time();
    let speaking = async {
        let waiting = Counted::new(&shared.queued);
        let client = shared.client()?;
        let body = match post(&shared, client, &question).await {
            Ok(body) => body,
            Err(error) => {
                // Nobody waits any more if the server took long; then it is the outcome.
                let _ = accept.send(Err(error.clone()));
                return Err(error);
            }
        };
        let _ = accept.send(Ok(()));
        drop(waiting);
        let _active = Counted::new(&shared.active);
        let mut speaker = Speaker::new(std::mem::take(&mut question.options.stop), &pieces);
        let rest = speaker.listen(client, body).await?;
        speaker.outcome(question.prompt_tokens).map(|outcome| (outcome, rest))
    };
    let spoken = tokio::select! {
        spoken = tokio::time::timeout(time_max, speaking) => {
            spoken.unwrap_or(Err(ModelError::TimedOut))
        }
        () = pieces.closed() => return,
    };
    if let Err(error) = &spoken
        && watch::is_doubtful(error)
    {
        shared.watch.doubt();
    }
    let (outcome, rest) = match spoken {
        Ok((outcome, rest)) => (Ok(outcome), rest),
        Err(error) => (Err(error), None),
    };
    // The pieces end before the outcome comes, so that who reads both in turn has all of the text.
    drop(pieces);
    let _ = told.send(outcome);
    if let Some(mut body) = rest {
        let end = async { while let Ok(Some(_)) = body.next().await {} };
        let _ = tokio::time::timeout(END_TIME_MAX, end).await;
    }
}

/// Asks, and asks in another way where the server does not take the usual one.
async fn post(shared: &Shared, client: &Client, question: &Question) -> Result<Body, ModelError> {
    loop {
        let dialect = shared.dialect();
        let call = call(&client.endpoint().model, question, dialect);
        let failure = match client.post(call.path, call.body, EVENTS).await {
            Ok(body) => return Ok(body),
            Err(failure) => failure,
        };
        if !failure.refusal.is_some_and(|words| shared.learn(dialect, &words)) {
            return Err(failure.error);
        }
    }
}

fn call(model: &str, question: &Question, dialect: Dialect) -> Call {
    let Question { prompt, options, schema, .. } = question;
    let role = |role| match role {
        Role::System => wire::Role::System,
        Role::User => wire::Role::User,
        Role::Assistant => wire::Role::Assistant,
    };
    let prompt = match prompt {
        Prompt::Messages(messages) => {
            let messages =
                messages.iter().map(|it| wire::Message { role: role(it.role), pieces: &it.pieces });
            wire::Prompt::Messages(messages.collect())
        }
        Prompt::Text(pieces) => wire::Prompt::Text(pieces),
    };
    let options = wire::Options {
        reply_tokens_max: options.reply_tokens_max,
        temperature: options.temperature,
        top_p: options.top_p,
        top_k: options.top_k,
        min_p: options.min_p,
        repeat_penalty: options.repeat_penalty,
        seed: options.seed,
        stop: &options.stop,
        schema: schema.as_ref(),
    };
    wire::call(model, &prompt, &options, dialect)
}

/// Reads an answer aloud.
struct Speaker<'a> {
    events: Events,
    reply: Reply,
    stops: Stops,
    marks: Marks,
    /// Whether a stop text was met.
    stopped: bool,
    /// The tokens of the answer, for when the server does not count them.
    tokens: u32,
    pieces: &'a UnboundedSender<String>,
}

impl<'a> Speaker<'a> {
    fn new(stop: Vec<String>, pieces: &'a UnboundedSender<String>) -> Self {
        Self {
            events: Events::default(),
            reply: Reply::default(),
            stops: Stops::new(stop),
            marks: Marks::default(),
            stopped: false,
            tokens: 0,
            pieces,
        }
    }

    /// Listens to the end. Returns the body if the server has still to end it.
    ///
    /// Fails if the server does, or sends what is no answer.
    async fn listen(
        &mut self,
        client: &Client,
        mut body: Body,
    ) -> Result<Option<Body>, ModelError> {
        match body.media_type().as_str() {
            // What names no type is looked into.
            EVENTS | "" => {}
            JSON => {
                let whole = body.whole(WHOLE_BYTES_MAX).await?;
                let whole = [b"data: ".as_slice(), &one_line(whole), b"\n\n"].concat();
                self.push(client, &whole)?;
                self.finish();
                return Ok(None);
            }
            other => {
                return Err(ModelError::EngineFailed(format!(
                    "the server `{}` answered with `{other}` instead of `{EVENTS}`",
                    client.endpoint().base.url("")
                )));
            }
        }
        while !self.stopped && !self.reply.is_done() {
            let Some(bytes) = body.next().await? else {
                self.finish();
                return Ok(None);
            };
            self.push(client, &bytes)?;
        }
        if self.stopped {
            return Ok(None);
        }
        self.finish();
        Ok(Some(body))
    }

    /// Takes bytes. The text of all events in them is one piece.
    fn push(&mut self, client: &Client, bytes: &[u8]) -> Result<(), ModelError> {
        let Self { events, reply, stops, marks, stopped, .. } = self;
        let (mut all, mut said) = (String::new(), Said::default());
        let pushed = events.push(bytes, |event| {
            said.thought.clear();
            said.text.clear();
            reply.push(event, &mut said)?;
            let passed = stops.push(&said.text);
            *stopped = passed.stopped;
            all.push_str(&marks.join(&said.thought, &passed.text));
            Ok(!*stopped && !reply.is_done())
        });
        self.say(all);
        pushed.map_err(|broken| fault(client, &broken))
    }

    /// Nothing follows: what was held back is text.
    fn finish(&mut self) {
        let rest = self.stops.finish();
        let rest = self.marks.join("", &rest);
        self.say(rest);
    }

    fn say(&mut self, text: String) {
        if !text.is_empty() {
            self.tokens = self.tokens.saturating_add(estimate::count(&text));
            // Who does not listen any more has closed the channel, which ends all of this.
            let _ = self.pieces.send(text);
        }
    }

    /// How it went.
    ///
    /// Fails if the server did not end its answer.
    fn outcome(&self, prompt_tokens: u32) -> Result<Outcome, ModelError> {
        let ended = self
            .reply
            .ended(self.stopped)
            .map_err(|broken| ModelError::Unreachable(broken.to_string()))?;
        Ok(Outcome {
            finish: match ended.finish {
                wire::Finish::Stop => Finish::Stop,
                wire::Finish::Length => Finish::Length,
            },
            prompt_tokens: ended.prompt_tokens.unwrap_or(prompt_tokens),
            cached_tokens: ended.cached_tokens,
            reply_tokens: ended.reply_tokens.unwrap_or(self.tokens),
        })
    }
}

/// What an answer that cannot be used means.
fn fault(client: &Client, broken: &Broken) -> ModelError {
    let how = client.endpoint().key.hide(broken.to_string());
    let server = client.endpoint().base.url("");
    ModelError::EngineFailed(format!("the server `{server}` cannot be understood: {how}"))
}

/// JSON without line breaks, which mean nothing in it.
fn one_line(mut json: Vec<u8>) -> Vec<u8> {
    json.iter_mut().filter(|byte| matches!(**byte, b'\r' | b'\n')).for_each(|byte| *byte = b' ');
    json
}
