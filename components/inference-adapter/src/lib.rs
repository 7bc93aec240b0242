//! Chats through an OpenAI-compatible server, or through Spin's own LLM interface where no server
//! is configured. It is for hosts that have no model of their own.

mod config;
mod generate;
mod prompt;
mod server;
mod spin_llm;

mod bindings {
    spin_sdk::wit_bindgen::generate!({
        path: "../../wit/inference",
        world: "chat-adapter",
        runtime_path: "spin_sdk::wit_bindgen::rt",
    });
}

use openai_wire::estimate;

use bindings::exports::loci::inference::chat::{Generation, Options, Prompt};
use bindings::exports::loci::inference::former_embeddings::FormerModel;
use bindings::exports::loci::inference::models::{ChatModel, State};
use bindings::exports::loci::inference::tokenizer::{Side, Span};
use bindings::exports::loci::inference::types::{Error, Purpose, Role};
use bindings::exports::loci::inference::{chat, former_embeddings, models, tokenizer};

/// The most texts, messages or roles of one call, and the most bytes of one text.
const TEXTS_MAX: usize = 1024;
const TEXT_BYTES_MAX: usize = 65_536;

struct Adapter;

#[cfg(target_family = "wasm")]
bindings::export!(Adapter with_types_in bindings);

impl models::Guest for Adapter {
    async fn status() -> ChatModel {
        let empty = ChatModel {
            state: State::None,
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
        };
        match config::read().await {
            Ok(config) => ChatModel {
                state: State::Ready,
                backend: config.backend_name().to_string(),
                digest: config.digest(),
                name: config.model,
                context_tokens: config.context_tokens,
                active: generate::active(),
                ..empty
            },
            Err(config::Unusable::Unset) => empty,
            Err(config::Unusable::Wrong(reason)) => {
                ChatModel { state: State::Failed(reason), ..empty }
            }
        }
    }
}

impl tokenizer::Guest for Adapter {
    async fn count(texts: Vec<String>) -> Result<Vec<u32>, Error> {
        generate::usable(config::read().await)?;
        if texts.len() > TEXTS_MAX || texts.iter().any(|text| text.len() > TEXT_BYTES_MAX) {
            return Err(Error::InvalidRequest);
        }
        Ok(texts.iter().map(|text| estimate::count(text)).collect())
    }

    async fn clip(text: String, tokens_max: u32, side: Side) -> Result<Span, Error> {
        generate::usable(config::read().await)?;
        if text.len() > TEXT_BYTES_MAX {
            return Err(Error::InvalidRequest);
        }
        let (start, end) = estimate::clip(&text, tokens_max, matches!(side, Side::End));
        // Both fit: the text is not longer than its limit.
        Ok(Span { start: start as u32, end: end as u32 })
    }

    async fn frame(roles: Vec<Role>) -> Result<Vec<u32>, Error> {
        generate::usable(config::read().await)?;
        if roles.len() > TEXTS_MAX {
            return Err(Error::InvalidRequest);
        }
        Ok(estimate::frame(roles.len()))
    }
}

impl chat::Guest for Adapter {
    async fn generate(prompt: Prompt, options: Options) -> Result<Generation, Error> {
        generate::generate(prompt, options).await
    }

    /// A server decides by itself what it keeps of a conversation; there is nothing to tell it.
    async fn forget(_thread: String) {}
}

/// Where this component runs, one model embeds, and it comes with the application.
impl former_embeddings::Guest for Adapter {
    async fn former_models() -> Vec<FormerModel> {
        Vec::new()
    }

    async fn embed_with(_: String, _: Vec<String>, _: Purpose) -> Result<Vec<Vec<f32>>, Error> {
        Err(Error::NoModel)
    }
}
