//! `POST /v1/embeddings`: texts as vectors.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use spin_sdk::http::Request;

use super::{models, request};
use crate::bindings::inference::embeddings::{self, EmbeddingModel, Purpose};
use crate::http::error::ApiError;
use crate::http::request as body;
use crate::http::response::{self, Response};
use crate::limits;

/// What is to be embedded, and how it is told.
#[derive(Debug, PartialEq)]
struct Asked {
    model: Option<String>,
    texts: Vec<String>,
    base64: bool,
    dimensions: Option<u64>,
    purpose: Purpose,
}

/// Embeds texts.
///
/// Fails with 400 for a field that is wrong or a text that is longer than the model sees, 404 for
/// another model than the active one, and as the model does.
pub async fn answer(request: Request) -> Result<Response, ApiError> {
    let (head, body) = request.into_parts();
    let fields = body::object_of(&head.headers, body, limits::CONVERSATION_BYTES_MAX).await?;
    let asked = asked(&fields)?;
    let model = embeddings::describe().await.map_err(|error| ApiError::of_model(&error))?;
    models::check(asked.model.as_deref(), &model.name)?;
    if asked.dimensions.is_some_and(|length| length != u64::from(model.dimensions)) {
        let message = format!("`dimensions` must be {}, or left out", model.dimensions);
        return Err(ApiError::invalid("dimensions", message));
    }
    let mut data = Vec::new();
    let mut tokens = 0;
    for texts in asked.texts.chunks(limits::EMBEDDED_AT_ONCE_MAX) {
        tokens += count(texts, &model).await?;
        let embedded = embeddings::embed(texts.to_vec(), asked.purpose).await;
        for vector in embedded.map_err(|error| ApiError::of_model(&error))? {
            let embedding = if asked.base64 { json!(base64_of(&vector)) } else { json!(vector) };
            let index = data.len();
            data.push(json!({ "object": "embedding", "index": index, "embedding": embedding }));
        }
    }
    let told = json!({
        "object": "list",
        "data": data,
        "model": model.name,
        "usage": { "prompt_tokens": tokens, "total_tokens": tokens },
    });
    Ok(response::json(200, &told))
}

/// The tokens of texts.
///
/// Fails with 400 if one is longer than a vector reflects: its end would be lost.
async fn count(texts: &[String], model: &EmbeddingModel) -> Result<u64, ApiError> {
    let counts = embeddings::count(texts.to_vec()).await;
    let counts = counts.map_err(|error| ApiError::of_model(&error))?;
    if let Some(most) = counts.iter().max().filter(|most| **most > model.tokens_max) {
        let message = format!(
            "a text of `input` has {most} tokens, and `{}` sees {}: cut it into parts",
            model.name, model.tokens_max
        );
        let error = ApiError::new(400, "context_length_exceeded", message);
        return Err(ApiError { param: Some("input"), ..error });
    }
    Ok(counts.iter().map(|count| u64::from(*count)).sum())
}

fn asked(fields: &Map<String, Value>) -> Result<Asked, ApiError> {
    let base64 = match fields.get("encoding_format").map(Value::as_str) {
        None | Some(Some("float")) => false,
        Some(Some("base64")) => true,
        Some(_) => {
            let message = "`encoding_format` must be `float` or `base64`";
            return Err(ApiError::invalid("encoding_format", message));
        }
    };
    let purpose = match fields.get("input_type").map(Value::as_str) {
        None | Some(Some("passage" | "document")) => Purpose::Passage,
        Some(Some("query")) => Purpose::Query,
        Some(_) => {
            let message = "`input_type` must be `query` or `passage`";
            return Err(ApiError::invalid("input_type", message));
        }
    };
    let dimensions = match fields.get("dimensions") {
        None | Some(Value::Null) => None,
        Some(length) => Some(length.as_u64().ok_or_else(|| {
            ApiError::invalid("dimensions", "`dimensions` must be a whole number")
        })?),
    };
    let model = request::text(fields, "model")?;
    Ok(Asked { model, texts: texts(fields)?, base64, dimensions, purpose })
}

fn texts(fields: &Map<String, Value>) -> Result<Vec<String>, ApiError> {
    let wrong = |message: String| ApiError::invalid("input", message);
    let texts: Vec<&String> = match fields.get("input") {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(list)) => {
            let texts = list.iter().map(|text| match text {
                Value::String(text) => Ok(text),
                _ => Err(wrong(
                    "`input` must be texts: lists of tokens mean something to one model only"
                        .to_owned(),
                )),
            });
            texts.collect::<Result<_, _>>()?
        }
        _ => return Err(wrong("`input` must be a string or a list of strings".to_owned())),
    };
    let (count, bytes) = (limits::EMBEDDED_TEXTS_MAX, limits::MESSAGE_BYTES_MAX);
    if texts.is_empty() || texts.len() > count {
        return Err(wrong(format!("`input` must be 1 to {count} texts, not {}", texts.len())));
    }
    if texts.iter().any(|text| text.is_empty() || text.len() > bytes) {
        return Err(wrong(format!("a text of `input` must have 1 to {bytes} bytes")));
    }
    Ok(texts.into_iter().cloned().collect())
}

/// A vector as OpenAI's libraries ask for it: its numbers as bytes, the lowest first.
fn base64_of(vector: &[f32]) -> String {
    let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: Value) -> Result<Asked, ApiError> {
        asked(body.as_object().unwrap())
    }

    #[test]
    fn texts_come_alone_or_in_a_list() {
        assert_eq!(read(json!({ "input": "a" })).unwrap().texts, ["a"]);
        let found = read(json!({ "input": ["a", "b"], "encoding_format": "base64" })).unwrap();
        assert_eq!((found.texts.len(), found.base64), (2, true));
        assert_eq!(
            read(json!({ "input": "a", "input_type": "query" })).unwrap().purpose,
            Purpose::Query
        );
    }

    #[test]
    fn what_cannot_be_embedded_is_refused_by_its_name() {
        let long = "x".repeat(limits::MESSAGE_BYTES_MAX + 1);
        for (body, param) in [
            (json!({}), "input"),
            (json!({ "input": [] }), "input"),
            (json!({ "input": "" }), "input"),
            (json!({ "input": [[1, 2]] }), "input"),
            (json!({ "input": long }), "input"),
            (json!({ "input": vec!["x"; 2_049] }), "input"),
            (json!({ "input": "a", "encoding_format": "hex" }), "encoding_format"),
            (json!({ "input": "a", "dimensions": "many" }), "dimensions"),
            (json!({ "input": "a", "input_type": "poem" }), "input_type"),
        ] {
            let error = read(body).unwrap_err();
            assert_eq!((error.status, error.param), (400, Some(param)));
        }
    }

    #[test]
    fn numbers_are_written_lowest_byte_first() {
        assert_eq!(base64_of(&[1.0, -2.0]), "AACAPwAAAMA=");
    }
}
