//! The engine from outside: what a client sees of it when all goes well, and when it does not.

use loci_tests::server::Server;
use loci_tests::tiny_gguf::TinyGguf;
use serde_json::{Value, json};

/// Writes a model into a folder of its own.
fn written(model: &TinyGguf) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("model.gguf");
    model.write(&path).expect("the model can be written");
    let path = path.to_str().expect("a temporary path is UTF-8").to_owned();
    (folder, path)
}

fn status(server: &Server) -> Value {
    server.client().get("/api/v1/llm/status").unwrap().expect(200).unwrap()
}

#[test]
fn a_model_that_would_end_the_process_is_refused_and_the_server_goes_on() {
    // llama.cpp takes it for granted that no token occurs twice, and ends its process if one does.
    let mut twice = TinyGguf::chat();
    twice.vocabulary.add_user_defined("a");
    let (_folder, path) = written(&twice);
    let server = Server::start(&["--model", &path]).unwrap();
    let told = status(&server);
    assert_eq!(told["status"], "error", "{told}");
    let reason = told["error"].as_str().unwrap();
    assert!(reason.contains(&path) && reason.contains("GGML_ASSERT"), "{reason}");

    let client = server.client();
    let session = client.create_session("without a model").unwrap();
    let answer = client.post_message(&session, "Is anybody there?").unwrap();
    assert_eq!((answer.status, &answer.body["error"]["code"]), (503, &"model_load_failed".into()));
    assert_eq!(client.health().unwrap(), 200);
}

#[test]
fn each_kind_of_model_is_refused_in_the_place_of_the_other() {
    let (_chats, chat) = written(&TinyGguf::chat());
    let (_embeds, embedding) = written(&TinyGguf::embedding());
    let server = Server::start(&["--model", &embedding, "--embedding-model", &chat]).unwrap();
    let told = status(&server);
    assert!(told["error"].as_str().unwrap().contains("is an embedding model"), "{told}");
    assert_eq!(told["embedding_model"]["status"], "error", "{told}");
    assert!(server.log().contains("is not an embedding model"), "{}", server.log());
}

#[test]
fn without_a_model_that_embeds_there_are_answers_all_the_same() {
    let (_chats, chat) = written(&TinyGguf::says(&["All", " is", " well", "."]));
    let server = Server::start(&["--model", &chat, "--embedding-model", &chat]).unwrap();
    let client = server.client();
    let session = client.create_session("no embeddings").unwrap();
    for _ in 0..2 {
        assert_eq!(client.say(&session, "How are you?").unwrap()["content"], "All is well.");
    }
}

#[test]
fn a_file_that_is_overwritten_while_its_model_serves_does_no_harm() {
    let (_folder, path) = written(&TinyGguf::says(&["All", " is", " well", "."]));
    let server = Server::start(&["--model", &path]).unwrap();
    std::fs::File::create(&path).expect("it can be emptied");
    let client = server.client();
    let session = client.create_session("undisturbed").unwrap();
    assert_eq!(client.say(&session, "How are you?").unwrap()["content"], "All is well.");
}

#[test]
fn a_reply_has_the_format_that_was_asked_for() {
    let server = crate::support::server();
    let client = server.client();
    let session = client.create_session("formats").unwrap();
    let path = format!("/api/v1/sessions/{session}/messages");
    let post = |format: Value| {
        let body = json!({
            "role": "user", "content": "Who is it?", "max_tokens": 300, "response_format": format,
        });
        client.post(&path, &body).unwrap()
    };
    let schema = json!({
        "type": "object",
        "properties": { "age": { "type": "integer", "minimum": 0, "maximum": 99 } },
        "required": ["age"],
        "additionalProperties": false,
    });
    let format = json!({ "type": "json_schema", "json_schema": { "schema": schema } });
    let reply = post(format).expect(201).unwrap();
    let content = reply["content"].as_str().unwrap();
    let value: Value = serde_json::from_str(content).expect(content);
    assert!(value["age"].as_u64().unwrap() <= 99, "{content}");

    let reply = post(json!({ "type": "grammar", "grammar": "start: \"yes\" | \"no\"" }));
    let content = reply.expect(201).unwrap()["content"].clone();
    assert!(content == "yes" || content == "no", "{content}");

    for wrong in [json!({ "type": "xml" }), json!({ "type": "grammar", "grammar": "start: <<<" })] {
        let answer = post(wrong);
        assert_eq!(answer.status, 400, "{}", answer.body);
        assert_eq!(answer.body["error"]["param"], "response_format");
    }
}
