//! What a client is told when something cannot be done: one shape, whatever the status.

use serde::Serialize;

use crate::bindings::inference::types::Error as ModelError;
use crate::limits;

/// An answer that is not the one that was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiError {
    /// The HTTP status.
    pub status: u16,
    /// What a program can tell it by, in snake_case.
    pub code: &'static str,
    /// The field or parameter at fault.
    pub param: Option<&'static str>,
    /// What failed and what would be right, for a person.
    pub message: String,
    /// When to try again, in seconds.
    pub retry_after_seconds: Option<u32>,
    /// The methods that would have been right.
    pub allow: Option<&'static str>,
}

#[derive(Serialize)]
struct Shape<'a> {
    error: Inner<'a>,
}

#[derive(Serialize)]
struct Inner<'a> {
    message: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    param: Option<&'a str>,
    code: &'static str,
}

impl ApiError {
    /// An error with this status and code.
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { status, code, param: None, message, retry_after_seconds: None, allow: None }
    }

    /// A bad value of this field or parameter: 400.
    pub fn invalid(param: &'static str, message: impl Into<String>) -> Self {
        Self { param: Some(param), ..Self::new(400, "invalid_value", message) }
    }

    /// No such session: 404.
    pub fn no_session(id: &str) -> Self {
        let shown = id.chars().take(64).collect::<String>();
        Self::new(404, "session_not_found", format!("no session has the id `{shown}`"))
    }

    /// No such message in the session: 404.
    pub fn no_message(id: u64) -> Self {
        Self::new(
            404,
            "message_not_found",
            format!("the session has no message with the id `{id}`"),
        )
    }

    /// No such document: 404.
    pub fn no_document(id: &str) -> Self {
        let shown = id.chars().take(64).collect::<String>();
        Self::new(404, "document_not_found", format!("no document has the id `{shown}`"))
    }

    /// Something of ours failed: 500. The cause goes to the log, not to the client.
    pub fn internal(what: &str, cause: impl std::fmt::Display) -> Self {
        eprintln!("{what}: {cause}");
        Self::new(500, "internal_error", what.to_owned())
    }

    /// Instruction and query cannot fit, however much of the rest is cut: 400.
    pub fn context_exceeded(needed: u64, limit: u64) -> Self {
        let message = format!(
            "the instruction and the message need {needed} tokens, and the model's context leaves \
             room for {limit} besides the reply: shorten `content` or lower `max_tokens`"
        );
        Self { param: Some("content"), ..Self::new(400, "context_length_exceeded", message) }
    }

    /// A message that is too long, in bytes: 413.
    pub fn message_too_long(bytes: usize) -> Self {
        let message = format!(
            "`content` has {bytes} bytes, and a message may have at most {}",
            limits::MESSAGE_BYTES_MAX
        );
        Self { param: Some("content"), ..Self::new(413, "message_too_long", message) }
    }

    /// The error of a model, as the person who waits should hear it.
    pub fn of_model(error: &ModelError) -> Self {
        match error {
            ModelError::NoModel => Self::new(
                503,
                "model_not_configured",
                "no chat model is configured: start `loci serve` with `--model FILE.gguf`, or on \
                 stock Spin set the variable `inference_url`",
            ),
            ModelError::Loading(percent) => Self {
                retry_after_seconds: Some(2),
                ..Self::new(503, "model_loading", format!("the model is loading: {percent} % done"))
            },
            ModelError::LoadFailed => {
                Self::new(503, "model_load_failed", "the model could not be loaded")
            }
            ModelError::ModelChanged => Self {
                retry_after_seconds: Some(1),
                ..Self::new(503, "model_changed", "the model was replaced during this turn")
            },
            ModelError::ContextExceeded(by) => {
                Self::context_exceeded(by.needed.into(), by.limit.into())
            }
            ModelError::Busy(millis) => Self {
                retry_after_seconds: Some(millis.div_ceil(1_000).max(1)),
                ..Self::new(429, "model_busy", "too many requests wait for the model")
            },
            ModelError::TimedOut => {
                Self::new(504, "model_timed_out", "the model took longer than it may")
            }
            ModelError::InvalidRequest => {
                Self::new(400, "model_refused_options", "the model cannot work with these options")
            }
            ModelError::ConstraintRefused(why) => {
                Self::invalid("response_format", format!("`response_format` cannot be used: {why}"))
            }
            ModelError::Unreachable => {
                Self::new(502, "model_unreachable", "the model's server could not be reached")
            }
            ModelError::Refused(status) => Self::new(
                502,
                "model_refused",
                format!("the model's server answered with status {status}"),
            ),
            ModelError::EngineFailed => {
                Self::new(500, "model_failed", "the model failed; the server's log says how")
            }
        }
    }

    /// What stands under `error` in the body.
    pub fn shape(&self) -> serde_json::Value {
        let mut body: serde_json::Value = serde_json::from_str(&self.body()).unwrap_or_default();
        body["error"].take()
    }

    /// The body: `{"error":{"message","type","param","code"}}`.
    pub fn body(&self) -> String {
        let inner = Inner {
            message: &self.message,
            kind: kind(self.status),
            param: self.param,
            code: self.code,
        };
        serde_json::to_string(&Shape { error: inner }).expect("strings are always JSON")
    }
}

/// The family of a status, as OpenAI's clients know it.
fn kind(status: u16) -> &'static str {
    match status {
        404 => "not_found_error",
        429 => "rate_limit_error",
        400..=499 => "invalid_request_error",
        503 => "service_unavailable_error",
        _ => "server_error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::inference::types::Shortfall;

    #[test]
    fn an_error_has_the_four_keys() {
        let body = ApiError::invalid("content", "`content` must not be empty").body();
        assert_eq!(
            body,
            "{\"error\":{\"message\":\"`content` must not be empty\",\
             \"type\":\"invalid_request_error\",\"param\":\"content\",\"code\":\"invalid_value\"}}"
        );
    }

    #[test]
    fn what_cannot_fit_tells_both_numbers() {
        let error = ApiError::of_model(&ModelError::ContextExceeded(Shortfall {
            needed: 5_000,
            limit: 4_096,
        }));
        assert_eq!((error.status, error.code), (400, "context_length_exceeded"));
        assert!(error.message.contains("5000") && error.message.contains("4096"));
    }

    #[test]
    fn a_busy_model_says_when_to_try_again() {
        let error = ApiError::of_model(&ModelError::Busy(1_500));
        assert_eq!((error.status, error.retry_after_seconds), (429, Some(2)));
        let error = ApiError::of_model(&ModelError::Loading(40));
        assert_eq!((error.status, error.retry_after_seconds), (503, Some(2)));
        assert!(error.message.contains("40"));
    }

    #[test]
    fn no_message_ends_with_a_full_stop() {
        for error in [
            ModelError::NoModel,
            ModelError::LoadFailed,
            ModelError::ModelChanged,
            ModelError::TimedOut,
            ModelError::InvalidRequest,
            ModelError::Unreachable,
            ModelError::Refused(500),
            ModelError::EngineFailed,
        ] {
            assert!(!ApiError::of_model(&error).message.ends_with('.'));
        }
    }
}
