//! What OpenAI's clients send, field by field. What cannot be done is refused by name; what has no
//! bearing on the answer (`user`, `store`, `service_tier` and the like) is passed over.

use http::HeaderMap;
use serde_json::{Map, Value};

use crate::bindings::inference::types::Role;
use crate::http::error::ApiError;
use crate::http::request::{Options, options};
use crate::limits;

/// The header that names a session.
pub const SESSION_HEADER: &str = "x-loci-session";

/// What is asked of the model, whatever it is to read.
#[derive(Debug)]
pub struct Asked {
    /// The name of the model; none for whichever is active.
    pub model: Option<String>,
    /// Whether the answer comes in chunks.
    pub stream: bool,
    /// Whether the last of these tells what it cost.
    pub include_usage: bool,
    /// How the model answers.
    pub options: Options,
}

/// A message of a conversation.
#[derive(Debug, PartialEq)]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// What is said.
    pub text: String,
}

/// A field, and whether a value of it asks for nothing.
type Field = (&'static str, fn(&Value) -> bool);

/// What no model here can do.
const UNSUPPORTED: [Field; 15] = [
    ("tools", is_empty),
    ("tool_choice", |value| value.is_null() || value == "none" || value == "auto"),
    ("functions", is_empty),
    ("function_call", |value| value.is_null() || value == "none" || value == "auto"),
    ("n", is_one),
    ("best_of", is_one),
    ("logprobs", |value| value.is_null() || value == false),
    ("top_logprobs", is_zero),
    ("logit_bias", is_empty),
    ("presence_penalty", is_zero),
    ("frequency_penalty", is_zero),
    ("modalities", |value| value.is_null() || value == &serde_json::json!(["text"])),
    ("audio", Value::is_null),
    ("echo", |value| value.is_null() || value == false),
    ("suffix", |value| value.is_null() || value == ""),
];

/// Takes how to answer out of a body.
///
/// Fails with 400 for a field that is wrong, out of range, or asks for what no model here can do.
pub fn asked(fields: &Map<String, Value>) -> Result<Asked, ApiError> {
    for (name, asks_nothing) in UNSUPPORTED {
        if fields.get(name).is_some_and(|value| !asks_nothing(value)) {
            let message = format!("`{name}` is not supported here: leave it out");
            let error = ApiError::new(400, "unsupported_parameter", message);
            return Err(ApiError { param: Some(name), ..error });
        }
    }
    let stream = flag(fields, "stream")?;
    let include_usage = match fields.get("stream_options") {
        None | Some(Value::Null) => false,
        Some(Value::Object(_)) if !stream => {
            let message = "`stream_options` goes with `stream: true` only";
            return Err(ApiError::invalid("stream_options", message));
        }
        Some(Value::Object(options)) => flag(options, "include_usage")?,
        Some(_) => {
            return Err(ApiError::invalid("stream_options", "`stream_options` must be an object"));
        }
    };
    let mut fields = fields.clone();
    // The newer name of the same limit goes before the older one.
    if let Some(most) = fields.remove("max_completion_tokens").filter(|most| !most.is_null()) {
        fields.insert("max_tokens".to_owned(), most);
    }
    let options = options(&fields)?;
    Ok(Asked { model: text(&fields, "model")?, stream, include_usage, options })
}

/// Takes the conversation out of a body.
///
/// Fails with 400 if it is none, or has anything but text.
pub fn messages(fields: &Map<String, Value>) -> Result<Vec<Message>, ApiError> {
    let list = match fields.get("messages") {
        Some(Value::Array(list)) if !list.is_empty() => list,
        _ => return Err(wrong("`messages` must be a list of at least one message")),
    };
    if list.len() > limits::CONVERSATION_MESSAGES_MAX {
        let most = limits::CONVERSATION_MESSAGES_MAX;
        return Err(wrong(&format!("`messages` may be at most {most}, not {}", list.len())));
    }
    list.iter().map(message).collect()
}

fn message(value: &Value) -> Result<Message, ApiError> {
    let role = match value.get("role").and_then(Value::as_str) {
        Some("system" | "developer") => Role::System,
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        Some("tool" | "function") => {
            return Err(wrong("a message of a tool is not supported here: there are no tools"));
        }
        _ => {
            return Err(wrong(
                "the `role` of a message must be `system`, `developer`, `user` or `assistant`",
            ));
        }
    };
    if value.get("tool_calls").is_some_and(|calls| !is_empty(calls)) {
        return Err(wrong("`tool_calls` is not supported here: there are no tools"));
    }
    // Where Ollama's clients put pictures.
    if value.get("images").is_some_and(|images| !is_empty(images)) {
        return Err(wrong("`images` is not supported here: a message is text"));
    }
    match value.get("content") {
        Some(Value::String(text)) => Ok(Message { role, text: text.clone() }),
        Some(Value::Array(parts)) => {
            let texts: Result<Vec<&str>, ApiError> = parts.iter().map(part).collect();
            Ok(Message { role, text: texts?.concat() })
        }
        None | Some(Value::Null) if role == Role::Assistant => {
            Ok(Message { role, text: String::new() })
        }
        _ => Err(wrong("the `content` of a message must be a string, or a list of parts of text")),
    }
}

fn part(part: &Value) -> Result<&str, ApiError> {
    match (part.get("type").and_then(Value::as_str), part.get("text").and_then(Value::as_str)) {
        (Some("text"), Some(text)) => Ok(text),
        (Some("text"), None) => Err(wrong("a part of the type `text` needs a string `text`")),
        _ => Err(wrong("only parts of the type `text` are supported here: no model reads others")),
    }
}

/// The session that a request names, by header or in its metadata.
///
/// Fails with 400 if the name is not a text.
pub fn session(
    headers: &HeaderMap,
    fields: &Map<String, Value>,
) -> Result<Option<String>, ApiError> {
    if let Some(value) = headers.get(SESSION_HEADER) {
        let id = value.to_str().map_err(|_| ApiError::no_session("?"))?;
        return Ok(Some(id.to_owned()));
    }
    match fields.get("metadata") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(metadata)) => match metadata.get("session_id") {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(id)) => Ok(Some(id.clone())),
            Some(_) => Err(ApiError::invalid("metadata", "`metadata.session_id` must be a string")),
        },
        Some(_) => Err(ApiError::invalid("metadata", "`metadata` must be an object")),
    }
}

/// A text of a body.
///
/// Fails with 400 if the field is something else.
pub fn text(fields: &Map<String, Value>, name: &'static str) -> Result<Option<String>, ApiError> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(ApiError::invalid(name, format!("`{name}` must be a string"))),
    }
}

fn flag(fields: &Map<String, Value>, name: &'static str) -> Result<bool, ApiError> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(ApiError::invalid(name, format!("`{name}` must be true or false"))),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

fn is_zero(value: &Value) -> bool {
    value.is_null() || value.as_f64() == Some(0.0)
}

fn is_one(value: &Value) -> bool {
    value.is_null() || value.as_u64() == Some(1)
}

fn wrong(message: &str) -> ApiError {
    ApiError::invalid("messages", message)
}

#[cfg(test)]
mod tests;
