//! The models, as a list of OpenAI's: the one that chats and the one that embeds.

use serde_json::{Value, json};

use crate::bindings::inference::embeddings;
use crate::bindings::inference::models;
use crate::http::error::ApiError;

/// The name that stands for whichever model is active.
pub const ANY: &str = "loci";

/// All models that can be asked.
pub async fn list() -> Value {
    let names = names().await;
    let data: Vec<Value> = names.iter().map(|name| model(name)).collect();
    json!({ "object": "list", "data": data })
}

/// The model of this name.
///
/// Fails with 404 if there is none.
pub async fn one(name: &str) -> Result<Value, ApiError> {
    if !names().await.iter().any(|known| known == name) {
        return Err(unknown(name, "`GET /v1/models` lists all"));
    }
    Ok(model(name))
}

/// Whether a request may be answered by the model `active`: it names that one, or none.
///
/// Fails with 404 if it names another.
pub fn check(asked: Option<&str>, active: &str) -> Result<(), ApiError> {
    match asked {
        None | Some(ANY) => Ok(()),
        Some(name) if name == active => Ok(()),
        Some(name) => {
            let right = format!("`{active}` is the one that answers, and `{ANY}` always means it");
            Err(unknown(name, &right))
        }
    }
}

async fn names() -> Vec<String> {
    let chat = models::status().await.name;
    let embedding = embeddings::describe().await.map(|model| model.name).ok();
    [Some(chat), embedding].into_iter().flatten().filter(|name| !name.is_empty()).collect()
}

fn model(name: &str) -> Value {
    // Nobody knows when a model was made; clients want a number.
    json!({ "id": name, "object": "model", "created": 0, "owned_by": "loci" })
}

fn unknown(name: &str, right: &str) -> ApiError {
    let shown: String = name.chars().take(64).collect();
    let message = format!("there is no model `{shown}` here: {right}");
    ApiError { param: Some("model"), ..ApiError::new(404, "model_not_found", message) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_active_model_answers_under_its_name_under_ours_and_under_none() {
        for asked in [None, Some("loci"), Some("tiny")] {
            assert_eq!(check(asked, "tiny"), Ok(()));
        }
        let error = check(Some("gpt-4o"), "tiny").unwrap_err();
        assert_eq!(
            (error.status, error.code, error.param),
            (404, "model_not_found", Some("model"))
        );
        assert!(error.message.contains("`gpt-4o`") && error.message.contains("`tiny`"));
    }
}
