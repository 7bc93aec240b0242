//! Memory finds what was said in this session, and nothing that was said in another.

use loci_tests::client::Client;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::support::server;

#[test]
fn a_deleted_memory_is_never_recalled_again() {
    let server = server();
    let client = server.client();
    let session = client.create_session("forget").unwrap();
    let fact = "My passport number is Q77-2210.";
    client.say(&session, fact).unwrap();
    for turn in 0..40 {
        client.say(&session, &format!("Filler {turn} about the harbour.")).unwrap();
    }
    let messages = client.wait_until_indexed(&session).unwrap();
    let id = &messages[0]["id"];

    let found = search(&client, &session, "passport number");
    assert!(found.iter().any(|memory| memory["message_id"] == *id), "{found:#?}");
    let path = format!("/api/v1/sessions/{session}/memories/{id}");
    client.delete(&path).unwrap().expect(204).unwrap();
    client.delete(&path).unwrap().expect(404).unwrap();
    let found = search(&client, &session, "passport number");
    assert!(!found.iter().any(|memory| memory["message_id"] == *id), "{found:#?}");

    let reply = client.say(&session, "What is my passport number?").unwrap();
    let prompt = client.prompt(&session, &reply).unwrap();
    assert!(!prompt.contains("Q77-2210"), "{prompt}");
}

#[test]
fn a_time_that_is_asked_about_finds_what_was_said_then() {
    let server = server();
    let client = server.client();
    let session = client.create_session("time").unwrap();
    let said = |day: usize, content: &str| {
        let (month, day) = (1 + day / 28, 1 + day % 28);
        let timestamp = format!("2023-{month:02}-{day:02}T10:00:00Z");
        json!({ "role": "user", "timestamp": timestamp, "content": content })
    };
    let mut messages: Vec<Value> =
        (0..120).map(|day| said(day, &format!("Note n{day}: all is well."))).collect();
    messages[61] = said(61, "The tide took the old jetty.");
    let path = format!("/api/v1/sessions/{session}/messages/import");
    client.post(&path, &json!({ "messages": messages })).unwrap().expect(201).unwrap();

    // The sixth of March. No word of the question, and nothing that it means, is in the message.
    let found = search(&client, &session, "What did I say on 6 March 2023?");
    let days: Vec<&str> = found.iter().filter_map(|one| one["timestamp"].as_str()).collect();
    assert!(found.iter().any(|one| one["content"] == messages[61]["content"]), "{days:?}");
    assert!(days[..3].iter().all(|day| day.starts_with("2023-03-0")), "{days:?}");
}

#[test]
fn words_are_found_alike_in_the_index_and_in_the_database() {
    let mut server = server();
    let client = server.client();
    let session = client.create_session("words").unwrap();
    let (colours, bridges) = (["red", "blue", "green"], ["old", "new", "iron", "stone"]);
    let note = |number: usize| {
        let (colour, bridge) = (colours[number % 3], bridges[number % 4]);
        format!("Note {number}: the {colour} boat passed the {bridge} bridge, boat by boat.")
    };
    let messages: Vec<Value> =
        (0..150).map(|number| json!({ "role": "user", "content": note(number) })).collect();
    let path = format!("/api/v1/sessions/{session}/messages/import");
    client.post(&path, &json!({ "messages": messages })).unwrap().expect(201).unwrap();
    // The first turn has the index learn what came in; the others tell it what they say.
    for number in 150..190 {
        client.say(&session, &note(number)).unwrap();
    }
    let messages = client.wait_until_indexed(&session).unwrap();
    let gone = &messages[7]["id"];
    let memory = format!("/api/v1/sessions/{session}/memories/{gone}");
    client.delete(&memory).unwrap().expect(204).unwrap();

    let path = format!("/api/v1/sessions/{session}/draft");
    let question = json!({ "content": "Which red boats passed the iron bridge in note 17?" });
    let told = |client: &Client| {
        let draft = client.post(&path, &question).unwrap().expect(200).unwrap();
        draft["memories"]["candidates"].as_array().unwrap().clone()
    };
    let first = told(&client);
    assert!(first.iter().any(|one| one["lexical"].as_f64().is_some_and(|score| score > 0.0)));
    assert!(first.iter().all(|one| one["message_id"] != *gone));
    for _ in 0..20 {
        assert_eq!(told(&client), first);
    }
    // An index that holds no words leaves them to the database.
    server.terminate().unwrap();
    server.restart().unwrap();
    assert_eq!(told(&server.client()), first);
}

#[test]
fn a_question_that_refers_back_is_searched_for_with_what_it_refers_to() {
    let server = server();
    let client = server.client();
    let session = client.create_session("follow-up").unwrap();
    client.say(&session, "Where does my sister Oriane keep her violin?").unwrap();
    let path = format!("/api/v1/sessions/{session}/draft");
    let searched = |content: &str| {
        let draft = client.post(&path, &json!({ "content": content })).unwrap();
        draft.expect(200).unwrap()["searched"].as_str().map(str::to_owned).unwrap()
    };
    let both = "Where does my sister Oriane keep her violin?\nAnd her trumpet?";
    assert_eq!(searched("And her trumpet?"), both);
    assert_eq!(searched("Which boats lie in the harbour?"), "Which boats lie in the harbour?");
}

pub fn search(client: &Client, session: &str, query: &str) -> Vec<Value> {
    let path = format!("/api/v1/sessions/{session}/memories");
    let request = client.request(reqwest::Method::GET, &path).query(&[("query", query)]);
    let body = Client::answer(request).unwrap().expect(200).unwrap();
    body.as_array().expect("a list of memories").clone()
}

/// One step of a random history.
#[derive(Debug, Clone)]
enum Step {
    /// A session is told its secret once more.
    Tell(usize),
    /// A session is asked for its secret, in the same words as every other.
    Ask(usize),
    /// A session's memory is switched.
    Switch(usize, bool),
    /// A session is deleted, and a new one takes its place.
    Replace(usize),
}

const SESSIONS: usize = 6;

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..SESSIONS).prop_map(Step::Tell),
        4 => (0..SESSIONS).prop_map(Step::Ask),
        1 => ((0..SESSIONS), any::<bool>()).prop_map(|(at, on)| Step::Switch(at, on)),
        1 => (0..SESSIONS).prop_map(Step::Replace),
    ]
}

/// A session, and the canary that only it was told.
struct Told {
    id: String,
    canary: String,
}

impl Told {
    fn new(client: &Client, made: &mut u32) -> Self {
        *made += 1;
        let id = client.create_session(&format!("canary {made}")).unwrap();
        Self { id, canary: format!("canary-{made:04}-{}", made.wrapping_mul(2_654_435_761)) }
    }
}

#[test]
fn no_session_ever_sees_what_another_was_told() {
    let server = server();
    let client = server.client();
    let mut runner = TestRunner::new(Config { cases: 8, ..Config::default() });
    let made = std::cell::Cell::new(0);
    runner
        .run(&prop::collection::vec(step(), 1..40), |steps| {
            let mut count = made.get();
            let mut sessions: Vec<Told> =
                (0..SESSIONS).map(|_| Told::new(&client, &mut count)).collect();
            for step in steps {
                walk(&client, &mut sessions, &mut count, &step)?;
            }
            made.set(count);
            Ok(())
        })
        .unwrap();
}

fn walk(
    client: &Client,
    sessions: &mut [Told],
    made: &mut u32,
    step: &Step,
) -> Result<(), TestCaseError> {
    let (at, text) = match step {
        Step::Tell(at) => (*at, format!("The vault's code word is {}.", sessions[*at].canary)),
        Step::Ask(at) => (*at, "What is the vault's code word?".to_owned()),
        Step::Switch(at, enabled) => {
            client.set_memory(&sessions[*at].id, *enabled).unwrap();
            return Ok(());
        }
        Step::Replace(at) => {
            let path = format!("/api/v1/sessions/{}", sessions[*at].id);
            client.delete(&path).unwrap().expect(204).unwrap();
            sessions[*at] = Told::new(client, made);
            return Ok(());
        }
    };
    let reply = client.say(&sessions[at].id, &text).unwrap();
    let prompt = client.prompt(&sessions[at].id, &reply).unwrap();
    let rest = prompt.replace(&sessions[at].canary, "");
    prop_assert!(!rest.contains("canary-"), "another session's canary in the prompt:\n{prompt}");
    Ok(())
}
