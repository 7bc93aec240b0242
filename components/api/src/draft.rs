//! For whoever puts a prompt together elsewhere, with the same policies: what it is made of, and
//! the measures of the model that would read it.

use std::rc::Rc;

use serde_json::{Map, Value, json};

use crate::bindings::inference::tokenizer::Side;
use crate::bindings::inference::types::{Error, Role};
use crate::db::Database;
use crate::http::error::ApiError;
use crate::http::request;
use crate::settings::Settings;
use crate::turn::Turn;
use crate::turn::decide::ready_model;
use crate::turn::draft::Draft;
use crate::{limits, measure};

/// What the prompt of a message would be made of.
///
/// Fails with 400 as a message does that is said, with 404 if there is no such session, and with
/// 503 if no model can measure.
pub async fn draft(
    database: Rc<Database>,
    settings: Rc<Settings>,
    session_id: Option<&str>,
    fields: &Map<String, Value>,
) -> Result<Draft, ApiError> {
    let (message, prompt_tokens_max) = request::draft(fields)?;
    let turn = Turn::imagined(database, settings, session_id, message).await?;
    turn.draft(prompt_tokens_max).await
}

/// Measures with the model that chats: `texts` become `tokens`, `roles` the `frame` that its
/// template writes around messages (null if it cannot), `clip` the `span` that fits. `model` is the
/// digest of who measured.
///
/// Fails with 400 for a field that it cannot read, and with 503 if no model can measure.
pub async fn measured(fields: &Map<String, Value>) -> Result<Value, ApiError> {
    let of_model = |error| ApiError::of_model(&error);
    let model = ready_model().await?;
    let mut measured = json!({ "model": model.digest });
    if let Some(texts) = texts(fields)? {
        measured["tokens"] = json!(measure::count(&texts).await.map_err(of_model)?);
    }
    if let Some(roles) = roles(fields)? {
        measured["frame"] = match measure::frame(&model.digest, &roles).await {
            Ok(frame) => json!(frame),
            Err(Error::InvalidRequest) => Value::Null,
            Err(error) => return Err(ApiError::of_model(&error)),
        };
    }
    if let Some((text, tokens_max, side)) = clip(fields)? {
        let span = measure::clip(text, tokens_max, side).await.map_err(of_model)?;
        measured["span"] = json!({ "start": span.start, "end": span.end });
    }
    measure::by(&model.digest).await.map_err(of_model)?;
    Ok(measured)
}

fn texts(fields: &Map<String, Value>) -> Result<Option<Vec<&str>>, ApiError> {
    let (most, bytes) = (limits::COUNT_TEXTS_MAX, limits::MESSAGE_BYTES_MAX);
    let short = |text: &&str| text.len() <= bytes;
    list(fields, "texts", most, |value| value.as_str().filter(short)).map_err(|()| {
        let message = format!("`texts` must be at most {most} strings of at most {bytes} bytes");
        ApiError::invalid("texts", message)
    })
}

fn roles(fields: &Map<String, Value>) -> Result<Option<Vec<Role>>, ApiError> {
    let most = limits::COUNT_TEXTS_MAX;
    let role = |value: &Value| match value.as_str()? {
        "system" => Some(Role::System),
        "user" => Some(Role::User),
        "assistant" => Some(Role::Assistant),
        _ => None,
    };
    list(fields, "roles", most, role).map_err(|()| {
        let message = format!("`roles` must be at most {most} of `system`, `user` and `assistant`");
        ApiError::invalid("roles", message)
    })
}

fn list<'a, T>(
    fields: &'a Map<String, Value>,
    name: &str,
    most: usize,
    read: impl Fn(&'a Value) -> Option<T>,
) -> Result<Option<Vec<T>>, ()> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(items)) if items.len() <= most => {
            items.iter().map(read).collect::<Option<_>>().map(Some).ok_or(())
        }
        Some(_) => Err(()),
    }
}

fn clip(fields: &Map<String, Value>) -> Result<Option<(&str, u32, Side)>, ApiError> {
    let clip = match fields.get("clip") {
        None | Some(Value::Null) => return Ok(None),
        Some(clip) => clip,
    };
    let bytes = limits::MESSAGE_BYTES_MAX;
    let text = clip["text"].as_str().filter(|text| text.len() <= bytes);
    let tokens = clip["tokens_max"].as_u64().and_then(|tokens| u32::try_from(tokens).ok());
    let side = match clip["side"].as_str() {
        Some("beginning") => Some(Side::Beginning),
        Some("end") => Some(Side::End),
        _ => None,
    };
    match (text, tokens, side) {
        (Some(text), Some(tokens), Some(side)) => Ok(Some((text, tokens, side))),
        _ => {
            let message = format!(
                "`clip` must have a `text` of at most {bytes} bytes, a whole number \
                 `tokens_max`, and a `side`: `beginning` or `end`"
            );
            Err(ApiError::invalid("clip", message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(json: Value) -> Map<String, Value> {
        json.as_object().expect("an object").clone()
    }

    #[test]
    fn what_is_measured_is_read_field_by_field() {
        let all = fields(json!({
            "texts": ["a", ""], "roles": ["system", "user"],
            "clip": { "text": "long", "tokens_max": 2, "side": "end" },
        }));
        assert_eq!(texts(&all).unwrap(), Some(vec!["a", ""]));
        assert_eq!(roles(&all).unwrap().map(|roles| roles.len()), Some(2));
        assert!(matches!(clip(&all).unwrap(), Some(("long", 2, Side::End))));
        let none = fields(json!({ "texts": null }));
        assert!(texts(&none).unwrap().is_none() && clip(&none).unwrap().is_none());
    }

    #[test]
    fn what_cannot_be_measured_is_refused_by_name() {
        let long = "x".repeat(limits::MESSAGE_BYTES_MAX + 1);
        for bad in [json!({ "texts": [7] }), json!({ "texts": "a" }), json!({ "texts": [long] })] {
            assert_eq!(texts(&fields(bad)).unwrap_err().param, Some("texts"));
        }
        assert_eq!(roles(&fields(json!({ "roles": ["bot"] }))).unwrap_err().param, Some("roles"));
        let no_side = json!({ "clip": { "text": "a", "tokens_max": 1 } });
        assert_eq!(clip(&fields(no_side)).unwrap_err().param, Some("clip"));
    }
}
