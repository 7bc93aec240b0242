//! What is taken out of bodies, and what is refused.

use super::*;
use serde_json::json;

fn message(body: Value) -> Result<NewMessage, ApiError> {
    new_message(body.as_object().unwrap())
}

fn fails(body: Value) -> (u16, Option<&'static str>) {
    let error = message(body).unwrap_err();
    (error.status, error.param)
}

#[test]
fn a_message_needs_a_role_and_a_content() {
    assert!(message(json!({ "role": "user", "content": "hi" })).is_ok());
    assert_eq!(fails(json!({ "content": "hi" })), (400, Some("role")));
    assert_eq!(fails(json!({ "role": "assistant", "content": "hi" })), (400, Some("role")));
    assert_eq!(fails(json!({ "role": "user" })), (400, Some("content")));
    assert_eq!(fails(json!({ "role": "user", "content": 7 })), (400, Some("content")));
    assert_eq!(fails(json!({ "role": "user", "content": " \n" })), (400, Some("content")));
}

#[test]
fn a_message_of_the_most_bytes_is_taken_and_one_more_is_413() {
    let text = "x".repeat(limits::MESSAGE_BYTES_MAX);
    assert!(message(json!({ "role": "user", "content": text })).is_ok());
    let error = message(json!({ "role": "user", "content": format!("{text}x") })).unwrap_err();
    assert_eq!(error.status, 413);
    assert!(error.message.contains("65536") && error.message.contains("65537"));
}

#[test]
fn options_have_ranges() {
    let with = |name: &str, value: Value| {
        let mut body = json!({ "role": "user", "content": "hi" });
        body[name] = value;
        message(body)
    };
    for (name, bad) in [
        ("temperature", json!(-1)),
        ("temperature", json!(2.01)),
        ("temperature", json!("hot")),
        ("top_p", json!(0)),
        ("top_p", json!(1.5)),
        ("top_k", json!(-3)),
        ("top_k", json!(2_147_483_648_u32)),
        ("max_tokens", json!(0)),
        ("max_tokens", json!(1.5)),
        ("seed", json!(4_294_967_296_u64)),
        ("stop", json!([])),
        ("stop", json!(["a", 7])),
        ("stop", json!("x".repeat(129))),
        ("stop", json!(vec!["x"; 9])),
        ("stream", json!("yes")),
    ] {
        let error = with(name, bad).unwrap_err();
        assert_eq!((error.status, error.param), (400, Some(name)));
    }
    let options = with("temperature", json!(0)).unwrap().options;
    assert_eq!(options.temperature, Some(0.0));
    let least = with("top_p", json!(f64::MIN_POSITIVE)).unwrap().options;
    assert!(least.top_p.is_some_and(|top_p| top_p > 0.0));
    assert_eq!(with("stop", json!("END")).unwrap().options.stop, ["END"]);
    assert_eq!(with("seed", Value::Null).unwrap().options, Options::default());
}

#[test]
fn what_is_not_json_is_told_where() {
    let error = parse(b"{\"role\": \"user\",").unwrap_err();
    assert_eq!(error.status, 400);
    assert!(error.message.contains("JSON") && error.message.contains("column"));
    assert_eq!(parse(b"[]").unwrap_err().code, "invalid_json");
    assert_eq!(parse(b"\xff\xfe").unwrap_err().code, "invalid_json");
}

#[test]
fn a_whole_number_may_be_written_with_a_point() {
    let read = parse(br#"{"a":[7.0,{"b":-3e2}],"c":0.5,"d":1e300,"e":"7.0"}"#).unwrap();
    let expected = json!({ "a": [7, { "b": -300 }], "c": 0.5, "d": 1e300, "e": "7.0" });
    assert_eq!(Value::Object(read), expected);
}

#[test]
fn only_json_is_taken() {
    assert!(check_content_type("application/json; charset=utf-8").is_ok());
    assert!(check_content_type("Application/JSON").is_ok());
    assert_eq!(check_content_type("text/plain").unwrap_err().status, 415);
    assert_eq!(check_content_type("").unwrap_err().status, 415);
}

#[test]
fn a_session_has_a_name_and_documents_or_neither() {
    let session = |body: Value| new_session(body.as_object().unwrap());
    let none = NewSession { name: None, rag_document_ids: None };
    assert_eq!(session(json!({})), Ok(none));
    assert_eq!(session(json!({ "name": 7 })).unwrap_err().param, Some("name"));
    assert_eq!(session(json!({ "name": "x".repeat(513) })).unwrap_err().status, 400);
    let bad = session(json!({ "rag_document_ids": [1] })).unwrap_err();
    assert_eq!(bad.param, Some("rag_document_ids"));
    let told = |told: Value| instruction(json!({ "instruction": told }).as_object().unwrap());
    assert_eq!(told(json!("Rhyme.")), Ok(Some("Rhyme.".to_owned())));
    assert_eq!(told(Value::Null), Ok(None));
    let long = "x".repeat(limits::MESSAGE_BYTES_MAX + 1);
    for bad in [json!(" "), json!(7), json!(long)] {
        assert_eq!(told(bad).unwrap_err().param, Some("instruction"));
    }
    assert!(instruction(&Map::new()).is_err());
    assert!(enabled(json!({ "enabled": "yes" }).as_object().unwrap()).is_err());
    assert!(new_name(json!({}).as_object().unwrap()).is_err());
    assert_eq!(new_name(json!({ "name": null }).as_object().unwrap()), Ok(None));
}

#[test]
fn events_are_wanted_by_header() {
    let mut headers = HeaderMap::new();
    assert!(!accepts_events(&headers));
    headers.insert("accept", "application/json, text/event-stream;q=0.9".parse().unwrap());
    assert!(accepts_events(&headers));
}
