//! How a policy comes into use by degrees: tried on past turns, given a share of the sessions, tied
//! to one of them; and what becomes of one that fails.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use loci_tests::client::{Answer, Client};
use loci_tests::server::{Server, binary};
use loci_tests::zoo::guest;
use serde_json::{Value, json};

use crate::fragile;
use crate::support::server;
use crate::swap::{POLICIES, activate, active, add, component, policy, upload};

fn add_fragile(client: &Client, mark: u32) -> String {
    let row = upload(client, fragile::component(mark)).expect(201).unwrap();
    assert_eq!(row["name"], "fragile");
    row["digest"].as_str().unwrap().to_owned()
}

fn put(client: &Client, path: &str, body: &Value) -> Answer {
    client.put(&format!("{POLICIES}/{path}"), body).unwrap()
}

fn hook(client: &Client) -> Value {
    let listed = client.get(POLICIES).unwrap().expect(200).unwrap();
    let mut hooks = listed["hooks"].as_array().unwrap().iter();
    hooks.find(|hook| hook["interface"] == "assembly").unwrap().clone()
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
fn a_candidate_is_tried_on_past_turns_and_must_keep_what_is_required() {
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
    let report = shadow(&same[..8], json!({})).expect(200).unwrap();
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
    let latest = shadow(&fragile, json!({ "turns": 1 })).expect(200).unwrap();
    assert_eq!(numbers(&latest), [1, 1, 0]);
    assert_eq!(latest["examples"][0]["session_id"], json!(other));

    let (well, told) = policy(&server, &["shadow", &fragile, "--turns", "10"]);
    assert!(well && told.contains("refused           2"), "{told}");
    assert!(told.contains("assembly: it trapped") && told.contains("\n-[system]"), "{told}");
    let (well, told) = policy(&server, &["activate", &fragile, "--refused-max", "1"]);
    assert!(!well && told.contains("`refused_max` is 1, and it came to 2"), "{told}");
    let require = json!({ "require": { "turns_min": 6, "changed_percent_max": 0 } });
    let activate =
        |digest: &str| client.post(&format!("{POLICIES}/{digest}/activate"), &require).unwrap();
    let missed = activate(&fragile);
    assert_eq!((missed.status, &missed.body["error"]["code"]), (409, &json!("threshold_missed")));
    assert_eq!(activate(&same).expect(200).unwrap()["state"], "active");

    assert_eq!(shadow("0011223344", json!({})).status, 404);
    assert_eq!(shadow(&same, json!({ "turns": 0 })).status, 400);
    assert_eq!(client.get(&format!("{POLICIES}/{same}/shadow")).unwrap().status, 405);
    assert_eq!(shadow(&same, json!({ "session_id": "nobody" })).status, 404);
}

#[test]
fn a_share_of_the_sessions_is_taken_back_when_it_fails_too_often() {
    let server = server();
    let client = server.client();
    let default = active(&client, "assembly");
    let fragile = add_fragile(&client, 0);
    let begin = |body: Value| put(&client, &format!("{fragile}/canary"), &body);
    assert_eq!(begin(json!({ "percent": 101 })).status, 400);
    begin(json!({ "percent": 50, "errors_max": 1 })).expect(200).unwrap();
    let sessions: Vec<String> = (0..24).map(|_| session_of(&client, 0)).collect();
    let by = |session: &String| say(&client, session).0;
    let first: Vec<String> = sessions.iter().map(by).collect();
    for digest in [&default, &fragile] {
        assert!(first.contains(digest), "{first:?}");
    }
    assert_eq!(sessions.iter().map(by).collect::<Vec<_>>(), first, "it is not sticky");

    // The fourth turn has eight passages.
    let given = sessions.iter().zip(&first).find(|(_, digest)| **digest == fragile).unwrap().0;
    say(&client, given);
    for _ in 0..2 {
        let (digest, degraded) = say(&client, given);
        assert_eq!(digest, "", "the built-in policy stands in");
        assert_eq!(degraded[0]["reason"], "it trapped", "{degraded}");
    }
    let ended = || hook(&client)["canary"].is_null();
    wait_until("the candidate is taken back", ended);
    assert_eq!(say(&client, given), (default.clone(), json!([])));
    let log = client.get(&format!("{POLICIES}/log")).unwrap().expect(200).unwrap();
    assert_eq!(log["events"][0]["what"], "canary-ended", "{log}");

    let (well, told) = policy(&server, &["canary", &fragile, "--percent", "100"]);
    assert!(well, "{told}");
    assert_eq!(hook(&client)["canary"]["percent"], 100);
    let (well, told) = policy(&server, &["canary", &fragile, "--percent", "0"]);
    assert!(well && ended(), "{told}");
}

fn wait_until(what: &str, done: impl Fn() -> bool) {
    for _ in 0..1_000 {
        if done() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{what}: not within 10 s");
}

#[test]
fn what_becomes_of_a_turn_whose_policy_fails_is_said_for_each_hook() {
    let server = server();
    let client = server.client();
    let session = session_of(&client, 4);
    let fragile = add_fragile(&client, 0);
    activate(&client, &fragile);
    let (digest, degraded) = say(&client, &session);
    assert_eq!((digest.as_str(), &degraded[0]["part"]), ("", &json!("assembly")));

    put(&client, "hooks/assembly", &json!({ "on_failure": "closed" })).expect(200).unwrap();
    let failed = client.post_message(&session, "Tea?").unwrap();
    assert_eq!((failed.status, &failed.body["error"]["code"]), (503, &json!("policy_failed")));
    // Another session is short enough.
    assert_eq!(say(&client, &session_of(&client, 0)), (fragile.clone(), json!([])));

    let (well, told) = policy(&server, &["on-failure", "assembly", "reload"]);
    assert!(well, "{told}");
    let reasons: Vec<Value> =
        (0..4).map(|_| say(&client, &session).1[0]["reason"].clone()).collect();
    assert_eq!(reasons[0], "it trapped", "{reasons:?}");
    assert!(reasons.iter().any(|it| it.as_str().unwrap().contains("set aside")), "{reasons:?}");
    wait_until("it is asked again", || {
        let reason = say(&client, &session).1[0]["reason"].clone();
        reason == "it trapped"
    });
    assert_eq!(put(&client, "hooks/assembly", &json!({ "on_failure": "open" })).status, 400);
    assert_eq!(put(&client, "hooks/chunking", &json!({ "on_failure": "closed" })).status, 400);
}

#[test]
fn a_session_that_is_tied_to_a_policy_keeps_it() {
    let server = server();
    let client = server.client();
    let default = active(&client, "assembly");
    let classic = add(&client, "prompt-assembly-classic", "");
    let (tied, other) = (session_of(&client, 0), session_of(&client, 0));
    let path = format!("/api/v1/sessions/{tied}/policies");
    let answer = client.put(&path, &json!({ "assembly": classic[..12] })).unwrap();
    assert_eq!(answer.expect(200).unwrap(), json!({ "assembly": classic }));
    assert_eq!(say(&client, &tied).0, classic);
    assert_eq!(say(&client, &other).0, default);
    activate(&client, &add(&client, "prompt-assembly", "again"));
    assert_eq!(say(&client, &tied).0, classic);

    for (body, status) in [
        (json!({ "truncation": classic }), 400),
        (json!({ "ranking": classic }), 400),
        (json!({ "extraction": classic }), 400),
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
fn what_is_recalled_and_kept_of_it_can_be_chosen_for_a_session_too() {
    let server = server();
    let client = server.client();
    // More than stands in the prompt anyway, and too long to be kept whole.
    let said = |at: u32| {
        let role = if at.is_multiple_of(2) { "user" } else { "assistant" };
        let long = format!("Day {at} was mild. ").repeat(40);
        json!({ "role": role, "content": format!("The trap is in cupboard {at}. {long}") })
    };
    let messages: Vec<Value> = (0..80).map(said).collect();
    let session = || {
        let session = client.create_session("long").unwrap();
        let path = format!("/api/v1/sessions/{session}/messages/import");
        client.post(&path, &json!({ "messages": messages })).unwrap().expect(201).unwrap();
        client.wait_until_indexed(&session).unwrap();
        session
    };
    let (tied, free) = (session(), session());
    let ask = |session: &str| {
        let reply = client.say(session, "Now: trap").unwrap();
        let policies = client.receipt(session, &reply).unwrap()["policies"].clone();
        (policies, reply["metadata"]["degraded"].clone())
    };
    for hook in ["ranking", "condensation"] {
        let shipped = active(&client, hook);
        let row = upload(&client, guest(hook, "sleeper")).expect(201).unwrap();
        let digest = row["digest"].as_str().unwrap();
        let ties = format!("/api/v1/sessions/{tied}/policies");
        client.put(&ties, &json!({ hook: digest })).unwrap().expect(200).unwrap();
        let (policies, degraded) = ask(&tied);
        assert_eq!(degraded, json!([{ "part": hook, "reason": "it trapped" }]), "{policies}");
        assert_eq!(policies[hook]["digest"], "", "the built-in policy stands in");
        let (policies, degraded) = ask(&free);
        assert_eq!((&policies[hook]["digest"], &degraded), (&json!(shipped), &json!([])));
        client.put(&ties, &json!({ hook: null })).unwrap().expect(200).unwrap();

        let share = json!({ "percent": 100, "errors_max": 0 });
        put(&client, &format!("{digest}/canary"), &share).expect(200).unwrap();
        assert_eq!(ask(&free).1[0]["part"], hook);
        wait_until("the candidate is taken back", || ask(&free).1 == json!([]));

        // A receipt does not hold what else could have been chosen.
        let shadow = client.post(&format!("{POLICIES}/{digest}/shadow"), &json!({})).unwrap();
        assert_eq!(
            (shadow.status, &shadow.body["error"]["code"]),
            (409, &json!("not_to_be_tried"))
        );
    }
    let chunking = active(&client, "chunking");
    assert_eq!(put(&client, &format!("{chunking}/canary"), &json!({ "percent": 1 })).status, 400);
}

/// Ends a process, whatever happens here.
struct Watcher(Child);

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn watcher(server: &Server, folder: &Path) -> Watcher {
    let mut command = Command::new(binary());
    let command = command.args(["policy", "watch"]).arg(folder);
    let told = std::fs::File::create(folder.join("told")).unwrap();
    let command = command.args(["--server", server.address()]).stdin(Stdio::null()).stdout(told);
    Watcher(command.spawn().unwrap())
}

#[test]
fn what_is_saved_in_a_watched_folder_is_put_in_use() {
    let server = server();
    let client = server.client();
    let folder = tempfile::tempdir().unwrap();
    let _watcher = watcher(&server, folder.path());
    let file = folder.path().join("mine.wasm");
    let told = || std::fs::read_to_string(folder.path().join("told")).unwrap();
    let mut before = active(&client, "assembly");
    for (name, mark) in [("prompt-assembly-classic", "one"), ("prompt-assembly", "two")] {
        std::fs::write(&file, component(name, mark)).unwrap();
        wait_until("the policy is in use", || active(&client, "assembly") != before);
        before = active(&client, "assembly");
        wait_until("it is told", || told().contains(&before[..12]));
    }
    std::fs::write(&file, b"half a file").unwrap();
    wait_until("the refusal is told", || told().contains("not put in use: the policy is no"));
    assert_eq!(active(&client, "assembly"), before, "what was in use stays");
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
