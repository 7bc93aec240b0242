//! What of a prompt the engine has evaluated before, in conversations that are longer than the
//! context of the model.

use loci_tests::client::Client;
use loci_tests::server::Server;
use loci_tests::tiny_gguf::TinyGguf;
use serde_json::Value;

/// The context of the model, in tokens, which are bytes here.
const CONTEXT: u32 = 4_096;
/// Turns that are not looked at: until then what was said fits.
const TURNS_EARLY: usize = 20;
/// All turns.
const TURNS: usize = 60;

/// What one turn cost, in tokens.
struct Cost {
    prompt: u64,
    cached: u64,
    history: u64,
}

/// Messages of 120 to 240 bytes; every sixth is about the same matter, so that there is something
/// to recall.
fn message(turn: usize) -> String {
    let matter = ["violin", "harbour", "kettle", "orchard", "ledger", "lantern"][turn % 6];
    let padding =
        "It was a long and grey day, and nobody said much about it. ".repeat(turn % 3 + 1);
    format!("On day {turn} somebody asked me about the {matter}. {padding}What of it?")
}

/// Talks in a session, and returns what the late turns cost.
fn talk(client: &Client, memory: bool) -> Vec<Cost> {
    let session = client.create_session("long").unwrap();
    client.set_memory(&session, memory).unwrap();
    let cost = |turn: usize| {
        let reply = client.say(&session, &message(turn)).unwrap();
        let receipt = client.receipt(&session, &reply).unwrap();
        let number = |value: &Value| value.as_u64().unwrap_or_else(|| panic!("{receipt}"));
        let cut = receipt["passages"].as_array().expect("passages").iter();
        let cut: Vec<&Value> = cut.filter(|passage| passage["kind"] == "history").collect();
        assert!(cut.is_empty(), "turn {turn}: {cut:?}");
        Cost {
            prompt: number(&receipt["usage"]["prompt_tokens"]),
            cached: number(&receipt["usage"]["cached_tokens"]),
            history: number(&receipt["history"]["tokens"]),
        }
    };
    (0..TURNS).map(cost).skip(TURNS_EARLY).collect()
}

#[test]
fn a_conversation_longer_than_the_context_keeps_its_prefix() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("model.gguf");
    let model = TinyGguf { context: CONTEXT, ..TinyGguf::says(&["All", " is", " well", "."]) };
    model.write(&path).expect("the model can be written");
    let server = Server::start(&["--model", path.to_str().expect("UTF-8")]).unwrap();
    let client = server.client();
    for memory in [true, false] {
        let costs = talk(&client, memory);
        // A turn in which the window moved finds less than half of its history evaluated.
        let moved = costs.iter().filter(|cost| 2 * cost.cached < cost.history).count();
        let told: Vec<String> = costs
            .iter()
            .map(|cost| format!("{}/{}/{}", cost.cached, cost.history, cost.prompt))
            .collect();
        let told = format!("memory {memory}, cached/history/prompt: {}", told.join(" "));
        assert!(4 * moved <= costs.len(), "the window moved in {moved} turns: {told}");
        // And there is a history: it is not that nothing is ever shown.
        let least = costs.iter().map(|cost| cost.history).min().expect("late turns");
        assert!(least * 8 >= u64::from(CONTEXT), "{least} tokens of history: {told}");
        println!("{told}");
    }
}
