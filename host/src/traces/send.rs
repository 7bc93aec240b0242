//! Sending spans: many at once, and in the background. A span that finds no room is lost.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tracing::warn;

use crate::model::remote::client_builder;

/// Where those who take traces take them, if the address has no path of its own.
const PATH: &str = "/v1/traces";
/// Headers that are sent along, as in `authorization=Bearer%20KEY,x-tenant=seven`.
const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";
/// Spans that may wait to be sent, and the most that are sent at once.
const SPANS_WAITING_MAX: usize = 4_096;
const SPANS_AT_ONCE_MAX: usize = 512;
/// How long spans wait for others.
const PAUSE: Duration = Duration::from_secs(1);
/// How long whoever takes them may take for it.
const TIME_MAX: Duration = Duration::from_secs(5);

/// What takes spans to send them.
#[derive(Clone)]
pub struct Sender {
    spans: mpsc::Sender<Message>,
    task: Arc<Mutex<Option<JoinHandle<()>>>>,
}

enum Message {
    Span(Value),
    Close,
}

impl Sender {
    /// Prepares to send to this address; speaks to nobody yet.
    ///
    /// # Errors
    ///
    /// Fails if the address is none of HTTP, or if the system has no certificates to trust.
    pub fn new(url: &str) -> Result<Self> {
        let uri: Uri = url.parse().with_context(|| format!("`{url}` is no URL"))?;
        let is_http = ["http", "https"].map(Some).contains(&uri.scheme_str());
        ensure!(is_http, "`{url}` must be a URL as in `http://127.0.0.1:4318`");
        let path = if uri.path() == "/" { PATH } else { "" };
        let endpoint = format!("{}{path}", url.trim_end_matches('/'));
        let authority = uri.authority().map_or("", |it| it.as_str());
        let builder = client_builder(uri.scheme_str() == Some("https"), authority);
        let headers = headers(&std::env::var(HEADERS).unwrap_or_default())?;
        let builder = builder.map_err(|error| anyhow!(error))?.default_headers(headers);
        let http = builder.timeout(TIME_MAX).build()?;
        let (spans, waiting) = mpsc::channel(SPANS_WAITING_MAX);
        let task = tokio::spawn(work(http, endpoint, waiting));
        Ok(Self { spans, task: Arc::new(Mutex::new(Some(task))) })
    }

    /// Has a span sent.
    pub fn send(&self, span: Value) {
        // Where there is no room, whoever takes them is too slow, or gone: the log says so.
        let _ = self.spans.try_send(Message::Span(span));
    }

    /// Waits until all is sent. Blocks.
    pub fn close(&self) {
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(task) = task else { return };
        let closing = async {
            let _ = self.spans.send(Message::Close).await;
            let _ = task.await;
        };
        if Handle::current().block_on(tokio::time::timeout(TIME_MAX, closing)).is_err() {
            warn!("Not all traces were sent");
        }
    }
}

/// Sends what comes until there is no more.
async fn work(http: reqwest::Client, endpoint: String, mut waiting: mpsc::Receiver<Message>) {
    let mut is_taken = true;
    let mut is_over = false;
    while !is_over {
        let mut messages = Vec::new();
        if waiting.recv_many(&mut messages, SPANS_AT_ONCE_MAX).await == 0 {
            return;
        }
        let ends = |messages: &[Message]| messages.iter().any(|it| matches!(it, Message::Close));
        if !ends(&messages) && messages.len() < SPANS_AT_ONCE_MAX {
            let more = async {
                while messages.len() < SPANS_AT_ONCE_MAX && !ends(&messages) {
                    let room = SPANS_AT_ONCE_MAX - messages.len();
                    if waiting.recv_many(&mut messages, room).await == 0 {
                        return;
                    }
                }
            };
            let _ = tokio::time::timeout(PAUSE, more).await;
        }
        is_over = ends(&messages);
        let spans = messages.into_iter().filter_map(|message| match message {
            Message::Span(span) => Some(span),
            Message::Close => None,
        });
        let sent = post(&http, &endpoint, spans.collect()).await;
        if let Err(error) = &sent
            && is_taken
        {
            warn!("Traces cannot be sent, and are lost until they can: {error:#}");
        }
        is_taken = sent.is_ok();
    }
}

async fn post(http: &reqwest::Client, endpoint: &str, spans: Vec<Value>) -> Result<()> {
    if spans.is_empty() {
        return Ok(());
    }
    let text = |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
    let resource = [
        text("service.name", env!("CARGO_PKG_NAME")),
        text("service.version", env!("CARGO_PKG_VERSION")),
    ];
    let body = json!({ "resourceSpans": [{
        "resource": { "attributes": resource },
        "scopeSpans": [{ "scope": { "name": env!("CARGO_PKG_NAME") }, "spans": spans }],
    }] });
    let request = http.post(endpoint).header(header::CONTENT_TYPE, "application/json");
    let answer = request.body(body.to_string()).send().await;
    // The address may have a password in it.
    let answer = answer.map_err(reqwest::Error::without_url)?;
    ensure!(answer.status().is_success(), "they were answered with {}", answer.status());
    Ok(())
}

/// Headers as the variable has them.
fn headers(told: &str) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for pair in told.split(',').filter(|pair| !pair.trim().is_empty()) {
        // A plus is itself here, not a space.
        let pair = pair.trim().replace('+', "%2B");
        let decoded = form_urlencoded::parse(pair.as_bytes()).next();
        let header = decoded.and_then(|(name, value)| {
            let name: HeaderName = name.trim().parse().ok()?;
            let mut value = HeaderValue::from_str(value.trim()).ok()?;
            value.set_sensitive(true);
            Some((name, value))
        });
        headers.extend([header.with_context(|| format!("`{HEADERS}` has what is no header"))?]);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_sent_as_the_variable_has_them() {
        let found = headers("authorization=Bearer%20a+b==, x-tenant=seven").expect("headers");
        assert_eq!(
            (&found["authorization"], &found["x-tenant"]),
            (&HeaderValue::from_static("Bearer a+b=="), &HeaderValue::from_static("seven"),)
        );
        assert!(headers("").expect("none").is_empty());
        assert!(headers("no header=1").is_err());
    }
}
