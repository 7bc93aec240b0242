//! Answers that the host gives by itself, when no guest can: errors in the shape of the API.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use serde_json::json;
use wasmtime_wasi_http::WasiBody;

/// What went wrong, as far as the client must know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The application is being compiled, or is opening its database.
    Starting,
    /// The host has as many requests as it takes.
    Overloaded,
    /// No route leads here.
    NotFound,
    /// The body is longer than this many bytes.
    BodyTooLarge(u64),
    /// The guest broke down over this request, or over another that it was answering beside it.
    Broken,
    /// The guest did not answer in time.
    TimedOut,
}

impl Failure {
    /// Builds the answer.
    pub fn into_response(self) -> Response<WasiBody> {
        let (status, kind, code, message) = self.describe();
        let error = json!({ "message": message, "type": kind, "param": null, "code": code });
        let text = json!({ "error": error }).to_string();
        let body = Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed_unsync();
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if matches!(self, Self::BodyTooLarge(_)) {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    fn describe(self) -> (StatusCode, &'static str, &'static str, String) {
        let unavailable = StatusCode::SERVICE_UNAVAILABLE;
        let text = str::to_owned;
        match self {
            Self::Starting => {
                (unavailable, "unavailable", "starting", text("Loci is starting; try again soon"))
            }
            Self::Overloaded => (
                unavailable,
                "unavailable",
                "overloaded",
                text("too many requests are being answered; try again soon"),
            ),
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "invalid_request_error",
                "not_found",
                text("there is nothing at this path"),
            ),
            Self::BodyTooLarge(max) => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "invalid_request_error",
                "body_too_large",
                format!("the body is larger than {max} bytes"),
            ),
            Self::Broken => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "server_error",
                "internal_error",
                text("the application failed; the log of the server says how"),
            ),
            Self::TimedOut => (
                StatusCode::GATEWAY_TIMEOUT,
                "server_error",
                "timed_out",
                text("the application did not answer in time"),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn body(failure: Failure) -> (Response<()>, serde_json::Value) {
        let (head, body) = failure.into_response().into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        (Response::from_parts(head, ()), serde_json::from_slice(&bytes).expect("JSON"))
    }

    #[tokio::test]
    async fn an_error_has_the_shape_of_the_api() {
        let (head, json) = body(Failure::BodyTooLarge(10)).await;
        assert_eq!(head.status(), 413);
        assert_eq!(head.headers()["content-type"], "application/json");
        assert_eq!(json["error"]["message"], "the body is larger than 10 bytes");
        assert_eq!(json["error"]["code"], "body_too_large");
        assert!(json["error"]["param"].is_null());
        assert!(json["error"]["type"].is_string());
    }

    #[tokio::test]
    async fn who_comes_too_early_is_told_when_to_come_back() {
        for failure in [Failure::Starting, Failure::Overloaded] {
            let (head, _) = body(failure).await;
            assert_eq!(head.status(), 503);
            assert_eq!(head.headers()["retry-after"], "1");
        }
    }
}
