//! What a model thinks before it answers: it is shown, and is no part of what was said.

use loci_tests::client::Client;
use loci_tests::server::Server;
use loci_tests::stand_in::{Answer, MODEL, StandIn};
use serde_json::{Value, json};

const THOUGHT: &str = "The quibberfinch is wet, so it rains.";
const REPLY: &str = "Yes, it is.";

/// A server over a model that answers so, and its model.
fn start(answer: Answer) -> (StandIn, Server) {
    let model = StandIn::start(move |_| answer.clone()).unwrap();
    let server = Server::start(&["--model-url", &model.url(), "--model-name", MODEL]).unwrap();
    (model, server)
}

/// What a streamed turn says under this name.
fn heard(events: &[(String, Value)], name: &str) -> String {
    let of_name = events.iter().filter(|(one, _)| one == name);
    of_name.map(|(_, data)| data["content"].as_str().unwrap()).collect()
}

fn check_turns(model: &StandIn, client: &Client) {
    let session = client.create_session("thoughts").unwrap();
    let said = json!({ "role": "user", "content": "Does it rain?" });
    let events = client.stream(&session, &said).unwrap().map(Result::unwrap);
    let events: Vec<(String, Value)> = events.map(|event| (event.name, event.data)).collect();
    assert_eq!(heard(&events, "reasoning").trim_end(), THOUGHT);
    assert_eq!(heard(&events, "delta"), REPLY);
    let (last, end) = events.last().unwrap();
    assert_eq!((last.as_str(), &end["content"]), ("message.end", &json!(REPLY)), "{end:#}");

    let reply = client.say(&session, "And now?").unwrap();
    assert_eq!(reply["content"], REPLY, "{reply:#}");
    assert_eq!(reply["metadata"]["reasoning"], THOUGHT, "{reply:#}");
    for message in client.wait_until_indexed(&session).unwrap() {
        assert!(!message["content"].as_str().unwrap().contains("quibberfinch"), "{message:#}");
    }
    // Neither a later prompt nor memory has it.
    let conversation = model.requests().last().unwrap().conversation();
    assert!(conversation.contains(REPLY) && !conversation.contains("quibberfinch"));
    let found = client.get(&format!("/api/v1/sessions/{session}/memories")).unwrap();
    let found = found.expect(200).unwrap();
    assert_eq!(found.as_array().unwrap().len(), 4, "{found:#}");
    assert!(!found.to_string().contains("quibberfinch"), "{found:#}");
}

fn check_clients(client: &Client) {
    let messages = json!([{ "role": "user", "content": "Does it rain?" }]);
    let asked = json!({ "model": "loci", "messages": messages });
    let whole = client.post("/v1/chat/completions", &asked).unwrap().expect(200).unwrap();
    let message = &whole["choices"][0]["message"];
    let told = (&message["content"], &message["reasoning_content"]);
    assert_eq!(told, (&json!(REPLY), &json!(THOUGHT)), "{whole:#}");
    let asked = json!({ "model": "loci", "messages": messages, "stream": false });
    let whole = client.post("/api/chat", &asked).unwrap().expect(200).unwrap();
    let told = (&whole["message"]["content"], &whole["message"]["thinking"]);
    assert_eq!(told, (&json!(REPLY), &json!(THOUGHT)), "{whole:#}");
}

#[test]
fn a_thought_that_a_server_tells_apart_is_no_part_of_the_reply() {
    let (model, server) = start(Answer::thinks(THOUGHT, REPLY));
    check_turns(&model, &server.client());
    check_clients(&server.client());
}

#[test]
fn a_thought_between_marks_is_no_part_of_the_reply() {
    let (model, server) = start(Answer::says(&format!("<think>\n{THOUGHT}\n</think>\n\n{REPLY}")));
    check_turns(&model, &server.client());
    check_clients(&server.client());
}

#[test]
fn a_reply_that_ends_within_a_thought_is_empty() {
    let (_model, server) = start(Answer::says(&format!("<think>{THOUGHT}")));
    let client = server.client();
    let session = client.create_session("thoughts").unwrap();
    let reply = client.say(&session, "Does it rain?").unwrap();
    let told = (&reply["content"], &reply["metadata"]["reasoning"]);
    assert_eq!(told, (&json!(""), &json!(THOUGHT)), "{reply:#}");
    // The next turn is none the worse for it.
    assert_eq!(client.say(&session, "And now?").unwrap()["status"], "ok");
}
