//! The real engine with tiny models that the tests write.

mod answers;
mod constraints;
mod embeddings;
mod failures;
mod priorities;
mod states;
mod tokens;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use loci_tests::tiny_gguf::TinyGguf;
use tempfile::TempDir;

use super::*;
use crate::model::{Message, Outcome, State};

/// Runs a test's future as the host runs its own.
fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(work)
}

/// A model that is loaded, and the folder that holds its file.
struct Loaded {
    chat: Arc<LlamaChat>,
    path: PathBuf,
    _folder: TempDir,
}

/// Writes a model and loads it with a context of this many tokens.
fn load(gguf: &TinyGguf, context_tokens: u32) -> Loaded {
    load_with(gguf, sized(context_tokens))
}

/// Writes a model and loads it like this.
fn load_with(gguf: &TinyGguf, setup: Setup) -> Loaded {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.gguf");
    gguf.write(&path).expect("it can be written");
    let chat = LlamaChat::load(path.clone(), setup);
    match settle(&chat) {
        State::Ready => Loaded { chat: Arc::new(chat), path, _folder: folder },
        other => panic!("the model is not ready: {other:?}"),
    }
}

/// A context of this many tokens.
fn sized(context_tokens: u32) -> Setup {
    Setup { context_tokens: Some(context_tokens), ..Setup::default() }
}

/// Waits until a model is loaded or failed.
fn settle(chat: &LlamaChat) -> State {
    loop {
        match chat.status().state {
            State::Loading(_) => thread::sleep(Duration::from_millis(2)),
            state => return state,
        }
    }
}

/// Why the file at `path` cannot be the chat model.
fn refusal(path: &Path) -> String {
    match settle(&LlamaChat::load(path.to_owned(), Setup::default())) {
        State::Failed(reason) => reason,
        other => panic!("the model is {other:?}"),
    }
}

fn message(role: Role, text: &str) -> Message {
    Message { role, pieces: vec![text.to_owned()] }
}

/// A conversation of messages by turns, the user's first.
fn turns(texts: &[&str]) -> Prompt {
    let roles = [Role::User, Role::Assistant].into_iter().cycle();
    Prompt::Messages(roles.zip(texts).map(|(role, text)| message(role, text)).collect())
}

/// Plain and always the same: the most likely token.
fn greedy(reply_tokens_max: u32) -> Options {
    Options { temperature: Some(0.0), ..Options::new(reply_tokens_max) }
}

/// The whole answer, and how it went.
async fn answer(chat: &LlamaChat, prompt: Prompt, options: Options) -> (String, Outcome) {
    let mut generation = chat.generate(prompt, options).await.expect("it is accepted");
    let mut text = String::new();
    while let Some(piece) = generation.pieces.recv().await {
        assert!(!piece.is_empty());
        text.push_str(&piece);
    }
    (text, generation.outcome.await.expect("it is told").expect("it goes well"))
}
