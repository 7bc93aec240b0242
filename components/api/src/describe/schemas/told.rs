//! What the application tells.

use serde_json::{Value, json};

use super::{object, objects, or_null, text, text_or_null, whole, yes_or_no};

/// These schemas, by name.
pub(super) fn schemas() -> Value {
    let error = object(
        json!({ "message": text(), "type": text(), "param": text_or_null(), "code": text() }),
        &["message", "type", "param", "code"],
    );
    let imported = json!({
        "message_ids": { "type": "array", "items": whole() }, "indexed": whole(),
    });
    let part = json!({
        "document_id": text(), "start": whole(), "end": whole(), "text_bytes": whole(),
        "text": text(),
    });
    let event = json!({ "event": text(), "data": text() });
    json!({
        "Event": object(event, &["data"]),
        "Draft": { "type": "object" },
        "Replayed": replayed(),
        "ShadowReport": shadow_report(),
        "Measured": object(json!({ "model": text() }), &["model"]),
        "ImportedMessages": object(imported, &["message_ids", "indexed"]),
        "Error": object(json!({ "error": error }), &["error"]),
        "Session": session(),
        "Message": message(),
        "Memory": memory(),
        "Receipt": object(json!({ "prompt": text(), "message_id": whole() }), &["message_id"]),
        "Cancelled": object(json!({ "cancelled": whole() }), &["cancelled"]),
        "Document": document(),
        "Uploaded": object(json!({ "documents": objects() }), &["documents"]),
        "Passages": object(
            json!({ "passages": objects(), "degraded": objects() }),
            &["passages", "degraded"],
        ),
        "Text": object(part, &["document_id", "start", "end", "text"]),
        "Maintained": { "type": "object" },
        "Health": object(json!({ "status": { "const": "ok" } }), &["status"]),
        "Readiness": object(json!({ "ready": yes_or_no() }), &["ready"]),
        "ModelStatus": object(json!({ "status": text() }), &["status", "embedding_model"]),
    })
}

fn session() -> Value {
    let list = json!({ "type": ["array", "null"] });
    let fields = json!({
        "id": text(), "name": text_or_null(), "created_at": text(), "last_updated_at": text(),
        "llm_model_name": text_or_null(), "rag_document_ids": list, "metadata_tags": list,
        "long_term_memory_enabled": yes_or_no(), "instruction": text_or_null(),
    });
    object(fields, &["id", "name", "created_at", "long_term_memory_enabled"])
}

fn message() -> Value {
    let fields = json!({
        "id": whole(), "session_id": text(), "turn": whole(), "timestamp": text(),
        "role": { "enum": ["user", "assistant"] }, "content": text(), "status": text(),
        "is_embedded": yes_or_no(), "metadata": { "type": ["object", "null"] },
    });
    object(fields, &["id", "turn", "role", "content", "status", "is_embedded"])
}

fn memory() -> Value {
    let fields = json!({
        "message_id": whole(), "turn": whole(), "role": text(), "timestamp": text(),
        "content": text(), "score": { "type": ["number", "null"] },
    });
    object(fields, &["message_id", "turn", "role", "content"])
}

fn document() -> Value {
    let fields = json!({
        "id": text(), "name": text(), "status": text(), "bytes": whole(), "sha256": text(),
        "created_at": text(), "updated_at": text(), "progress": { "type": "object" },
    });
    object(fields, &["id", "name", "status"])
}

/// Lines that stand in one of two prompts only.
fn hunks() -> Value {
    let lines = json!({ "type": "array", "items": text() });
    let hunk = json!({ "line": whole(), "removed": lines, "added": lines });
    json!({ "type": "array", "items": object(hunk, &["line", "removed", "added"]) })
}

/// A prompt that was put together again.
fn replayed() -> Value {
    let fields = json!({ "identical": yes_or_no(), "difference": hunks() });
    object(fields, &["difference"])
}

/// How a candidate did on turns of the past.
fn shadow_report() -> Value {
    let pair = object(json!({ "before": whole(), "after": whole() }), &["before", "after"]);
    let passage = object(
        json!({
            "kind": { "enum": ["instruction", "document", "memory", "history", "query"] },
            "message_id": or_null(whole()), "passage_id": or_null(whole()),
        }),
        &["kind", "message_id", "passage_id"],
    );
    let passages = json!({ "type": "array", "items": passage });
    let example = object(
        json!({
            "session_id": text(), "message_id": whole(), "refused": text(), "prompt_tokens": pair,
            "lost": passages, "gained": passages, "difference": hunks(),
        }),
        &["session_id", "message_id", "prompt_tokens", "lost", "gained", "difference"],
    );
    let counts = json!({ "kept": whole(), "lost": whole(), "gained": whole() });
    let fields = json!({
        "digest": text(), "interface": { "enum": ["assembly", "truncation"] },
        "turns": whole(), "changed": whole(), "refused": whole(),
        "skipped": { "type": "object", "additionalProperties": whole() },
        "passages": object(counts, &["kept", "lost", "gained"]),
        "prompt_tokens": pair, "reusable_tokens": pair, "fuel": pair,
        "examples": { "type": "array", "items": example },
    });
    object(
        fields,
        &[
            "digest",
            "interface",
            "turns",
            "changed",
            "refused",
            "skipped",
            "passages",
            "prompt_tokens",
            "reusable_tokens",
            "fuel",
            "examples",
        ],
    )
}
