//! Hostile guests on a server that serves others meanwhile. What breaks a rule is not taken; what
//! waits until it is in use ends its own call, by name, and the turn has an answer all the same.

use std::sync::atomic::{AtomicBool, Ordering};

use loci_tests::client::{Answer, Client};
use loci_tests::zoo::{Refused, guest, refused};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::server;

const POLICIES: &str = "/api/v1/policies";

fn upload(client: &Client, bytes: Vec<u8>) -> Answer {
    let request = client.request(Method::POST, POLICIES);
    Client::answer(request.header("content-type", "application/wasm").body(bytes)).unwrap()
}

/// Runs `work` while others talk to the server; none of them may notice it.
fn beside_others(client: &Client, work: impl FnOnce()) {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let others: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let session = client.create_session("others").unwrap();
                    let mut turns = 0;
                    while !done.load(Ordering::Relaxed) || turns == 0 {
                        let reply = client.say(&session, "How is the weather?").unwrap();
                        assert_eq!(reply["metadata"]["degraded"], json!([]), "{reply}");
                        turns += 1;
                    }
                    turns
                })
            })
            .collect();
        let worked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        done.store(true, Ordering::Relaxed);
        for other in others {
            assert!(other.join().expect("others are served") > 0);
        }
        worked.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}

#[test]
fn what_breaks_a_rule_is_not_taken() {
    let server = server();
    let client = server.client();
    let zoo = refused();
    let count = zoo.len();
    beside_others(&client, || {
        for Refused { name, bytes, code, reason } in zoo {
            let answer = upload(&client, bytes);
            let error = &answer.body["error"];
            let message = error["message"].as_str().unwrap_or_default();
            assert_eq!((answer.status, &error["code"]), (400, &json!(code)), "{name}: {error}");
            assert!(message.contains(reason), "{name}: {message}");
        }
    });
    // Each stands in the log, and nothing on the shelf.
    let log = client.get(&format!("{POLICIES}/log")).unwrap().expect(200).unwrap();
    let events = log["events"].as_array().unwrap();
    assert_eq!(events.iter().filter(|event| event["what"] == "refused").count(), count, "{log}");
    let listed = client.get(POLICIES).unwrap().expect(200).unwrap();
    let shipped = |row: &Value| row["source"] == "shipped";
    assert!(listed["policies"].as_array().unwrap().iter().all(shipped), "{listed}");
}

#[test]
fn what_sleeps_through_the_kit_ends_only_its_own_call() {
    let server = server();
    let client = server.client();
    let row = upload(&client, guest("assembly", "sleeper")).expect(201).unwrap();
    let digest = row["digest"].as_str().unwrap();
    // What it needed while it slept is enough for it, and less than any policy may have.
    let hook = client.get(POLICIES).unwrap().expect(200).unwrap()["hooks"][0].clone();
    let fuel = |limits: &Value| limits["fuel"].as_u64().unwrap();
    assert!(fuel(&row["enough"]) < fuel(&hook["limits"]), "{row} {hook}");
    let path = format!("{POLICIES}/{digest}/activate");
    client.post(&path, &json!({})).unwrap().expect(200).unwrap();
    beside_others(&client, || {
        for (cue, reason) in [
            ("loop", "it used more instructions than one call may"),
            ("recursion", "it asked for more memory than one call may"),
            ("growth", "it asked for more memory than one call may"),
            ("trap", "it trapped"),
            // What was enough for it while it slept is not enough to write that much.
            ("giant-answer", "it used more instructions than one call may"),
            ("forgets-the-query", "its answer breaks a rule of its interface"),
        ] {
            let session = client.create_session(cue).unwrap();
            let reply = client.say(&session, &format!("Now: {cue}")).unwrap();
            let degraded = json!([{ "part": "assembly", "reason": reason }]);
            assert_eq!(reply["metadata"]["degraded"], degraded, "{cue}: {reply}");
            // The built-in layout stands in for it.
            let prompt = client.prompt(&session, &reply).unwrap();
            assert!(prompt.contains(&format!("Now: {cue}")), "{prompt}");
        }
    });
}
