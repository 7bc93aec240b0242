//! What a client sends: read up to a limit, and taken apart field by field, so that an error can
//! name the field.

use http::HeaderMap;
use http_body::Body;
use serde_json::{Map, Value};
use std::pin::pin;

use super::error::ApiError;
use super::format;
pub use super::format::Constraint;
use crate::limits;

/// A new session.
#[derive(Debug, PartialEq)]
pub struct NewSession {
    /// What people call it.
    pub name: Option<String>,
    /// The documents that it is linked to.
    pub rag_document_ids: Option<Vec<String>>,
}

/// A message of a user, and how to answer it.
#[derive(Debug, PartialEq, Clone)]
pub struct NewMessage {
    /// What was said.
    pub content: String,
    /// Whether the answer comes as a stream of events.
    pub stream: bool,
    /// The message in whose place this one is said; what came after it goes too.
    pub supersedes: Option<u64>,
    /// What the model is told to be and do, where this message says otherwise than the server.
    pub instruction: Option<String>,
    /// How the model answers.
    pub options: Options,
}

/// How the model answers. What is none is left to the server.
#[derive(Debug, PartialEq, Clone, Default)]
pub struct Options {
    /// The most tokens of the reply: at least 1.
    pub max_tokens: Option<u32>,
    /// 0 to 2.
    pub temperature: Option<f32>,
    /// Above 0 up to 1.
    pub top_p: Option<f32>,
    /// 0 considers all tokens.
    pub top_k: Option<u32>,
    /// 0 to 1.
    pub min_p: Option<f32>,
    /// 1 to 2.
    pub repeat_penalty: Option<f32>,
    /// The same seed, prompt and model give the same text.
    pub seed: Option<u32>,
    /// Texts that end the reply.
    pub stop: Vec<String>,
    /// What the text of the reply must be.
    pub constraint: Option<Constraint>,
}

/// Reads a JSON object from the body of a request, of the usual length.
///
/// Fails as [`object_of`] does.
pub async fn object<B>(headers: &HeaderMap, body: B) -> Result<Map<String, Value>, ApiError>
where
    B: Body,
    B::Error: std::fmt::Display,
{
    object_of(headers, body, limits::BODY_BYTES_MAX).await
}

/// Reads a JSON object from the body of a request, which has at most `bytes_max` bytes.
///
/// Fails with 415 if the body is not declared as JSON, with 413 if it is too long (it is not read
/// to its end then), and with 400 if it is not a JSON object.
pub async fn object_of<B>(
    headers: &HeaderMap,
    body: B,
    bytes_max: usize,
) -> Result<Map<String, Value>, ApiError>
where
    B: Body,
    B::Error: std::fmt::Display,
{
    let declared = headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or("");
    check_content_type(declared)?;
    let bytes = read(headers, body, bytes_max).await?;
    parse(&bytes)
}

/// Whether the client wants to be answered with a stream of events.
pub fn accepts_events(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all("accept").iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|kind| {
        kind.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case("text/event-stream")
    })
}

fn check_content_type(declared: &str) -> Result<(), ApiError> {
    let kind = declared.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    if kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json")) {
        return Ok(());
    }
    let found = if kind.is_empty() { "none".to_owned() } else { format!("`{kind}`") };
    let message = format!("the content type must be `application/json`, not {found}");
    Err(ApiError::new(415, "unsupported_content_type", message))
}

async fn read<B>(headers: &HeaderMap, body: B, bytes_max: usize) -> Result<Vec<u8>, ApiError>
where
    B: Body,
    B::Error: std::fmt::Display,
{
    let too_long = || {
        let message = format!("a body may have at most {bytes_max} bytes");
        ApiError::new(413, "body_too_long", message)
    };
    let declared = headers.get("content-length").and_then(|value| value.to_str().ok());
    let declared = declared.and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    if declared > bytes_max as u64 {
        return Err(too_long());
    }
    let mut bytes = Vec::new();
    let mut body = pin!(body);
    while let Some(frame) = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        let frame = frame.map_err(|error| {
            eprintln!("a request's body broke off: {error}");
            ApiError::new(400, "body_incomplete", "the body broke off before its end")
        })?;
        let Ok(mut data) = frame.into_data() else { continue };
        while bytes::Buf::has_remaining(&data) {
            let chunk = bytes::Buf::chunk(&data);
            if bytes.len() + chunk.len() > bytes_max {
                return Err(too_long());
            }
            bytes.extend_from_slice(chunk);
            let read = chunk.len();
            bytes::Buf::advance(&mut data, read);
        }
    }
    Ok(bytes)
}

fn parse(bytes: &[u8]) -> Result<Map<String, Value>, ApiError> {
    match serde_json::from_slice(bytes) {
        Ok(mut body @ Value::Object(_)) => {
            make_whole(&mut body);
            let Value::Object(fields) = body else { return Ok(Map::new()) };
            Ok(fields)
        }
        Ok(_) => Err(ApiError::new(400, "invalid_json", "the body must be a JSON object")),
        Err(error) => {
            let message = format!("the body is not valid JSON: {error}");
            Err(ApiError::new(400, "invalid_json", message))
        }
    }
}

/// JSON knows no whole numbers: `7.0` is `7`.
fn make_whole(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            let exact = -(2_f64.powi(53))..=2_f64.powi(53);
            let whole = number.as_f64().filter(|it| it.fract() == 0.0 && exact.contains(it));
            if let Some(whole) = whole {
                *value = Value::from(whole as i64);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(make_whole),
        Value::Object(fields) => fields.values_mut().for_each(make_whole),
        _ => {}
    }
}

/// Takes a new session out of a body.
///
/// Fails with 400 for a field of the wrong type or length.
pub fn new_session(fields: &Map<String, Value>) -> Result<NewSession, ApiError> {
    Ok(NewSession { name: name(fields)?, rag_document_ids: ids(fields, "rag_document_ids")? })
}

/// Takes what the model is told to be and do out of a body; `null` leaves that to the server.
///
/// Fails with 400 if it is not there, or of the wrong type or length.
pub fn instruction(fields: &Map<String, Value>) -> Result<Option<String>, ApiError> {
    let most = limits::MESSAGE_BYTES_MAX;
    match fields.get("instruction") {
        Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if !text.trim().is_empty() && text.len() <= most => {
            Ok(Some(text.clone()))
        }
        _ => {
            let message = format!(
                "`instruction` must be a text of at most {most} bytes that is not empty, or null"
            );
            Err(ApiError::invalid("instruction", message))
        }
    }
}

/// Takes the name of a session out of a body; `null` takes its name away.
///
/// Fails with 400 if there is no name, or one of the wrong type or length.
pub fn new_name(fields: &Map<String, Value>) -> Result<Option<String>, ApiError> {
    if !fields.contains_key("name") {
        return Err(ApiError::invalid("name", "`name` is missing: a string, or null for none"));
    }
    name(fields)
}

/// A search in chosen documents.
#[derive(Debug, PartialEq)]
pub struct DocumentSearch {
    /// What is looked for.
    pub query: String,
    /// Where.
    pub document_ids: Vec<String>,
    /// The most passages.
    pub limit: u32,
}

/// Takes a search in documents out of a body.
///
/// Fails with 400 for a missing or empty query, no documents, or a limit out of range.
pub fn document_search(fields: &Map<String, Value>) -> Result<DocumentSearch, ApiError> {
    let query = match fields.get("query") {
        Some(Value::String(query)) if !query.trim().is_empty() => query.clone(),
        _ => return Err(ApiError::invalid("query", "`query` must be a string that is not empty")),
    };
    if query.len() > limits::MESSAGE_BYTES_MAX {
        return Err(ApiError::invalid("query", "`query` is longer than a message may be"));
    }
    let document_ids = ids(fields, "document_ids")?.unwrap_or_default();
    if document_ids.is_empty() {
        let message = "`document_ids` must name at least one document";
        return Err(ApiError::invalid("document_ids", message));
    }
    let limit = whole(fields, "limit", 1, limits::PASSAGE_HITS_MAX)?.unwrap_or(10);
    Ok(DocumentSearch { query, document_ids, limit })
}

/// Takes the switch of the memory out of a body.
///
/// Fails with 400 if it is missing or no boolean.
pub fn enabled(fields: &Map<String, Value>) -> Result<bool, ApiError> {
    fields
        .get("enabled")
        .and_then(Value::as_bool)
        .ok_or_else(|| ApiError::invalid("enabled", "`enabled` must be true or false"))
}

/// Takes a message out of a body.
///
/// Fails with 400 for a missing or empty content, a role other than `user`, or an option that is
/// out of range; with 413 for a content that is too long.
pub fn new_message(fields: &Map<String, Value>) -> Result<NewMessage, ApiError> {
    match fields.get("role") {
        Some(Value::String(role)) if role == "user" => {}
        None => return Err(ApiError::invalid("role", "`role` is missing: it must be `user`")),
        Some(_) => {
            let message = "`role` must be `user`: only messages of the user can be posted";
            return Err(ApiError::invalid("role", message));
        }
    }
    let content = match fields.get("content") {
        Some(Value::String(content)) => content,
        None => return Err(ApiError::invalid("content", "`content` is missing: a string")),
        Some(_) => return Err(ApiError::invalid("content", "`content` must be a string")),
    };
    if content.len() > limits::MESSAGE_BYTES_MAX {
        return Err(ApiError::message_too_long(content.len()));
    }
    if content.trim().is_empty() {
        return Err(ApiError::invalid("content", "`content` must not be empty"));
    }
    let stream = match fields.get("stream") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(stream)) => *stream,
        Some(_) => return Err(ApiError::invalid("stream", "`stream` must be true or false")),
    };
    let supersedes = match fields.get("supersedes") {
        None | Some(Value::Null) => None,
        Some(id) => {
            let wrong = "`supersedes` must be the id of a message of this session";
            let id = id.as_u64().filter(|id| i64::try_from(*id).is_ok());
            Some(id.ok_or_else(|| ApiError::invalid("supersedes", wrong))?)
        }
    };
    let options = options(fields)?;
    Ok(NewMessage { content: content.clone(), stream, supersedes, instruction: None, options })
}

/// Takes a message that is not said yet out of a body, and the most tokens of its prompt.
///
/// Fails as [`new_message`] does, and with 400 if it is to take the place of another one.
pub fn draft(fields: &Map<String, Value>) -> Result<(NewMessage, Option<u32>), ApiError> {
    let mut fields = fields.clone();
    fields.entry("role").or_insert_with(|| "user".into());
    let message = new_message(&fields)?;
    if message.supersedes.is_some() {
        let wrong = "`supersedes` belongs to a message that is said: a draft is the next one";
        return Err(ApiError::invalid("supersedes", wrong));
    }
    Ok((message, whole(&fields, "prompt_tokens_max", 1, u32::MAX)?))
}

/// Takes how the model is to answer out of a body.
///
/// Fails with 400 for an option that is out of range.
pub fn options(fields: &Map<String, Value>) -> Result<Options, ApiError> {
    if fields.get("top_p").and_then(Value::as_f64) == Some(0.0) {
        return Err(ApiError::invalid("top_p", "`top_p` must be above 0 and at most 1"));
    }
    // What is above 0 stays so, however near.
    let top_p = decimal(fields, "top_p", 0.0, 1.0)?.map(|top_p| top_p.max(f32::MIN_POSITIVE));
    Ok(Options {
        max_tokens: whole(fields, "max_tokens", 1, limits::REPLY_TOKENS_MAX)?,
        temperature: decimal(fields, "temperature", 0.0, 2.0)?,
        top_p,
        top_k: whole(fields, "top_k", 0, limits::TOP_K_MAX)?,
        min_p: decimal(fields, "min_p", 0.0, 1.0)?,
        repeat_penalty: decimal(fields, "repeat_penalty", 1.0, 2.0)?,
        seed: whole(fields, "seed", 0, u32::MAX)?,
        stop: stop(fields)?,
        constraint: format::constraint(fields)?,
    })
}

/// Takes a name out of a body; none where it is missing or null.
///
/// Fails with 400 if it is of the wrong type, or too long.
pub fn name(fields: &Map<String, Value>) -> Result<Option<String>, ApiError> {
    match fields.get("name") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(name)) if name.len() <= limits::NAME_BYTES_MAX => Ok(Some(name.clone())),
        Some(Value::String(name)) => {
            let most = limits::NAME_BYTES_MAX;
            let message = format!("`name` may have at most {most} bytes, not {}", name.len());
            Err(ApiError::invalid("name", message))
        }
        Some(_) => Err(ApiError::invalid("name", "`name` must be a string or null")),
    }
}

fn ids(fields: &Map<String, Value>, name: &'static str) -> Result<Option<Vec<String>>, ApiError> {
    let wrong = || ApiError::invalid(name, format!("`{name}` must be a list of ids"));
    let list = match fields.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(wrong()),
    };
    if list.len() > limits::SESSION_DOCUMENTS_MAX {
        let most = limits::SESSION_DOCUMENTS_MAX;
        let message = format!("`{name}` may have at most {most} ids, not {}", list.len());
        return Err(ApiError::invalid(name, message));
    }
    let ids = list.iter().map(|id| id.as_str().map(str::to_owned).ok_or_else(wrong));
    Ok(Some(ids.collect::<Result<_, _>>()?))
}

fn stop(fields: &Map<String, Value>) -> Result<Vec<String>, ApiError> {
    let texts = match fields.get("stop") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(list)) => {
            let texts = list.iter().map(|text| text.as_str().map(str::to_owned));
            texts.collect::<Option<Vec<_>>>().unwrap_or_default()
        }
        Some(_) => Vec::new(),
    };
    let short = |text: &String| (1..=limits::STOP_BYTES_MAX).contains(&text.len());
    if texts.is_empty() || texts.len() > limits::STOPS_MAX || !texts.iter().all(short) {
        let (texts, bytes) = (limits::STOPS_MAX, limits::STOP_BYTES_MAX);
        let message = format!(
            "`stop` must be a string or at most {texts} strings, of 1 to {bytes} bytes each"
        );
        return Err(ApiError::invalid("stop", message));
    }
    Ok(texts)
}

fn whole(
    fields: &Map<String, Value>,
    name: &'static str,
    least: u32,
    most: u32,
) -> Result<Option<u32>, ApiError> {
    let value = match fields.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(value) => value,
    };
    let found = value.as_u64().and_then(|value| u32::try_from(value).ok());
    match found.filter(|value| (least..=most).contains(value)) {
        Some(value) => Ok(Some(value)),
        None => {
            let message = format!("`{name}` must be a whole number from {least} to {most}");
            Err(ApiError::invalid(name, message))
        }
    }
}

fn decimal(
    fields: &Map<String, Value>,
    name: &'static str,
    least: f64,
    most: f64,
) -> Result<Option<f32>, ApiError> {
    let value = match fields.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(value) => value,
    };
    match value.as_f64().filter(|value| (least..=most).contains(value)) {
        Some(value) => Ok(Some(value as f32)),
        None => {
            let message = format!("`{name}` must be a number from {least} to {most}");
            Err(ApiError::invalid(name, message))
        }
    }
}

#[cfg(test)]
mod tests;
