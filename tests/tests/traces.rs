//! Traces, as somebody receives them who takes them by OpenTelemetry's protocol.

use loci_tests::server::Server;
use loci_tests::stand_in::{Answer, StandIn};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::tiny_model;

/// What must not be found in a trace.
const CANARY: &str = "quibberfinch";
/// The stages of a turn.
const STAGES: [&str; 8] =
    ["store", "wait", "history", "recall", "condense", "assemble", "truncate", "generate"];
/// Those in which a policy or the model decides.
const DECIDED: [&str; 5] = ["recall", "condense", "assemble", "truncate", "generate"];

/// All spans that came so far.
fn spans(collector: &StandIn) -> Vec<Value> {
    let parts = |value: &Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
    let bodies = collector.requests().into_iter().map(|request| {
        assert_eq!(request.line, "POST /v1/traces");
        assert_eq!(request.headers["x-tenant"], "seven");
        request.json()
    });
    let resources = bodies.flat_map(|body| parts(&body, "resourceSpans"));
    let scopes = resources.flat_map(|it| parts(&it, "scopeSpans"));
    scopes.flat_map(|it| parts(&it, "spans")).collect()
}

/// The spans within this one, the first to begin first.
fn within<'a>(spans: &'a [Value], around: &Value) -> Vec<&'a Value> {
    let inner = spans.iter().filter(|span| span["parentSpanId"] == around["spanId"]);
    inner.collect()
}

/// A request holds a turn, that its stages in their order, and these name who decided in them.
fn check_turn(spans: &[Value], request: &Value) {
    let turn = within(spans, request);
    assert!(turn.len() == 1 && turn[0]["name"] == "turn", "{turn:#?}");
    let time = |span: &Value, key: &str| span[key].as_str().unwrap().parse::<u128>().unwrap();
    let stages = within(spans, turn[0]);
    let names: Vec<&str> = stages.iter().map(|span| span["name"].as_str().unwrap()).collect();
    assert_eq!(names, STAGES);
    for (stage, next) in stages.iter().zip(stages.iter().skip(1)) {
        assert_eq!(time(stage, "endTimeUnixNano"), time(next, "startTimeUnixNano"));
        assert_eq!(stage["traceId"], request["traceId"]);
    }
    let end = time(turn[0], "endTimeUnixNano");
    assert!(stages.iter().all(|stage| time(stage, "endTimeUnixNano") <= end), "{stages:#?}");
    let decided = stages.iter().filter(|stage| stage["attributes"] != json!([]));
    let decided: Vec<&Value> = decided.copied().collect();
    let names: Vec<&str> = decided.iter().map(|span| span["name"].as_str().unwrap()).collect();
    assert_eq!(names, DECIDED);
    for stage in decided {
        let by = attribute(stage, "loci.by")["stringValue"].as_str().unwrap();
        assert!(stage["name"] == "generate" || by.len() == 64, "{stage:#?}");
    }
}

fn attribute<'a>(span: &'a Value, key: &str) -> &'a Value {
    let all = span["attributes"].as_array().expect("attributes");
    &all.iter().find(|it| it["key"] == key).unwrap_or_else(|| panic!("no `{key}`"))["value"]
}

#[test]
fn each_request_is_a_trace_with_the_stages_of_its_turn() {
    let collector = StandIn::start(|_| Answer::json(200, &json!({}))).unwrap();
    let url = collector.url();
    let arguments = ["--model", tiny_model(), "--traces-url", &url];
    let environment = [("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=seven")];
    let mut server = Server::start_with(&arguments, &environment).unwrap().unaudited();
    let client = server.client();
    let session = client.create_session(CANARY).unwrap();
    let path = format!("/api/v1/sessions/{session}/messages");
    let said = json!({ "role": "user", "content": CANARY, "max_tokens": 4 });
    let (trace, parent) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    let request = client.request(Method::POST, &path).json(&said);
    let answer = request.header("traceparent", format!("00-{trace}-{parent}-01")).send().unwrap();
    assert_eq!(answer.status(), 201);
    let timing = answer.headers()["server-timing"].to_str().unwrap().to_owned();
    assert!(timing.starts_with("turn;dur="), "{timing}");
    let events = client.stream(&session, &said).unwrap();
    assert_eq!(events.last().unwrap().unwrap().name, "message.end");
    client.get(&format!("{path}?query={CANARY}")).unwrap().expect(200).unwrap();
    client.get("/api/v1/sessions/nobody").unwrap().expect(404).unwrap();
    // What was not sent is sent at the end.
    assert_eq!(server.terminate().unwrap().code(), Some(0), "{}", server.log());

    let spans = spans(&collector);
    let of = |method: &str, status: &str| -> Vec<&Value> {
        let is_it = |span: &&Value| {
            span["name"] == format!("{method} /api/...")
                && attribute(span, "http.response.status_code")["intValue"] == status
        };
        spans.iter().filter(is_it).collect()
    };
    let told = of("POST", "201").into_iter().find(|span| span["traceId"] == trace);
    let told = told.unwrap_or_else(|| panic!("no trace goes on: {spans:#?}"));
    assert_eq!(told["parentSpanId"], parent);
    assert_eq!(attribute(told, "url.path")["stringValue"], *path);
    check_turn(&spans, told);
    let streamed = of("POST", "200");
    assert_eq!(streamed.len(), 1);
    check_turn(&spans, streamed[0]);
    assert_eq!(of("GET", "404").len(), 1);
    let text = collector.requests().iter().map(|it| it.json().to_string()).collect::<String>();
    assert!(!text.contains(CANARY), "{text}");
}

#[test]
fn nobody_who_takes_traces_is_told_once_and_nobodys_trouble() {
    let gone = StandIn::start(|_| Answer::json(200, &json!({}))).unwrap().url();
    let arguments = ["--model", tiny_model(), "--traces-url", &gone];
    let mut server = Server::start(&arguments).unwrap();
    let client = server.client();
    let session = client.create_session("untold").unwrap();
    client.say(&session, "Does anybody hear this?").unwrap();
    let said = |log: &str| log.matches("Traces cannot be sent").count();
    for _ in 0..600 {
        if said(&server.log()) > 0 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    // Another attempt, the last of them as the server ends.
    client.say(&session, "And this?").unwrap();
    assert_eq!(server.terminate().unwrap().code(), Some(0), "{}", server.log());
    assert_eq!(said(&server.log()), 1, "{}", server.log());
}
