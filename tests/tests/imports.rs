//! Messages that were said elsewhere are remembered as if they had been said here, and
//! `loci eval recall` counts what is found of them.

use std::process::Command;

use loci_tests::server::{binary, repository};
use serde_json::{Value, json};

use crate::recall::search;
use crate::support::server;

#[test]
fn what_is_imported_is_remembered_at_once_and_the_chat_goes_on() {
    let server = server();
    let client = server.client();
    let session = client.create_session("import").unwrap();
    let path = format!("/api/v1/sessions/{session}/messages/import");
    let said_at = "2024-03-12T10:00:00Z";
    let body = json!({ "messages": [
        { "role": "user", "content": "My passport number is Q77-2210.", "timestamp": said_at },
        { "role": "assistant", "content": "I will keep that in mind." },
        { "role": "user", "name": "Ann", "content": "The harbour was full of boats." },
    ] });
    let stored = client.post(&path, &body).unwrap().expect(201).unwrap();
    assert_eq!(
        (&stored["indexed"], stored["message_ids"].as_array().map(Vec::len)),
        (&json!(3), Some(3))
    );

    let found = search(&client, &session, "passport number");
    assert_eq!(found[0]["message_id"], stored["message_ids"][0]);
    assert_eq!(found[0]["timestamp"], "2024-03-12T10:00:00.000000Z");
    let reply = client.say(&session, "And what is my passport number?").unwrap();
    assert_eq!(reply["turn"], 3);
    let prompt = client.prompt(&session, &reply).unwrap();
    assert!(prompt.contains("Q77-2210"), "{prompt}");

    let bad = json!({ "messages": [{ "role": "system", "content": "x" }] });
    client.post(&path, &bad).unwrap().expect(400).unwrap();
    let nowhere = path.replace(&session, "nobody");
    client.post(&nowhere, &body).unwrap().expect(404).unwrap();
    assert_eq!(client.messages(&session).unwrap().len(), 5);
}

#[test]
fn a_long_list_is_whole_whichever_part_is_asked_for() {
    let server = server();
    let client = server.client();
    let session = client.create_session("long").unwrap();
    let path = format!("/api/v1/sessions/{session}/messages");
    let said = |number: usize| format!("Message {number}. {}", "x".repeat(4_000));
    let role = |number: usize| if number.is_multiple_of(3) { "assistant" } else { "user" };
    let all: Vec<Value> =
        (0..100).map(|at| json!({ "role": role(at), "content": said(at) })).collect();
    client
        .post(&format!("{path}/import"), &json!({ "messages": all }))
        .unwrap()
        .expect(201)
        .unwrap();
    for (skip, limit) in [(0, 1_000), (0, 32), (1, 96), (3, 90), (40, 60), (90, 50)] {
        let list = client.get(&format!("{path}?skip={skip}&limit={limit}")).unwrap();
        let list = list.expect(200).unwrap();
        let list: Vec<&str> =
            list.as_array().unwrap().iter().map(|one| one["content"].as_str().unwrap()).collect();
        let expected: Vec<String> = (0..100).skip(skip).take(limit).map(said).collect();
        assert!(list == expected, "{skip} {limit}: {} messages", list.len());
    }
    let memories = client.get(&format!("/api/v1/sessions/{session}/memories?limit=1000")).unwrap();
    let memories = memories.expect(200).unwrap();
    let mut ids: Vec<u64> = memories
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["message_id"].as_u64().unwrap())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 100);
}

#[test]
fn recall_can_be_measured_on_conversations_of_ones_own() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("conversations.jsonl");
    let mut messages = vec![json!({ "id": "0", "role": "user", "said_at": "May 8, 2023",
        "content": "My sister Oriane keeps her violin in the blue cupboard." })];
    for number in 1..30 {
        let role = if number % 2 == 0 { "user" } else { "assistant" };
        let content = format!("Note {number}: the harbour was quiet.");
        messages.push(json!({ "id": number.to_string(), "role": role, "content": content }));
    }
    let questions = json!([
        { "question": "Where is the violin of Oriane?", "kind": "fact", "evidence": ["0"] },
        { "question": "Where is the violin of Oriane?", "kind": "half", "evidence": ["0", "29"] },
    ]);
    let line = json!({ "conversation": "a", "messages": messages, "questions": questions });
    std::fs::write(&file, format!("{line}\n")).unwrap();

    let eval = |arguments: &[&str]| {
        let output = Command::new(binary())
            .args(["eval", "recall", "--data"])
            .args(arguments)
            .args(["--app".as_ref(), repository().join("spin.toml").as_os_str()])
            .output()
            .unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        let failed = String::from_utf8(output.stderr).unwrap();
        if output.status.success() { Ok(told) } else { Err(failed) }
    };
    let file = file.to_str().unwrap();
    let report: Value = serde_json::from_str(&eval(&[file, "--json"]).unwrap()).unwrap();
    assert_eq!(report["messages"], 30);
    assert_eq!(report["kinds"]["fact"]["recall"]["5"], 100.0);
    assert_eq!(report["kinds"]["half"]["recall"]["5"], 50.0);
    let table = eval(&[file]).unwrap();
    assert!(table.lines().any(|line| line.starts_with("fact")), "{table}");

    std::fs::write(file, "{}\n").unwrap();
    let failed = eval(&[file]).unwrap_err();
    assert!(failed.contains("line 1") && failed.contains("`messages`"), "{failed}");
}
