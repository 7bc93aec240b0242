//! Messages that were said elsewhere, taken out of a body.

use serde_json::{Map, Value};

use super::error::ApiError;
use crate::db::imports::Imported;
use crate::{limits, time};

/// How a message may have ended.
const STATUSES: [&str; 4] = ["ok", "failed", "cancelled", "interrupted"];

/// Takes messages that were said elsewhere out of a body, at most `most`.
///
/// Fails with 400, and names the place in the list, for a role other than `user` and `assistant`,
/// an empty content, or a field of the wrong type or length; with 413 for a content that is too
/// long.
pub fn imported(fields: &Map<String, Value>, most: usize) -> Result<Vec<Imported>, ApiError> {
    let list = fields.get("messages").and_then(Value::as_array);
    let list = list.filter(|list| (1..=most).contains(&list.len())).ok_or_else(|| {
        let message = format!("`messages` must be a list of 1 to {most} messages");
        ApiError::invalid("messages", message)
    })?;
    list.iter().enumerate().map(|(at, message)| one(at, message)).collect()
}

fn one(at: usize, message: &Value) -> Result<Imported, ApiError> {
    let wrong = |field: &str, right: &str| {
        let message = format!("`messages[{at}].{field}` must be {right}");
        ApiError::invalid("messages", message)
    };
    let role = match message["role"].as_str() {
        Some("user") => "user",
        Some("assistant") => "assistant",
        _ => return Err(wrong("role", "`user` or `assistant`")),
    };
    let content = message["content"].as_str().filter(|content| !content.trim().is_empty());
    let content = content.ok_or_else(|| wrong("content", "a string that is not empty"))?;
    if content.len() > limits::MESSAGE_BYTES_MAX {
        let mut error = ApiError::message_too_long(content.len());
        error.message = format!("`messages[{at}]`: {}", error.message);
        return Err(error);
    }
    let name = match &message["name"] {
        Value::Null => None,
        Value::String(name) if (1..=limits::NAME_BYTES_MAX).contains(&name.len()) => {
            Some(name.clone())
        }
        _ => {
            let right = format!("a string of 1 to {} bytes, or null", limits::NAME_BYTES_MAX);
            return Err(wrong("name", &right));
        }
    };
    let timestamp = match &message["timestamp"] {
        Value::Null => None,
        time => {
            let parsed = time.as_str().and_then(time::of_rfc3339);
            Some(parsed.ok_or_else(|| {
                wrong("timestamp", "a time since 1970 as in `2026-03-12T10:11:12Z`, or null")
            })?)
        }
    };
    let status = match &message["status"] {
        Value::Null => "ok",
        told => {
            let known = STATUSES.into_iter().find(|known| told.as_str() == Some(known));
            known.ok_or_else(|| {
                wrong("status", "`ok`, `failed`, `cancelled` or `interrupted`, or null")
            })?
        }
    };
    let forgotten = match &message["forgotten"] {
        Value::Null => false,
        told => told.as_bool().ok_or_else(|| wrong("forgotten", "`true`, `false` or null"))?,
    };
    Ok(Imported { role, name, timestamp, content: content.to_owned(), status, forgotten })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(messages: Value) -> Result<Vec<Imported>, ApiError> {
        let body = json!({ "messages": messages });
        imported(body.as_object().unwrap(), limits::IMPORTED_MESSAGES_MAX)
    }

    #[test]
    fn a_message_may_have_a_name_and_a_time() {
        let full = json!({
            "role": "assistant", "name": "Ann", "timestamp": "1970-01-01T00:00:01Z", "content": "x"
        });
        let read = read(json!([{ "role": "user", "content": "hi" }, full])).unwrap();
        assert_eq!((read[0].role, &read[0].name, read[0].timestamp), ("user", &None, None));
        let expected = Imported {
            role: "assistant",
            name: Some("Ann".to_owned()),
            timestamp: Some(1_000_000),
            content: "x".to_owned(),
            status: "ok",
            forgotten: false,
        };
        assert_eq!(read[1], expected);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let good = json!({ "role": "user", "content": "hi" });
        for (field, bad) in [
            ("role", json!("system")),
            ("content", json!(" ")),
            ("content", json!(7)),
            ("name", json!("")),
            ("timestamp", json!("yesterday")),
            ("status", json!("pending")),
            ("forgotten", json!(1)),
            ("timestamp", json!("1969-12-31T00:00:00Z")),
        ] {
            let mut message = good.clone();
            message[field] = bad;
            let error = read(json!([good, message])).unwrap_err();
            assert_eq!(error.status, 400);
            assert!(error.message.contains(&format!("`messages[1].{field}`")), "{}", error.message);
        }
        let long = "x".repeat(limits::MESSAGE_BYTES_MAX + 1);
        assert_eq!(read(json!([{ "role": "user", "content": long }])).unwrap_err().status, 413);
        assert_eq!(read(json!([])).unwrap_err().status, 400);
        let many = vec![good; limits::IMPORTED_MESSAGES_MAX + 1];
        assert_eq!(read(json!(many)).unwrap_err().param, Some("messages"));
    }
}
