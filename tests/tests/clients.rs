//! Clients of OpenAI's and Ollama's interfaces and of the Model Context Protocol that nobody here
//! wrote. What they do stands in `tests/clients`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use loci_tests::server::{Server, repository};
use serde_json::json;

use crate::support::server;

/// The folder that the clients are installed in, once.
fn installed() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let status = Command::new("python3").arg(scripts().join("install.py")).status();
        let status = status.expect("`python3` can be started; `cargo xtask test` installs it");
        assert!(status.success(), "the clients could not be installed ({status})");
        let target = std::env::var_os("CARGO_TARGET_DIR");
        target.map_or_else(|| repository().join("target"), PathBuf::from).join("clients")
    })
}

fn scripts() -> PathBuf {
    repository().join("tests/clients")
}

/// Runs a script with what its kind is run by, and returns the session that it may use.
fn drive(server: &Server, script: &str) -> String {
    let session = server.client().create_session(script).expect("a session");
    let path = scripts().join(script);
    let mut command = match path.extension().and_then(|ending| ending.to_str()) {
        Some("py") => {
            let mut python = Command::new(installed().join("python/bin/python"));
            python.arg(&path);
            python
        }
        Some("mjs") => {
            // From its standard input it finds packages in the folder that it runs in.
            let mut node = Command::new("node");
            node.args(["--input-type=module", "-"]).current_dir(installed());
            node.stdin(File::open(&path).expect("the script is there"));
            node
        }
        _ => {
            let mut shell = Command::new("sh");
            shell.arg(&path).stdin(Stdio::null());
            shell
        }
    };
    command.env("LOCI_URL", server.address()).env("LOCI_SESSION", &session);
    let output = command.output().expect("it can be started");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "`{script}` failed ({}):\n{told}", output.status);
    session
}

/// What the user said in a session.
fn said(server: &Server, session: &str) -> Vec<String> {
    let messages = server.client().messages(session).expect("the session is there");
    let users = messages.iter().filter(|message| message["role"] == "user");
    users.filter_map(|message| message["content"].as_str().map(str::to_owned)).collect()
}

#[test]
fn the_official_python_library_works() {
    let server = server();
    let session = drive(&server, "openai_python.py");
    let expected = ["From Python: the violin is in the blue cupboard.", "From Python, in chunks."];
    assert_eq!(said(&server, &session), expected);
    // What named no session is nowhere.
    let sessions = server.client().get("/api/v1/sessions").unwrap().expect(200).unwrap();
    assert_eq!(sessions.as_array().map(Vec::len), Some(1), "{sessions:#}");
    // And what did is memory.
    let client = server.client();
    client.wait_until_indexed(&session).unwrap();
    let path = format!("/api/v1/sessions/{session}/memories?query=violin");
    let found = client.get(&path).unwrap().expect(200).unwrap();
    assert!(found.to_string().contains("blue cupboard"), "{found:#}");
}

#[test]
fn langchain_works() {
    let server = server();
    let session = drive(&server, "langchain_chat.py");
    assert_eq!(said(&server, &session), ["From LangChain."]);
}

#[test]
fn the_official_javascript_library_works() {
    let server = server();
    let session = drive(&server, "openai_js.mjs");
    assert_eq!(said(&server, &session), ["From JavaScript."]);
}

#[test]
fn the_ai_sdk_works() {
    let server = server();
    let session = drive(&server, "ai_sdk.mjs");
    assert_eq!(said(&server, &session), ["From the AI SDK."]);
}

#[test]
fn the_official_mcp_client_works() {
    let server = server();
    let session = drive(&server, "mcp_client.py");
    assert_eq!(said(&server, &session), ["From MCP.", "From MCP."]);
}

#[test]
fn the_official_mcp_client_for_javascript_works() {
    let server = server();
    let session = drive(&server, "mcp_js.mjs");
    let expected = ["The violin is in the blue cupboard.", "From MCP in JavaScript."];
    assert_eq!(said(&server, &session), expected);
}

#[test]
fn the_official_ollama_client_works() {
    let server = server();
    let session = drive(&server, "ollama_python.py");
    assert_eq!(said(&server, &session), ["From Ollama."]);
}

#[test]
fn everything_is_answered_as_it_is_described() {
    drive(&server(), "openapi/check.py");
}

#[test]
fn curl_works() {
    drive(&server(), "curl.sh");
}

#[test]
fn a_turn_in_the_manner_of_openai_is_a_turn_like_any() {
    let server = server();
    let client = server.client();
    let session = client.create_session("both").unwrap();
    client.say(&session, "My sister Oriane keeps her violin in the blue cupboard.").unwrap();
    let body = json!({
        "messages": [
            { "role": "system", "content": "You are a pirate." },
            { "role": "user", "content": "What the session never heard" },
            { "role": "assistant", "content": "Nor this" },
            { "role": "user", "content": "Where is the violin?" },
        ],
        "metadata": { "session_id": session },
        "max_tokens": 8,
    });
    let answer = client.post("/v1/chat/completions", &body).unwrap().expect(200).unwrap();
    let message = json!({ "id": answer["loci"]["message_id"] });
    let prompt = client.prompt(&session, &message).unwrap();
    assert!(prompt.contains("You are a pirate."), "{prompt}");
    assert!(prompt.contains("blue cupboard"), "the session's own history: {prompt}");
    assert!(!prompt.contains("never heard"), "{prompt}");
    let usage = &client.receipt(&session, &message).unwrap()["usage"];
    assert_eq!(answer["usage"]["total_tokens"], usage["total_tokens"]);
}
