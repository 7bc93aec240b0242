//! The backends over a stand-in for a server, which answers as a test has it answer.

mod answers;
mod embeddings;
mod faults;
mod tokens;

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use loci_tests::stand_in::{Answer, End, MODEL, StandIn};
use openai_wire::Base;

use super::*;
use crate::model::{
    ChatBackend, Embedder, Finish, Message, ModelError, Options, Outcome, Prompt, Purpose, Role,
    Side, State,
};

/// More than any of this takes, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// What a silent server is given where silence is what is tested.
const SHORT: Duration = Duration::from_millis(200);

/// Runs a test's future as the host runs its own.
fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime
        .expect("a runtime")
        .block_on(async { tokio::time::timeout(PATIENCE, work).await.expect("nothing hangs") })
}

fn endpoint(url: &str, silence: Duration) -> Endpoint {
    Endpoint {
        base: Base::parse(url).expect("it is a URL"),
        model: MODEL.into(),
        key: Key::new("sk-secret").expect("it is a key"),
        silence,
    }
}

/// The chat model of a stand-in, once it is seen to be there.
async fn chat(server: &StandIn) -> RemoteChat {
    chat_of(endpoint(&server.url(), PATIENCE), None).await
}

async fn chat_of(endpoint: Endpoint, tokenizer: Option<PathBuf>) -> RemoteChat {
    let chat = RemoteChat::connect(endpoint, None, tokenizer);
    settle(|| chat.status().state, |state| *state == State::Ready).await;
    chat
}

/// Waits until something is as it should be.
async fn settle<T: std::fmt::Debug>(look: impl Fn() -> T, good: impl Fn(&T) -> bool) -> T {
    loop {
        let seen = look();
        if good(&seen) {
            return seen;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn question() -> Prompt {
    let message = |role, text: &str| Message { role, pieces: vec![text.into(), ".".into()] };
    Prompt::Messages(vec![message(Role::System, "Be kind"), message(Role::User, "Hello")])
}

/// All of an answer: its pieces, and how it went.
async fn ask(
    chat: &RemoteChat,
    options: Options,
) -> Result<(Vec<String>, Result<Outcome, ModelError>), ModelError> {
    let mut generation = chat.generate(question(), options).await?;
    let mut pieces = Vec::new();
    while let Some(piece) = generation.pieces.recv().await {
        pieces.push(piece);
    }
    Ok((pieces, generation.outcome.await.expect("the outcome comes last")))
}

/// Why there is no answer, whenever that turned out.
async fn failure(chat: &RemoteChat) -> ModelError {
    match ask(chat, Options::new(16)).await {
        Ok((_, Err(error))) | Err(error) => error,
        Ok((pieces, Ok(outcome))) => panic!("it answered {pieces:?}, {outcome:?}"),
    }
}
