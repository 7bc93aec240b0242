//! The engine from outside: what a client sees of it when all goes well, and when it does not.

use loci_tests::server::Server;
use loci_tests::tiny_gguf::TinyGguf;
use serde_json::Value;

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
