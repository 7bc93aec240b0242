//! Saying something else in the place of what was said: the earlier words, and all that came after
//! them, are out of the session, its prompts and its memory.

use serde_json::{Value, json};

use crate::support::server;

const FACT: &str = "The harbour master's parrot is called Quillon.";

fn contents(messages: &[Value]) -> Vec<&str> {
    let said = messages.iter().filter(|message| message["role"] == "user");
    said.filter_map(|message| message["content"].as_str()).collect()
}

#[test]
fn what_was_superseded_is_neither_shown_nor_recalled() {
    let server = server();
    let client = server.client();
    let session = client.create_session("second thoughts").unwrap();
    client.say(&session, "Good morning.").unwrap();
    client.say(&session, FACT).unwrap();
    client.say(&session, "And the weather is grey.").unwrap();
    let before = client.wait_until_indexed(&session).unwrap();
    assert_eq!(contents(&before).len(), 3);
    let fact = before.iter().find(|message| message["content"] == FACT).expect("it was said");

    let path = format!("/api/v1/sessions/{session}/messages");
    let body = json!({
        "role": "user",
        "content": "What is the parrot called?",
        "supersedes": fact["id"],
        "max_tokens": 8,
    });
    let reply = client.post(&path, &body).unwrap().expect(201).unwrap();
    let prompt = client.prompt(&session, &reply).unwrap();
    assert!(prompt.contains("Good morning.") && !prompt.contains("Quillon"), "{prompt}");
    assert_eq!(reply["metadata"]["relevant_history_retrieved"].as_array().unwrap().len(), 0);

    let after = client.wait_until_indexed(&session).unwrap();
    assert_eq!(contents(&after), ["Good morning.", "What is the parrot called?"]);
    let found = client.get(&format!("/api/v1/sessions/{session}/memories?query=Quillon")).unwrap();
    let found = found.expect(200).unwrap().to_string();
    assert!(!found.contains("Quillon"), "{found}");

    // The reply to it still knows what it was made of.
    let answers = |other: &&Value| other["turn"] == fact["turn"] && other["role"] == "assistant";
    let old = before.iter().find(answers).expect("there was a reply");
    assert!(client.prompt(&session, old).unwrap().contains("Quillon"));
}

#[test]
fn what_is_refused_takes_nothings_place() {
    let server = server();
    let client = server.client();
    let session = client.create_session("too much").unwrap();
    let first = client.say(&session, "Good morning.").unwrap();
    client.say(&session, FACT).unwrap();
    let path = format!("/api/v1/sessions/{session}/messages");
    let body = json!({
        "role": "user",
        "content": "Good evening.",
        "supersedes": first["id"],
        "max_tokens": 1_000_000,
    });
    let refused = client.post(&path, &body).unwrap();
    assert_eq!(refused.status, 400, "{}", refused.body);
    let all = client.messages(&session).unwrap();
    assert_eq!(contents(&all)[..2], ["Good morning.", FACT]);
    let reply = client.say(&session, "And the weather is grey.").unwrap();
    let prompt = client.prompt(&session, &reply).unwrap();
    assert!(prompt.contains("Good morning.") && prompt.contains("Quillon"), "{prompt}");
}

#[test]
fn only_what_is_there_can_be_superseded() {
    let server = server();
    let client = server.client();
    let session = client.create_session("one").unwrap();
    let other = client.create_session("other").unwrap();
    let elsewhere = client.say(&other, "Hello.").unwrap();
    let path = format!("/api/v1/sessions/{session}/messages");
    let post = |id: Value| {
        let body = json!({ "role": "user", "content": "Hi", "supersedes": id, "max_tokens": 8 });
        client.post(&path, &body).unwrap()
    };
    assert_eq!(post(elsewhere["id"].clone()).status, 404);
    assert_eq!(post(json!(999_999)).status, 404);
    for wrong in [json!("1"), json!(-1), json!(1.5)] {
        assert_eq!(post(wrong).status, 400);
    }
    assert!(client.messages(&session).unwrap().is_empty(), "a refused message was stored");
}
