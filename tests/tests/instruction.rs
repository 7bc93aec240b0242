//! What the model is told to be and do: by the operator, by a session, by a request.

use loci_tests::server::Server;
use serde_json::{Value, json};

use crate::support::tiny_model;

#[test]
fn a_session_says_it_before_the_server_and_a_request_before_the_session() {
    let arguments = ["--model", tiny_model(), "--instruction", "Speak of plums."];
    let server = Server::start(&arguments).unwrap();
    let client = server.client();
    let session = client.create_session("told").unwrap();
    let path = format!("/api/v1/sessions/{session}");
    let prompt = |said: &str| {
        let reply = client.say(&session, said).unwrap();
        client.prompt(&session, &reply).unwrap()
    };
    assert!(prompt("One").contains("Speak of plums."));
    let told = json!({ "instruction": "Speak of quinces." });
    let shown = client.put(&format!("{path}/instruction"), &told).unwrap().expect(200).unwrap();
    assert_eq!(shown["instruction"], told["instruction"], "{shown:#}");
    let second = prompt("Two");
    assert!(second.contains("Speak of quinces.") && !second.contains("plums"), "{second}");
    let draft = client.post(&format!("{path}/draft"), &json!({ "content": "Three" })).unwrap();
    let draft = draft.expect(200).unwrap();
    assert_eq!(draft["instruction"]["text"], "Speak of quinces.", "{draft:#}");

    let asked = json!({ "model": "loci", "metadata": { "session_id": session }, "messages": [
        { "role": "system", "content": "Speak of pears." }, { "role": "user", "content": "Three" },
    ] });
    let answer = client.post("/v1/chat/completions", &asked).unwrap().expect(200).unwrap();
    let message = json!({ "id": answer["loci"]["message_id"] });
    assert!(client.prompt(&session, &message).unwrap().contains("Speak of pears."));

    // It goes where the session goes.
    let file = client.get(&format!("{path}/export")).unwrap().expect(200).unwrap();
    let moved = client.post("/api/v1/sessions/import", &file).unwrap().expect(201).unwrap();
    assert_eq!(moved["instruction"], "Speak of quinces.", "{moved:#}");

    let none = client.put(&format!("{path}/instruction"), &json!({ "instruction": null })).unwrap();
    assert_eq!(none.expect(200).unwrap()["instruction"], Value::Null);
    assert!(prompt("Four").contains("Speak of plums."));
    for bad in [json!({}), json!({ "instruction": " " }), json!({ "instruction": 7 })] {
        let refused = client.put(&format!("{path}/instruction"), &bad).unwrap();
        assert_eq!((refused.status, &refused.body["error"]["param"]), (400, &json!("instruction")));
    }
}
