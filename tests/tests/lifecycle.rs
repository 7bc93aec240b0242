//! Starting, stopping, streaming, cancelling.

use std::time::{Duration, Instant};

use loci_tests::server::Server;
use serde_json::{Value, json};

use crate::support::{server, slow_server, tiny_model};

/// A message whose answer is the same every time, since it is the likeliest token at each step: a
/// random one could be the end of the answer before a test has broken it off.
fn ask(content: &str, tokens: u32) -> Value {
    json!({ "role": "user", "content": content, "max_tokens": tokens, "temperature": 0 })
}

#[test]
fn health_is_503_before_it_can_serve_and_200_after() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::spawn(data, &["--model", tiny_model()]).unwrap();
    let client = server.client();
    let mut seen = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        assert!(Instant::now() < deadline, "{seen:?}");
        let status = client.health().unwrap();
        if seen.last() != Some(&status) {
            seen.push(status);
        }
        if status == 200 {
            break;
        }
    }
    assert!(seen == [503, 200] || seen == [200], "{seen:?}");
    server.wait_until_healthy().unwrap();
}

#[test]
fn sigterm_ends_it_cleanly_and_the_reply_in_progress_is_finished() {
    let mut server = slow_server();
    let client = server.client();
    let session = client.create_session("last words").unwrap();
    let body = ask("Tell me everything.", 12);
    let mut events = client.stream(&session, &body).unwrap();
    let first = events.next().unwrap().unwrap();
    assert_eq!(first.name, "message.start");
    loci_tests::server::signal(server.process_id(), "TERM").unwrap();
    let last = events.last().unwrap().unwrap();
    assert_eq!(last.name, "message.end");
    let status = server.wait_for_exit().unwrap();
    assert_eq!(status.code(), Some(0), "{}", server.log());
}

#[test]
fn sigint_ends_it_cleanly_too() {
    let mut server = server();
    loci_tests::server::signal(server.process_id(), "INT").unwrap();
    assert_eq!(server.wait_for_exit().unwrap().code(), Some(0), "{}", server.log());
}

#[test]
fn a_stream_tells_the_whole_story() {
    let server = server();
    let client = server.client();
    let session = client.create_session("stream").unwrap();
    let body = ask("Say something.", 16);
    let events: Vec<_> = client.stream(&session, &body).unwrap().collect::<Result<_, _>>().unwrap();
    let names: Vec<&str> = events.iter().map(|e| e.name.as_str()).collect();
    assert_eq!(names.first(), Some(&"message.start"), "{names:?}");
    assert_eq!(names.last(), Some(&"message.end"), "{names:?}");
    for name in ["context", "usage"] {
        assert_eq!(names.iter().filter(|n| **n == name).count(), 1, "{names:?}");
    }

    // What was streamed is what was stored.
    let text: String = events
        .iter()
        .filter(|event| event.name == "delta")
        .filter_map(|event| event.data["content"].as_str())
        .collect();
    let messages = client.messages(&session).unwrap();
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[1]["content"], Value::String(text));
}

#[test]
fn closing_the_connection_keeps_what_was_said_and_frees_the_session() {
    let server = slow_server();
    let client = server.client();
    let session = client.create_session("hang up").unwrap();
    let body = ask("Go on and on.", 2000);
    let mut events = client.stream(&session, &body).unwrap();
    while events.next().unwrap().unwrap().name != "delta" {}
    drop(events);

    // The next turn does not wait for 2,000 tokens, and the cut reply is there, marked.
    client.say(&session, "Are you still there?").unwrap();
    let messages = client.messages(&session).unwrap();
    assert_eq!(messages.len(), 4, "{messages:#?}");
    assert_eq!(messages[1]["role"], "assistant");
    assert_eq!(messages[1]["metadata"]["finish_reason"], "cancelled", "{}", messages[1]);
    assert!(messages[1]["content"].as_str().is_some_and(|text| !text.is_empty()));
}

#[test]
fn cancel_stops_the_model_and_keeps_what_was_said() {
    let server = slow_server();
    let client = server.client();
    let session = client.create_session("cancel").unwrap();
    let body = ask("Go on and on.", 2000);
    let mut events = client.stream(&session, &body).unwrap();
    while events.next().unwrap().unwrap().name != "delta" {}
    let path = format!("/api/v1/sessions/{session}/cancel");
    client.post(&path, &json!({})).unwrap().expect(200).unwrap();
    let last = events.last().unwrap().unwrap();
    assert_eq!(last.name, "message.end", "{last:?}");
    let messages = client.messages(&session).unwrap();
    assert_eq!(messages[1]["metadata"]["finish_reason"], "cancelled", "{}", messages[1]);
}

#[test]
fn a_deleted_session_is_gone_with_everything_in_it() {
    let server = server();
    let client = server.client();
    let session = client.create_session("gone").unwrap();
    client.say(&session, "My locker number is 4471.").unwrap();
    client.wait_until_indexed(&session).unwrap();
    let path = format!("/api/v1/sessions/{session}");
    client.delete(&path).unwrap().expect(204).unwrap();
    client.get(&path).unwrap().expect(404).unwrap();
    client.get(&format!("{path}/messages")).unwrap().expect(404).unwrap();
    client.get(&format!("{path}/memories")).unwrap().expect(404).unwrap();
    let list = client.get("/api/v1/sessions").unwrap().expect(200).unwrap();
    assert_eq!(list, json!([]));
}

#[test]
fn messages_are_found_by_what_they_say() {
    let server = server();
    let client = server.client();
    let session = client.create_session("found").unwrap();
    let other = client.create_session("other").unwrap();
    client.say(&session, "The Kestrel ate 100% of it.").unwrap();
    client.say(&session, "So it was.").unwrap();
    client.say(&other, "A kestrel of another chat.").unwrap();
    let find = |query: &str| {
        let path = format!("/api/v1/sessions/{session}/messages?query={query}");
        let found = client.get(&path).unwrap().expect(200).unwrap();
        let contents = found.as_array().unwrap().iter().filter(|one| one["role"] == "user");
        contents.map(|one| one["content"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(find("kestrel"), ["The Kestrel ate 100% of it."]);
    assert_eq!(find("100%25+of"), ["The Kestrel ate 100% of it."]);
    assert!(find("1%25f").is_empty() && find("__").is_empty());
    assert_eq!(find("it"), ["So it was.", "The Kestrel ate 100% of it."]);
}
