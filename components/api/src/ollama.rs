//! What Ollama's clients ask: the same conversations as by OpenAI's interface, under other names,
//! and as lines of JSON instead of events.

use std::rc::Rc;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use spin_sdk::http::Request;

use crate::bindings::inference::models;
use crate::db::Database;
use crate::http::error::ApiError;
use crate::http::request as body;
use crate::http::response::Response;
use crate::openai::chat;
use crate::openai::chunks::Kind;
use crate::settings::Settings;
use crate::{limits, time};

/// The options of Ollama's clients, and what they are called here.
const OPTIONS: [(&str, &str); 8] = [
    ("num_predict", "max_tokens"),
    ("temperature", "temperature"),
    ("top_p", "top_p"),
    ("top_k", "top_k"),
    ("min_p", "min_p"),
    ("repeat_penalty", "repeat_penalty"),
    ("seed", "seed"),
    ("stop", "stop"),
];

/// Answers `POST /api/chat`.
///
/// Fails as a conversation of OpenAI's does.
pub async fn answer(
    database: Rc<Database>,
    settings: Rc<Settings>,
    request: Request,
) -> Result<Response, ApiError> {
    let (head, body) = request.into_parts();
    let fields = body::object_of(&head.headers, body, limits::CONVERSATION_BYTES_MAX).await?;
    let fields = translated(fields)?;
    chat::answer_fields(Kind::Lines, &head.headers, &fields, database, settings).await
}

/// The models, as Ollama's clients list them.
pub async fn tags() -> Value {
    let active = models::status().await;
    let known = Some(active).filter(|model| !model.name.is_empty());
    let listed: Vec<Value> = known
        .iter()
        .map(|model| {
            json!({
                "name": model.name,
                "model": model.name,
                "modified_at": time::rfc3339(0),
                "size": model.memory_bytes,
                "digest": model.digest,
                "details": { "format": "gguf", "family": "", "parameter_size": "" },
            })
        })
        .collect();
    json!({ "models": listed })
}

/// A request of Ollama's in the words of OpenAI's.
fn translated(mut fields: Map<String, Value>) -> Result<Map<String, Value>, ApiError> {
    // Theirs is streamed unless somebody says otherwise.
    fields.entry("stream").or_insert(json!(true));
    if let Some(Value::String(model)) = fields.get_mut("model")
        && let Some(name) = model.strip_suffix(":latest")
    {
        *model = name.to_owned();
    }
    match fields.remove("format") {
        None | Some(Value::Null) => {}
        Some(Value::String(format)) if format.is_empty() => {}
        Some(Value::String(format)) if format == "json" => {
            fields.insert("response_format".to_owned(), json!({ "type": "json_object" }));
        }
        Some(schema @ Value::Object(_)) => {
            let format = json!({
                "type": "json_schema", "json_schema": { "name": "format", "schema": schema },
            });
            fields.insert("response_format".to_owned(), format);
        }
        Some(_) => {
            return Err(ApiError::invalid("format", "`format` must be `json` or a JSON schema"));
        }
    }
    let options = match fields.remove("options") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(options)) => options,
        Some(_) => return Err(ApiError::invalid("options", "`options` must be an object")),
    };
    for (theirs, ours) in OPTIONS {
        let Some(value) = options.get(theirs) else { continue };
        // A length below 1 is no limit there.
        if theirs == "num_predict" && value.as_i64().is_some_and(|most| most < 1) {
            continue;
        }
        fields.insert(ours.to_owned(), value.clone());
    }
    Ok(fields)
}

/// A piece of an answer, as a line.
pub fn piece(model: &str, message: &Value) -> Bytes {
    line(&json!({
        "model": model,
        "created_at": time::rfc3339(time::now_micros()),
        "message": message,
        "done": false,
    }))
}

/// The end of an answer: what was not told before of its message, why it ended, and what it cost.
pub fn end(model: &str, message: &Value, reason: &Value, usage: &Value) -> Value {
    json!({
        "model": model,
        "created_at": time::rfc3339(time::now_micros()),
        "message": message,
        "done": true,
        "done_reason": reason,
        "prompt_eval_count": usage["prompt_tokens"],
        "eval_count": usage["completion_tokens"],
    })
}

/// A line of JSON.
pub fn line(value: &Value) -> Bytes {
    Bytes::from(format!("{value}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: Value) -> Result<Map<String, Value>, ApiError> {
        translated(body.as_object().unwrap().clone())
    }

    #[test]
    fn options_have_other_names() {
        let found = read(json!({
            "model": "tiny:latest",
            "options": { "num_predict": 9, "temperature": 0, "num_ctx": 4096 },
        }));
        let expected =
            json!({ "model": "tiny", "stream": true, "max_tokens": 9, "temperature": 0 });
        assert_eq!(Value::Object(found.unwrap()), expected);
        let found = read(json!({ "stream": false, "options": { "num_predict": -1 } })).unwrap();
        assert_eq!(Value::Object(found), json!({ "stream": false }));
        assert_eq!(read(json!({ "options": 7 })).unwrap_err().param, Some("options"));
    }

    #[test]
    fn a_format_is_a_word_or_a_schema() {
        let kind = |format: Value| {
            let found = read(json!({ "format": format }))?;
            Ok(found.get("response_format").map_or(Value::Null, |it| it["type"].clone()))
        };
        assert_eq!(kind(json!("json")), Ok(json!("json_object")));
        assert_eq!(kind(json!({ "type": "object" })), Ok(json!("json_schema")));
        assert_eq!(kind(json!("")), Ok(Value::Null));
        assert_eq!(kind(json!(7)).map_err(|error: ApiError| error.status), Err(400));
    }
}
