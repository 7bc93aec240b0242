//! `response_format`: what the text of a reply must be, said as OpenAI's clients say it.

use serde_json::{Map, Value};

use super::error::ApiError;
use crate::limits;

/// What the text of a reply must be.
#[derive(Debug, PartialEq, Clone)]
pub enum Constraint {
    /// JSON that this JSON schema describes.
    JsonSchema(String),
    /// A text of this grammar.
    Grammar(String),
}

/// Reads `response_format`: `{"type":"text"}`, `{"type":"json_object"}`,
/// `{"type":"json_schema","json_schema":{"schema":{…}}}`, or `{"type":"grammar","grammar":"…"}`.
///
/// Fails with 400 if it is none of these, or is too long.
pub fn constraint(fields: &Map<String, Value>) -> Result<Option<Constraint>, ApiError> {
    let format = match fields.get("response_format") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Object(format)) => format,
        Some(_) => return Err(wrong("`response_format` must be an object")),
    };
    let constraint = match format.get("type").and_then(Value::as_str) {
        Some("text") => return Ok(None),
        Some("json_object") => Constraint::JsonSchema(r#"{"type":"object"}"#.to_owned()),
        Some("json_schema") => Constraint::JsonSchema(schema(format)?),
        Some("grammar") => match format.get("grammar") {
            Some(Value::String(grammar)) => Constraint::Grammar(grammar.clone()),
            _ => return Err(wrong("`response_format.grammar` must be a string")),
        },
        _ => {
            return Err(wrong(
                "`response_format.type` must be `text`, `json_object`, `json_schema` or `grammar`",
            ));
        }
    };
    let (Constraint::JsonSchema(text) | Constraint::Grammar(text)) = &constraint;
    if text.len() > limits::CONSTRAINT_BYTES_MAX {
        let most = limits::CONSTRAINT_BYTES_MAX;
        return Err(wrong(&format!("`response_format` has more than {most} bytes")));
    }
    Ok(Some(constraint))
}

fn schema(format: &Map<String, Value>) -> Result<String, ApiError> {
    match format.get("json_schema").and_then(|outer| outer.get("schema")) {
        Some(schema @ (Value::Object(_) | Value::Bool(_))) => Ok(schema.to_string()),
        _ => Err(wrong("`response_format.json_schema.schema` must be a JSON schema")),
    }
}

fn wrong(message: &str) -> ApiError {
    ApiError::invalid("response_format", message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(format: Value) -> Result<Option<Constraint>, ApiError> {
        constraint(json!({ "response_format": format }).as_object().unwrap())
    }

    #[test]
    fn each_format_is_understood() {
        assert_eq!(read(Value::Null), Ok(None));
        assert_eq!(read(json!({ "type": "text" })), Ok(None));
        let object = Constraint::JsonSchema(r#"{"type":"object"}"#.into());
        assert_eq!(read(json!({ "type": "json_object" })), Ok(Some(object)));
        let schema = json!({ "type": "json_schema", "json_schema": { "schema": { "a": 1 } } });
        assert_eq!(read(schema), Ok(Some(Constraint::JsonSchema(r#"{"a":1}"#.into()))));
        let grammar = json!({ "type": "grammar", "grammar": "start: \"a\"" });
        assert_eq!(read(grammar), Ok(Some(Constraint::Grammar("start: \"a\"".into()))));
    }

    #[test]
    fn what_is_no_format_is_refused_with_what_would_be_one() {
        let long = "x".repeat(limits::CONSTRAINT_BYTES_MAX + 1);
        for (format, told) in [
            (json!("json"), "must be an object"),
            (json!({ "type": "xml" }), "`json_schema`"),
            (json!({}), "`json_schema`"),
            (json!({ "type": "json_schema" }), "must be a JSON schema"),
            (json!({ "type": "json_schema", "json_schema": { "schema": 7 } }), "JSON schema"),
            (json!({ "type": "grammar" }), "must be a string"),
            (json!({ "type": "grammar", "grammar": long }), "65536"),
        ] {
            let error = read(format).unwrap_err();
            assert_eq!((error.status, error.param), (400, Some("response_format")));
            assert!(error.message.contains(told), "{}", error.message);
        }
    }
}
