//! A session moves with the documents that it reads.

use std::fs;
use std::time::Duration;

use loci_tests::client::Client;
use loci_tests::server::Server;
use serde_json::{Value, json};

use crate::documents::{id, search, upload, wait};
use crate::support::server;

#[test]
fn a_session_moves_with_the_documents_that_it_reads() {
    let (here, there) = (server(), server());
    let client = here.client();
    let text = "# Moorings\n\nThe boat Meltemi lies in the marina of Zorvik, berth nineteen.\n";
    let document = id(&upload(&client, &[("moorings.md", text.into())])[0]);
    let ready = wait(&client, &document);
    let session = client.create_session("moving").unwrap();
    let link = format!("/api/v1/sessions/{session}/documents/{document}");
    client.put(&link, &json!({})).unwrap().expect(200).unwrap();
    client.say(&session, "Where is the boat?").unwrap();
    let export = format!("/api/v1/sessions/{session}/export");
    let file = client.get(&export).unwrap().expect(200).unwrap();
    let without = client.get(&format!("{export}?documents=false")).unwrap().expect(200).unwrap();
    assert_eq!((&without["documents"], &without["messages"]), (&json!([]), &file["messages"]));

    let client = there.client();
    let import = |file: &Value| -> Value {
        client.post("/api/v1/sessions/import", file).unwrap().expect(201).unwrap()
    };
    let moved = import(&file);
    let carried = moved["rag_document_ids"][0].as_str().expect("a document").to_owned();
    let read = wait(&client, &carried);
    for same in ["name", "sha256", "status", "format"] {
        assert_eq!(read[same], ready[same], "{read:#}");
    }
    let found = search(&client, &[&carried], "In which marina does the boat lie?");
    assert!(found[0]["content"].as_str().unwrap().contains("berth nineteen"), "{found:#?}");
    let moved = id(&moved);
    let reply = client.say(&moved, "In which marina does the boat Meltemi lie?").unwrap();
    assert!(client.prompt(&moved, &reply).unwrap().contains("berth nineteen"));

    // What is there already is that document, and an older file has none.
    assert_eq!(import(&file)["rag_document_ids"], json!([carried]));
    let mut older = file.clone();
    older.as_object_mut().unwrap().remove("documents");
    assert_eq!(import(&older)["rag_document_ids"], Value::Null);

    let mut wrong = file.clone();
    wrong["documents"][0]["content"] = json!("no base64!");
    let refused = client.post("/api/v1/sessions/import", &wrong).unwrap();
    assert_eq!((refused.status, &refused.body["error"]["param"]), (400, &json!("documents")));
    let sessions = client.get("/api/v1/sessions").unwrap().expect(200).unwrap();
    assert_eq!(sessions.as_array().map(Vec::len), Some(3), "a bad file leaves nothing behind");
}

/// The length of the database and of what is to come into it.
fn written(server: &Server) -> u64 {
    let length = |entry: fs::DirEntry| {
        let is_database = entry.file_name().to_string_lossy().contains(".db");
        entry.metadata().map_or(0, |it| if is_database { it.len() } else { 0 })
    };
    fs::read_dir(server.data()).unwrap().flatten().map(length).sum()
}

/// Whether a session has so many messages.
fn is_whole(client: &Client, session: &str, messages: usize) -> bool {
    let last = format!("/api/v1/sessions/{session}/messages?limit=9&skip={}", messages - 1);
    let last = client.get(&last).unwrap().expect(200).unwrap();
    last.as_array().is_some_and(|last| last.len() == 1)
}

#[test]
fn an_import_that_is_cut_short_leaves_nothing() {
    let mut server = server();
    let said = |number: usize| {
        let role = if number.is_multiple_of(2) { "user" } else { "assistant" };
        json!({ "role": role, "content": format!("Message {number}. {}", "x".repeat(900)) })
    };
    let all: Vec<Value> = (0..4_000).map(said).collect();
    let file = json!({ "form": "loci-session/1", "name": "cut", "messages": all });
    // Wherever it is when the host dies.
    for more in [0_u64, 300_000, 2_500_000] {
        let (client, before) = (server.client(), written(&server));
        std::thread::scope(|scope| {
            let file = &file;
            let importing = scope.spawn(move || client.post("/api/v1/sessions/import", file));
            while written(&server) <= before + more && !importing.is_finished() {
                std::thread::sleep(Duration::from_millis(1));
            }
            server.kill().unwrap();
        });
        server.restart().unwrap();
        let client = server.client();
        let sessions = client.get("/api/v1/sessions").unwrap().expect(200).unwrap();
        for session in sessions.as_array().unwrap() {
            let session = session["id"].as_str().unwrap();
            assert!(is_whole(&client, session, all.len()), "a session is whole or not there");
            client.delete(&format!("/api/v1/sessions/{session}")).unwrap().expect(204).unwrap();
        }
    }
    let client = server.client();
    let moved = client.post("/api/v1/sessions/import", &file).unwrap().expect(201).unwrap();
    assert!(is_whole(&client, &id(&moved), all.len()));
}
