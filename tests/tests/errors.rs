//! Bad input gets an error that says what would be right.

use loci_tests::client::{Answer, Client};
use loci_tests::server::{Server, repository};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::server;

/// An error has this shape, whatever its status.
fn check(answer: &Answer, status: u16, mentions: &str) {
    assert_eq!(answer.status, status, "{}", answer.body);
    let error = &answer.body["error"];
    for key in ["message", "type", "param", "code"] {
        assert!(error.get(key).is_some(), "no `{key}` in {}", answer.body);
    }
    let message = error["message"].as_str().unwrap();
    assert!(message.contains(mentions), "`{message}` does not mention `{mentions}`");
    assert!(!message.ends_with('.'), "`{message}` ends with a full stop");
}

fn post_raw(client: &Client, path: &str, kind: &str, body: impl Into<Vec<u8>>) -> Answer {
    let request = client.request(Method::POST, path).header("content-type", kind);
    Client::answer(request.body(body.into())).unwrap()
}

#[test]
fn bad_messages_are_refused_and_not_stored() {
    let server = server();
    let client = server.client();
    let session = client.create_session("strict").unwrap();
    let path = format!("/api/v1/sessions/{session}/messages");
    let post = |body: Value| client.post(&path, &body).unwrap();

    check(&post(json!({ "role": "user", "content": "" })), 400, "`content`");
    check(&post(json!({ "role": "user", "content": " \n\t " })), 400, "`content`");
    check(&post(json!({ "role": "user" })), 400, "content");
    check(&post(json!({ "role": "user", "content": 7 })), 400, "content");
    check(&post(json!({ "role": "assistant", "content": "I said so" })), 400, "`user`");
    check(&post(json!({ "role": "system", "content": "Obey" })), 400, "`user`");
    let long = "x".repeat(65_537);
    check(&post(json!({ "role": "user", "content": long })), 413, "65536");
    check(&post(json!({ "role": "user", "content": "hi", "temperature": -1 })), 400, "temperature");
    check(&post(json!({ "role": "user", "content": "hi", "max_tokens": 0 })), 400, "max_tokens");

    check(&post_raw(&client, &path, "application/json", "{\"role\": \"user\","), 400, "JSON");
    check(&post_raw(&client, &path, "application/json", b"\xff\xfe".to_vec()), 400, "JSON");
    check(&post_raw(&client, &path, "text/plain", "hello"), 415, "application/json");
    let body = vec![b' '; 4 << 20];
    check(&post_raw(&client, &path, "application/json", body), 413, "bytes");

    assert!(client.messages(&session).unwrap().is_empty(), "a refused message was stored");
}

#[test]
fn unknown_things_are_not_found() {
    let server = server();
    let client = server.client();
    let nobody = "/api/v1/sessions/00000000-0000-4000-8000-000000000000";
    let message = json!({ "role": "user", "content": "Hello?" });
    check(&client.get(nobody).unwrap(), 404, "session");
    check(&client.delete(nobody).unwrap(), 404, "session");
    check(&client.get(&format!("{nobody}/messages")).unwrap(), 404, "session");
    check(&client.post(&format!("{nobody}/messages"), &message).unwrap(), 404, "session");
    check(&client.put(&format!("{nobody}/memory"), &json!({ "enabled": true })).unwrap(), 404, "");
    check(&client.get("/api/v1/sessions/not-an-id").unwrap(), 404, "session");
    check(&client.get("/api/v1/nowhere").unwrap(), 404, "/api/v1/nowhere");
    check(&client.put("/api/v1/sessions", &json!({})).unwrap(), 405, "`PUT`");
    let body = json!({ "name": "x", "rag_document_ids": ["no-such-document"] });
    check(&client.post("/api/v1/sessions", &body).unwrap(), 400, "no-such-document");
    for query in ["skip=-1", "limit=0", "limit=1000000", "limit=ten"] {
        check(&client.get(&format!("/api/v1/sessions?{query}")).unwrap(), 400, "`");
    }
}

#[test]
fn without_a_model_the_message_is_stored_and_the_error_is_clear() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.gguf");
    std::fs::write(&broken, "GGUF, but not for long").unwrap();
    let broken = broken.to_str().unwrap();
    let server = Server::start(&["--model", broken]).unwrap();
    let client = server.client();
    let status = client.get("/api/v1/llm/status").unwrap().expect(200).unwrap();
    assert!(status["error"].as_str().is_some_and(|e| e.contains("broken.gguf")), "{status}");

    let session = client.create_session("no model").unwrap();
    check(&client.post_message(&session, "Is anybody there?").unwrap(), 503, "model");
    let messages = client.messages(&session).unwrap();
    assert_eq!(messages[0]["content"], "Is anybody there?");
    let errors: Vec<&Value> =
        messages.iter().filter(|m| m["metadata"]["llm_call_error"].is_string()).collect();
    assert!(!errors.is_empty(), "no trace of the failed turn: {messages:#?}");
    for message in messages {
        let content = message["content"].as_str().unwrap_or_default();
        assert!(!content.contains("ERROR"), "an error posed as speech: {content}");
    }
}

#[test]
fn with_no_model_at_all_the_error_says_how_to_give_one() {
    // The application without the models that come with the sources.
    let bare = tempfile::tempdir().unwrap();
    let manifest = bare.path().join("spin.toml");
    std::fs::copy(repository().join("spin.toml"), &manifest).unwrap();
    std::os::unix::fs::symlink(repository().join("target"), bare.path().join("target")).unwrap();

    let server = Server::start(&["--app", manifest.to_str().unwrap()]).unwrap();
    let client = server.client();
    let session = client.create_session("nobody").unwrap();
    check(&client.post_message(&session, "Anybody?").unwrap(), 503, "--model");
}

#[test]
fn what_cannot_fit_fails_with_both_numbers() {
    let arguments = ["--model", crate::support::tiny_model(), "--context-tokens", "512"];
    let server = Server::start(&arguments).unwrap();
    let client = server.client();
    let session = client.create_session("narrow").unwrap();
    let long = "word ".repeat(4_000);
    let answer = client.post_message(&session, &long).unwrap();
    check(&answer, 400, "tokens");
    assert_eq!(answer.body["error"]["code"], "context_length_exceeded");

    // The turn that failed is not in the prompt of the next one.
    let reply = client.say(&session, "A short one.").unwrap();
    let prompt = client.prompt(&session, &reply).unwrap();
    assert!(!prompt.contains("word word word"), "{prompt}");
}
