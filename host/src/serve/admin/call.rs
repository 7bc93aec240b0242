//! What an endpoint gets, and how it says no.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use serde_json::{Map, Value, json};
use wasmtime_wasi_http::WasiBody;

/// The longest name in a message of ours, in characters.
const SHOWN_CHARS: usize = 64;

/// A request, as far as an endpoint needs it.
pub struct Call {
    names: Vec<(&'static str, String)>,
    query: String,
    content_type: String,
    body: Bytes,
}

impl Call {
    pub(super) fn new(
        names: Vec<(&'static str, String)>,
        query: &str,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Self {
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_owned();
        Self { names, query: query.to_owned(), content_type, body }
    }

    /// What stands in the path for `:name`; empty if the route has no such name.
    pub fn name(&self, name: &str) -> &str {
        self.names.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }

    /// A parameter of the query.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let mut pairs = form_urlencoded::parse(self.query.as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// The body as it came.
    ///
    /// # Errors
    ///
    /// Fails with 415 if it is not declared to be of this kind: a page of another site could send
    /// it then.
    pub fn bytes(&self, kind: &'static str) -> Result<&Bytes, Refusal> {
        let declared = self.content_type.split(';').next().unwrap_or_default().trim();
        if declared.eq_ignore_ascii_case(kind) {
            return Ok(&self.body);
        }
        let message = format!("the body must be sent as `content-type: {kind}`");
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        Err(Refusal::new(status, "unsupported_media_type", message))
    }

    /// The body as a JSON object.
    ///
    /// # Errors
    ///
    /// Fails with 415 if it is not declared as JSON, and with 400 if it is none.
    pub fn object(&self) -> Result<Map<String, Value>, Refusal> {
        let body = self.bytes("application/json")?;
        let refused = |message| Refusal::new(StatusCode::BAD_REQUEST, "invalid_json", message);
        match serde_json::from_slice(body) {
            Ok(Value::Object(mut object)) => {
                object.values_mut().for_each(make_whole);
                Ok(object)
            }
            Ok(_) => Err(refused("the body must be a JSON object".to_owned())),
            Err(error) => Err(refused(format!("the body is not JSON: {error}"))),
        }
    }
}

/// JSON knows no whole numbers: `7.0` is `7`.
fn make_whole(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            let exact = -(2_f64.powi(53))..=2_f64.powi(53);
            let whole = number.as_f64().filter(|it| it.fract() == 0.0 && exact.contains(it));
            if let Some(whole) = whole {
                *value = Value::from(whole as i64);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(make_whole),
        Value::Object(fields) => fields.values_mut().for_each(make_whole),
        _ => {}
    }
}

/// An answer that is not the one that was asked for.
#[derive(Debug)]
pub struct Refusal {
    /// The status.
    pub status: StatusCode,
    /// What a program can tell it by, in snake_case.
    pub code: &'static str,
    /// The field at fault.
    pub param: Option<&'static str>,
    /// What failed and what would be right, for a person.
    pub message: String,
    /// A header that says more.
    pub(super) header: Option<Box<(HeaderName, HeaderValue)>>,
}

impl Refusal {
    /// A refusal with this status and code.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, param: None, message: message.into(), header: None }
    }

    /// Says more in a header.
    pub fn header(self, name: HeaderName, value: &str) -> Self {
        let header = HeaderValue::from_str(value).ok().map(|value| Box::new((name, value)));
        Self { header, ..self }
    }

    /// A bad value of this field: 400.
    pub fn invalid(param: Option<&'static str>, message: impl Into<String>) -> Self {
        Self { param, ..Self::new(StatusCode::BAD_REQUEST, "invalid_value", message) }
    }

    /// Something that is not there: 404.
    pub fn not_found(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    /// Something of ours failed: 500. The cause goes to the log, not to the client.
    pub fn internal(what: &str, cause: impl std::fmt::Display) -> Self {
        tracing::error!("{what}: {cause}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", what)
    }

    /// A method that this path does not answer to, and those that it does: 405.
    pub fn wrong_method(method: &Method, allowed: String) -> Self {
        let message = format!("this path does not answer to `{method}`, but to {allowed}");
        let status = StatusCode::METHOD_NOT_ALLOWED;
        Self::new(status, "method_not_allowed", message).header(header::ALLOW, &allowed)
    }

    /// The response that says so.
    pub fn into_response(self) -> Response<WasiBody> {
        // The same words as the application's.
        let kind = match self.status.as_u16() {
            404 => "not_found_error",
            429 => "rate_limit_error",
            400..=499 => "invalid_request_error",
            503 => "service_unavailable_error",
            _ => "server_error",
        };
        let error = json!({
            "message": self.message,
            "type": kind,
            "param": self.param,
            "code": self.code,
        });
        let mut response = super::respond(self.status, &json!({ "error": error }));
        if let Some(header) = self.header {
            let (name, value) = *header;
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// The beginning of what a client sent, for a message.
pub fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARS).collect()
}
