//! Policies that are added, put in use and taken back while the server runs.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use loci_tests::client::{Answer, Client};
use loci_tests::server::{Server, binary};
use loci_tests::zoo;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{EndsOnDrop, server};

pub const POLICIES: &str = "/api/v1/policies";

/// A component of the build, with a mark behind it: it does the same under another digest.
pub fn component(name: &str, mark: &str) -> Vec<u8> {
    let component = zoo::component(name);
    if mark.is_empty() { component } else { zoo::marked(component, mark) }
}

pub fn upload(client: &Client, bytes: Vec<u8>) -> Answer {
    let request = client.request(Method::POST, POLICIES);
    Client::answer(request.header("content-type", "application/wasm").body(bytes)).unwrap()
}

/// Adds a component and returns its digest.
pub fn add(client: &Client, name: &str, mark: &str) -> String {
    let row = upload(client, component(name, mark)).expect(201).unwrap();
    row["digest"].as_str().unwrap().to_owned()
}

pub fn activate(client: &Client, digest: &str) -> Value {
    client.post(&format!("{POLICIES}/{digest}/activate"), &json!({})).unwrap().expect(200).unwrap()
}

pub fn active(client: &Client, interface: &str) -> String {
    let listed = client.get(POLICIES).unwrap().expect(200).unwrap();
    let mut hooks = listed["hooks"].as_array().unwrap().iter();
    let hook = hooks.find(|hook| hook["interface"] == interface).unwrap();
    hook["active"].as_str().unwrap().to_owned()
}

/// Says something, and returns who laid out the prompt, and how.
fn laid_out(client: &Client, session: &str) -> (String, Value) {
    let reply = client.say(session, "Where is the tea?").unwrap();
    let receipt = client.receipt(session, &reply).unwrap();
    assert_eq!(reply["metadata"]["degraded"], json!([]), "{reply}");
    let digest = receipt["policies"]["assembly"]["digest"].as_str().unwrap().to_owned();
    (digest, receipt["layout"].clone())
}

#[test]
fn a_policy_takes_over_stays_after_a_restart_and_is_rolled_back() {
    let mut server = server();
    let client = server.client();
    let session = client.create_session("policies").unwrap();
    let (default, layout) = laid_out(&client, &session);
    assert_eq!((default.clone(), layout), (active(&client, "assembly"), json!("chat")));

    let classic = add(&client, "prompt-assembly-classic", "");
    assert_eq!(upload(&client, component("prompt-assembly-classic", "")).status, 200);
    let staged = client.get(&format!("{POLICIES}/{classic}")).unwrap().expect(200).unwrap();
    assert_eq!((&staged["state"], &staged["interface"]), (&json!("staged"), &json!("assembly")));
    assert_eq!(laid_out(&client, &session).0, default);
    assert_eq!(activate(&client, &classic)["state"], "active");
    assert_eq!(laid_out(&client, &session), (classic.clone(), json!("text")));

    assert!(server.terminate().unwrap().success());
    server.restart().unwrap();
    let client = server.client();
    assert_eq!(laid_out(&client, &session), (classic.clone(), json!("text")));
    let in_use = client.delete(&format!("{POLICIES}/{classic}")).unwrap();
    assert_eq!((in_use.status, &in_use.body["error"]["code"]), (409, &json!("policy_in_use")));

    let back = client.post(&format!("{POLICIES}/rollback"), &json!({ "interface": "assembly" }));
    assert_eq!(back.unwrap().expect(200).unwrap()["digest"], json!(default));
    assert_eq!(laid_out(&client, &session), (default, json!("chat")));
    assert_eq!(client.delete(&format!("{POLICIES}/{classic}")).unwrap().status, 204);
    let log = client.get(&format!("{POLICIES}/log")).unwrap().expect(200).unwrap();
    let what: Vec<&str> =
        log["events"].as_array().unwrap().iter().map(|it| it["what"].as_str().unwrap()).collect();
    assert_eq!(what, ["removed", "rolled-back", "activated", "added"]);
}

#[test]
fn what_is_no_policy_is_refused_with_the_reason_and_nothing_changes() {
    let server = server();
    let client = server.client();
    let before = client.get(POLICIES).unwrap().expect(200).unwrap();
    let truncated = component("truncation", "")[..4_000].to_vec();
    for (bytes, code, reason) in [
        (component("vector-search", ""), "policy_refused", "a policy exports one of"),
        (component("page", ""), "policy_refused", "a policy imports nothing"),
        (truncated, "policy_refused", "no valid component"),
        (b"\0asm\x01\0\0\0".to_vec(), "policy_refused", "core module"),
        (Vec::new(), "policy_refused", "no WebAssembly"),
        (vec![0; (8 << 20) + 1], "policy_too_large", "at most 8388608"),
    ] {
        let refused = upload(&client, bytes);
        let error = &refused.body["error"];
        assert_eq!(error["code"], code, "{error}");
        assert!(error["message"].as_str().unwrap().contains(reason), "{error}");
    }
    let unknown = client.post(&format!("{POLICIES}/00112233/activate"), &json!({})).unwrap();
    assert_eq!((unknown.status, &unknown.body["error"]["code"]), (404, &json!("policy_not_found")));
    let body = json!({ "interface": "assembly" });
    let nothing = client.post(&format!("{POLICIES}/rollback"), &body).unwrap();
    assert_eq!((nothing.status, &nothing.body["error"]["code"]), (409, &json!("nothing_before")));
    let form = client.request(Method::POST, POLICIES).header("content-type", "text/plain");
    assert_eq!(Client::answer(form.body(component("truncation", ""))).unwrap().status, 415);
    assert_eq!(client.get(POLICIES).unwrap().expect(200).unwrap(), before);
}

#[test]
fn swapping_under_64_clients_fails_no_turn_and_mixes_no_reply() {
    const CLIENTS: usize = 64;
    const SWAPS: usize = 40;
    let server = server();
    let client = server.client();
    let chat = active(&client, "assembly");
    // Each layout under two digests, so that a swap is not always one of layouts too.
    let candidates = [
        (add(&client, "prompt-assembly-classic", ""), "text"),
        (add(&client, "prompt-assembly", "again"), "chat"),
        (add(&client, "prompt-assembly-classic", "again"), "text"),
        (chat, "chat"),
    ];
    let cuts = [active(&client, "truncation"), add(&client, "truncation", "again")];
    let (done, turns) = (AtomicBool::new(false), AtomicU32::new(0));
    let talk = |name: String| {
        let client = server.client();
        let session = client.create_session(&name).unwrap();
        let mut seen = Vec::new();
        while !done.load(Ordering::Relaxed) || seen.is_empty() {
            seen.push(laid_out(&client, &session));
            turns.fetch_add(1, Ordering::Relaxed);
        }
        seen
    };
    let seen: Vec<(String, Value)> = std::thread::scope(|scope| {
        let talks: Vec<_> =
            (0..CLIENTS).map(|one| scope.spawn(move || talk(format!("client {one}")))).collect();
        {
            let _ends = EndsOnDrop(&done);
            for swap in 0..SWAPS {
                let before = turns.load(Ordering::Relaxed);
                activate(&client, &candidates[swap % candidates.len()].0);
                activate(&client, &cuts[swap % cuts.len()]);
                // Some turns between two swaps, however slow the machine is.
                // Nobody takes one if all have failed; then joining them says how.
                while turns.load(Ordering::Relaxed) == before
                    && !talks.iter().all(std::thread::ScopedJoinHandle::is_finished)
                {
                    std::thread::sleep(std::time::Duration::from_millis(1));
                }
            }
        }
        talks.into_iter().flat_map(|talk| talk.join().unwrap()).collect()
    });
    for (digest, layout) in &seen {
        let (_, expected) = candidates.iter().find(|(known, _)| known == digest).unwrap();
        assert_eq!(layout, expected, "laid out by {digest}");
    }
    for (digest, _) in &candidates {
        assert!(seen.iter().any(|(by, _)| by == digest), "nothing was laid out by {digest}");
    }
}

/// Runs `loci policy` against this server, and returns whether it went well and what it said.
pub fn policy(server: &Server, arguments: &[&str]) -> (bool, String) {
    let mut command = std::process::Command::new(binary());
    let command = command.arg("policy").args(arguments).args(["--server", server.address()]);
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

fn file(folder: &Path, name: &str) -> String {
    let path = folder.join(format!("{name}.wasm"));
    std::fs::write(&path, component(name, "by command")).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn policies_are_handled_by_command() {
    let server = server();
    let folder = tempfile::tempdir().unwrap();
    let classic = file(folder.path(), "prompt-assembly-classic");
    let (well, said) = policy(&server, &["add", &classic, "--name", "old style", "--json"]);
    assert!(well, "{said}");
    let row: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&row["name"], &row["state"]), (&json!("old style"), &json!("staged")));
    let digest = &row["digest"].as_str().unwrap()[..12];

    let (well, said) = policy(&server, &["activate", digest]);
    assert!(well && said.contains(digest) && said.contains("active"), "{said}");
    let (_, listed) = policy(&server, &["list"]);
    let first = listed.lines().next().unwrap();
    assert!(first.starts_with(digest) && first.ends_with("old style"), "{listed}");
    assert_eq!(listed.lines().count(), 7, "{listed}");
    let (_, told) = policy(&server, &["info", digest]);
    assert!(told.contains("added") && told.contains("activated"), "{told}");
    assert!(!policy(&server, &["remove", digest]).0);
    let (well, said) = policy(&server, &["rollback", "assembly"]);
    assert!(well && said.contains("shipped"), "{said}");
    assert!(policy(&server, &["remove", digest]).0);
    let (well, said) = policy(&server, &["info", digest]);
    assert!(!well && said.starts_with("error: ") && said.contains(digest), "{said}");
    let (_, log) = policy(&server, &["log"]);
    assert_eq!(log.lines().count(), 4, "{log}");
    let (well, said) = policy(&server, &["add", "nowhere.wasm"]);
    assert!(!well && said.contains("`nowhere.wasm`"), "{said}");
}
