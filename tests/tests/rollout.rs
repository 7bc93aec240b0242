//! How a policy comes into use by degrees: tried on past turns, and tied to a session.

use loci_tests::client::Client;
use loci_tests::server::Server;
use serde_json::{Value, json};

use crate::fragile;
use crate::support::server;
use crate::swap::{POLICIES, activate, active, add, upload};

fn add_fragile(client: &Client, mark: u32) -> String {
    let row = upload(client, fragile::component(mark)).expect(201).unwrap();
    assert_eq!(row["name"], "fragile");
    row["digest"].as_str().unwrap().to_owned()
}

/// Says something, and returns the digest of the policy that laid it out, and what was degraded.
fn say(client: &Client, session: &str) -> (String, Value) {
    let reply = client.say(session, "And what about the tea?").unwrap();
    let receipt = client.receipt(session, &reply).unwrap();
    let digest = receipt["policies"]["assembly"]["digest"].as_str().unwrap();
    (digest.to_owned(), reply["metadata"]["degraded"].clone())
}

/// A session with so many turns.
fn session_of(client: &Client, turns: u32) -> String {
    let session = client.create_session("rollout").unwrap();
    (0..turns).for_each(|_| drop(say(client, &session)));
    session
}

#[test]
fn a_candidate_is_tried_on_past_turns_and_what_came_of_it_is_kept() {
    let server = server();
    let client = server.client();
    let session = session_of(&client, 5);
    let other = session_of(&client, 1);
    let shadow = |digest: &str, body: Value| {
        client.post(&format!("{POLICIES}/{digest}/shadow"), &body).unwrap()
    };
    let numbers =
        |report: &Value| ["turns", "changed", "refused"].map(|key| report[key].as_u64().unwrap());
    let same = add(&client, "prompt-assembly", "again");
    let report = shadow(&same, json!({})).expect(200).unwrap();
    assert_eq!(numbers(&report), [6, 0, 0], "{report}");
    for pair in ["prompt_tokens", "reusable_tokens"] {
        assert_eq!(report[pair]["before"], report[pair]["after"], "{report}");
        assert!(report[pair]["before"].as_u64() > Some(0), "{report}");
    }
    assert!(report["fuel"]["after"].as_u64() > Some(0), "{report}");
    assert_eq!((&report["digest"], &report["skipped"]), (&json!(same), &json!({})));

    // A turn has as many passages as messages, and one more: two turns have more than six.
    let fragile = add_fragile(&client, 0);
    let report = shadow(&fragile, json!({ "session_id": session })).expect(200).unwrap();
    assert_eq!(numbers(&report), [5, 3, 2], "{report}");
    let examples = report["examples"].as_array().unwrap();
    assert_eq!(examples.len(), 5);
    assert_eq!(examples[0]["refused"], "assembly: it trapped");
    assert!(!examples[4]["difference"].as_array().unwrap().is_empty(), "{}", examples[4]);
    let kept = client.get(&format!("{POLICIES}/{fragile}")).unwrap().expect(200).unwrap();
    assert_eq!((&kept["tried"]["turns"], &kept["tried"]["refused"]), (&json!(5), &json!(2)));
    let latest = shadow(&fragile, json!({ "turns": 1 })).expect(200).unwrap();
    assert_eq!(numbers(&latest), [1, 1, 0]);
    assert_eq!(latest["examples"][0]["session_id"], json!(other));

    assert_eq!(shadow("0011223344", json!({})).status, 404);
    assert_eq!(shadow(&same, json!({ "turns": 0 })).status, 400);
    assert_eq!(client.get(&format!("{POLICIES}/{same}/shadow")).unwrap().status, 405);
    assert_eq!(shadow(&same, json!({ "session_id": "nobody" })).status, 404);
}

#[test]
fn a_session_that_is_tied_to_a_policy_keeps_it() {
    let server = server();
    let client = server.client();
    let default = active(&client, "assembly");
    let classic = add(&client, "prompt-assembly-classic", "");
    let (tied, other) = (session_of(&client, 0), session_of(&client, 0));
    let path = format!("/api/v1/sessions/{tied}/policies");
    let answer = client.put(&path, &json!({ "assembly": classic })).unwrap();
    assert_eq!(answer.expect(200).unwrap(), json!({ "assembly": classic }));
    assert_eq!(say(&client, &tied).0, classic);
    assert_eq!(say(&client, &other).0, default);
    activate(&client, &add(&client, "prompt-assembly", "again"));
    assert_eq!(say(&client, &tied).0, classic);

    for (body, status) in [
        (json!({ "truncation": classic }), 400),
        (json!({ "ranking": classic }), 400),
        (json!({ "assembly": 7 }), 400),
        (json!({ "assembly": "0011223344" }), 404),
    ] {
        assert_eq!(client.put(&path, &body).unwrap().status, status, "{body}");
    }
    // What it is tied to can be taken away; then the built-in one answers, and says so.
    client.delete(&format!("{POLICIES}/{classic}")).unwrap().expect(204).unwrap();
    let (digest, degraded) = say(&client, &tied);
    assert_eq!(digest, "");
    assert!(degraded[0]["reason"].as_str().unwrap().contains("not there"), "{degraded}");
    let answer = client.put(&path, &json!({ "assembly": null })).unwrap();
    assert_eq!(answer.expect(200).unwrap(), json!({}));
    assert_eq!(say(&client, &tied), (active(&client, "assembly"), json!([])));
    assert_eq!(client.get("/api/v1/sessions/nobody/policies").unwrap().status, 404);
}

#[test]
fn a_thousand_swaps_leave_nothing_behind() {
    const SWAPS: u32 = 1_000;
    let server = server();
    let client = server.client();
    // More than are kept compiled, so that each swap loads one and lets another go.
    let digests: Vec<String> = (0..12).map(|mark| add_fragile(&client, mark)).collect();
    let session = session_of(&client, 1);
    let mut early = 0;
    for swap in 0..SWAPS {
        activate(&client, &digests[swap as usize % digests.len()]);
        if swap % 50 == 0 {
            assert_eq!(say(&client, &session_of(&client, 0)).1, json!([]));
        }
        if swap == SWAPS / 4 {
            early = resident_kilobytes(&server);
        }
    }
    let late = resident_kilobytes(&server);
    let body = json!({ "interface": "assembly" });
    client.post(&format!("{POLICIES}/rollback"), &body).unwrap().expect(200).unwrap();
    say(&client, &session);
    // 750 swaps that each left a component would have left far more.
    assert!(late < early + 16_384, "{early} kB after a quarter of the swaps, {late} kB after all");
}

fn resident_kilobytes(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.process_id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
