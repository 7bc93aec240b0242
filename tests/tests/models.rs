//! Choosing the chat model, and how it answers, while the server runs.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use loci_tests::client::Client;
use loci_tests::server::Server;
use loci_tests::tiny_gguf::TinyGguf;
use serde_json::{Value, json};

use crate::support::{EndsOnDrop, server, slow_server};

/// Longer than any load of a tiny model on a busy machine.
const LOAD_TIMEOUT: Duration = Duration::from_secs(60);

/// Puts a model that says only this into the folder of models.
fn add(data: &Path, name: &str, says: &[&str]) {
    let folder = data.join("models");
    std::fs::create_dir_all(&folder).unwrap();
    TinyGguf { name: name.to_owned(), ..TinyGguf::says(says) }
        .write(&folder.join(format!("{name}.gguf")))
        .unwrap();
}

fn load(client: &Client, name: &str) -> (u16, Value) {
    let answer = client.post("/api/v1/llm/load", &json!({ "model": name })).unwrap();
    (answer.status, answer.body)
}

fn status(client: &Client) -> Value {
    client.get("/api/v1/llm/status").unwrap().expect(200).unwrap()
}

/// Waits until no model is being loaded any more, and returns the status.
fn settled(client: &Client) -> Value {
    let begun = Instant::now();
    loop {
        let status = status(client);
        if status["next_model"]["status"] != "loading" && status["status"] != "loading" {
            return status;
        }
        assert!(begun.elapsed() < LOAD_TIMEOUT, "{status}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn two_models() -> Server {
    let data = tempfile::tempdir().unwrap();
    add(data.path(), "alpha", &["Alpha", "!"]);
    add(data.path(), "beta", &["Beta", "?"]);
    let alpha = data.path().join("models/alpha.gguf");
    let alpha = alpha.to_str().unwrap().to_owned();
    Server::start_in(data, &["--model", &alpha]).unwrap()
}

#[test]
fn another_model_takes_over_and_stays_after_a_restart() {
    let mut server = two_models();
    let client = server.client();
    let session = client.create_session("models").unwrap();
    assert_eq!(client.say(&session, "hello").unwrap()["content"], "Alpha!");
    assert_eq!(load(&client, "alpha"), (200, json!({ "model": "alpha.gguf", "status": "ready" })));
    let (code, body) = load(&client, "beta");
    assert_eq!((code, body["status"].as_str()), (202, Some("loading")));
    let now = settled(&client);
    assert_eq!((&now["status"], &now["active_model"]), (&json!("ready"), &json!("beta")));
    assert!(now["next_model"].is_null() && now["memory_bytes"].as_u64() > Some(10_000));
    // The recent turns were measured by the other model: they are measured again.
    assert_eq!(client.say(&session, "and now?").unwrap()["content"], "Beta?");

    let listed = client.get("/api/v1/llm/models").unwrap().expect(200).unwrap();
    let listed = listed["models"].as_array().unwrap();
    let row = |row: &Value| (row["name"].clone(), row["active"].clone(), row["kind"].clone());
    let rows: Vec<_> = listed.iter().map(row).collect();
    let of = |name: &str, active: bool| (json!(name), json!(active), json!("chat"));
    assert!(rows.contains(&of("alpha.gguf", false)) && rows.contains(&of("beta.gguf", true)));

    assert!(server.terminate().unwrap().success());
    server.restart().unwrap();
    let client = server.client();
    assert_eq!(status(&client)["active_model"], "beta");
    assert_eq!(load(&client, "alpha").0, 202);
    assert_eq!(settled(&client)["active_model"], "alpha");
}

#[test]
fn what_cannot_chat_is_refused_and_the_model_stays() {
    let server = two_models();
    let client = server.client();
    let models = server.data().join("models");
    std::fs::write(models.join("broken.gguf"), "GGUF and nothing else").unwrap();
    TinyGguf::embedding().write(&models.join("embeds.gguf")).unwrap();
    // Whole by its header, but its network is none that there is.
    let strange = TinyGguf { architecture: "unheard-of".to_owned(), ..TinyGguf::chat() };
    strange.write(&models.join("strange.gguf")).unwrap();
    let database = server.data().join("loci.db");
    for (name, code) in [
        ("gamma", "model_not_found"),
        ("../loci.db", "model_not_found"),
        (database.to_str().unwrap(), "model_not_found"),
        ("broken", "model_unusable"),
        ("embeds.gguf", "model_unusable"),
    ] {
        let (status, body) = load(&client, name);
        assert_eq!(body["error"]["code"], code, "{body}");
        assert_eq!((status, &body["error"]["param"]), (status.clamp(400, 404), &json!("model")));
    }
    let no_name = client.post("/api/v1/llm/load", &json!({ "path": "x" })).unwrap();
    assert_eq!(no_name.status, 400);
    let listed = client.get("/api/v1/llm/models/broken").unwrap().expect(200).unwrap();
    assert!(listed["error"].as_str().unwrap().contains("broken.gguf"), "{listed}");

    assert_eq!(load(&client, "strange").0, 202);
    let after = settled(&client);
    assert_eq!((&after["status"], &after["active_model"]), (&json!("ready"), &json!("alpha")));
    let next = &after["next_model"];
    assert_eq!((&next["name"], &next["status"]), (&json!("strange.gguf"), &json!("error")));
    assert!(next["error"].as_str().unwrap().contains("unheard-of"), "{next}");
    let session = client.create_session("still here").unwrap();
    assert_eq!(client.say(&session, "hello").unwrap()["content"], "Alpha!");
}

#[test]
fn an_answer_that_has_begun_is_finished_by_the_model_that_began_it() {
    let server = slow_server();
    add(server.data(), "beta", &["Beta", "?"]);
    let client = server.client();
    let session = client.create_session("in between").unwrap();
    let body = json!({
        "role": "user", "content": "Go on.", "max_tokens": 400, "temperature": 0, "seed": 1,
    });
    let mut events = client.stream(&session, &body).unwrap();
    let first = events.find(|event| event.as_ref().unwrap().name == "delta");
    assert!(first.is_some());
    load(&client, "beta");
    assert_eq!(settled(&client)["active_model"], "beta");
    let other = client.create_session("beside").unwrap();
    assert_eq!(client.say(&other, "hello").unwrap()["content"], "Beta?");
    let last = events.last().unwrap().unwrap();
    assert_eq!(last.name, "message.end");
    assert_eq!(last.data["metadata"]["model"], "random-25m", "{}", last.data);
}

#[test]
fn switching_back_and_forth_costs_nobody_an_answer() {
    let server = two_models();
    let client = server.client();
    let done = AtomicBool::new(false);
    let talk = |name: &str| {
        let client = server.client();
        let session = client.create_session(name).unwrap();
        let mut heard = Vec::new();
        while !done.load(Ordering::Relaxed) || heard.is_empty() {
            let reply = client.say(&session, "Who are you? And who was it before?").unwrap();
            heard.push((reply["content"].clone(), reply["metadata"]["model"].clone()));
        }
        heard
    };
    let heard: Vec<(Value, Value)> = std::thread::scope(|scope| {
        let talks: Vec<_> =
            ["a", "b", "c"].map(|name| scope.spawn(move || talk(name))).into_iter().collect();
        {
            let _ends = EndsOnDrop(&done);
            for name in ["beta", "alpha"].iter().cycle().take(8) {
                assert_eq!(load(&client, name).0, 202);
                assert_eq!(settled(&client)["active_model"], *name);
            }
        }
        talks.into_iter().flat_map(|talk| talk.join().unwrap()).collect()
    });
    let known = [(json!("Alpha!"), json!("alpha")), (json!("Beta?"), json!("beta"))];
    for one in &heard {
        assert!(known.contains(one), "{one:?}");
    }
}

#[test]
fn how_it_answers_can_be_set_and_is_kept() {
    let mut server = server();
    let client = server.client();
    let path = "/api/v1/llm/config";
    let defaults = client.get(path).unwrap().expect(200).unwrap();
    assert_eq!(defaults["temperature"], 0.8);
    for (wrong, param) in [
        (json!({ "temperature": 3 }), json!("temperature")),
        (json!({ "temperature": 0.5, "top_k": "many" }), json!("top_k")),
        (json!({ "warmth": 1 }), Value::Null),
    ] {
        let refused = client.put(path, &wrong).unwrap();
        assert_eq!((refused.status, &refused.body["error"]["param"]), (400, &param));
    }
    assert_eq!(client.get(path).unwrap().expect(200).unwrap(), defaults);

    let set = json!({ "temperature": 0, "max_tokens": 3 });
    let set = client.put(path, &set).unwrap().expect(200).unwrap();
    assert_eq!((&set["temperature"], &set["max_tokens"]), (&json!(0.0), &json!(3)));
    assert_eq!(status(&client)["generation_config"]["max_new_tokens"], 3);
    let session = client.create_session("short").unwrap();
    let messages = format!("/api/v1/sessions/{session}/messages");
    let say = |client: &Client, more: Value| {
        let mut body = json!({ "role": "user", "content": "Tell me everything." });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let reply = client.post(&messages, &body).unwrap().expect(201).unwrap();
        reply["metadata"]["usage"]["completion_tokens"].as_u64().unwrap()
    };
    assert_eq!(say(&client, json!({})), 3);
    assert_eq!(say(&client, json!({ "max_tokens": 5 })), 5);

    assert!(server.terminate().unwrap().success());
    server.restart().unwrap();
    let client = server.client();
    assert_eq!(client.get(path).unwrap().expect(200).unwrap(), set);
    assert_eq!(say(&client, json!({})), 3);
    let back = client.put(path, &json!({ "max_tokens": null, "temperature": null })).unwrap();
    assert_eq!(back.expect(200).unwrap(), defaults);
    assert!(say(&client, json!({ "temperature": 0 })) > 3);
}

/// Runs `loci models` over this data folder, and returns whether it went well and what it said.
fn models(data: &Path, arguments: &[&str]) -> (bool, String) {
    let mut command = std::process::Command::new(loci_tests::server::binary());
    let output = command.arg("models").args(arguments).arg("--data").arg(data).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

#[test]
fn models_are_added_listed_and_removed_by_command() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let source = folder.path().join("source.gguf");
    let source_text = source.to_str().unwrap();
    TinyGguf { name: "Tiny Model".to_owned(), ..TinyGguf::says(&["hi"]) }.write(&source).unwrap();

    assert!(models(&data, &["add", source_text, "--name", "mine"]).0);
    assert!(models(&data, &["add", source_text, "--link"]).0);
    let (well, said) = models(&data, &["add", source_text, "--name", "mine"]);
    assert!(!well && said.contains("there is a model `mine.gguf` already"), "{said}");
    let (well, listed) = models(&data, &["list", "--json"]);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert!(well && listed[0]["name"] == "mine.gguf" && listed[1]["name"] == "source.gguf");
    assert_eq!((&listed[0]["title"], &listed[0]["kind"]), (&json!("Tiny Model"), &json!("chat")));
    let (_, told) = models(&data, &["info", "mine"]);
    assert!(told.contains("llama") && told.contains("16384 tokens") && told.contains(source_text));

    let (well, said) = models(&data, &["remove", "source"]);
    assert!(well && source.is_file(), "{said}");
    assert!(models(&data, &["remove", "mine.gguf"]).0);
    assert!(models(&data, &["list"]).1.contains("There is no model"));
    let left: Vec<_> = std::fs::read_dir(data.join("models")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn what_is_no_model_is_not_added() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let broken = folder.path().join("broken.gguf");
    std::fs::write(&broken, "GGUF and nothing else").unwrap();
    for (source, reason) in [
        (broken.to_str().unwrap(), "not a usable GGUF file"),
        ("nowhere.gguf", "there is no file `nowhere.gguf`"),
        ("hf:somebody/something", "`hf:OWNER/REPOSITORY/FILE.gguf`"),
        ("hf:somebody/some/thing.gguf", "the hub cannot be reached"),
    ] {
        let (well, said) = models(&data, &["add", source, "--hub", "http://127.0.0.1:1"]);
        assert!(!well && said.starts_with("error: ") && said.contains(reason), "{said}");
    }
    let (well, said) = models(&data, &["add", broken.to_str().unwrap(), "--name", "../x"]);
    assert!(!well && said.contains("cannot be the name of a model"), "{said}");
    assert!(models(&data, &["list"]).1.contains("There is no model"));
}
