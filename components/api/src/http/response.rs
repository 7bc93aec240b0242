//! What a client gets: JSON, nothing, or a stream of events.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use http_body::{Body, Frame, SizeHint};
use serde::Serialize;

use super::error::ApiError;
use super::sse::EventBody;

/// The body of a response.
pub enum ResponseBody {
    /// All of it, or none once it was sent.
    Whole(Option<Bytes>),
    /// Events, as they come.
    Events(EventBody),
}

/// A response of this component.
pub type Response = http::Response<ResponseBody>;

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(bytes) => {
                Poll::Ready(bytes.take().filter(|b| !b.is_empty()).map(|b| Ok(Frame::data(b))))
            }
            Self::Events(events) => events.poll(cx).map(|frame| frame.map(Ok)),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Self::Events(_) => SizeHint::default(),
        }
    }
}

/// The header that tells how long the stages of a turn took; behind a stream, where it is read by
/// hosts and by clients that ask for it.
pub const TIMING: HeaderName = HeaderName::from_static("server-timing");

/// The same response, with how long the stages of its turn took.
pub fn timed(mut response: Response, timing: &str) -> Response {
    if let Ok(timing) = HeaderValue::from_str(timing) {
        response.headers_mut().insert(TIMING, timing);
    }
    response
}

/// A response with a JSON body.
pub fn json(status: u16, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => whole(status, body.into()),
        Err(cause) => error(&ApiError::internal("the answer could not be written as JSON", cause)),
    }
}

/// A response with a body that already is JSON.
pub fn raw_json(status: u16, body: String) -> Response {
    whole(status, body.into())
}

/// A response that is a page.
pub fn html(page: String) -> Response {
    let head = http::Response::builder()
        .status(200)
        .header("content-type", "text/html; charset=utf-8")
        .header("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'")
        .header("content-length", page.len());
    build(head, ResponseBody::Whole(Some(page.into())))
}

/// A response without a body.
pub fn empty(status: u16) -> Response {
    build(http::Response::builder().status(status), ResponseBody::Whole(None))
}

/// The response that says what is wrong.
pub fn error(error: &ApiError) -> Response {
    let mut response = whole(error.status, error.body().into());
    if let Some(seconds) = error.retry_after_seconds {
        response.headers_mut().insert("retry-after", seconds.into());
    }
    if let Some(methods) = error.allow {
        response.headers_mut().insert("allow", HeaderValue::from_static(methods));
    }
    response
}

/// A response that is a stream of events.
pub fn events(body: EventBody) -> Response {
    flow("text/event-stream", body)
}

/// A response that is a stream of lines of JSON.
pub fn lines(body: EventBody) -> Response {
    flow("application/x-ndjson", body.without_comments())
}

/// A response that is JSON, in parts.
pub fn json_parts(body: EventBody) -> Response {
    flow("application/json", body.without_comments())
}

fn flow(kind: &'static str, body: EventBody) -> Response {
    let head = http::Response::builder()
        .status(200)
        .header("content-type", kind)
        .header("cache-control", "no-cache")
        // nginx holds a stream back otherwise.
        .header("x-accel-buffering", "no");
    build(head, ResponseBody::Events(body))
}

fn whole(status: u16, body: Bytes) -> Response {
    let head = http::Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .header("content-length", body.len());
    build(head, ResponseBody::Whole(Some(body)))
}

fn build(head: http::response::Builder, body: ResponseBody) -> Response {
    head.body(body).expect("statuses and headers are constants or numbers")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_when_to_try_again() {
        let mut busy = ApiError::new(429, "model_busy", "too many requests wait for the model");
        busy.retry_after_seconds = Some(3);
        let response = error(&busy);
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()["retry-after"], "3");
        assert_eq!(response.headers()["content-type"], "application/json");
    }

    #[test]
    fn an_empty_response_has_no_body() {
        let response = empty(204);
        assert_eq!(response.status(), 204);
        assert_eq!(response.body().size_hint().exact(), Some(0));
    }
}
