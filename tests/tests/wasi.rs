//! A policy that was built for WASI, as programs usually are, asks for whatever there is: it gets
//! nothing, and the same nothing in every call.

use std::fs;

use loci_tests::client::Client;
use loci_tests::programs;
use reqwest::Method;
use serde_json::json;

use crate::support::server;

/// The component, as its compiler makes it.
fn component() -> Vec<u8> {
    let folder = programs::build("wasm32-wasip2", &["asks"]);
    fs::read(folder.join("asks.wasm")).expect("a component that was built")
}

#[test]
fn who_asks_for_files_clock_chance_environment_and_network_gets_the_same_nothing() {
    let component = component();
    for package in ["wasi:cli/environment@", "wasi:filesystem/types@", "wasi:sockets/tcp@"] {
        let package = package.as_bytes();
        let is_there = component.windows(package.len()).any(|bytes| bytes == package);
        assert!(is_there, "the guest is to ask for it");
    }
    let server = server();
    let client = server.client();
    let request = client.request(Method::POST, "/api/v1/policies");
    let request = request.header("content-type", "application/wasm").body(component);
    let row = Client::answer(request).unwrap().expect(201).unwrap();
    let digest = row["digest"].as_str().unwrap();
    let path = format!("/api/v1/policies/{digest}/activate");
    client.post(&path, &json!({})).unwrap().expect(200).unwrap();

    let mut told = Vec::new();
    for name in ["one", "other"] {
        let session = client.create_session(name).unwrap();
        for _ in 0..2 {
            let reply = client.say(&session, "What do you see?").unwrap();
            assert_eq!(reply["metadata"]["degraded"], json!([]), "{reply}");
            let prompt = client.prompt(&session, &reply).unwrap();
            let end = prompt.rfind("Notes: none").expect("the words of the default layout");
            let begin = prompt[..end].rfind("environment: ").expect("what it was told");
            told.push(prompt[begin..end].to_owned());
        }
    }
    let nothing = "environment: nothing\nfiles: nothing\nnetwork: nothing\ntime: nothing\n\
                   input: nothing\n";
    assert!(told[0].starts_with(nothing), "{}", told[0]);
    assert_eq!(told[0].len(), nothing.len() + 16, "{}", told[0]);
    assert!(told.iter().all(|one| *one == told[0]), "{told:?}");
}
