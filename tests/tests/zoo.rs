//! Hostile guests on a server that serves others meanwhile. What breaks a rule is not taken; what
//! waits until it is in use ends its own call, by name, and the turn has an answer all the same.

use std::sync::atomic::{AtomicBool, Ordering};

use loci_tests::client::{Answer, Client};
use loci_tests::server::repository;
use reqwest::Method;
use serde_json::{Value, json};

use crate::policies::kit::guest;
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
    let truncation = repository().join("target/components/truncation.wasm");
    let truncation = std::fs::read(truncation).unwrap();
    let component = |name: &str| {
        std::fs::read(repository().join(format!("target/components/{name}.wasm"))).unwrap()
    };
    let zoo = [
        (
            guest("assembly", "loop"),
            "policy_refused",
            "`out-of-fuel`; a call may use 50000000 units",
        ),
        (
            guest("truncation", "recursion"),
            "policy_refused",
            "524288 of stack (`policy-stack-bytes`)",
        ),
        (guest("condensation", "growth"), "policy_refused", "memory (`policy-memory-bytes`)"),
        (guest("ranking", "trap"), "policy_refused", "`trapped`"),
        (guest("assembly", "giant-answer"), "policy_refused", "bytes (`policy-answer-bytes`)"),
        (
            guest("assembly", "wrong-span"),
            "policy_refused",
            "`invalid-answer`, the rule is: a span",
        ),
        (guest("assembly", "foreign-id"), "policy_refused", "a plan names only ids of passages"),
        (guest("truncation", "not-monotone"), "policy_breaks_contract", "never keeps less"),
        (component("api"), "policy_refused", "imports nothing but WASI"),
        (component("vector-search"), "policy_refused", "a policy exports one of"),
        (b"\0asm\x01\0\0\0".to_vec(), "policy_refused", "core module"),
        (truncation[..truncation.len() / 2].to_vec(), "policy_refused", "no valid component"),
    ];
    beside_others(&client, || {
        for (bytes, code, reason) in zoo {
            let answer = upload(&client, bytes);
            let error = &answer.body["error"];
            let message = error["message"].as_str().unwrap_or_default();
            assert_eq!((answer.status, &error["code"]), (400, &json!(code)), "{}", answer.body);
            assert!(message.contains(reason), "{message}");
        }
    });
    // Each stands in the log, and nothing on the shelf.
    let log = client.get(&format!("{POLICIES}/log")).unwrap().expect(200).unwrap();
    let events = log["events"].as_array().unwrap();
    assert_eq!(events.iter().filter(|event| event["what"] == "refused").count(), 12, "{log}");
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
