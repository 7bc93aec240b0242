//! The two test plans of the design that Loci implements: long-term memory, and its toggle.

use loci_tests::client::Client;
use serde_json::Value;

use crate::support::server;

/// Headed notes, as the default assembly writes them.
const MEMORY_HEADING: &str = "Notes from earlier in this conversation:";

fn recalled(reply: &Value) -> Vec<u64> {
    let ids = reply["metadata"]["relevant_history_retrieved"].as_array();
    ids.expect("the seed's metadata key").iter().map(|id| id.as_u64().expect("an id")).collect()
}

/// Enough short turns to push what was said before them out of the window of recent history.
fn talk_about_nothing(client: &Client, session: &str, turns: usize) {
    for turn in 0..turns {
        let text = format!("Filler number {turn}: the weather on day {turn} was grey and mild.");
        client.say(session, &text).expect("a filler turn");
    }
}

#[test]
fn long_term_memory_as_in_the_test_plan() {
    // 1 and 2: a server with a model.
    let mut server = server();
    let client = server.client();
    let status = client.get("/api/v1/llm/status").unwrap().expect(200).unwrap();
    assert_eq!(status["status"], "ready", "{status}");

    // 3 and 4: a session with several turns.
    let session = client.create_session("plan").unwrap();
    let fact = "My sister Oriane keeps her violin in the blue cupboard.";
    let first = client.say(&session, fact).unwrap();
    for key in
        ["prompt_preview", "rag_chunks_retrieved", "relevant_history_retrieved", "llm_call_error"]
    {
        assert!(first["metadata"].get(key).is_some(), "no `{key}` in {}", first["metadata"]);
    }
    talk_about_nothing(&client, &session, 40);

    // 5: every turn is indexed in the background.
    let messages = client.wait_until_indexed(&session).unwrap();
    let fact_id = messages[0]["id"].as_u64().unwrap();
    assert_eq!(messages[0]["content"], fact);

    // 6: what is remembered belongs to this session, each message once.
    let path = format!("/api/v1/sessions/{session}/memories?limit=1000");
    let memories = client.get(&path).unwrap().expect(200).unwrap();
    let mut ids: Vec<u64> = memories
        .as_array()
        .expect("a list of memories")
        .iter()
        .map(|memory| memory["message_id"].as_u64().expect("a message id"))
        .collect();
    ids.sort_unstable();
    let mut expected: Vec<u64> = messages.iter().filter_map(|m| m["id"].as_u64()).collect();
    expected.retain(|id| {
        messages.iter().any(|m| m["id"].as_u64() == Some(*id) && m["is_embedded"] == true)
    });
    expected.sort_unstable();
    assert_eq!(ids, expected);

    // 7: a later turn finds it and has it in its prompt.
    let question = "Where does my sister keep her violin?";
    let reply = client.say(&session, question).unwrap();
    assert!(recalled(&reply).contains(&fact_id), "{}", reply["metadata"]);
    let prompt = client.prompt(&session, &reply).unwrap();
    assert!(prompt.contains(MEMORY_HEADING), "{prompt}");
    assert!(prompt.contains(fact), "{prompt}");

    // 8: the session is loaded again, by another process, after another session began.
    server.terminate().unwrap();
    server.restart().unwrap();
    let client = server.client();
    client.create_session("another").unwrap();
    let reply = client.say(&session, question).unwrap();
    assert!(recalled(&reply).contains(&fact_id), "{}", reply["metadata"]);
}

#[test]
fn toggle_as_in_the_test_plan() {
    // 1: on by default.
    let server = server();
    let client = server.client();
    let session = client.create_session("toggle").unwrap();
    let path = format!("/api/v1/sessions/{session}");
    let shown = client.get(&path).unwrap().expect(200).unwrap();
    assert_eq!(shown["long_term_memory_enabled"], true);

    let fact = "The spare key hangs behind the copper kettle.";
    client.say(&session, fact).unwrap();
    talk_about_nothing(&client, &session, 40);
    let messages = client.wait_until_indexed(&session).unwrap();
    let fact_id = messages[0]["id"].as_u64().unwrap();

    // 3: off.
    let shown = client.set_memory(&session, false).unwrap();
    assert_eq!(shown["long_term_memory_enabled"], false);

    // 4: a turn with memory off recalls nothing, and nothing recalled is in its prompt.
    let question = "Where does the spare key hang?";
    let reply = client.say(&session, question).unwrap();
    assert_eq!(recalled(&reply), Vec::<u64>::new());
    let prompt = client.prompt(&session, &reply).unwrap();
    assert!(!prompt.contains(MEMORY_HEADING), "{prompt}");
    assert!(!prompt.contains("copper kettle"), "{prompt}");

    // 5: on again.
    let shown = client.set_memory(&session, true).unwrap();
    assert_eq!(shown["long_term_memory_enabled"], true);
    let again = client.set_memory(&session, true).unwrap();
    assert_eq!(again, shown, "switching on what is on changes nothing");

    // 6: and it is found again.
    let reply = client.say(&session, question).unwrap();
    assert!(recalled(&reply).contains(&fact_id), "{}", reply["metadata"]);
    assert!(client.prompt(&session, &reply).unwrap().contains(fact));
}
