//! The answers of a model in the form of OpenAI's: whole, or in chunks, which the events of a turn
//! are made into one by one.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::db::sessions;
use crate::http::error::ApiError;
use crate::http::sse;
use crate::{ollama, time};

/// What is answered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// A conversation.
    Chat,
    /// A plain text.
    Text,
    /// A conversation, as lines of Ollama's.
    Lines,
}

/// What all chunks of an answer have in common, and what only its last tell.
pub struct Chunks {
    kind: Kind,
    id: String,
    created: u64,
    model: String,
    include_usage: bool,
    usage: Value,
}

impl Chunks {
    /// For the answer of this model.
    pub fn new(kind: Kind, model: &str, include_usage: bool) -> Self {
        let prefix = if kind == Kind::Chat { "chatcmpl" } else { "cmpl" };
        Self {
            kind,
            id: format!("{prefix}-{}", sessions::new_id()),
            created: time::seconds(time::now_micros()),
            model: model.to_owned(),
            include_usage,
            usage: Value::Null,
        }
    }

    /// An event of a turn as the chunks that it becomes; none where OpenAI's clients know no such
    /// thing.
    pub fn write(&mut self, name: &str, data: Value) -> Option<Bytes> {
        match (name, self.kind) {
            ("delta", Kind::Lines) => {
                let message = json!({ "role": "assistant", "content": data["content"] });
                Some(ollama::piece(&self.model, &message))
            }
            ("reasoning", Kind::Lines) => {
                let thinking = &data["content"];
                let message = json!({ "role": "assistant", "content": "", "thinking": thinking });
                Some(ollama::piece(&self.model, &message))
            }
            ("message.end", Kind::Lines) => {
                let message = json!({ "role": "assistant", "content": "" });
                let end = ollama::end(&self.model, &message, &finish_reason(&data), &self.usage);
                Some(ollama::line(&end))
            }
            ("message.start", Kind::Chat) => {
                let delta = json!({ "role": "assistant", "content": "" });
                Some(line(&self.chunk(self.choice(delta, Value::Null))))
            }
            ("reasoning", Kind::Chat) => {
                let delta = json!({ "reasoning_content": data["content"] });
                Some(line(&self.chunk(self.choice(delta, Value::Null))))
            }
            ("delta", Kind::Chat) => Some(line(&self.chunk(self.choice(data, Value::Null)))),
            ("delta", Kind::Text) => {
                let text = data["content"].clone();
                Some(line(&self.chunk(self.choice(text, Value::Null))))
            }
            ("usage", _) => {
                self.usage = usage(&data);
                None
            }
            ("message.end", _) => Some(self.end(&data)),
            _ => None,
        }
    }

    /// The error that ends an answer which has begun.
    pub fn write_failure(&self, error: &ApiError) -> Bytes {
        match self.kind {
            Kind::Lines => ollama::line(&json!({ "error": error.message })),
            Kind::Chat | Kind::Text => sse::event("error", &error.body()),
        }
    }

    /// Whether these are lines of JSON instead of events.
    pub fn are_lines(&self) -> bool {
        self.kind == Kind::Lines
    }

    /// A whole answer: its text, and the data of the events `usage` and `message.end`.
    pub fn whole(&self, text: &str, usage_told: &Value, end: &Value) -> Value {
        let (object, name, content) = match self.kind {
            Kind::Lines => {
                let mut message = json!({ "role": "assistant", "content": text });
                add_reasoning(&mut message, "thinking", end);
                return ollama::end(&self.model, &message, &finish_reason(end), usage_told);
            }
            Kind::Chat => {
                let mut message = json!({ "role": "assistant", "content": text, "refusal": null });
                add_reasoning(&mut message, "reasoning_content", end);
                ("chat.completion", "message", message)
            }
            Kind::Text => ("text_completion", "text", json!(text)),
        };
        let choice = json!({
            "index": 0, name: content, "logprobs": null, "finish_reason": finish_reason(end),
        });
        let mut whole = self.shape(object, json!([choice]));
        whole["usage"] = usage(usage_told);
        if let Some(stored) = stored(end) {
            whole["loci"] = stored;
        }
        whole
    }

    /// Why it ended, what it cost where that was asked for, and that this was all.
    fn end(&self, end: &Value) -> Bytes {
        let nothing = if self.kind == Kind::Chat { json!({}) } else { json!("") };
        let mut last = self.chunk(self.choice(nothing, finish_reason(end)));
        if let Some(stored) = stored(end) {
            last["loci"] = stored;
        }
        let mut text = line(&last).to_vec();
        if self.include_usage {
            let mut told = self.shape(self.object(), json!([]));
            told["usage"] = self.usage.clone();
            text.extend_from_slice(&line(&told));
        }
        text.extend_from_slice(b"data: [DONE]\n\n");
        text.into()
    }

    fn choice(&self, content: Value, finish_reason: Value) -> Value {
        let name = if self.kind == Kind::Chat { "delta" } else { "text" };
        json!({ "index": 0, name: content, "logprobs": null, "finish_reason": finish_reason })
    }

    fn chunk(&self, choice: Value) -> Value {
        let mut chunk = self.shape(self.object(), json!([choice]));
        if self.include_usage {
            chunk["usage"] = Value::Null;
        }
        chunk
    }

    fn object(&self) -> &'static str {
        if self.kind == Kind::Chat { "chat.completion.chunk" } else { "text_completion" }
    }

    fn shape(&self, object: &str, choices: Value) -> Value {
        json!({
            "id": self.id,
            "object": object,
            "created": self.created,
            "model": self.model,
            "choices": choices,
        })
    }
}

fn line(chunk: &Value) -> Bytes {
    Bytes::from(format!("data: {chunk}\n\n"))
}

/// The tokens of an answer, under OpenAI's names.
fn usage(told: &Value) -> Value {
    json!({
        "prompt_tokens": told["prompt_tokens"],
        "completion_tokens": told["completion_tokens"],
        "total_tokens": told["total_tokens"],
        "prompt_tokens_details": { "cached_tokens": told["cached_tokens"] },
    })
}

/// Why an answer ended. That somebody stopped it is an end like another to these clients.
fn finish_reason(end: &Value) -> Value {
    match end["metadata"]["finish_reason"].as_str() {
        Some("length") => json!("length"),
        _ => json!("stop"),
    }
}

/// Adds what the model thought before it answered, under the name that clients know it by. Most
/// models think nothing.
fn add_reasoning(message: &mut Value, name: &str, end: &Value) {
    let thought = &end["metadata"]["reasoning"];
    if thought.as_str().is_some_and(|thought| !thought.is_empty()) {
        message[name] = thought.clone();
    }
}

/// Where a reply of a session is found again.
fn stored(end: &Value) -> Option<Value> {
    let session = end.get("session_id")?;
    Some(json!({ "session_id": session, "message_id": end["id"], "turn": end["turn"] }))
}

#[cfg(test)]
mod tests;
