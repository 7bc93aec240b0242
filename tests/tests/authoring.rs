//! Writing a policy, as the documentation says: its commands are run as they stand there.

use std::path::{Path, PathBuf};
use std::process::Command;

use loci_tests::server::{Server, binary, repository};

use crate::support::{server, tiny_model};

/// The commands of a page, block by block.
fn commands_in(page: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(page).expect("the page is there");
    let blocks = text.split("```sh\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap_or_default().to_owned()).collect()
}

/// Runs commands in a folder, with `loci` and its server at hand.
fn run(folder: &Path, server: &Server, script: &str) {
    let programs = binary().parent().expect("a folder of programs").to_owned();
    let cargo = PathBuf::from(env!("CARGO"));
    let paths = [programs, cargo.parent().expect("a folder of programs").to_owned()];
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(paths.into_iter().chain(std::env::split_paths(&inherited)));
    let output = Command::new("bash")
        .args(["-euc", script])
        .current_dir(folder)
        .env("PATH", path.expect("paths"))
        .env("LOCI_SERVER", server.address())
        // What was downloaded to build Loci is enough, and what is compiled here is kept.
        .env("CARGO_NET_OFFLINE", "true")
        .env("CARGO_BUILD_BUILD_DIR", repository().join("target/programs/authoring"))
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .output()
        .expect("`bash` can be started");
    let told = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&told));
}

#[test]
fn ten_minutes_of_the_documentation_make_a_policy() {
    let server = server();
    let client = server.client();
    let folder = tempfile::tempdir().unwrap();
    let all = commands_in(&repository().join("wit/policy/README.md"));
    let (way_back, way_there) = all.split_last().expect("commands");
    run(folder.path(), &server, &way_there.concat());

    // It lays out every prompt, in its own words.
    let session = client.create_session("tea").unwrap();
    client.say(&session, "The best tea grows on the slopes of Mount Wilis.").unwrap();
    for turn in 0..24 {
        client.say(&session, &format!("Filler number {turn}: it rained all day.")).unwrap();
    }
    client.wait_until_indexed(&session).unwrap();
    let ask = || {
        let reply = client.say(&session, "Where does the best tea grow?").unwrap();
        assert_eq!(reply["metadata"]["degraded"], serde_json::json!([]), "{reply}");
        let policy = client.receipt(&session, &reply).unwrap()["policies"]["assembly"].clone();
        (policy["name"].as_str().unwrap().to_owned(), client.prompt(&session, &reply).unwrap())
    };
    let (name, prompt) = ask();
    assert_eq!(name, "tea-notes");
    assert!(prompt.contains("What I know of tea:\n- The best tea grows"), "{prompt}");

    run(folder.path(), &server, way_back);
    assert_eq!(ask().0, "prompt-assembly");
}

/// Makes a project in this language, and does what its own page says: install, build, check, put in
/// use. Then the policy lays out a prompt.
fn other_language(language: &str) {
    let server = Server::start(&["--model", tiny_model(), "--policy-size", "large"]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &server, &format!("loci policy new tea-notes --lang {language}"));
    let project = folder.path().join("tea-notes");
    run(&project, &server, &commands_in(&project.join("README.md")).concat());

    let client = server.client();
    let session = client.create_session("tea").unwrap();
    for message in ["Where does the best tea grow?", "And the second best?"] {
        let reply = client.say(&session, message).unwrap();
        assert_eq!(reply["metadata"]["degraded"], serde_json::json!([]), "{reply}");
        let receipt = client.receipt(&session, &reply).unwrap();
        assert_eq!(receipt["policies"]["assembly"]["name"], "tea-notes", "{receipt}");
        assert!(client.prompt(&session, &reply).unwrap().contains(message));
    }
}

#[test]
fn a_policy_in_javascript_is_taken() {
    other_language("js");
}

#[test]
fn a_policy_in_python_is_taken() {
    other_language("python");
}
