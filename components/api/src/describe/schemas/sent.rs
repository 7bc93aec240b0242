//! What is sent to the application.

use serde_json::{Map, Value, json};

use super::{CHOSEN_HOOKS, with_options, yes_or_no};
use super::{digest, object, or_null, said, strict, text, text_or_null, whole, whole_or_null};
use crate::limits;

/// These schemas, by name.
pub(super) fn schemas() -> Value {
    let name = json!({ "type": ["string", "null"], "maxLength": limits::NAME_BYTES_MAX });
    let ids = json!({
        "type": ["array", "null"], "items": text(), "maxItems": limits::SESSION_DOCUMENTS_MAX,
    });
    let message = json!({
        "role": { "const": "user" },
        "content": said(),
        "supersedes": { "type": ["integer", "null"], "minimum": 0, "maximum": i64::MAX },
    });
    let draft = json!({
        "role": { "const": "user" },
        "content": said(),
        "prompt_tokens_max": whole_or_null(1, u32::MAX),
    });
    let search = json!({
        "query": said(),
        "document_ids": {
            "type": "array", "items": text(), "minItems": 1,
            "maxItems": limits::SESSION_DOCUMENTS_MAX,
        },
        "limit": whole_or_null(1, limits::PASSAGE_HITS_MAX),
    });
    let shadow = json!({
        "turns": whole_or_null(1, limits::SHADOW_TURNS_MAX),
        "session_id": text_or_null(),
    });
    let ties: Map<String, Value> =
        CHOSEN_HOOKS.iter().map(|hook| ((*hook).to_owned(), or_null(digest()))).collect();
    json!({
        "Empty": { "type": "object" },
        "NewSession": object(json!({ "name": name, "rag_document_ids": ids }), &[]),
        "NewName": object(json!({ "name": name }), &["name"]),
        "NewTitle": object(json!({ "name": title() }), &["name"]),
        "Instruction": object(json!({ "instruction": instruction() }), &["instruction"]),
        "Switch": object(json!({ "enabled": yes_or_no() }), &["enabled"]),
        "NewMessage": with_options(message, &["role", "content"]),
        "DocumentSearch": object(search, &["query", "document_ids"]),
        "DraftMessage": with_options(draft, &["content"]),
        "ToMeasure": to_measure(),
        "Without": without(),
        "Ties": strict(Value::Object(ties), &[]),
        "Shadow": strict(shadow, &[]),
        "SessionFile": session_file(name),
        "MessagesToImport": object(
            json!({ "messages": elsewhere(1, limits::IMPORTED_MESSAGES_MAX) }),
            &["messages"],
        ),
        "ExportedReceipt": exported_receipt(),
        "Files": files(),
    })
}

/// What the model is told to be and do.
fn instruction() -> Value {
    json!({
        "type": ["string", "null"], "minLength": 1, "maxLength": limits::MESSAGE_BYTES_MAX,
        "pattern": "\\S",
    })
}

/// A name that is not empty.
fn title() -> Value {
    json!({
        "type": "string", "minLength": 1, "maxLength": limits::NAME_BYTES_MAX, "pattern": "\\S",
    })
}

/// A form with a file. Other fields mean nothing.
fn files() -> Value {
    let file = json!({ "type": "string", "format": "binary" });
    let mut form = object(json!({ "file": file }), &["file"]);
    let pattern = format!("^[0-9A-Za-z._\\[\\]-]{{1,{}}}$", limits::FIELD_NAME_BYTES_MAX);
    form["propertyNames"] = json!({ "pattern": pattern });
    form
}

/// Messages that were said elsewhere.
fn elsewhere(least: usize, most: usize) -> Value {
    let message = object(
        json!({
            "role": { "enum": ["user", "assistant"] },
            "content": said(),
            "name": {
                "type": ["string", "null"], "minLength": 1, "maxLength": limits::NAME_BYTES_MAX,
            },
            "timestamp": or_null(time()),
            "status": { "enum": ["ok", "failed", "cancelled", "interrupted", null] },
            "forgotten": { "type": ["boolean", "null"] },
        }),
        &["role", "content"],
    );
    json!({ "type": "array", "items": message, "minItems": least, "maxItems": most })
}

/// A time since 1970, as in RFC 3339.
fn time() -> Value {
    let pattern = "^(19[789]|2[0-9]{2})[0-9]-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T";
    json!({ "type": "string", "format": "date-time", "pattern": pattern })
}

/// A session as one file.
fn session_file(name: Value) -> Value {
    let base64 = "^([0-9A-Za-z+/]{4})*([0-9A-Za-z+/]{2}==|[0-9A-Za-z+/]{3}=)?$";
    let document = object(
        json!({
            "name": title(),
            "content": { "type": "string", "contentEncoding": "base64", "pattern": base64 },
        }),
        &["name", "content"],
    );
    let file = json!({
        "form": { "const": "loci-session/1" },
        "name": name,
        "created_at": or_null(time()),
        "long_term_memory_enabled": { "type": ["boolean", "null"] },
        "instruction": instruction(),
        "messages": elsewhere(0, limits::SESSION_FILE_MESSAGES_MAX),
        "documents": {
            "type": ["array", "null"], "items": document,
            "maxItems": limits::SESSION_DOCUMENTS_MAX,
        },
    });
    object(file, &["form", "messages"])
}

/// A receipt with the texts that it refers to.
fn exported_receipt() -> Value {
    let message = object(
        json!({
            "id": whole(), "turn": whole(), "role": { "enum": ["user", "assistant"] },
            "timestamp": { "type": "integer" }, "content": text(),
        }),
        &["id", "turn", "role", "timestamp", "content"],
    );
    let passage = object(
        json!({ "id": whole(), "document": text(), "content": text() }),
        &["id", "document", "content"],
    );
    let fields = json!({
        "format": { "const": "loci-receipt" },
        "version": { "const": 1 },
        "receipt": { "type": "object" },
        "messages": { "type": "array", "items": message },
        "passages": { "type": "array", "items": passage },
    });
    object(fields, &["format", "version", "receipt", "messages", "passages"])
}

/// What a past turn is laid out without: something at least.
fn without() -> Value {
    let (names, most) = (["messages", "passages", "documents"], limits::WITHOUT_MAX);
    let list = |of: Value| json!({ "type": ["array", "null"], "items": of, "maxItems": most });
    let fields = json!({
        "messages": list(whole()), "passages": list(whole()), "documents": list(text()),
    });
    let mut schema = strict(fields, &[]);
    let some = names.map(|name| {
        let some = json!({ "type": "array", "minItems": 1 });
        json!({ "properties": { name: some }, "required": [name] })
    });
    schema["anyOf"] = json!(some);
    schema
}

/// What the model is to count and to cut.
fn to_measure() -> Value {
    let words = json!({ "type": "string", "maxLength": limits::MESSAGE_BYTES_MAX });
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
        "clip": or_null(object(clip, &["text", "tokens_max", "side"])),
    });
    object(fields, &[])
}
