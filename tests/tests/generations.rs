//! Another embedding model: nothing is lost on the way there, nor on the way back.

use std::time::{Duration, Instant};

use loci_tests::server::Server;
use loci_tests::tiny_gguf::TinyGguf;
use serde_json::{Value, json};

use crate::documents;
use crate::support::tiny_model;

/// Longer than a tiny model needs for a few dozen messages on a busy machine.
const BUILD_TIMEOUT: Duration = Duration::from_secs(120);

/// Waits until the index of the active model serves, and returns the model's name.
fn settled(server: &Server) -> Value {
    let begun = Instant::now();
    loop {
        let status = server.client().get("/api/v1/llm/status").unwrap().expect(200).unwrap();
        if status["index"]["status"] == "ready" {
            assert_eq!(status["index"]["model"], status["embedding_model"]["name"]);
            return status["index"]["model"].clone();
        }
        assert!(begun.elapsed() < BUILD_TIMEOUT, "{status}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whether the session remembers this word, by whatever search.
fn remembers(server: &Server, session: &str, word: &str) -> bool {
    let path = format!("/api/v1/sessions/{session}/memories?query={word}");
    let found = server.client().get(&path).unwrap().expect(200).unwrap();
    let found = found.as_array().unwrap();
    found.iter().any(|memory| memory["content"].as_str().unwrap().contains(word))
}

#[test]
fn a_new_embedding_model_takes_over_and_the_old_one_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let embeds = folder.path().join("embeds.gguf");
    TinyGguf::embedding().write(&embeds).unwrap();
    let plain = ["--model", tiny_model()];
    let with_embeds = ["--model", tiny_model(), "--embedding-model", embeds.to_str().unwrap()];

    let mut server = Server::start(&plain).unwrap();
    let session = server.client().create_session("moves").unwrap();
    let words = ["violin", "cupboard", "lighthouse", "walnut", "harbour", "compass"];
    for word in &words[..4] {
        server.client().say(&session, &format!("Remember the {word}.")).unwrap();
    }
    server.client().wait_until_indexed(&session).unwrap();
    let text = b"The ferry to Lunaholm leaves at nine.".to_vec();
    let uploaded = documents::upload(&server.client(), &[("ferry.txt", text)]);
    let document = documents::id(&uploaded[0]);
    documents::wait(&server.client(), &document);
    let first = settled(&server);
    let finds = |server: &Server| {
        // A search that cannot embed says that it is degraded, and the helper does not allow it.
        documents::search(&server.client(), &[&document], "Lunaholm").len() == 1
    };
    assert!(finds(&server));

    assert!(server.terminate().unwrap().success());
    server.restart_with(&with_embeds).unwrap();
    // At once, whichever index serves.
    assert!(words[..4].iter().all(|word| remembers(&server, &session, word)));
    assert!(finds(&server));
    server.client().say(&session, "Remember the harbour.").unwrap();
    assert_eq!(settled(&server), "tiny-embedding");
    server.client().wait_until_indexed(&session).unwrap();
    assert!(words[..5].iter().all(|word| remembers(&server, &session, word)));
    assert!(finds(&server));

    assert!(server.terminate().unwrap().success());
    server.restart_with(&plain).unwrap();
    assert!(words[..5].iter().all(|word| remembers(&server, &session, word)));
    server.client().say(&session, "Remember the compass.").unwrap();
    assert_eq!(settled(&server), first);
    let messages = server.client().wait_until_indexed(&session).unwrap();
    assert_eq!(messages.len(), 2 * words.len());
    assert!(words.iter().all(|word| remembers(&server, &session, word)));
    assert!(finds(&server));
    assert_eq!(messages[0]["is_embedded"], json!(true));
}
