//! What is understood of a request, and what is refused by name.

use super::*;
use serde_json::json;

fn read(body: Value) -> Result<Asked, ApiError> {
    asked(body.as_object().unwrap())
}

fn conversation(messages: Value) -> Result<Vec<Message>, ApiError> {
    super::messages(json!({ "messages": messages }).as_object().unwrap())
}

#[test]
fn what_no_model_can_do_is_refused_by_its_name() {
    let tool = json!([{ "type": "function", "function": { "name": "f" } }]);
    for (name, value) in [
        ("tools", tool.clone()),
        ("functions", tool),
        ("tool_choice", json!("required")),
        ("n", json!(2)),
        ("logprobs", json!(true)),
        ("logit_bias", json!({ "7": 1 })),
        ("presence_penalty", json!(0.5)),
        ("suffix", json!("end")),
    ] {
        let error = read(json!({ name: value })).unwrap_err();
        assert_eq!((error.status, error.param), (400, Some(name)));
        assert_eq!(error.code, "unsupported_parameter");
    }
}

#[test]
fn what_asks_for_nothing_is_no_error() {
    let body = json!({
        "tools": [], "tool_choice": "auto", "n": 1, "logprobs": false, "logit_bias": {},
        "presence_penalty": 0, "frequency_penalty": 0.0, "user": "me", "store": false,
        "stream_options": null, "parallel_tool_calls": true,
    });
    assert!(read(body).is_ok());
}

#[test]
fn the_newer_name_of_the_length_goes_before_the_older() {
    let asked = read(json!({ "max_tokens": 5, "max_completion_tokens": 9 })).unwrap();
    assert_eq!(asked.options.max_tokens, Some(9));
    let asked = read(json!({ "max_tokens": 5, "max_completion_tokens": null })).unwrap();
    assert_eq!(asked.options.max_tokens, Some(5));
}

#[test]
fn the_options_of_a_stream_go_with_a_stream() {
    let asked = read(json!({ "stream": true, "stream_options": { "include_usage": true } }));
    assert!(asked.unwrap().include_usage);
    let error = read(json!({ "stream_options": { "include_usage": true } })).unwrap_err();
    assert_eq!(error.param, Some("stream_options"));
}

#[test]
fn messages_are_texts_or_parts_of_text() {
    let parts = json!([{ "type": "text", "text": "a" }, { "type": "text", "text": "b" }]);
    let found = conversation(json!([
        { "role": "developer", "content": "Be kind." },
        { "role": "user", "content": parts },
        { "role": "assistant", "content": null },
    ]));
    let message = |role, text: &str| Message { role, text: text.to_owned() };
    let expected = [
        message(Role::System, "Be kind."),
        message(Role::User, "ab"),
        message(Role::Assistant, ""),
    ];
    assert_eq!(found.unwrap(), expected);
}

#[test]
fn what_is_no_conversation_is_refused() {
    let image = json!([{ "type": "image_url", "image_url": { "url": "data:," } }]);
    let call = json!([{ "id": "1", "type": "function" }]);
    let many = vec![json!({ "role": "user", "content": "x" }); 1_025];
    for (messages, told) in [
        (json!([]), "at least one"),
        (json!("hi"), "a list"),
        (json!(many), "1024"),
        (json!([{ "role": "user" }]), "`content`"),
        (json!([{ "role": "robot", "content": "x" }]), "`role`"),
        (json!([{ "role": "tool", "content": "x" }]), "tool"),
        (json!([{ "role": "user", "content": image }]), "`text`"),
        (json!([{ "role": "assistant", "tool_calls": call }]), "`tool_calls`"),
        (json!([{ "role": "user", "content": "x", "images": ["iVBORw0KGgo="] }]), "`images`"),
    ] {
        let error = conversation(messages).unwrap_err();
        assert_eq!((error.status, error.param), (400, Some("messages")));
        assert!(error.message.contains(told), "{}", error.message);
    }
}

#[test]
fn a_session_is_named_by_header_or_metadata() {
    let fields = |body: Value| body.as_object().unwrap().clone();
    let mut headers = HeaderMap::new();
    assert_eq!(session(&headers, &fields(json!({}))), Ok(None));
    let named = fields(json!({ "metadata": { "session_id": "a" } }));
    assert_eq!(session(&headers, &named), Ok(Some("a".to_owned())));
    headers.insert(SESSION_HEADER, "b".parse().unwrap());
    assert_eq!(session(&headers, &named), Ok(Some("b".to_owned())));
    let wrong = fields(json!({ "metadata": { "session_id": 7 } }));
    assert_eq!(session(&HeaderMap::new(), &wrong).unwrap_err().param, Some("metadata"));
}
