//! A prompt that is put together elsewhere, by the JavaScript package of the policies, is the one
//! that the server puts together.

use std::process::Command;

use loci_tests::server::repository;
use serde_json::json;

use crate::documents::{id, upload, wait};
use crate::support::server;

#[test]
fn a_prompt_that_is_tried_is_the_one_that_is_sent() {
    let server = server();
    let client = server.client();
    let session = client.create_session("Draft").unwrap();
    let fact = "My sister Oriane keeps her violin in the blue cupboard.";
    let said = (0..45).map(|day| match day {
        0 => fact.to_owned(),
        7 => format!("The boat Meltemi lies in Marina Zea since May. {}", "Long ago. ".repeat(30)),
        _ => format!("Filler {day}: the harbour was grey and the day mild 犬."),
    });
    let messages: Vec<_> = said
        .flat_map(|text| {
            let answer = format!("So you say: {text}");
            [
                json!({ "role": "user", "content": text }),
                json!({ "role": "assistant", "content": answer }),
            ]
        })
        .collect();
    let path = format!("/api/v1/sessions/{session}/messages/import");
    client.post(&path, &json!({ "messages": messages })).unwrap().expect(201).unwrap();
    let text = format!("# Boats\n\nMeltemi lies in Marina Zea, berth 12. {}", "Mild. ".repeat(60));
    let documents = upload(&client, &[("boats.md", text.into_bytes())]);
    let document = id(&documents[0]);
    wait(&client, &document);
    let path = format!("/api/v1/sessions/{session}/documents/{document}");
    client.put(&path, &json!({})).unwrap().expect(200).unwrap();

    let output = Command::new("node")
        .arg(repository().join("tests/clients/draft.mjs"))
        .arg(repository().join("target/policies"))
        .args([server.address(), &session])
        .output()
        .expect("`node` can be started; `cargo xtask test` installs it");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "they differ:\n{told}");
}

#[test]
fn a_draft_is_stored_nowhere_and_refuses_what_a_message_refuses() {
    let server = server();
    let client = server.client();
    let session = client.create_session("Draft").unwrap();
    let path = format!("/api/v1/sessions/{session}/draft");
    let draft = client.post(&path, &json!({ "content": "Hello." })).unwrap().expect(200).unwrap();
    assert_eq!((&draft["turn"], &draft["query"]["tokens"]), (&json!(1), &json!(6)));
    let first = json!({ "content": "Hello." });
    let new = client.post("/api/v1/draft", &first).unwrap().expect(200).unwrap();
    assert_eq!(new["instruction"], draft["instruction"]);
    assert!(client.messages(&session).unwrap().is_empty());

    let refused = |path: &str, body| {
        let answer = client.post(path, &body).unwrap();
        (answer.status, answer.body["error"]["param"].clone())
    };
    assert_eq!(refused(&path, json!({ "content": " " })), (400, json!("content")));
    let budget = json!({ "content": "Hello.", "prompt_tokens_max": 0 });
    assert_eq!(refused(&path, budget), (400, json!("prompt_tokens_max")));
    let edit = json!({ "content": "Hello.", "supersedes": 1 });
    assert_eq!(refused(&path, edit), (400, json!("supersedes")));
    let nowhere = "/api/v1/sessions/00000000-0000-4000-8000-000000000000/draft";
    assert_eq!(refused(nowhere, json!({ "content": "Hello." })).0, 404);
    assert_eq!(refused("/api/v1/llm/measure", json!({ "texts": [1] })), (400, json!("texts")));
}
