//! What those need who run a server: whether it is ready, what it counts, what it writes into its
//! log, where its settings come from, and how what it holds is kept and moved.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use loci_tests::client::Client;
use loci_tests::server::{Server, binary};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{EndsOnDrop, server, tiny_model};

mod carry;

/// Words that are said, looked for and uploaded, and must not be found in a log.
const CANARY: &str = "quibberfinch";

#[test]
fn a_server_is_ready_when_a_message_would_be_answered() {
    let ready = server().client().get("/ready").unwrap().expect(200).unwrap();
    assert_eq!(ready["ready"], true, "{ready}");
    let without = Server::start(&[]).unwrap();
    let told = without.client().get("/ready").unwrap();
    // Unless a model lies beside the manifest.
    if told.status == 503 {
        assert_eq!(told.body["chat_model"], "none", "{told:?}");
        assert_eq!(told.body["embedding_model"], "ready", "{told:?}");
    } else {
        assert_eq!((told.status, &told.body["ready"]), (200, &json!(true)));
    }
}

#[test]
fn what_happens_is_counted() {
    let server = server();
    let client = server.client();
    let session = client.create_session("counted").unwrap();
    client.say(&session, "Count this.").unwrap();
    client.get("/api/v1/sessions/nobody").unwrap().expect(404).unwrap();
    let response = client.request(Method::GET, "/metrics").send().unwrap();
    assert!(response.headers()["content-type"].to_str().unwrap().contains("openmetrics-text"));
    let text = response.text().unwrap();
    let count = |labels: &[&str]| -> f64 {
        let all = |line: &&str| labels.iter().all(|label| line.contains(label));
        let line = |line: &&str| !line.starts_with('#') && all(line);
        let found = text.lines().find(line).unwrap_or_else(|| panic!("no {labels:?} in\n{text}"));
        found.rsplit(' ').next().unwrap().parse().unwrap()
    };
    let api = "route=\"/api/...\"";
    assert_eq!(count(&["loci_requests_total{", api, "\"POST\"", "status=\"201\""]), 2.0);
    assert_eq!(count(&["loci_requests_total{", api, "\"GET\"", "status=\"404\""]), 1.0);
    assert!(count(&["loci_request_seconds_count{", api]) >= 3.0);
    assert!(count(&["loci_model_tokens_total{", "\"prompt\""]) > 0.0);
    assert_eq!(count(&["loci_model_ready"]), 1.0);
    assert!(!text.contains(&session), "an id is no label");
}

#[test]
fn a_log_for_programs_has_no_text_of_messages() {
    let arguments = ["--model", tiny_model(), "--log-format", "json"];
    let server = Server::start_with(&arguments, &[("RUST_LOG", "debug")]).unwrap();
    let client = server.client();
    let session = client.create_session(CANARY).unwrap();
    client.say(&session, &format!("The word is {CANARY}.")).unwrap();
    client.wait_until_indexed(&session).unwrap();
    let found = format!("/api/v1/sessions/{session}/memories?query={CANARY}");
    assert!(client.get(&found).unwrap().expect(200).unwrap().to_string().contains(CANARY));
    let openai = json!({ "messages": [{ "role": "user", "content": CANARY }], "max_tokens": 4 });
    client.post("/v1/chat/completions", &openai).unwrap().expect(200).unwrap();
    client.post("/api/v1/sessions", &json!({ "name": 7, CANARY: CANARY })).unwrap();

    let log = server.log();
    assert!(!log.contains(CANARY), "{log}");
    let mut levels = BTreeSet::new();
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("`{line}`"));
        levels.insert(line["level"].as_str().unwrap().to_owned());
        assert!(line["timestamp"].is_string() && line["target"].is_string(), "{line}");
    }
    assert!(levels.contains("INFO") && levels.contains("DEBUG"), "{levels:?}");
    let answered = log.lines().filter(|line| line.contains("\"message\":\"answered\""));
    let answered: Vec<Value> = answered.map(|line| serde_json::from_str(line).unwrap()).collect();
    let posted = answered.iter().find(|it| it["method"] == "POST").expect("a request");
    assert!(posted["status"].is_u64() && posted["ms"].is_f64() && posted["path"].is_string());
}

#[test]
fn settings_come_from_a_file_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("loci.toml");
    std::fs::write(&file, format!("model = {:?}\nreply-tokens = 3\n", tiny_model())).unwrap();
    let server = Server::start(&["--config", file.to_str().unwrap()]).unwrap();
    let client = server.client();
    let session = client.create_session("by file").unwrap();
    let said = json!({ "role": "user", "content": "hello", "temperature": 0.0 });
    let path = format!("/api/v1/sessions/{session}/messages");
    let reply = client.post(&path, &said).unwrap().expect(201).unwrap();
    let receipt = client.receipt(&session, &reply).unwrap();
    let tokens = receipt["usage"]["completion_tokens"].as_u64();
    assert!(tokens.is_some_and(|tokens| tokens <= 3), "{:#}", receipt["usage"]);

    std::fs::write(&file, "colour = \"red\"\n").unwrap();
    let wrong = Command::new(binary()).args(["serve", "--config"]).arg(&file).output().unwrap();
    assert!(!wrong.status.success());
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("`colour`"), "{wrong:?}");
}

fn loci(arguments: &[&str], folder: &std::path::Path, data: &std::path::Path) -> String {
    let mut command = Command::new(binary());
    let output = command.args(arguments).arg(folder).arg("--data").arg(data).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{told}");
    told
}

#[test]
fn a_backup_made_while_people_talk_is_a_server_as_it_was() {
    let server = server();
    let client = server.client();
    let session = client.create_session("kept").unwrap();
    client.say(&session, "My sister Oriane keeps her violin in the blue cupboard.").unwrap();
    client.wait_until_indexed(&session).unwrap();
    let other = client.create_session("busy").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let backup = folder.path().join("backup");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let talking = scope.spawn(|| {
            for said in 0.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                client.say(&other, &format!("Remark {said}.")).unwrap();
            }
        });
        {
            let _ends = EndsOnDrop(&stop);
            while client.messages(&other).unwrap().is_empty() && !talking.is_finished() {
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            loci(&["backup"], &backup, server.data());
        }
        talking.join().unwrap();
    });
    let contents = |client: &Client| -> Vec<Value> {
        let messages = client.messages(&other).unwrap().into_iter();
        messages.map(|message| json!([message["role"], message["content"]])).collect()
    };
    let all = contents(&client);
    let data = tempfile::tempdir().unwrap();
    loci(&["restore"], &backup, data.path());
    let restored = Server::start_in(data, &["--model", tiny_model()]).unwrap();
    let client = restored.client();
    let path = format!("/api/v1/sessions/{session}/memories?query=violin");
    let found = client.get(&path).unwrap().expect(200).unwrap();
    assert!(found[0]["content"].as_str().unwrap().contains("blue cupboard"), "{found:#}");
    let remarks = contents(&client);
    assert!(!remarks.is_empty() && all.starts_with(&remarks), "{remarks:?} of {all:?}");
    client.say(&session, "It goes on.").unwrap();
}

#[test]
fn a_session_moves_to_another_server_as_one_file() {
    let (here, there) = (server(), server());
    let client = here.client();
    let session = client.create_session("moving").unwrap();
    client.say(&session, "My sister Oriane keeps her violin in the blue cupboard.").unwrap();
    client.say(&session, "The parcel weighs nine kilograms.").unwrap();
    let said = client.messages(&session).unwrap();
    let forgotten = said.iter().find(|it| it["content"].to_string().contains("parcel")).unwrap();
    let memory = format!("/api/v1/sessions/{session}/memories/{}", forgotten["id"]);
    client.delete(&memory).unwrap().expect(204).unwrap();
    let export = format!("/api/v1/sessions/{session}/export");
    let file = client.get(&export).unwrap().expect(200).unwrap();

    let client = there.client();
    let moved = client.post("/api/v1/sessions/import", &file).unwrap().expect(201).unwrap();
    let id = moved["id"].as_str().unwrap();
    assert_eq!(moved["name"], "moving");
    let path = format!("/api/v1/sessions/{id}/memories?query=violin");
    let found = client.get(&path).unwrap().expect(200).unwrap();
    assert!(found[0]["content"].as_str().unwrap().contains("blue cupboard"), "{found:#}");
    assert_eq!(found[0]["timestamp"], said[0]["timestamp"]);
    // What was forgotten stays forgotten, and is in the chat as it was.
    let path = format!("/api/v1/sessions/{id}/memories?query=parcel");
    let found = client.get(&path).unwrap().expect(200).unwrap();
    assert!(!found.to_string().contains("nine kilograms"), "{found:#}");
    let arrived = client.messages(id).unwrap();
    let words = |all: &[Value]| -> Vec<Value> {
        let said = all.iter().map(|it| json!([it["role"], it["content"], it["turn"]]));
        said.filter(|it| it[1] != "").collect()
    };
    assert_eq!(words(&arrived), words(&said));
    let reply = client.say(id, "Where is the violin?").unwrap();
    assert!(client.prompt(id, &reply).unwrap().contains("blue cupboard"));
    assert_eq!(client.get(&format!("/api/v1/sessions/{id}/export")).unwrap().status, 200);

    let mut wrong = file.clone();
    wrong["form"] = json!("loci-session/2");
    client.post("/api/v1/sessions/import", &wrong).unwrap().expect(400).unwrap();
}

#[test]
fn a_web_page_of_somebody_else_gets_nothing_from_a_server_without_keys() {
    let server = server();
    let client = server.client();
    let kept = client.create_session("kept").unwrap();
    let cancel = format!("/api/v1/sessions/{kept}/cancel");
    let form = "--edge\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\n\
        A word.\r\n--edge--\r\n";
    // Without JSON, a browser sends all of these without asking first.
    let asks = |path: &str| -> Vec<(Method, &'static str, String)> {
        let document = (Method::POST, "multipart/form-data; boundary=edge", form.to_owned());
        match path {
            "/api/v1/documents" => vec![document, (Method::GET, "text/plain", String::new())],
            _ => [Method::GET, Method::POST].map(|it| (it, "text/plain", String::new())).into(),
        }
    };
    let closed = ["/api/v1/sessions", "/api/v1/documents", "/api/v1/maintenance", &cancel];
    let hosts = ["/api/v1/llm/config", "/api/v1/policies", "/metrics", "/mcp", "/v1/models"];
    let foreign: [&[(&str, &str)]; 5] = [
        &[("host", "evil.example:3000"), ("origin", "http://evil.example:3000")],
        &[("host", "evil.example:3000")],
        &[("origin", "http://evil.example")],
        &[("origin", "null"), ("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
    ];
    let send = |method: Method, path: &str, kind: &str, body: String, said: &[(&str, &str)]| {
        let request = client.request(method, path).header("content-type", kind).body(body);
        let request = said.iter().fold(request, |it, (name, value)| it.header(*name, *value));
        request.send().unwrap()
    };
    for path in closed.into_iter().chain(hosts) {
        for (method, kind, body) in asks(path) {
            for said in foreign {
                let answer = send(method.clone(), path, kind, body.clone(), said);
                assert_eq!(answer.status(), 403, "{method} {path} {said:?}");
                let error: Value = answer.json().unwrap();
                let told = error["error"]["message"].as_str().unwrap();
                assert!(
                    told.contains(server.address()) && told.contains("loci keys add"),
                    "{told}"
                );
            }
            let own = [("origin", server.address()), ("sec-fetch-site", "same-origin")];
            let answer = send(method.clone(), path, kind, body, &own);
            assert_ne!(answer.status(), 403, "{method} {path}");
        }
    }
    let documents = client.get("/api/v1/documents").unwrap().expect(200).unwrap();
    assert_eq!(documents.as_array().map(Vec::len), Some(1), "the page's own alone");
    for open in ["/", "/health", "/docs"] {
        let answer = send(Method::GET, open, "text/plain", String::new(), foreign[0]);
        assert_eq!(answer.status(), 200, "{open}");
    }
}
