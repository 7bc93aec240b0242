//! Has a model continue a conversation, piece by piece.

use std::sync::atomic::{AtomicU32, Ordering};

use openai_wire::{self as wire, Broken, Events, Marks, Said, Stops, estimate};
use spin_sdk::wasip3::spawn;
use spin_sdk::wit_bindgen::StreamWriter;

use crate::bindings::exports::loci::inference::chat::{
    Finish, Generation, Options, Outcome, Prompt,
};
use crate::bindings::exports::loci::inference::types::{Error, Shortfall};
use crate::bindings::{wit_future, wit_stream};
use crate::config::{self, Backend, Config, Unusable};
use crate::server::{self, Body};
use crate::{prompt, spin_llm};

/// The answers that this instance is making.
static ACTIVE: AtomicU32 = AtomicU32::new(0);

/// How many answers this instance is making.
pub fn active() -> u32 {
    ACTIVE.load(Ordering::Relaxed)
}

/// Counts an answer for as long as it is held.
struct Active;

impl Active {
    fn new() -> Self {
        ACTIVE.fetch_add(1, Ordering::Relaxed);
        Self
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        ACTIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Answers a prompt: returns when the model's server has begun to answer.
pub async fn generate(prompt: Prompt, options: Options) -> Result<Generation, Error> {
    let config = usable(config::read().await)?;
    let prompt_tokens = check(&config, &prompt, &options)?;
    let active = Active::new();
    let (mut writer, pieces) = wit_stream::new();
    let (outcome_writer, outcome) = wit_future::new(|| Err(Error::EngineFailed));
    match &config.backend {
        Backend::Server(server) => {
            let call = prompt::call(&config.model, &prompt, &options)?;
            let body = server::post(server, call).await?;
            spawn(async move {
                let stops = Stops::new(options.stop);
                let outcome = pass_on(body, stops, &mut writer, prompt_tokens).await;
                finish(writer, outcome_writer.write(outcome)).await;
                drop(active);
            });
        }
        Backend::Spin => {
            let (text, outcome) = spin_llm::infer(&config.model, &prompt, &options)?;
            spawn(async move {
                if !text.is_empty() {
                    let _not_wanted = writer.write_one(text).await;
                }
                finish(writer, outcome_writer.write(Ok(outcome))).await;
                drop(active);
            });
        }
    }
    Ok(Generation { pieces, outcome })
}

/// Ends the stream, and only then tells how it went. Nobody may be listening any more.
async fn finish(pieces: StreamWriter<String>, outcome: impl IntoFuture) {
    drop(pieces);
    let _not_wanted = outcome.await;
}

/// The configuration, or why there is none.
pub fn usable(config: Result<Config, Unusable>) -> Result<Config, Error> {
    config.map_err(|unusable| match unusable {
        Unusable::Unset => Error::NoModel,
        Unusable::Wrong(_) => Error::LoadFailed,
    })
}

/// Refuses what cannot be answered; returns the estimated tokens of the prompt.
fn check(config: &Config, prompt: &Prompt, options: &Options) -> Result<u32, Error> {
    if !options.digest.is_empty() && options.digest != config.digest() {
        return Err(Error::ModelChanged);
    }
    prompt::check(prompt, options)?;
    let tokens = prompt::tokens(prompt);
    let needed = tokens.saturating_add(options.reply_tokens_max);
    if needed > config.context_tokens {
        let limit = config.context_tokens;
        return Err(Error::ContextExceeded(Shortfall { needed, limit }));
    }
    Ok(tokens)
}

/// Passes the text of an answer on as it comes, until it ends, meets a stop text, or nobody reads
/// it any more; the body is dropped then, and the server stops.
async fn pass_on(
    mut body: Body,
    mut stops: Stops,
    writer: &mut StreamWriter<String>,
    prompt_tokens: u32,
) -> Result<Outcome, Error> {
    let (mut events, mut reply) = (Events::default(), wire::Reply::default());
    let mut marks = Marks::default();
    let (mut reply_tokens, mut ended) = (0_u32, false);
    while !ended && !reply.is_done() {
        let Some(bytes) = body.next().await? else { break };
        let mut text = String::new();
        let pushed = events.push(&bytes, |event| {
            let mut said = Said::default();
            reply.push(event, &mut said)?;
            let passed = stops.push(&said.text);
            text.push_str(&marks.join(&said.thought, &passed.text));
            ended = passed.stopped;
            Ok(!ended && !reply.is_done())
        });
        reply_tokens = reply_tokens.saturating_add(estimate::count(&text));
        ended |= !text.is_empty() && writer.write_one(text).await.is_some();
        pushed.map_err(broken)?;
    }
    if !ended {
        let rest = marks.join("", &stops.finish());
        if !rest.is_empty() {
            let _not_wanted = writer.write_one(rest).await;
        }
    }
    let end = reply.ended(ended).map_err(broken)?;
    Ok(Outcome {
        finish: match end.finish {
            wire::Finish::Stop => Finish::Stop,
            wire::Finish::Length => Finish::Length,
        },
        prompt_tokens: end.prompt_tokens.unwrap_or(prompt_tokens),
        cached_tokens: end.cached_tokens,
        reply_tokens: end.reply_tokens.unwrap_or(reply_tokens),
    })
}

/// What an answer that cannot be used means; how, goes to the log.
fn broken(broken: Broken) -> Error {
    eprintln!("the model's server cannot be understood: {broken}");
    match broken {
        Broken::Off => Error::Unreachable,
        _ => Error::EngineFailed,
    }
}
