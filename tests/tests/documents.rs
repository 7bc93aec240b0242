//! Documents, end to end: uploaded in every format, read, found, cited, and gone without a trace.

use std::io::Write as _;
use std::time::Duration;

use loci_tests::client::{Answer, Client};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::server;

mod files;
mod golden;

/// Uploads files at once and returns what the server says of each.
pub fn upload(client: &Client, files: &[(&str, Vec<u8>)]) -> Vec<Value> {
    let body = send(client, Method::POST, "/api/v1/documents", files).expect(202).unwrap();
    body["documents"].as_array().expect("a list of documents").clone()
}

fn send(client: &Client, method: Method, path: &str, files: &[(&str, Vec<u8>)]) -> Answer {
    const BOUNDARY: &str = "a-line-that-no-file-has";
    let mut form = Vec::new();
    for (name, content) in files {
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; \
             filename=\"{name}\"\r\n\r\n"
        );
        form.extend(head.into_bytes());
        form.extend(content);
        form.extend(b"\r\n");
    }
    form.extend(format!("--{BOUNDARY}--\r\n").into_bytes());
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let request = client.request(method, path).header("content-type", kind).body(form);
    Client::answer(request).unwrap()
}

/// Waits until a document is ready or has failed.
pub fn wait(client: &Client, id: &str) -> Value {
    for _ in 0..3_000 {
        let document = client.get(&format!("/api/v1/documents/{id}")).unwrap().expect(200).unwrap();
        if document["status"] == "ready" || document["status"] == "failed" {
            return document;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("the document `{id}` was not done within 60 s");
}

pub fn id(document: &Value) -> String {
    document["id"].as_str().expect("an id").to_owned()
}

pub fn search(client: &Client, ids: &[&str], query: &str) -> Vec<Value> {
    let body = json!({ "query": query, "document_ids": ids });
    let found = client.post("/api/v1/documents/search", &body).unwrap().expect(200).unwrap();
    assert_eq!(found["degraded"], json!([]), "{found}");
    found["passages"].as_array().expect("a list of passages").clone()
}

fn session_with(client: &Client, ids: &[&str]) -> String {
    let body = json!({ "name": "d", "rag_document_ids": ids });
    let session = client.post("/api/v1/sessions", &body).unwrap().expect(201).unwrap();
    id(&session)
}

#[test]
fn every_format_is_read_found_and_cited() {
    let server = server();
    let client = server.client();
    let files = files::all();
    let sent: Vec<(&str, Vec<u8>)> =
        files.iter().map(|file| (file.name, file.content.clone())).collect();
    let documents = upload(&client, &sent);
    assert_eq!(documents.len(), files.len());
    for (document, file) in documents.iter().zip(&files) {
        let id = id(document);
        let document = wait(&client, &id);
        assert_eq!(document["status"], "ready", "{}: {document}", file.name);
        assert_eq!(document["format"], file.format, "{}", file.name);
        let progress = &document["progress"];
        assert_eq!(progress["passages"], progress["indexed"], "{document}");

        let found = search(&client, &[&id], file.question);
        let hit = &found[0];
        let content = hit["content"].as_str().unwrap();
        assert!(content.contains(file.fact), "{}: {found:#?}", file.name);
        // What was found stands in the text where the passage says.
        let path =
            format!("/api/v1/documents/{id}/text?start={}&end={}", hit["span"][0], hit["span"][1]);
        let text = client.get(&path).unwrap().expect(200).unwrap();
        assert_eq!(text["text"], hit["content"]);

        // A session that is linked to it reads the passage, and lists it as consulted.
        let session = session_with(&client, &[&id]);
        let reply = client.say(&session, file.question).unwrap();
        let prompt = client.prompt(&session, &reply).unwrap();
        assert!(prompt.contains(file.fact), "{}: {prompt}", file.name);
        let consulted = &reply["metadata"]["consulted"];
        assert_eq!(consulted[0]["document_id"], id.as_str(), "{reply:#}");
        assert!(reply["metadata"]["cited"].is_array());
        assert!(!reply["metadata"]["rag_chunks_retrieved"].as_array().unwrap().is_empty());
    }
}

#[test]
fn a_document_is_seen_only_where_it_is_linked_and_leaves_nothing() {
    let server = server();
    let client = server.client();
    let secret = b"The vault of the northern office opens with the word halcyon-4711.".to_vec();
    let document = upload(&client, &[("vault.txt", secret.clone())]).remove(0);
    let id = id(&document);
    wait(&client, &id);
    let question = "Which word opens the vault of the northern office?";

    let (inside, outside) = (session_with(&client, &[&id]), session_with(&client, &[]));
    let prompt = |session: &str| {
        let reply = client.say(session, question).unwrap();
        client.prompt(session, &reply).unwrap()
    };
    assert!(prompt(&inside).contains("halcyon-4711"));
    assert!(!prompt(&outside).contains("halcyon-4711"));
    let path = format!("/api/v1/sessions/{outside}/documents/{id}");
    let session = client.put(&path, &json!({})).unwrap().expect(200).unwrap();
    assert_eq!(session["rag_document_ids"], json!([id]));
    assert!(prompt(&outside).contains("halcyon-4711"));
    let session = client.delete(&path).unwrap().expect(200).unwrap();
    assert_eq!(session["rag_document_ids"], Value::Null);
    client.delete(&path).unwrap().expect(404).unwrap();
    assert!(!prompt(&outside).contains("halcyon-4711"));

    // The same file again is the same document.
    let again = upload(&client, &[("other.txt", secret)]).remove(0);
    assert_eq!((&again["id"], &again["duplicate"]), (&document["id"], &json!(true)));

    // A form with two files takes nothing's place.
    let path = format!("/api/v1/documents/{id}");
    let two = [("one.txt", b"One.".to_vec()), ("two.txt", b"Two.".to_vec())];
    assert_eq!(send(&client, Method::PUT, &path, &two).status, 400);
    assert_eq!(client.get(&path).unwrap().expect(200).unwrap()["sha256"], document["sha256"]);
    // Another content takes its place.
    let other = b"The vault was walled up in spring; nobody opens it any more.".to_vec();
    send(&client, Method::PUT, &path, &[("new.txt", other)]).expect(202).unwrap();
    wait(&client, &id);
    let replaced = prompt(&inside);
    assert!(replaced.contains("walled up"), "{replaced}");
    assert!(
        !search(&client, &[&id], "halcyon")
            .iter()
            .any(|hit| hit["content"].as_str().unwrap().contains("halcyon"))
    );

    client.delete(&path).unwrap().expect(204).unwrap();
    client.get(&path).unwrap().expect(404).unwrap();
    client.delete(&path).unwrap().expect(404).unwrap();
    let body = json!({ "query": "vault", "document_ids": [id] });
    client.post("/api/v1/documents/search", &body).unwrap().expect(404).unwrap();
    assert!(!prompt(&inside).contains("walled up"));
}

#[test]
fn hostile_files_are_refused_and_the_server_answers_on() {
    let server = server();
    let client = server.client();
    let hostile = files::hostile();
    let sent: Vec<(&str, Vec<u8>)> =
        hostile.iter().map(|file| (file.name, file.content.clone())).collect();
    for document in sent.chunks(4).flat_map(|files| upload(&client, files)) {
        assert_eq!(client.health().unwrap(), 200);
        let name = document["name"].as_str().unwrap();
        let expected = hostile.iter().find(|file| file.name == name).unwrap().code;
        let done = wait(&client, &id(&document));
        match expected {
            Some(code) => {
                assert_eq!(done["status"], "failed", "{name}: {done}");
                assert_eq!(done["error"]["code"], code, "{name}: {done}");
            }
            None => assert_eq!(done["status"], "ready", "{name}: {done}"),
        }
    }
    // A file that is too long is refused while it comes, and what came before it is kept.
    let long = vec![b'x'; (15 << 20) + 1];
    let files = [("ok.txt", b"It rained on the harbour.".to_vec()), ("long.txt", long.clone())];
    let body = send(&client, Method::POST, "/api/v1/documents", &files).expect(202).unwrap();
    assert_eq!(body["documents"].as_array().unwrap().len(), 1);
    assert_eq!(body["error"]["code"], "document_too_long");
    let alone = send(&client, Method::POST, "/api/v1/documents", &[("long.txt", long)]);
    assert_eq!(alone.status, 413, "{}", alone.body);
    // The server need not hear all of what it refuses: who still sends may find it gone.
    let head = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n";
    let line = std::io::Read::take(std::io::repeat(b'x'), 200 << 20);
    let body = reqwest::blocking::Body::new(std::io::Read::chain(std::io::Cursor::new(head), line));
    let request = client.request(Method::POST, "/api/v1/documents");
    let request = request.header("content-type", "multipart/form-data; boundary=x").body(body);
    let refused = Client::answer(request);
    assert!(refused.is_err() || refused.is_ok_and(|answer| answer.status >= 400));
    assert_eq!(client.health().unwrap(), 200);
    let session = client.create_session("still here").unwrap();
    client.say(&session, "Are you there?").unwrap();
}

#[test]
fn reading_goes_on_after_kill_9() {
    let mut server = server();
    let client = server.client();
    let mut long = Vec::new();
    for number in 0..4_000 {
        writeln!(long, "Paragraph {number} tells that beacon {number} is lit at hour {number}.\n")
            .unwrap();
    }
    let ids: Vec<String> = (0..4)
        .map(|copy| {
            let mut content = long.clone();
            writeln!(content, "Copy {copy}.").unwrap();
            id(&upload(&client, &[("long.txt", content)])[0])
        })
        .collect();
    for _ in 0..3 {
        std::thread::sleep(Duration::from_millis(150));
        server.kill().unwrap();
        server.restart().unwrap();
    }
    let client = server.client();
    for id in &ids {
        let document = wait(&client, id);
        assert_eq!(document["status"], "ready", "{document}");
        let progress = &document["progress"];
        assert_eq!(progress["passages"], progress["indexed"], "{document}");
        assert!(progress["passages"].as_u64().unwrap() > 100);
        let found = search(&client, &[id], "When is beacon 3217 lit?");
        assert!(found[0]["content"].as_str().unwrap().contains("beacon 3217 is lit"), "{found:#?}");
    }
}

#[test]
fn progress_comes_as_events() {
    let server = server();
    let client = server.client();
    let document = upload(&client, &[("a.md", b"# Boats\n\nThey float.\n".to_vec())]).remove(0);
    let path = format!("/api/v1/documents/{}/events", id(&document));
    let response = client.request(Method::GET, &path).send().unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let text = response.text().unwrap();
    let last = text.trim_end().rsplit("\n\n").next().unwrap();
    assert!(last.starts_with("event: document.end\ndata: {"), "{text}");
    assert!(last.contains("\"status\":\"ready\""), "{text}");
    let gone = client.get("/api/v1/documents/nobody/events").unwrap();
    assert_eq!(gone.status, 404);
}
