//! What OpenAI's and Ollama's clients send, and are told.

use serde_json::{Value, json};

use super::{object, objects, text, whole, with_options};
use crate::limits;

/// These schemas, by name.
pub(super) fn schemas() -> Value {
    let model = json!({ "anyOf": [{ "const": "loci" }, { "type": ["string", "null"] }] });
    let metadata = json!({
        "type": ["object", "null"], "properties": { "session_id": { "type": ["string", "null"] } },
    });
    let input = json!({ "type": "string", "minLength": 1, "maxLength": limits::MESSAGE_BYTES_MAX });
    let embedding = json!({
        "model": model,
        "input": { "anyOf": [input, {
            "type": "array", "items": input, "minItems": 1,
            "maxItems": limits::EMBEDDED_TEXTS_MAX,
        }] },
        "encoding_format": { "enum": ["float", "base64"] },
        "input_type": { "enum": ["query", "passage", "document"] },
    });
    let completion = json!({
        "id": text(), "object": text(), "created": whole(), "model": text(), "choices": objects(),
        "usage": { "type": "object" },
    });
    let ollama = json!({
        "model": model, "messages": messages(), "stream": { "type": ["boolean", "null"] },
        "format": { "anyOf": [{ "enum": ["", "json", null] }, { "type": "object" }] },
        "options": { "type": ["object", "null"] }, "metadata": metadata,
    });
    let chat = json!({ "model": model, "messages": messages(), "metadata": metadata });
    let prompt = json!({ "model": model, "prompt": { "type": "string", "minLength": 1 } });
    let list = json!({ "object": { "const": "list" }, "data": objects() });
    let one = json!({ "id": text(), "object": { "const": "model" }, "created": whole() });
    json!({
        "OllamaRequest": object(ollama, &["messages"]),
        "OllamaAnswer": object(
            json!({ "model": text(), "message": { "type": "object" }, "done": { "const": true } }),
            &["model", "message", "done"],
        ),
        "OllamaTags": object(json!({ "models": objects() }), &["models"]),
        "ChatRequest": with_options(chat, &["messages"]),
        "CompletionRequest": with_options(prompt, &["prompt"]),
        "EmbeddingRequest": object(embedding, &["input"]),
        "Completion": object(completion, &["id", "object", "created", "model", "choices"]),
        "Embeddings": object(list.clone(), &["object", "data"]),
        "ModelList": object(list, &["object", "data"]),
        "Model": object(one, &["id", "object"]),
    })
}

/// A conversation. Only what an assistant said may have no content.
fn messages() -> Value {
    let part = object(json!({ "type": { "const": "text" }, "text": text() }), &["type", "text"]);
    let parts = json!({ "type": "array", "items": part });
    let others = json!({ "enum": ["system", "developer", "user"] });
    let assistant = json!({ "const": "assistant" });
    let or_none = json!({ "anyOf": [text(), parts, { "type": "null" }] });
    let message = json!({ "anyOf": [
        object(
            json!({ "role": others, "content": { "anyOf": [text(), parts] } }),
            &["role", "content"],
        ),
        object(json!({ "role": assistant, "content": or_none }), &["role"]),
    ] });
    json!({
        "type": "array", "items": message, "minItems": 1,
        "maxItems": limits::CONVERSATION_MESSAGES_MAX,
    })
}
