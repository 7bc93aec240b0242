//! Models on other servers: what a turn is over them, and what it is when they are gone.

use std::time::Duration;

use loci_tests::client::Client;
use loci_tests::server::Server;
use loci_tests::stand_in::{Answer, End, MODEL, Request, StandIn};
use serde_json::{Value, json};

const KEY: &str = "sk-a-key-that-nobody-may-see";
const HALF: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"Well, \"}}]}\n\n";

/// A model that reads: it answers from its prompt alone.
fn reader(request: &Request) -> Answer {
    if request.line.ends_with("/embeddings") {
        return Answer::embeddings(request, 64);
    }
    let conversation = request.conversation();
    let last = conversation.lines().last().unwrap_or_default();
    Answer::says(match (last.contains("Where is"), conversation.contains("blue cupboard")) {
        (false, _) => "I see.",
        (true, true) => "In the blue cupboard.",
        (true, false) => "I do not know.",
    })
}

fn start(server: &StandIn, more: &[&str]) -> Server {
    let url = server.url();
    let mut arguments = vec!["--model-url", &url, "--model-name", MODEL];
    arguments.extend(more);
    Server::start_with(&arguments, &[("LOCI_MODEL_KEY", KEY)]).expect("the server starts")
}

fn status(client: &Client) -> Value {
    client.get("/api/v1/llm/status").unwrap().expect(200).unwrap()
}

fn wait_until(what: &str, done: impl Fn() -> bool) {
    for _ in 0..3_000 {
        if done() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{what} did not happen within 30 s");
}

#[test]
fn a_turn_over_other_servers_remembers_a_fact() {
    let model = StandIn::start(reader).unwrap();
    let url = model.url();
    let embedding = ["--embedding-url", &url, "--embedding-name", MODEL];
    let all = [&embedding[..], &["--context-tokens", "512"]].concat();
    let server = start(&model, &all);
    let client = server.client();
    let status = status(&client);
    assert_eq!((&status["status"], &status["backend_type"]), (&json!("ready"), &json!("openai")));
    assert_eq!((&status["context_tokens"], &status["exact_counts"]), (&json!(512), &json!(false)));
    wait_until("the embedding model", || {
        self::status(&client)["embedding_model"]["dimensions"] == 64
    });

    let session = client.create_session("remembers").unwrap();
    let fact = "My sister Oriane keeps her violin in the blue cupboard.";
    client.say(&session, fact).unwrap();
    for turn in 0..14 {
        let filler = format!("Turn {turn}: the weather in the harbour was fine and the sea calm.");
        client.say(&session, &filler).unwrap();
    }
    client.wait_until_indexed(&session).unwrap();
    client.set_memory(&session, false).unwrap();
    let reply = client.say(&session, "Where is the violin?").unwrap();
    assert_eq!(reply["content"], "I do not know.", "{reply:#}");
    client.set_memory(&session, true).unwrap();
    let reply = client.say(&session, "Where is the violin?").unwrap();
    assert_eq!(reply["content"], "In the blue cupboard.", "{reply:#}");
    let usage = &client.receipt(&session, &reply).unwrap()["usage"];
    assert_eq!(usage["cached_tokens"], 60, "the server's own count: {usage}");

    let asked = model.requests();
    let chat = asked.iter().find(|it| it.line.ends_with("/chat/completions")).unwrap();
    assert_eq!(chat.headers["authorization"], format!("Bearer {KEY}"));
    let embedded = asked.iter().find(|it| it.line.ends_with("/embeddings")).unwrap();
    assert!(!embedded.headers.contains_key("authorization"), "each server has a key of its own");
    assert!(!server.log().contains(KEY));
}

/// Embeds what does not speak of thistles: that it refuses.
fn picky(request: &Request) -> Answer {
    match request.line.ends_with("/embeddings") && request.json().to_string().contains("thistle") {
        true => Answer::json(400, &json!({ "error": { "message": "no thistles" } })),
        false => reader(request),
    }
}

#[test]
fn what_is_refused_holds_up_nothing_else() {
    let model = StandIn::start(picky).unwrap();
    let url = model.url();
    let server = start(&model, &["--embedding-url", &url, "--embedding-name", MODEL]);
    let client = server.client();
    wait_until("the embedding model", || status(&client)["embedding_model"]["dimensions"] == 64);
    let session = client.create_session("botany").unwrap();
    client.say(&session, "A thistle grows behind the harbour.").unwrap();
    client.say(&session, "The sea is calm.").unwrap();
    // Both can be recalled: one by its words alone.
    client.wait_until_indexed(&session).unwrap();
    let found = client.get(&format!("/api/v1/sessions/{session}/memories?query=thistle")).unwrap();
    let found = found.expect(200).unwrap();
    assert_eq!(found[0]["content"], "A thistle grows behind the harbour.", "{found:#}");
}

#[test]
fn a_document_waits_for_a_server_that_refuses_everything_for_a_while() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    let refuses = Arc::new(AtomicBool::new(false));
    let also = refuses.clone();
    let model = StandIn::start(move |request| {
        match also.load(Ordering::SeqCst) && request.line.ends_with("/embeddings") {
            true => Answer::json(401, &json!({ "error": { "message": "the key has expired" } })),
            false => reader(request),
        }
    });
    let model = model.unwrap();
    let url = model.url();
    let server = start(&model, &["--embedding-url", &url, "--embedding-name", MODEL]);
    let client = server.client();
    wait_until("the embedding model", || status(&client)["embedding_model"]["dimensions"] == 64);
    refuses.store(true, Ordering::SeqCst);
    let asked = model.requests().len();
    let text = b"Thistles grow behind the harbour.".to_vec();
    let document = crate::documents::upload(&client, &[("plants.txt", text)]).remove(0);
    wait_until("an attempt to embed it", || model.requests().len() > asked);
    refuses.store(false, Ordering::SeqCst);
    let ready = crate::documents::wait(&client, document["id"].as_str().unwrap());
    assert_eq!(ready["status"], "ready", "{ready:#}");
    assert_eq!(
        (&ready["progress"]["indexed"], &ready["progress"]["failed"]),
        (&json!(1), &json!(0))
    );
}

#[test]
fn a_server_that_is_away_is_waited_for() {
    let model = StandIn::start(reader).unwrap();
    let (url, address) = (model.url(), model.address().to_owned());
    drop(model);
    let arguments = ["--model-url", &url, "--model-name", MODEL, "--embedding-url", &url];
    let server = Server::start(&[&arguments[..], &["--embedding-name", MODEL]].concat()).unwrap();
    let client = server.client();
    assert_eq!(client.health().unwrap(), 200);
    let away = status(&client);
    assert_eq!(away["status"], "error", "{away:#}");
    assert!(away["error"].as_str().unwrap().contains(&address), "{away:#}");
    let session = client.create_session("patient").unwrap();
    let refused = client.post_message(&session, "Anybody there?").unwrap();
    assert_eq!(refused.status, 503, "{}", refused.body);

    let back = |request: &Request| {
        if request.line.starts_with("GET") { Answer::models() } else { reader(request) }
    };
    let _back = StandIn::start_at(&address, back, true).unwrap();
    wait_until("the server's return", || status(&client)["status"] == "ready");
    assert_eq!(client.say(&session, "And now?").unwrap()["content"], "I see.");
    wait_until("the new turn's indexing", || {
        client.messages(&session).unwrap().last().is_some_and(|last| last["is_embedded"] == true)
    });
}

#[test]
fn whatever_a_server_does_the_next_turn_is_answered() {
    let model = StandIn::start(|request| {
        let conversation = request.conversation();
        let html = "<html><title>Bad gateway</title></html>";
        let error = json!({ "error": { "message": format!("no: {KEY}") } });
        match conversation.lines().last().unwrap_or_default() {
            "hang" => Answer::hanging(),
            "hang in the middle" => Answer::events(HALF).ending(End::Hang),
            "die in the middle" => Answer::events(HALF).ending(End::BreakOff),
            "nonsense" => Answer::events("data: nonsense\n\n"),
            "page" => Answer::new(200, "text/html", html),
            "gateway" => Answer::new(502, "text/html", html),
            "key" => Answer::json(401, &error),
            "busy" => Answer::json(429, &error).with_header("retry-after", "77"),
            _ => Answer::says("Fine."),
        }
    });
    let model = model.unwrap();
    let server = start(&model, &["--model-silence", "1"]);
    let client = server.client();
    let session = client.create_session("trouble").unwrap();
    for (fault, expected, code) in [
        ("hang", 504, "model_timed_out"),
        ("hang in the middle", 504, "model_timed_out"),
        ("die in the middle", 502, "model_unreachable"),
        ("nonsense", 500, "model_failed"),
        ("page", 500, "model_failed"),
        ("gateway", 502, "model_refused"),
        ("key", 502, "model_refused"),
        ("busy", 429, "model_busy"),
    ] {
        let answer = client.post_message(&session, fault).unwrap();
        assert_eq!((answer.status, &answer.body["error"]["code"]), (expected, &json!(code)));
        assert!(!answer.body.to_string().contains(KEY), "{}", answer.body);
        assert_eq!(client.say(&session, "How are you?").unwrap()["content"], "Fine.", "{fault}");
    }
    assert!(!server.log().contains(KEY), "{}", server.log());
}

#[test]
fn a_server_that_repeats_what_was_said_does_not_bring_it_into_the_log() {
    const SECRET: &str = "quibberfinch";
    let model = StandIn::start(|request| {
        let said = request.conversation();
        let last = said.lines().last().unwrap_or_default();
        let error = json!({ "detail": [{ "type": "invalid", "input": said, "code": last }] });
        let event = json!({ "error": { "message": said, "code": last } });
        match last.split(' ').next().unwrap_or_default() {
            "refused" => Answer::json(422, &error),
            "named" => Answer::json(400, &json!({ "error": { "message": said, "code": "odd" } })),
            "trouble" => Answer::json(500, &error),
            "other" => Answer::new(200, "text/plain", said),
            "nonsense" => Answer::events(&format!("data: {last}\n\n")),
            "odd" => Answer::events(&format!("data: {{\"choices\":\"{last}\"}}\n\n")),
            _ => Answer::events(&format!("data: {event}\n\n")),
        }
    });
    let model = model.unwrap();
    let arguments = ["--model-url", &model.url(), "--model-name", MODEL];
    let server = Server::start_with(&arguments, &[("RUST_LOG", "debug")]).unwrap();
    let client = server.client();
    let session = client.create_session("echo").unwrap();
    for how in ["refused", "named", "trouble", "other", "nonsense", "odd", "fails"] {
        let answer = client.post_message(&session, &format!("{how} {SECRET}")).unwrap();
        assert!(answer.status >= 400, "{how}: {answer:?}");
    }
    let log = server.log();
    assert!(log.contains("status 422") && log.contains("`odd`"), "{log}");
    assert!(!log.contains(SECRET), "{log}");
}

#[test]
fn cancelling_a_turn_closes_the_connection_to_the_server() {
    let model = StandIn::start(|request| {
        let silent = request.conversation().ends_with("Say nothing");
        if silent { Answer::hanging() } else { Answer::events(HALF).ending(End::Hang) }
    });
    let model = model.unwrap();
    let server = start(&model, &[]);
    let client = server.client();
    let session = client.create_session("stop").unwrap();
    for (hang_ups, content) in [(1, "Go on for ever"), (2, "Say nothing")] {
        let events = client.stream(&session, &json!({ "role": "user", "content": content }));
        let mut events = events.unwrap();
        let first = events.next().unwrap().unwrap();
        assert_eq!(first.name, "message.start");
        client.post(&format!("/api/v1/sessions/{session}/cancel"), &json!({})).unwrap();
        let end = events.find(|event| event.as_ref().is_ok_and(|it| it.name == "message.end"));
        assert!(end.is_some(), "the stream ends in order");
        model.wait_for_hang_ups(hang_ups);
    }
}
