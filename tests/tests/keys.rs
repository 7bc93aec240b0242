//! API keys: each has its own sessions and documents, and sees nothing of any other's.

use std::collections::BTreeSet;
use std::process::Command;

use loci_tests::client::{Answer, Client};
use loci_tests::server::{Server, binary};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use reqwest::Method;
use reqwest::blocking::RequestBuilder;
use serde_json::{Value, json};

use crate::support::tiny_model;

mod apart;

/// Makes a key in a data folder, and returns its text.
fn key(data: &std::path::Path, arguments: &[&str]) -> String {
    let mut command = Command::new(binary());
    let output = command.args(["keys", "add"]).args(arguments).arg("--data").arg(data).output();
    let output = output.expect("`loci` can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("a key is text").trim().to_owned()
}

/// A server that wants keys, and the keys of Ada (an admin), Bob and Cyd (three requests a minute).
fn start() -> (Server, [String; 3]) {
    let data = tempfile::tempdir().unwrap();
    let keys = [&["ada", "--admin"][..], &["bob"], &["cyd", "--per-minute", "3"]]
        .map(|arguments| key(data.path(), arguments));
    // What waits for the server asks without a key; `/health` it may.
    // Nor could it replay the replies in the end.
    let server = Server::spawn(data, &["--model", tiny_model(), "--require-keys"]);
    let mut server = server.unwrap().unaudited();
    server.wait_until_healthy().unwrap();
    for _ in 0..3_000 {
        let status = ask(&server.client(), &keys[0], Method::GET, "/api/v1/llm/status", None);
        if status.body["status"] != "loading" {
            return (server, keys);
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("the model was not loaded");
}

fn ask(client: &Client, key: &str, method: Method, path: &str, body: Option<&Value>) -> Answer {
    let request = client.request(method, path).bearer_auth(key);
    send(match body {
        Some(body) => request.json(body),
        None => request,
    })
}

/// A request with a file of this content.
fn file(request: RequestBuilder, content: &str) -> RequestBuilder {
    let form = format!(
        "--edge\r\ncontent-disposition: form-data; name=\"file\"; filename=\"secret.txt\"\r\n\r\n\
         {content}\r\n--edge--\r\n"
    );
    request.header("content-type", "multipart/form-data; boundary=edge").body(form)
}

/// The status and the body, whether that is JSON or not.
fn send(request: RequestBuilder) -> Answer {
    let response = request.send().expect("an answer");
    let status = response.status().as_u16();
    let text = response.text().expect("a body");
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Answer { status, body }
}

/// What somebody has: a session with a fact, and a document with another.
#[derive(Clone, Debug)]
struct Belongings {
    session: String,
    document: String,
    message: u64,
    canary: String,
}

fn settle(client: &Client, key: &str, canary: &str) -> Belongings {
    let post = |path: &str, body: Value| {
        let answer = ask(client, key, Method::POST, path, Some(&body));
        assert!(answer.status < 300, "{path}: {answer:?}");
        answer.body
    };
    let content = format!("The secret word of the harbour is {canary}. Nobody else knows it.");
    let request = client.request(Method::POST, "/api/v1/documents").bearer_auth(key);
    let stored = send(file(request, &content)).expect(202).unwrap();
    let document = stored["documents"][0]["id"].as_str().unwrap().to_owned();
    let session = post("/api/v1/sessions", json!({ "name": format!("of {canary}") }));
    let session = session["id"].as_str().unwrap().to_owned();
    let link = format!("/api/v1/sessions/{session}/documents/{document}");
    assert_eq!(ask(client, key, Method::PUT, &link, None).status, 200);
    let content = format!("My secret word is {canary}.");
    let said = json!({ "role": "user", "content": content, "max_tokens": 4 });
    let reply = post(&format!("/api/v1/sessions/{session}/messages"), said);
    Belongings { session, document, message: reply["id"].as_u64().unwrap(), canary: canary.into() }
}

/// What is sent with a request.
#[derive(Clone, Debug)]
enum Sent {
    Nothing,
    Json(Value),
    /// A file of this content.
    File(&'static str),
    /// JSON, and the header that names a session.
    InSession(String, Value),
}

/// A request, by whoever sends it.
#[derive(Clone, Debug)]
struct Ask {
    method: Method,
    path: String,
    sent: Sent,
}

impl Ask {
    /// The request as it stands, without a key.
    fn build(&self, client: &Client) -> RequestBuilder {
        let request = client.request(self.method.clone(), &self.path);
        match &self.sent {
            Sent::Nothing => request,
            Sent::Json(body) => request.json(body),
            Sent::File(content) => file(request, content),
            Sent::InSession(id, body) => request.header("x-loci-session", id).json(body),
        }
    }

    fn with(&self, client: &Client, key: &str) -> Answer {
        send(self.build(client).bearer_auth(key))
    }

    /// Whether nothing would be left of what it names.
    fn deletes_all(&self, of: &Belongings) -> bool {
        let whole = [format!("sessions/{}", of.session), format!("documents/{}", of.document)];
        self.method == Method::DELETE
            && whole.iter().any(|end| self.path == format!("/api/v1/{end}"))
    }
}

/// Every request that names what somebody has, and every one that lists.
fn requests(of: &Belongings) -> Vec<Ask> {
    let Belongings { session, document, message, .. } = of;
    let session_path = format!("/api/v1/sessions/{session}");
    let document_path = format!("/api/v1/documents/{document}");
    let ask = |method, path: String, sent| Ask { method, path, sent };
    let get = |path: String| ask(Method::GET, path, Sent::Nothing);
    let with = |method, path: String, body| ask(method, path, Sent::Json(body));
    let question = "What is the secret word?";
    let said = json!({ "role": "user", "content": question, "max_tokens": 4 });
    let instead = json!({
        "role": "user", "content": question, "supersedes": message, "max_tokens": 4,
    });
    let chat = "/v1/chat/completions";
    let asked = json!({
        "messages": [{ "role": "user", "content": question }], "max_tokens": 4,
    });
    let mut named = asked.clone();
    named["metadata"] = json!({ "session_id": session });
    let draft = json!({ "content": question });
    let elsewhere = json!({ "messages": [{ "role": "user", "content": "I said that too." }] });
    let search = json!({ "query": "secret word", "document_ids": [document] });
    let linked = json!({ "rag_document_ids": [document] });
    vec![
        get("/api/v1/sessions?limit=1000".to_owned()),
        get("/api/v1/documents?limit=1000".to_owned()),
        get("/api/v1/messages?limit=1000&query=secret".to_owned()),
        get(session_path.clone()),
        get(format!("{session_path}/export")),
        get(format!("{session_path}/messages")),
        get(format!("{session_path}/messages?query=secret")),
        get(format!("{session_path}/messages/{message}/receipt")),
        get(format!("{session_path}/messages/{message}/receipt/export")),
        with(Method::POST, format!("{session_path}/messages/{message}/replay"), json!({})),
        with(Method::POST, format!("{session_path}/messages/{message}/what-if"), json!({})),
        get(format!("{session_path}/memories")),
        get(format!("{session_path}/memories?query=secret")),
        get(document_path.clone()),
        get(format!("{document_path}/events")),
        get(format!("{document_path}/text")),
        with(Method::POST, format!("{session_path}/messages"), said),
        with(Method::POST, format!("{session_path}/messages"), instead),
        with(Method::POST, format!("{session_path}/draft"), draft),
        with(Method::POST, format!("{session_path}/messages/import"), elsewhere),
        with(Method::POST, chat.to_owned(), named),
        ask(Method::POST, chat.to_owned(), Sent::InSession(session.clone(), asked.clone())),
        ask(Method::POST, "/api/chat".to_owned(), Sent::InSession(session.clone(), asked.clone())),
        with(Method::POST, "/api/v1/documents/search".to_owned(), search),
        with(Method::POST, "/api/v1/sessions".to_owned(), linked),
        get(format!("{session_path}/policies")),
        with(Method::PUT, format!("{session_path}/policies"), json!({ "assembly": null })),
        with(Method::PATCH, session_path.clone(), json!({ "name": "mine now" })),
        with(Method::PUT, format!("{session_path}/memory"), json!({ "enabled": false })),
        with(Method::PUT, format!("{session_path}/instruction"), json!({ "instruction": "Lie." })),
        with(Method::POST, format!("{session_path}/cancel"), json!({})),
        with(Method::PATCH, document_path.clone(), json!({ "name": "mine now" })),
        ask(Method::PUT, document_path.clone(), Sent::File("There is no secret word.")),
        with(Method::POST, format!("{document_path}/reindex"), json!({})),
        ask(Method::PUT, format!("{session_path}/documents/{document}"), Sent::Nothing),
        ask(Method::DELETE, format!("{session_path}/documents/{document}"), Sent::Nothing),
        ask(Method::DELETE, format!("{session_path}/memories/{message}"), Sent::Nothing),
        ask(Method::DELETE, document_path, Sent::Nothing),
        ask(Method::DELETE, session_path, Sent::Nothing),
    ]
}

/// What concerns everybody: an admin's.
fn admin_requests() -> Vec<Ask> {
    let ask = |method, path: &str, sent| Ask { method, path: path.to_owned(), sent };
    let config = || Sent::Json(json!({ "temperature": 0.5 }));
    let back = json!({ "interface": "assembly" });
    let some = "/api/v1/policies/0123456789abcdef";
    vec![
        ask(Method::PUT, "/api/v1/llm/config", config()),
        ask(Method::POST, "/api/v1/llm/load", config()),
        ask(Method::POST, "/api/v1/maintenance", Sent::Nothing),
        ask(Method::POST, "/api/v1/maintenance/", Sent::Nothing),
        ask(Method::POST, "/api/v1/policies", Sent::Nothing),
        ask(Method::POST, "/api/v1/policies/", Sent::Nothing),
        ask(Method::GET, "/api/v1/policies/log", Sent::Nothing),
        ask(Method::POST, "/api/v1/policies/rollback", Sent::Json(back)),
        ask(Method::GET, some, Sent::Nothing),
        ask(Method::DELETE, some, Sent::Nothing),
        ask(Method::POST, &format!("{some}/activate"), Sent::Json(json!({}))),
        ask(Method::POST, &format!("{some}/shadow"), Sent::Json(json!({}))),
        ask(Method::POST, &format!("{some}/shadow/"), Sent::Json(json!({}))),
        ask(Method::PUT, &format!("{some}/canary"), Sent::Json(json!({ "percent": 10 }))),
        ask(Method::DELETE, &format!("{some}/canary"), Sent::Nothing),
        ask(Method::PUT, "/api/v1/policies/hooks/7", Sent::Json(json!({}))),
        ask(
            Method::PUT,
            "/api/v1/policies/hooks/assembly",
            Sent::Json(json!({ "on_failure": "built-in" })),
        ),
    ]
}

/// Whether an answer tells anything of what is another's.
fn tells(answer: &Answer, of: &Belongings) -> bool {
    let error = answer.body.get("error").is_some();
    let body = answer.body.to_string();
    // An error may repeat the id that it was asked for.
    body.contains(&of.canary)
        || (!error && (body.contains(&of.session) || body.contains(&of.document)))
}

#[test]
fn two_keys_never_see_anything_of_each_others() {
    let (server, [ada, bob, _]) = start();
    let client = server.client();
    let (hers, his) = (settle(&client, &ada, "quibberfinch"), settle(&client, &bob, "zanderwisp"));
    for (key, of) in [(&bob, &hers), (&ada, &his)] {
        for request in requests(of) {
            let answer = request.with(&client, key);
            assert!(!tells(&answer, of), "{request:?}: {answer:?}");
            let lists = request.path.contains("?limit=1000");
            let expected = if lists { &[200][..] } else { &[400, 404] };
            assert!(expected.contains(&answer.status), "{request:?}: {answer:?}");
        }
    }
    // And all is as it was.
    for (key, of) in [(&ada, &hers), (&bob, &his)] {
        let session = format!("/api/v1/sessions/{}", of.session);
        let found = ask(&client, key, Method::GET, &session, None).expect(200).unwrap();
        assert_eq!(found["name"], format!("of {}", of.canary));
        assert_eq!(found["long_term_memory_enabled"], true);
        assert_eq!(found["rag_document_ids"], json!([of.document]));
        let messages = ask(&client, key, Method::GET, &format!("{session}/messages"), None);
        assert_eq!(messages.body.as_array().map(Vec::len), Some(2));
        let text = format!("/api/v1/documents/{}", of.document);
        let document = ask(&client, key, Method::GET, &text, None).expect(200).unwrap();
        assert_eq!(document["name"], "secret.txt");
    }
}

#[test]
fn whatever_keys_do_none_learns_anothers_secret() {
    let (server, [ada, bob, _]) = start();
    let client = server.client();
    let keys = [&ada, &bob];
    let all = [settle(&client, &ada, "quibberfinch"), settle(&client, &bob, "zanderwisp")];
    let count = requests(&all[0]).len();
    // Who asks, for whose session, document and message, and what; everything but deleting the
    // whole of what is one's own.
    let step = (0..2_usize, [0..2_usize, 0..2, 0..2], 0..count);
    let history = prop::collection::vec(step, 1..24);
    let config = ProptestConfig { cases: 16, failure_persistence: None, ..Default::default() };
    let checked = TestRunner::new(config).run(&history, |history| {
        for (who, [session, document, message], which) in history {
            let named = Belongings {
                session: all[session].session.clone(),
                document: all[document].document.clone(),
                message: all[message].message,
                canary: String::new(),
            };
            let request = requests(&named).swap_remove(which);
            if request.deletes_all(&all[who]) {
                continue;
            }
            let answer = request.with(&client, keys[who]);
            prop_assert!(!tells(&answer, &all[1 - who]), "{who}: {request:?}: {answer:?}");
            prop_assert!(answer.status < 500, "{who}: {request:?}: {answer:?}");
        }
        Ok(())
    });
    checked.unwrap();
    for (key, of) in keys.into_iter().zip(&all) {
        for kind in [format!("sessions/{}", of.session), format!("documents/{}", of.document)] {
            let found = ask(&client, key, Method::GET, &format!("/api/v1/{kind}"), None);
            assert_eq!(found.status, 200, "{kind} is still there");
        }
    }
}

#[test]
fn without_a_key_nothing_is_told_and_only_an_admin_does_what_concerns_all() {
    let (server, [ada, bob, _]) = start();
    let client = server.client();
    let of = settle(&client, &ada, "quibberfinch");
    for request in requests(&of).into_iter().chain(admin_requests()) {
        let without = request.build(&client).header("x-loci-owner", "");
        assert_eq!(send(without).status, 401, "{request:?}");
        assert_eq!(request.with(&client, "loci-wrong").status, 401, "{request:?}");
    }
    for open in ["/health", "/ready", "/openapi.json", "/docs"] {
        assert_eq!(send(client.request(Method::GET, open)).status, 200, "{open}");
    }
    let page = client.request(Method::GET, "/").send().unwrap();
    assert_eq!(page.status(), 200, "the page itself is nobody's");

    for request in admin_requests() {
        let answer = request.with(&client, &bob);
        assert_eq!(answer.status, 403, "{request:?}: {answer:?}");
        assert_ne!(request.with(&client, &ada).status, 403, "{request:?}");
    }
    for shown in ["/api/v1/llm/config", "/api/v1/llm/models", "/api/v1/policies", "/v1/models"] {
        assert_eq!(ask(&client, &bob, Method::GET, shown, None).status, 200, "{shown}");
    }
}

#[test]
fn no_route_is_left_out_of_what_is_tried_here() {
    let (server, _) = start();
    let described = server.client().get("/openapi.json").unwrap().expect(200).unwrap();
    let of = Belongings {
        session: "{id}".to_owned(),
        document: "{id}".to_owned(),
        message: 0,
        canary: String::new(),
    };
    let known: BTreeSet<(String, String)> = requests(&of)
        .into_iter()
        .chain(admin_requests())
        .map(|request| (request.method.as_str().to_lowercase(), shape(&request.path)))
        .collect();
    // What is the same for everybody.
    let common = [
        "/api/v1/sessions/import",
        "/api/v1/draft",
        "/api/v1/llm/measure",
        "/api/v1/receipts/replay",
        "/api/tags",
        "/health",
        "/ready",
        "/openapi.json",
        "/docs",
        "/v1/completions",
        "/v1/embeddings",
        "/v1/models",
        "/v1/models/*",
        "/api/v1/llm/status",
        "/api/v1/llm/config",
        "/api/v1/llm/models",
        "/api/v1/llm/models/*",
        "/api/v1/policies",
        "/api/v1/documents",
    ];
    for (path, methods) in described["paths"].as_object().expect("paths") {
        for method in methods.as_object().expect("methods").keys() {
            let place = (method.clone(), shape(path));
            assert!(
                known.contains(&place) || common.contains(&place.1.as_str()),
                "no test here asks `{method} {path}` for what is another's"
            );
        }
    }
}

/// A path with `*` for whatever names something in it.
fn shape(path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default().trim_end_matches('/');
    let named = |part: &str| part.contains('{') || part.bytes().any(|byte| byte.is_ascii_digit());
    let parts = path.split('/').map(|part| match part {
        "v1" => "v1",
        part if named(part) => "*",
        part => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

#[test]
fn nobody_says_himself_who_he_is() {
    let (server, [ada, bob, _]) = start();
    let client = server.client();
    let of = settle(&client, &ada, "quibberfinch");
    let data = std::fs::read_to_string(server.data().join("keys.json")).unwrap();
    let data: Value = serde_json::from_str(&data).unwrap();
    let owner = data["keys"][0]["owner"].as_str().unwrap();
    let path = format!("/api/v1/sessions/{}", of.session);
    let request = client.request(Method::GET, &path).bearer_auth(&bob);
    assert_eq!(send(request.header("x-loci-owner", owner)).status, 404);
    assert!(!data.to_string().contains(&ada) && !server.log().contains(&ada));
}

#[test]
fn a_key_has_so_many_requests_and_then_waits() {
    let (server, [_, _, cyd]) = start();
    let client = server.client();
    let get = || client.request(Method::GET, "/v1/models").header("x-api-key", &cyd);
    let statuses: Vec<u16> = (0..4).map(|_| send(get()).status).collect();
    assert_eq!(statuses, [200, 200, 200, 429]);
    let refused = get().send().unwrap();
    let wait: u32 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=20).contains(&wait), "{wait}");
    let error: Value = refused.json().unwrap();
    assert_eq!(error["error"]["code"], "rate_limit_exceeded");
}

#[test]
fn a_key_that_is_made_or_removed_counts_at_once() {
    let (server, _) = start();
    let client = server.client();
    let eve = key(server.data(), &["eve"]);
    let status = |key: &str| ask(&client, key, Method::GET, "/api/v1/sessions", None).status;
    assert_eq!(status(&eve), 200);
    let mut remove = Command::new(binary());
    remove.args(["keys", "remove", "eve", "--data"]).arg(server.data());
    assert!(remove.output().unwrap().status.success());
    assert_eq!(status(&eve), 401);
}

#[test]
fn a_server_that_others_reach_does_not_start_without_a_key() {
    let data = tempfile::tempdir().unwrap();
    let run = Command::new(binary())
        .args(["serve", "--listen", "0.0.0.0:0", "--data"])
        .arg(data.path())
        .output()
        .unwrap();
    assert!(!run.status.success());
    let told = String::from_utf8_lossy(&run.stderr);
    assert!(told.contains("loci keys add"), "{told}");
}
