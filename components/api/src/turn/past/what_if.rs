//! A turn of the past without something that stood in its prompt.

use serde_json::{Map, Value, json};

use super::Past;
use super::difference::difference;
use crate::bindings::inference::models;
use crate::http::error::ApiError;
use crate::limits;
use crate::turn::record::{Kept, restore};
use crate::turn::replay;
use crate::turn::scale::Scale;

/// What a turn is to be laid out without.
#[derive(Debug, Default, PartialEq)]
pub struct Without {
    /// Messages, by their ids: memories, or messages of the recent turns.
    pub messages: Vec<u64>,
    /// Passages of documents, by their ids.
    pub passages: Vec<u64>,
    /// Documents, by their UUIDs.
    pub documents: Vec<String>,
}

impl Without {
    /// Takes it out of a body.
    ///
    /// Fails with 400 if a list is none, is too long, or if nothing is named.
    pub fn of(fields: &Map<String, Value>) -> Result<Self, ApiError> {
        const LISTS: [&str; 3] = ["messages", "passages", "documents"];
        if let Some(field) = fields.keys().find(|field| !LISTS.contains(&field.as_str())) {
            let shown: String = field.chars().take(64).collect();
            let message = format!(
                "there is no field `{shown}` here, but `messages`, `passages` \
                                   and `documents`"
            );
            return Err(ApiError::new(400, "invalid_value", message));
        }
        let numbers = |name| list(fields, name, Value::as_u64);
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let without = Self {
            messages: numbers(LISTS[0])?,
            passages: numbers(LISTS[1])?,
            documents: list(fields, LISTS[2], text)?,
        };
        if without == Self::default() {
            let message = "`messages`, `passages` or `documents` must name what to leave out";
            return Err(ApiError::invalid("messages", message));
        }
        Ok(without)
    }

    fn has(&self, kept: &Kept, past: &Past) -> bool {
        let in_document = |id: u64| {
            let text = past.texts.passages.get(&id);
            text.is_some_and(|text| self.documents.contains(&text.document))
        };
        kept.message().is_some_and(|id| self.messages.contains(&id))
            || kept.passage().is_some_and(|id| self.passages.contains(&id) || in_document(id))
    }
}

fn list<T>(
    fields: &Map<String, Value>,
    name: &'static str,
    element: impl Fn(&Value) -> Option<T>,
) -> Result<Vec<T>, ApiError> {
    let most = limits::WITHOUT_MAX;
    let wrong =
        || ApiError::invalid(name, format!("`{name}` must be a list of at most {most} ids"));
    match fields.get(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(list)) if list.len() <= most => {
            list.iter().map(|one| element(one).ok_or_else(wrong)).collect()
        }
        Some(_) => Err(wrong()),
    }
}

/// Lays a turn out without some of its passages, by the policies that laid it out then, and says
/// how its prompt would have been another. No model is asked anything but to measure.
///
/// Fails with 400 if the user's message is among them, with 409 if a policy or a text is gone or
/// another model measured then, and as the model does.
pub async fn what_if(past: &Past, without: &Without) -> Result<Value, ApiError> {
    let by = past.by();
    by.check()?;
    let model = models::status().await;
    past.check_model(&model.digest)?;
    let (out, left): (Vec<_>, Vec<_>) =
        past.record.sources.iter().cloned().partition(|kept| without.has(kept, past));
    if out.iter().any(|kept| matches!(kept, Kept::Query(..))) {
        let message = "the user's message itself cannot be left out";
        return Err(ApiError::invalid("messages", message));
    }
    let sources = restore(&left, &past.texts)
        .map_err(|gone| ApiError::new(409, "text_gone", gone.to_string()))?;
    let again = past.put_together(&sources, &by, &mut Scale::of_model(&model.digest)).await?;
    let after = replay::prompt(&again.lines, again.prompt.is_chat, &past.texts);
    Ok(json!({
        "left_out": out.len(),
        "prompt_tokens": { "before": past.prompt_tokens(), "after": again.prompt.tokens },
        "difference": difference(&past.prompt(), &after),
        "prompt": after,
        "degraded": again.degraded,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: Value) -> Result<Without, ApiError> {
        let Value::Object(fields) = body else { panic!("an object") };
        Without::of(&fields)
    }

    #[test]
    fn what_is_left_out_is_named_by_lists_of_ids() {
        let expected =
            Without { messages: vec![7], passages: Vec::new(), documents: vec!["d".to_owned()] };
        assert_eq!(read(json!({ "messages": [7], "documents": ["d"] })), Ok(expected));
        let many: Vec<u64> = (0..=limits::WITHOUT_MAX as u64).collect();
        for bad in [
            json!({}),
            json!({ "messages": [] }),
            json!({ "messages": 7 }),
            json!({ "messages": ["7"] }),
            json!({ "passages": many }),
            json!({ "documents": [7] }),
            json!({ "memories": [7] }),
        ] {
            assert_eq!(read(bad.clone()).map_err(|error| error.status), Err(400), "{bad}");
        }
    }
}
