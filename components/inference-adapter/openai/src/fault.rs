//! What may be told of a server's own words. They can repeat what it was asked, which is somebody's
//! conversation, so only its code for an error is taken out of them, and where JSON is wrong.

use serde_json::Value;
use serde_json::error::{Category, Error};

/// The longest code, in bytes.
const CODE_BYTES_MAX: usize = 64;

/// The code of an error in the body of an answer, if there is one.
pub fn error_code(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    code(body.get("error").unwrap_or(&body))
}

/// The code of an error: `code` or, where that is missing, `type`.
pub(crate) fn code(error: &Value) -> Option<String> {
    ["code", "type"].into_iter().find_map(|name| match error.get(name)? {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) if is_code(text) => Some(text.clone()),
        _ => None,
    })
}

fn is_code(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    (1..=CODE_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_plain)
}

/// What is wrong with a server's JSON, without anything that stands in it.
pub fn unreadable(error: &Error) -> String {
    let what = match error.classify() {
        Category::Data => "it is JSON, but not what the interface says",
        Category::Eof => "it is JSON that ends too soon",
        Category::Syntax | Category::Io => "it is no JSON",
    };
    format!("{what}, at line {} column {}", error.line(), error.column())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_and_nothing_else_is_taken_for_one() {
        for (body, code) in [
            (r#"{"error":{"message":"secret","type":"a_b","code":"too.long-1"}}"#, "too.long-1"),
            (r#"{"error":{"message":"secret","type":"invalid","code":null}}"#, "invalid"),
            (r#"{"error":{"code":500}}"#, "500"),
            (r#"{"object":"error","message":"secret","code":40303}"#, "40303"),
        ] {
            assert_eq!(error_code(body.as_bytes()).as_deref(), Some(code), "{body}");
        }
        let long = format!(r#"{{"code":"{}"}}"#, "x".repeat(CODE_BYTES_MAX + 1));
        for body in [
            r#"{"detail":[{"type":"missing","input":"secret"}]}"#,
            r#"{"error":{"code":"my secret"}}"#,
            r#"{"error":"secret"}"#,
            r#"{"error":{"code":""}}"#,
            "<html>secret",
            &long,
        ] {
            assert_eq!(error_code(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn what_is_wrong_with_json_is_said_without_its_text() {
        for (text, what) in [
            ("[\n\"secret\"]", "not what the interface says, at line 2 column 8"),
            ("[1, ", "ends too soon, at line 1 column 4"),
            ("secret", "no JSON, at line 1 column 1"),
        ] {
            let error = serde_json::from_str::<Vec<u32>>(text).expect_err("it is wrong");
            let told = unreadable(&error);
            assert!(told.ends_with(what) && !told.contains("secret"), "{told}");
        }
    }
}
