//! What is no request for something by its id, and must be kept apart all the same.

use reqwest::Method;
use serde_json::{Value, json};

use super::{ask, file, send, settle, start};

#[test]
fn what_an_assistant_remembers_is_its_keys_alone() {
    let (server, [ada, bob, _]) = start();
    let client = server.client();
    let hers = settle(&client, &ada, "quibberfinch");
    let call = |key: &str, tool: &str, arguments: Value| {
        let params = json!({ "name": tool, "arguments": arguments });
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        let request = client.request(Method::POST, "/mcp").bearer_auth(key).json(&call);
        send(request.header("accept", "application/json, text/event-stream"))
    };
    let text = json!({ "text": "The secret word of the harbour is quibberfinch." });
    assert_eq!(call("loci-wrong", "remember", text.clone()).status, 401);
    let kept = call(&ada, "remember", text).expect(200).unwrap();
    let notes = kept["result"]["structuredContent"]["session_id"].clone();
    assert!(notes.is_string(), "{kept:#}");
    for (tool, arguments) in [
        ("recall", json!({ "query": "secret word" })),
        ("recall", json!({ "query": "secret word", "session_id": notes })),
        ("recall", json!({ "query": "secret word", "session_id": hers.session })),
        ("forget", json!({ "message_id": hers.message, "session_id": hers.session })),
        ("remember", json!({ "text": "I was here.", "session_id": notes })),
        ("search_documents", json!({ "query": "secret word" })),
        ("search_documents", json!({ "query": "secret", "document_ids": [hers.document] })),
    ] {
        let answer = call(&bob, tool, arguments).expect(200).unwrap();
        assert!(!answer.to_string().contains(&hers.canary), "{tool}: {answer:#}");
    }
    let found = call(&ada, "recall", json!({ "query": "secret word" })).expect(200).unwrap();
    assert!(found.to_string().contains(&hers.canary), "{found:#}");
    let found = call(&ada, "search_documents", json!({ "query": "secret word" }));
    assert!(!found.body["result"]["structuredContent"].is_null(), "{found:?}");
}

#[test]
fn a_trial_of_a_policy_looks_at_nobody_elses_turns() {
    let (server, [ada, bob, _]) = start();
    let client = server.client();
    let (hers, his) = (settle(&client, &ada, "quibberfinch"), settle(&client, &bob, "zanderwisp"));
    let policies = ask(&client, &ada, Method::GET, "/api/v1/policies", None).expect(200).unwrap();
    let digest = policies["policies"][0]["digest"].as_str().unwrap();
    let path = format!("/api/v1/policies/{digest}/shadow");
    let shadow = |key: &str, body: Value| ask(&client, key, Method::POST, &path, Some(&body));
    let all = shadow(&ada, json!({}));
    assert_eq!((all.status, &all.body["turns"]), (200, &json!(1)), "{all:?}");
    let one = shadow(&ada, json!({ "session_id": hers.session }));
    assert_eq!((one.status, &one.body["turns"]), (200, &json!(1)), "{one:?}");
    assert_eq!(shadow(&ada, json!({ "session_id": his.session })).status, 404);
    // Its end stands in everybody's log, and may decide what is put in use.
    assert_eq!(shadow(&bob, json!({ "session_id": his.session })).status, 403);
}

#[test]
fn the_same_file_is_another_document_for_another_key() {
    let (server, [ada, bob, _]) = start();
    let client = server.client();
    let upload = |key: &str| {
        let request = client.request(Method::POST, "/api/v1/documents").bearer_auth(key);
        send(file(request, "The same words.")).expect(202).unwrap()["documents"][0].clone()
    };
    let (hers, his, again) = (upload(&ada), upload(&bob), upload(&ada));
    assert_ne!(hers["id"], his["id"]);
    assert_eq!((&hers["duplicate"], &his["duplicate"]), (&json!(false), &json!(false)));
    assert_eq!((&again["id"], &again["duplicate"]), (&hers["id"], &json!(true)));
}
