//! What is sent and told, as JSON schemas.

use serde_json::{Value, json};

use crate::limits;

/// All schemas, by name.
pub fn all() -> Value {
    let mut all = sent();
    for part in [told(), openai(), host()] {
        if let (Some(all), Value::Object(part)) = (all.as_object_mut(), part) {
            all.extend(part);
        }
    }
    all
}

/// An object with these fields; those in `required` are always there.
fn object(fields: Value, required: &[&str]) -> Value {
    json!({ "type": "object", "properties": fields, "required": required })
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn text_or_null() -> Value {
    json!({ "type": ["string", "null"] })
}

fn whole() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

/// How the model is to answer.
fn options() -> Value {
    json!({
        "max_tokens": {
            "type": ["integer", "null"], "minimum": 1, "maximum": limits::REPLY_TOKENS_MAX,
        },
        "temperature": { "type": ["number", "null"], "minimum": 0, "maximum": 2 },
        "top_p": { "type": ["number", "null"], "exclusiveMinimum": 0, "maximum": 1 },
        "top_k": { "type": ["integer", "null"], "minimum": 0, "maximum": u32::MAX },
        "min_p": { "type": ["number", "null"], "minimum": 0, "maximum": 1 },
        "repeat_penalty": { "type": ["number", "null"], "minimum": 1, "maximum": 2 },
        "seed": { "type": ["integer", "null"], "minimum": 0, "maximum": u32::MAX },
        "stop": {
            "type": ["string", "array", "null"],
            "items": { "type": "string", "minLength": 1, "maxLength": limits::STOP_BYTES_MAX },
            "minLength": 1, "maxLength": limits::STOP_BYTES_MAX,
            "minItems": 1, "maxItems": limits::STOPS_MAX,
        },
        "response_format": {
            "type": ["object", "null"],
            "properties": {
                "type": { "enum": ["text", "json_object", "json_schema", "grammar"] },
                "json_schema": { "type": "object" },
                "grammar": { "type": "string" },
            },
            "required": ["type"],
        },
        "stream": { "type": ["boolean", "null"] },
    })
}

fn with_options(fields: Value, required: &[&str]) -> Value {
    let mut all = options();
    if let (Some(all), Value::Object(fields)) = (all.as_object_mut(), fields) {
        all.extend(fields);
    }
    object(all, required)
}

fn sent() -> Value {
    let name = json!({ "type": ["string", "null"], "maxLength": limits::NAME_BYTES_MAX });
    let content = json!({
        "type": "string", "minLength": 1, "maxLength": limits::MESSAGE_BYTES_MAX,
    });
    let ids = json!({
        "type": ["array", "null"], "items": text(), "maxItems": limits::SESSION_DOCUMENTS_MAX,
    });
    let message = json!({
        "role": { "const": "user" },
        "content": content,
        "supersedes": { "type": ["integer", "null"], "minimum": 0 },
    });
    let mut draft = message.clone();
    if let Some(fields) = draft.as_object_mut() {
        fields.remove("supersedes");
        let most = json!({ "type": ["integer", "null"], "minimum": 1, "maximum": u32::MAX });
        fields.insert("prompt_tokens_max".to_owned(), most);
    }
    let search = json!({
        "query": content,
        "document_ids": { "type": "array", "items": text(), "minItems": 1 },
        "limit": { "type": ["integer", "null"], "minimum": 1, "maximum": limits::MEMORY_HITS_MAX },
    });
    let elsewhere = object(
        json!({
            "role": { "enum": ["user", "assistant"] },
            "content": {
                "type": "string", "minLength": 1, "maxLength": limits::MESSAGE_BYTES_MAX,
                "pattern": "\\S",
            },
            "name": {
                "type": ["string", "null"], "minLength": 1, "maxLength": limits::NAME_BYTES_MAX,
            },
            "timestamp": { "type": ["string", "null"], "format": "date-time" },
            "status": { "enum": ["ok", "failed", "cancelled", "interrupted", null] },
            "forgotten": { "type": ["boolean", "null"] },
        }),
        &["role", "content"],
    );
    let file = json!({
        "form": { "const": "loci-session/1" },
        "name": name,
        "created_at": text_or_null(),
        "long_term_memory_enabled": { "type": ["boolean", "null"] },
        "messages": {
            "type": "array", "items": elsewhere, "maxItems": limits::SESSION_FILE_MESSAGES_MAX,
        },
    });
    let session_file = object(file, &["form", "messages"]);
    let elsewhere = json!({
        "type": "array", "items": elsewhere, "minItems": 1,
        "maxItems": limits::IMPORTED_MESSAGES_MAX,
    });
    let file = json!({ "type": "string", "format": "binary" });
    json!({
        "Empty": { "type": "object" },
        "NewSession": object(json!({ "name": name, "rag_document_ids": ids }), &[]),
        "NewName": object(json!({ "name": name }), &["name"]),
        "Switch": object(json!({ "enabled": { "type": "boolean" } }), &["enabled"]),
        "NewMessage": with_options(message, &["role", "content"]),
        "DocumentSearch": object(search, &["query", "document_ids"]),
        "DraftMessage": with_options(draft, &["content"]),
        "ToMeasure": to_measure(),
        "Without": without(),
        "SessionFile": session_file,
        "MessagesToImport": object(json!({ "messages": elsewhere }), &["messages"]),
        "Files": object(json!({ "file": file }), &["file"]),
    })
}

/// What a past turn is laid out without.
fn without() -> Value {
    let most = limits::WITHOUT_MAX;
    let list = |of: Value| json!({ "type": ["array", "null"], "items": of, "maxItems": most });
    object(json!({ "messages": list(whole()), "documents": list(text()) }), &[])
}

/// What the model is to count and to cut.
fn to_measure() -> Value {
    let words = json!({ "type": "string", "maxLength": limits::MESSAGE_BYTES_MAX / 4 });
    let clip = json!({
        "text": words,
        "tokens_max": { "type": "integer", "minimum": 0, "maximum": u32::MAX },
        "side": { "enum": ["beginning", "end"] },
    });
    let list = |items| {
        json!({
            "type": ["array", "null"], "items": items, "maxItems": limits::COUNT_TEXTS_MAX,
        })
    };
    let fields = json!({
        "texts": list(words),
        "roles": list(json!({ "enum": ["system", "user", "assistant"] })),
        "clip": { "anyOf": [{ "type": "null" }, object(clip, &["text", "tokens_max", "side"])] },
    });
    object(fields, &[])
}

fn told() -> Value {
    let list = json!({ "type": ["array", "null"] });
    let session = json!({
        "id": text(), "name": text_or_null(), "created_at": text(), "last_updated_at": text(),
        "llm_model_name": text_or_null(), "rag_document_ids": list, "metadata_tags": list,
        "long_term_memory_enabled": { "type": "boolean" },
    });
    let message = json!({
        "id": whole(), "session_id": text(), "turn": whole(), "timestamp": text(),
        "role": { "enum": ["user", "assistant"] }, "content": text(), "status": text(),
        "is_embedded": { "type": "boolean" }, "metadata": { "type": ["object", "null"] },
    });
    let memory = json!({
        "message_id": whole(), "turn": whole(), "role": text(), "timestamp": text(),
        "content": text(),
    });
    let document = json!({
        "id": text(), "name": text(), "status": text(), "bytes": whole(), "sha256": text(),
        "created_at": text(), "updated_at": text(), "progress": { "type": "object" },
    });
    let part = json!({
        "document_id": text(), "start": whole(), "end": whole(), "text_bytes": whole(),
        "text": text(),
    });
    let error = object(
        json!({ "message": text(), "type": text(), "param": text_or_null(), "code": text() }),
        &["message", "type", "param", "code"],
    );
    let objects = json!({ "type": "array", "items": { "type": "object" } });
    let imported = json!({
        "message_ids": { "type": "array", "items": whole() }, "indexed": whole(),
    });
    json!({
        "Draft": { "type": "object" },
        "Exported": { "type": "object" },
        "Replayed": { "type": "object" },
        "Measured": object(json!({ "model": text() }), &["model"]),
        "ImportedMessages": object(imported, &["message_ids", "indexed"]),
        "Error": object(json!({ "error": error }), &["error"]),
        "Session": object(session, &["id", "name", "created_at", "long_term_memory_enabled"]),
        "Message": object(message, &["id", "turn", "role", "content", "status", "is_embedded"]),
        "Memory": object(memory, &["message_id", "turn", "role", "content"]),
        "Receipt": object(json!({ "prompt": text(), "message_id": whole() }), &["message_id"]),
        "Cancelled": object(json!({ "cancelled": whole() }), &["cancelled"]),
        "Document": object(document, &["id", "name", "status"]),
        "Uploaded": object(json!({ "documents": objects }), &["documents"]),
        "Passages": object(json!({ "passages": objects, "degraded": objects }), &["passages"]),
        "Text": object(part, &["document_id", "start", "end", "text"]),
        "Maintained": { "type": "object" },
        "Health": object(json!({ "status": { "const": "ok" } }), &["status"]),
        "Readiness": { "type": "object" },
        "ModelStatus": object(json!({ "status": text() }), &["status", "embedding_model"]),
    })
}

fn openai() -> Value {
    let message = json!({
        "type": "object",
        "properties": {
            "role": { "enum": ["system", "developer", "user", "assistant"] },
            "content": { "type": "string" },
        },
        "required": ["role", "content"],
    });
    let messages = json!({
        "type": "array", "items": message, "minItems": 1,
        "maxItems": limits::CONVERSATION_MESSAGES_MAX,
    });
    let (model, count) = (json!({ "const": "loci" }), limits::EMBEDDED_TEXTS_MAX);
    let input = json!({
        "type": ["string", "array"], "items": { "type": "string", "minLength": 1 },
        "minLength": 1, "minItems": 1, "maxItems": count,
    });
    let embedding = json!({
        "model": model, "input": input,
        "encoding_format": { "enum": ["float", "base64"] },
        "input_type": { "enum": ["query", "passage"] },
    });
    let objects = json!({ "type": "array", "items": { "type": "object" } });
    let completion = json!({
        "id": text(), "object": text(), "created": whole(), "model": text(), "choices": objects,
        "usage": { "type": "object" },
    });
    let ollama = json!({
        "model": model, "messages": messages, "stream": { "type": ["boolean", "null"] },
        "format": { "anyOf": [{ "enum": ["", "json", null] }, { "type": "object" }] },
        "options": { "type": ["object", "null"] },
    });
    let chat = json!({ "model": model, "messages": messages });
    let list = json!({ "object": { "const": "list" }, "data": objects });
    let one = json!({ "id": text(), "object": { "const": "model" }, "created": whole() });
    json!({
        "OllamaRequest": object(ollama, &["messages"]),
        "OllamaAnswer": object(
            json!({ "model": text(), "message": { "type": "object" }, "done": { "const": true } }),
            &["model", "message", "done"],
        ),
        "OllamaTags": object(json!({ "models": objects }), &["models"]),
        "ChatRequest": with_options(chat, &["messages"]),
        "CompletionRequest": with_options(json!({ "model": model, "prompt": text() }), &["prompt"]),
        "EmbeddingRequest": object(embedding, &["input"]),
        "Completion": object(completion, &["id", "object", "created", "model", "choices"]),
        "Embeddings": object(list.clone(), &["object", "data"]),
        "ModelList": object(list, &["object", "data"]),
        "Model": object(one, &["id", "object"]),
    })
}

/// What Loci's own host takes and tells.
fn host() -> Value {
    let objects = json!({ "type": "array", "items": { "type": "object" } });
    let policy = json!({ "digest": text(), "interface": text(), "name": text(), "state": text() });
    json!({
        "Config": { "type": "object" },
        "ModelFile": object(json!({ "name": text(), "source": text() }), &["name", "source"]),
        "ModelFiles": object(json!({ "models": objects, "folder": text() }), &["models"]),
        "Load": object(json!({ "model": text() }), &["model"]),
        "Loading": object(json!({ "model": text(), "status": text() }), &["model", "status"]),
        "Policy": object(policy, &["digest", "interface", "state"]),
        "Policies": object(json!({ "policies": objects }), &["policies", "hooks"]),
        "PolicyLog": object(json!({ "events": objects }), &["events"]),
        "RollBack": object(json!({ "interface": text() }), &["interface"]),
    })
}
