//! What is sent and told, as JSON schemas.

mod host;
mod openai;
mod sent;
mod told;

use serde_json::{Value, json};

use crate::limits;

/// The hooks whose policies a turn chooses, as people call them.
pub(super) const CHOSEN_HOOKS: [&str; 4] = ["assembly", "truncation", "ranking", "condensation"];

/// All schemas, by name.
pub fn all() -> Value {
    let mut all = sent::schemas();
    for part in [told::schemas(), openai::schemas(), host::schemas()] {
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

/// The same, with no other fields.
fn strict(fields: Value, required: &[&str]) -> Value {
    let mut schema = object(fields, required);
    schema["additionalProperties"] = json!(false);
    schema
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

fn whole_or_null(least: u32, most: u32) -> Value {
    json!({ "type": ["integer", "null"], "minimum": least, "maximum": most })
}

fn yes_or_no() -> Value {
    json!({ "type": "boolean" })
}

fn objects() -> Value {
    json!({ "type": "array", "items": { "type": "object" } })
}

/// Something, or null.
fn or_null(schema: Value) -> Value {
    json!({ "anyOf": [schema, { "type": "null" }] })
}

/// What is said: at most [`limits::MESSAGE_BYTES_MAX`] bytes in UTF-8, so no more characters.
fn said() -> Value {
    json!({
        "type": "string", "minLength": 1, "maxLength": limits::MESSAGE_BYTES_MAX, "pattern": "\\S",
    })
}

/// A sha256 of a file, or the beginning of one that no other has.
fn digest() -> Value {
    json!({ "type": "string", "pattern": "^[0-9a-f]{1,64}$" })
}

/// How the model is to answer.
fn options() -> Value {
    let stop = json!({ "type": "string", "minLength": 1, "maxLength": limits::STOP_BYTES_MAX });
    let schema = object(json!({ "schema": { "type": ["object", "boolean"] } }), &["schema"]);
    let json_schema = object(
        json!({ "type": { "const": "json_schema" }, "json_schema": schema }),
        &["type", "json_schema"],
    );
    let grammar =
        object(json!({ "type": { "const": "grammar" }, "grammar": text() }), &["type", "grammar"]);
    let plain = object(json!({ "type": { "enum": ["text", "json_object"] } }), &["type"]);
    json!({
        "max_tokens": whole_or_null(1, limits::REPLY_TOKENS_MAX),
        "temperature": { "type": ["number", "null"], "minimum": 0, "maximum": 2 },
        "top_p": { "type": ["number", "null"], "exclusiveMinimum": 0, "maximum": 1 },
        "top_k": whole_or_null(0, limits::TOP_K_MAX),
        "min_p": { "type": ["number", "null"], "minimum": 0, "maximum": 1 },
        "repeat_penalty": { "type": ["number", "null"], "minimum": 1, "maximum": 2 },
        "seed": whole_or_null(0, u32::MAX),
        "stop": { "anyOf": [
            stop,
            { "type": "array", "items": stop, "minItems": 1, "maxItems": limits::STOPS_MAX },
            { "type": "null" },
        ] },
        "response_format": { "anyOf": [plain, json_schema, grammar, { "type": "null" }] },
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
