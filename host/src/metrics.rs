//! What the host counts, in the form that Prometheus reads. Numbers only: nothing of what was said.

use std::time::Duration;

use http::{Method, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::model::{ChatModel, Finish, Outcome, State};

/// The form of [`Metrics::text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The upper bounds of the times of requests, in seconds: a statement takes a millisecond, a reply
/// of a model seconds.
const SECONDS: [f64; 11] = [0.001, 0.002, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 5.0, 20.0, 60.0];

/// The methods that are counted by name. Clients may invent others, and each would be a series.
const METHODS: [Method; 7] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
];

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Answered {
    route: String,
    method: &'static str,
    status: u16,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Route {
    route: String,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Kind {
    kind: &'static str,
}

/// Makes the histogram of a route.
type Times = fn() -> Histogram;

/// The counts of a server.
pub struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    seconds: Family<Route, Histogram, Times>,
    requests_active: Gauge,
    answers: Family<Kind, Counter>,
    tokens: Family<Kind, Counter>,
    model_ready: Gauge,
    model_active: Gauge,
    model_queued: Gauge,
}

impl Metrics {
    /// Counts from zero.
    pub fn new() -> Self {
        let times: Times = || Histogram::new(SECONDS);
        let mut metrics = Self {
            registry: Registry::with_prefix("loci"),
            requests: Family::default(),
            seconds: Family::new_with_constructor(times),
            requests_active: Gauge::default(),
            answers: Family::default(),
            tokens: Family::default(),
            model_ready: Gauge::default(),
            model_active: Gauge::default(),
            model_queued: Gauge::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("requests", "Requests that were answered", self.requests.clone());
        registry.register_with_unit(
            "request",
            "Time until the head of an answer",
            Unit::Seconds,
            self.seconds.clone(),
        );
        let about = "Requests that are being answered, streams included";
        registry.register("requests_active", about, self.requests_active.clone());
        let about = "Answers of the chat model, by how they ended";
        registry.register("model_answers", about, self.answers.clone());
        let about =
            "Tokens of prompts, those of them that were not evaluated again, and of replies";
        registry.register("model_tokens", about, self.tokens.clone());
        let about = "Whether the chat model can answer";
        registry.register("model_ready", about, self.model_ready.clone());
        let about = "Answers that the chat model is making";
        registry.register("model_active", about, self.model_active.clone());
        let about = "Answers that wait for the chat model";
        registry.register("model_queued", about, self.model_queued.clone());
    }

    /// Counts a request. `route` is a pattern, not what stood in its place.
    pub fn answered(&self, route: &str, method: &Method, status: StatusCode, took: Duration) {
        let known = METHODS.iter().find(|known| *known == method);
        let method = known.map_or("other", Method::as_str);
        let label = Answered { route: route.to_owned(), method, status: status.as_u16() };
        self.requests.get_or_create_owned(&label).inc();
        let label = Route { route: route.to_owned() };
        self.seconds.get_or_create(&label).observe(took.as_secs_f64());
    }

    /// Counts an answer of the chat model; none for one that failed or was broken off.
    pub fn generated(&self, outcome: Option<&Outcome>) {
        let kind = match outcome.map(|outcome| outcome.finish) {
            Some(Finish::Stop) => "stop",
            Some(Finish::Length) => "length",
            None => "failed",
        };
        self.answers.get_or_create_owned(&Kind { kind }).inc();
        let Some(outcome) = outcome else { return };
        for (kind, tokens) in [
            ("prompt", outcome.prompt_tokens),
            ("cached", outcome.cached_tokens),
            ("reply", outcome.reply_tokens),
        ] {
            self.tokens.get_or_create_owned(&Kind { kind }).inc_by(tokens.into());
        }
    }

    /// All counts, and how the server is just now: the requests that are being answered, and the
    /// chat model.
    pub fn text(&self, requests_active: usize, model: &ChatModel) -> String {
        self.requests_active.set(i64::try_from(requests_active).unwrap_or(i64::MAX));
        self.model_ready.set(i64::from(model.state == State::Ready));
        self.model_active.set(model.active.into());
        self.model_queued.set(model.queued.into());
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_is_counted() {
        let metrics = Metrics::new();
        let outcome = Outcome {
            finish: Finish::Length,
            prompt_tokens: 40,
            cached_tokens: 30,
            reply_tokens: 2,
        };
        metrics.generated(Some(&outcome));
        metrics.generated(None);
        for method in ["GET", "NONSENSE"] {
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            metrics.answered("/api/...", &method, StatusCode::OK, Duration::from_millis(3));
        }
        let text = metrics.text(2, &ChatModel::unready(State::None));
        for line in [
            "loci_requests_total{route=\"/api/...\",method=\"GET\",status=\"200\"} 1",
            "loci_requests_total{route=\"/api/...\",method=\"other\",status=\"200\"} 1",
            "loci_model_answers_total{kind=\"failed\"} 1",
            "loci_model_tokens_total{kind=\"cached\"} 30",
            "loci_requests_active 2",
            "loci_model_ready 0",
        ] {
            assert!(text.lines().any(|it| it == line), "no `{line}` in\n{text}");
        }
        let times = text.lines().filter(|it| it.starts_with("loci_request_seconds_bucket{"));
        let upto = |line: &str| line.contains("le=\"0.005\"") && line.ends_with(" 2");
        assert!(times.clone().any(upto), "{text}");
    }
}
