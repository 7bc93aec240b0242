//! How the models are, in JSON.

use serde_json::{Value, json};

use crate::bindings::inference::embeddings;
use crate::bindings::inference::models::{self, ChatModel, NextModel, State};
use crate::db::Database;
use crate::generation;
use crate::http::error::ApiError;
use crate::settings::Settings;

/// The chat model, the one that is to take its place, the model that embeds, and its index.
pub async fn of_models(database: &Database, settings: &Settings) -> Value {
    let embedding = match embeddings::describe().await {
        Ok(it) => json!({
            "status": "ready",
            "name": it.name,
            "digest": it.digest,
            "dimensions": it.dimensions,
            "tokens_max": it.tokens_max,
        }),
        Err(error) => json!({ "status": "error", "error": ApiError::of_model(&error).message }),
    };
    let mut status = of(&models::status().await, embedding, settings);
    status["index"] = match generation::status(database).await {
        Ok(index) => index,
        Err(error) => json!({ "status": "error", "error": error.message }),
    };
    status
}

/// Whether a message would be answered and remembered, and what of it is missing.
pub async fn readiness() -> (bool, Value) {
    let chat = models::status().await;
    let embedding = embeddings::describe().await;
    let ready = chat.state == State::Ready && embedding.is_ok();
    let embedding = if embedding.is_ok() { "ready" } else { "error" };
    let told = json!({
        "ready": ready,
        "database": "ready",
        "chat_model": words(&chat.state).0,
        "embedding_model": embedding,
    });
    (ready, told)
}

fn of(model: &ChatModel, embedding: Value, settings: &Settings) -> Value {
    let (status, percent, error) = words(&model.state);
    let or_null = |text: &String| (!text.is_empty()).then(|| text.clone());
    json!({
        "status": status,
        "active_model": or_null(&model.name),
        "backend_type": or_null(&model.backend),
        "loading_percent": percent,
        "error": error,
        "digest": or_null(&model.digest),
        "context_tokens": model.context_tokens,
        "exact_counts": model.exact_counts,
        "memory_bytes": Some(model.memory_bytes).filter(|bytes| *bytes > 0),
        "reuses_prefix": model.reuses_prefix,
        "queued": model.queued,
        "active": model.active,
        "next_model": model.next.as_ref().map(next),
        "generation_config": { "max_new_tokens": settings.reply_tokens(model) },
        "embedding_model": embedding,
    })
}

fn next(next: &NextModel) -> Value {
    let (status, percent, error) = words(&next.state);
    json!({ "name": next.name, "status": status, "loading_percent": percent, "error": error })
}

fn words(state: &State) -> (&'static str, Option<u8>, Option<&str>) {
    match state {
        State::None => ("none", None, None),
        State::Loading(percent) => ("loading", Some(*percent), None),
        State::Ready => ("ready", Some(100), None),
        State::Failed(reason) => ("error", None, Some(reason)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            host_run: String::new(),
            instruction: String::new(),
            reply_tokens_max: 512,
            recall_memories_max: 8,
            recall_passages_max: 6,
        }
    }

    fn model() -> ChatModel {
        ChatModel {
            state: State::Ready,
            name: "a".to_owned(),
            backend: "llama.cpp".to_owned(),
            digest: "d".to_owned(),
            context_tokens: 8_192,
            exact_counts: true,
            queued: 0,
            active: 0,
            memory_bytes: 0,
            reuses_prefix: None,
            reply_tokens: 0,
            next: None,
        }
    }

    #[test]
    fn a_model_that_is_loaded_beside_the_active_one_is_told() {
        let loading = NextModel { name: "b".to_owned(), state: State::Loading(40) };
        let told = of(&ChatModel { next: Some(loading), ..model() }, Value::Null, &settings());
        assert_eq!((&told["status"], &told["active_model"]), (&json!("ready"), &json!("a")));
        assert_eq!(told["next_model"]["loading_percent"], 40);
        let failed = NextModel { name: "b".to_owned(), state: State::Failed("no".to_owned()) };
        let told = of(&ChatModel { next: Some(failed), ..model() }, Value::Null, &settings());
        assert_eq!(told["next_model"]["error"], "no");
        assert!(of(&model(), Value::Null, &settings())["next_model"].is_null());
    }

    #[test]
    fn the_length_of_a_reply_is_what_the_operator_set_last() {
        let told = |reply_tokens| {
            let model = ChatModel { reply_tokens, ..model() };
            of(&model, Value::Null, &settings())["generation_config"]["max_new_tokens"].clone()
        };
        assert_eq!((told(0), told(64)), (json!(512), json!(64)));
    }
}
