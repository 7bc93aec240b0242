//! What a receipt is for: the prompt of a reply is put together again, bit for bit, here and on a
//! server that has never seen the session. Besides, every server of these tests replays its replies
//! when it is dropped: see `Server::audit`.

use std::path::Path;

use loci_tests::client::Client;
use loci_tests::server::Server;
use serde_json::{Value, json};

use crate::documents;
use crate::support::{server, tiny_model};
use crate::swap::{activate, add, policy};

const FACT: &str = "The lighthouse keeper's goose is called Ottoline.";
const HANDBOOK: &str = "# Goose\n\nA goose of the lighthouse eats barley, four times a day, and \
    swims in the tank behind the lamp room.\n\n# Lamp\n\nThe lamp turns once in ten seconds.\n";

/// Says something with this many tokens of reply, and returns the reply.
fn say(client: &Client, session: &str, content: &str) -> Value {
    let body = json!({ "role": "user", "content": content, "max_tokens": 8, "temperature": 0 });
    let path = format!("/api/v1/sessions/{session}/messages");
    client.post(&path, &body).unwrap().expect(201).unwrap()
}

fn path(session: &str, reply: &Value, rest: &str) -> String {
    format!("/api/v1/sessions/{session}/messages/{}/{rest}", reply["id"])
}

fn replay(client: &Client, session: &str, reply: &Value) -> Value {
    client.post(&path(session, reply, "replay"), &json!({})).unwrap().expect(200).unwrap()
}

fn export(client: &Client, session: &str, reply: &Value) -> Value {
    client.get(&path(session, reply, "receipt/export")).unwrap().expect(200).unwrap()
}

/// Turns of every kind: with history, cut history, memories, passages of documents, plain text.
/// Returns the session and the replies.
fn turns_of_every_kind(client: &Client) -> (String, Vec<Value>) {
    let document = &documents::upload(client, &[("handbook.md", HANDBOOK.into())])[0];
    let document = documents::wait(client, &documents::id(document));
    let body = json!({ "name": "all", "rag_document_ids": [document["id"]] });
    let session = client.post("/api/v1/sessions", &body).unwrap().expect(201).unwrap();
    let session = session["id"].as_str().unwrap().to_owned();
    let mut replies = vec![say(client, &session, FACT)];
    for turn in 0..12 {
        let filler = format!("Filler {turn} about the wind of the north. ").repeat(3);
        replies.push(say(client, &session, &filler));
    }
    client.wait_until_indexed(&session).unwrap();
    replies.push(say(client, &session, "What does the lighthouse keeper's goose eat?"));
    let classic = add(client, "prompt-assembly-classic", "");
    activate(client, &classic);
    replies.push(say(client, &session, "And what is the goose called?"));
    let body = json!({ "interface": "assembly" });
    client.post("/api/v1/policies/rollback", &body).unwrap().expect(200).unwrap();
    (session, replies)
}

#[test]
fn every_kind_of_reply_is_replayed_here_after_a_restart_and_on_another_server() {
    let mut server = Server::start(&["--model", tiny_model(), "--context-tokens", "1400"]).unwrap();
    let client = server.client();
    let (session, replies) = turns_of_every_kind(&client);
    let kinds = |state: &str| {
        let mut kinds: Vec<String> = Vec::new();
        for reply in &replies {
            let receipt = client.receipt(&session, reply).unwrap();
            let passages = receipt["passages"].as_array().unwrap().iter();
            let found = passages.filter(|passage| passage["state"] == state);
            kinds.extend(found.map(|passage| passage["kind"].as_str().unwrap().to_owned()));
        }
        kinds
    };
    for kind in ["document", "memory", "query"] {
        assert!(kinds("kept").iter().any(|it| it == kind), "no turn kept a {kind}");
    }

    assert!(server.terminate().unwrap().success());
    server.restart().unwrap();
    let client = server.client();
    let elsewhere = Server::start(&[]).unwrap();
    let stranger = elsewhere.client();
    let (last, others) = replies.split_last().unwrap();
    for reply in &replies {
        assert_eq!(replay(&client, &session, reply)["identical"], true);
    }
    for reply in others {
        let exported = export(&client, &session, reply);
        let again = stranger.post("/api/v1/receipts/replay", &exported).unwrap();
        let again = again.expect(200).unwrap();
        assert_eq!((&again["identical"], &again["difference"]), (&json!(true), &json!([])));
        let receipt = client.receipt(&session, reply).unwrap();
        assert_eq!(again["prompt_sha256"], receipt["prompt_sha256"]);
    }

    // The policy of the last one is not there.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("receipt.json");
    std::fs::write(&file, export(&client, &session, last).to_string()).unwrap();
    let file = file.to_str().unwrap();
    let (well, said) = policy(&elsewhere, &["replay", file]);
    assert!(!well && said.contains("is not here: add it"), "{said}");
    add(&stranger, "prompt-assembly-classic", "");
    let (well, said) = policy(&elsewhere, &["replay", file]);
    assert!(well && said.starts_with("identical: "), "{said}");
}

#[test]
fn what_was_changed_in_an_exported_receipt_shows() {
    let server = server();
    let client = server.client();
    let session = client.create_session("forgery").unwrap();
    say(&client, &session, FACT);
    let reply = say(&client, &session, "Is that so?");
    let exported = export(&client, &session, &reply);
    let post = |body: &Value| client.post("/api/v1/receipts/replay", body).unwrap();
    assert_eq!(post(&exported).expect(200).unwrap()["identical"], true);

    let mut forged = exported.clone();
    forged["messages"][0]["content"] = json!(FACT.replace("goose", "goat!"));
    let again = post(&forged).expect(200).unwrap();
    assert_eq!(again["identical"], false, "{again}");
    let mut forged = exported.clone();
    forged["receipt"]["budget"] = json!(100);
    let again = post(&forged).expect(200).unwrap();
    assert_eq!(again["identical"], false, "{again}");
    let folder = tempfile::tempdir().unwrap();
    let (well, said) = policy(&server, &["replay", &written(folder.path(), &forged)]);
    assert!(!well && said.contains("different: "), "{said}");

    for (at, value, code) in [
        ("/messages", json!([]), "text_gone"),
        ("/receipt/policies/truncation/digest", json!("0".repeat(64)), "policy_not_here"),
        ("/receipt/record", json!(null), "receipt_too_old"),
        ("/format", json!("x"), "no_receipt"),
    ] {
        let mut broken = exported.clone();
        *broken.pointer_mut(at).unwrap() = value;
        assert_eq!(post(&broken).body["error"]["code"], code, "{at}");
    }
}

fn written(folder: &Path, receipt: &Value) -> String {
    let file = folder.join("receipt.json");
    std::fs::write(&file, receipt.to_string()).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn a_turn_without_something_is_shown_as_a_difference_of_its_prompt() {
    let server = server();
    let client = server.client();
    let session = client.create_session("what if").unwrap();
    let first = say(&client, &session, FACT);
    let reply = say(&client, &session, "What is the goose called?");
    let said = client.messages(&session).unwrap();
    let what_if = |body: Value| client.post(&path(&session, &reply, "what-if"), &body).unwrap();

    let without = what_if(json!({ "messages": [said[0]["id"], first["id"]] }));
    let without = without.expect(200).unwrap();
    assert_eq!(without["left_out"], 2);
    let prompt = client.prompt(&session, &reply).unwrap();
    assert!(prompt.contains("Ottoline"), "{prompt}");
    assert!(!without["prompt"].as_str().unwrap().contains("Ottoline"), "{without}");
    assert!(without["difference"].to_string().contains("Ottoline"), "{without}");
    let tokens = &without["prompt_tokens"];
    assert!(tokens["after"].as_u64() < tokens["before"].as_u64(), "{tokens}");

    let nothing = what_if(json!({ "messages": [999_999] })).expect(200).unwrap();
    assert_eq!((&nothing["left_out"], &nothing["difference"]), (&json!(0), &json!([])));
    assert_eq!(nothing["prompt"], prompt);
    let query = what_if(json!({ "messages": [said[2]["id"]] }));
    assert_eq!((query.status, &query.body["error"]["code"]), (400, &json!("invalid_value")));
    assert_eq!(what_if(json!({})).status, 400);
}
