//! Traces for OpenTelemetry, where an operator names who takes them: a span for each request, and
//! in it one for each stage that the application tells of. Paths, statuses and times; never a
//! query, a body, or anybody's key.
//!
//! OpenTelemetry's own crates change what crates below wasmtime and llama.cpp are built with, and
//! bring ten more; what is told here is one form of JSON
//! (<https://opentelemetry.io/docs/specs/otlp/>), over the client that is there anyway.

mod body;
mod parent;
mod send;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use http::{HeaderMap, Method, Response, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use wasmtime_wasi_http::WasiBody;

use body::Traced;
use parent::{Parent, id};
use send::Sender;

/// The header, or the field behind a stream, in which an application tells how long it took, and
/// how long each part of that, one after the other: <https://www.w3.org/TR/server-timing/>.
const TIMING: &str = "server-timing";

/// The most stages of a request, and the most bytes of the name of one and of who decided in it.
const STAGES_MAX: usize = 32;
const STAGE_BYTES_MAX: usize = 32;
const BY_BYTES_MAX: usize = 256;

/// What a span is, as the protocol counts it.
const INTERNAL: u8 = 1;
const SERVER: u8 = 2;
/// The status of a span that failed.
const FAILED: u8 = 2;

/// What makes traces of requests, and has them sent in the background.
pub struct Traces {
    sender: Sender,
}

/// The trace of one request that is being answered.
pub struct Trace {
    sender: Sender,
    parent: Parent,
    /// The id of its span.
    span: String,
    method: Method,
    path: String,
    route: String,
    status: StatusCode,
    start: SystemTime,
    ended: bool,
}

impl Traces {
    /// Has traces sent to this address by OTLP over HTTP. Whether anybody takes them is not looked
    /// at: what cannot be sent is lost. Must be called where tokio runs.
    ///
    /// # Errors
    ///
    /// Fails if the address is none of HTTP.
    pub fn open(url: &str) -> Result<Self> {
        Ok(Self { sender: Sender::new(url)? })
    }

    /// Begins the trace of a request, which is a part of its client's if that tells of one. None if
    /// that says that nobody wants it.
    pub fn begin(&self, method: &Method, path: &str, headers: &HeaderMap) -> Option<Trace> {
        let parent = Parent::of(headers);
        parent.is_wanted.then(|| Trace {
            sender: self.sender.clone(),
            parent,
            span: id(),
            method: method.clone(),
            path: path.to_owned(),
            route: String::new(),
            status: StatusCode::OK,
            start: SystemTime::now(),
            ended: false,
        })
    }

    /// Sends what was not sent yet. Blocks.
    pub fn close(&self) {
        self.sender.close();
    }
}

impl Trace {
    /// Notes how a request is answered. The trace ends when the last byte of the answer has been
    /// taken, or when the client is gone.
    pub fn follow(mut self, route: &str, answer: Response<WasiBody>) -> Response<WasiBody> {
        self.status = answer.status();
        route.clone_into(&mut self.route);
        self.tell(answer.headers());
        answer.map(|body| Traced::new(body, self).boxed_unsync())
    }

    /// Makes spans of what these headers tell of: the whole, from the beginning of the request, and
    /// within it its stages.
    fn tell(&self, headers: &HeaderMap) {
        let told = headers.get(TIMING).and_then(|told| told.to_str().ok()).unwrap_or_default();
        let mut told = stages(told);
        let Some(whole) = told.next() else { return };
        let around = id();
        self.part(&around, &self.span, self.start, &whole);
        let mut from = self.start;
        for stage in told {
            self.part(&id(), &around, from, &stage);
            from += stage.took;
        }
    }

    /// Sends the span of a part of an answer.
    fn part(&self, span: &str, parent: &str, from: SystemTime, stage: &Stage<'_>) {
        let by = stage.by.map(|by| text("loci.by", by));
        self.sender.send(json!({
            "traceId": self.parent.trace,
            "spanId": span,
            "parentSpanId": parent,
            "name": stage.name,
            "kind": INTERNAL,
            "startTimeUnixNano": nanos(from),
            "endTimeUnixNano": nanos(from + stage.took),
            "attributes": by.into_iter().collect::<Vec<Value>>(),
        }));
    }

    /// Ends the trace; once is enough.
    fn end(&mut self) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let status = json!({ "intValue": self.status.as_u16().to_string() });
        let failed = self.status >= StatusCode::INTERNAL_SERVER_ERROR;
        self.sender.send(json!({
            "traceId": self.parent.trace,
            "spanId": self.span,
            "parentSpanId": self.parent.span,
            "name": format!("{} {}", self.method, self.route),
            "kind": SERVER,
            "startTimeUnixNano": nanos(self.start),
            "endTimeUnixNano": nanos(SystemTime::now()),
            "attributes": [
                text("http.request.method", self.method.as_str()),
                text("http.route", &self.route),
                text("url.path", &self.path),
                { "key": "http.response.status_code", "value": status },
            ],
            "status": if failed { json!({ "code": FAILED }) } else { json!({}) },
        }));
    }
}

/// A time, as the protocol has it.
fn nanos(time: SystemTime) -> Value {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Value::String(since.as_nanos().to_string())
}

/// An attribute of a span.
fn text(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

/// What an application tells of one stage.
struct Stage<'a> {
    name: &'a str,
    took: Duration,
    /// Who decided in it.
    by: Option<&'a str>,
}

/// The stages of a `server-timing`. What is none is left out.
fn stages(told: &str) -> impl Iterator<Item = Stage<'_>> {
    told.split(',').take(STAGES_MAX).filter_map(|one| {
        let mut parts = one.trim().split(';').map(str::trim);
        let name = parts.next()?;
        let is_name = (1..=STAGE_BYTES_MAX).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let ms: f64 = parts.next()?.strip_prefix("dur=")?.parse().ok()?;
        let took = Duration::try_from_secs_f64(ms / 1e3).ok()?;
        let by = parts.next().and_then(|it| it.strip_prefix("desc=\"")?.strip_suffix('"'));
        let by = by.filter(|by| by.len() <= BY_BYTES_MAX);
        is_name.then_some(Stage { name, took, by })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_have_a_name_and_a_duration() {
        let all = "store;dur=0.958, ask;dur=2;desc=\"a.b\",bad name;dur=1, none, neg;dur=-1, \
            x;dur=NaN";
        let told = |it: Stage<'static>| (it.name, it.took.as_micros(), it.by);
        let found: Vec<_> = stages(all).map(told).collect();
        assert_eq!(found, [("store", 958, None), ("ask", 2_000, Some("a.b"))]);
        assert_eq!(stages("").count(), 0);
        assert_eq!(stages(&"a;dur=1,".repeat(100)).count(), STAGES_MAX);
    }

    #[tokio::test]
    async fn only_a_url_of_http_takes_traces() {
        for url in ["collector:4318", "ftp://collector", "", "/v1/traces"] {
            assert!(Traces::open(url).is_err(), "{url}");
        }
        assert!(Traces::open("http://127.0.0.1:4318").is_ok());
    }
}
