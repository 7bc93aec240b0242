//! What becomes of the events of a turn.

use super::*;

fn chunks(kind: Kind, include_usage: bool) -> Chunks {
    Chunks {
        kind,
        id: "chatcmpl-1".to_owned(),
        created: 7,
        model: "tiny".to_owned(),
        include_usage,
        usage: Value::Null,
    }
}

fn data(bytes: &Bytes) -> Vec<Value> {
    let text = std::str::from_utf8(bytes).unwrap();
    let lines = text.split("\n\n").filter_map(|event| event.strip_prefix("data: "));
    lines.map(|line| serde_json::from_str(line).unwrap_or(json!(line))).collect()
}

fn told() -> Value {
    json!({ "prompt_tokens": 5, "cached_tokens": 2, "completion_tokens": 3, "total_tokens": 8 })
}

#[test]
fn the_events_of_a_turn_become_chunks() {
    let mut chunks = chunks(Kind::Chat, true);
    let start = data(&chunks.write("message.start", json!({})).unwrap());
    assert_eq!(start[0]["choices"][0]["delta"], json!({ "role": "assistant", "content": "" }));
    assert_eq!(start[0]["usage"], Value::Null);
    assert!(chunks.write("context", json!({})).is_none());
    let delta = data(&chunks.write("delta", json!({ "content": "a\nb" })).unwrap());
    assert_eq!(delta[0]["choices"][0]["delta"]["content"], "a\nb");
    assert!(chunks.write("usage", told()).is_none());
    let end =
        json!({ "id": 4, "turn": 2, "session_id": "s", "metadata": { "finish_reason": "length" } });
    let end = data(&chunks.write("message.end", end).unwrap());
    assert_eq!(end[0]["choices"][0]["finish_reason"], "length");
    assert_eq!(end[0]["loci"], json!({ "session_id": "s", "message_id": 4, "turn": 2 }));
    assert_eq!(end[1]["choices"], json!([]));
    assert_eq!(end[1]["usage"]["prompt_tokens_details"]["cached_tokens"], 2);
    assert_eq!(end[2], json!("[DONE]"));
}

#[test]
fn what_was_thought_has_a_name_of_its_own() {
    let thought = json!({ "content": "Hm." });
    let mut chat = chunks(Kind::Chat, false);
    let delta = data(&chat.write("reasoning", thought.clone()).unwrap());
    assert_eq!(delta[0]["choices"][0]["delta"], json!({ "reasoning_content": "Hm." }));
    let end = json!({ "metadata": { "reasoning": "Hm." } });
    let message = &chat.whole("Yes", &told(), &end)["choices"][0]["message"];
    assert_eq!(
        (&message["content"], &message["reasoning_content"]),
        (&json!("Yes"), &json!("Hm."))
    );
    let mut lines = chunks(Kind::Lines, false);
    let line: Value = serde_json::from_slice(&lines.write("reasoning", thought).unwrap()).unwrap();
    assert_eq!((&line["message"]["thinking"], &line["done"]), (&json!("Hm."), &json!(false)));
    assert_eq!(lines.whole("Yes", &told(), &end)["message"]["thinking"], "Hm.");
    let none = chat.whole("Yes", &told(), &json!({ "metadata": { "reasoning": "" } }));
    assert!(none["choices"][0]["message"].get("reasoning_content").is_none());
}

#[test]
fn usage_is_told_where_it_was_asked_for() {
    let mut chunks = chunks(Kind::Chat, false);
    chunks.write("usage", told());
    let end = data(&chunks.write("message.end", json!({})).unwrap());
    assert_eq!((end.len(), &end[0]["choices"][0]["finish_reason"]), (2, &json!("stop")));
    assert!(end[0].get("usage").is_none() && end[0].get("loci").is_none());
}

#[test]
fn a_plain_text_has_no_roles() {
    let mut chunks = chunks(Kind::Text, false);
    assert!(chunks.write("message.start", json!({})).is_none());
    let delta = data(&chunks.write("delta", json!({ "content": "a" })).unwrap());
    assert_eq!(
        (&delta[0]["object"], &delta[0]["choices"][0]["text"]),
        (&json!("text_completion"), &json!("a"))
    );
    let whole = chunks.whole("abc", &told(), &json!({}));
    assert_eq!(
        (&whole["choices"][0]["text"], &whole["usage"]["total_tokens"]),
        (&json!("abc"), &json!(8))
    );
}

#[test]
fn a_whole_answer_is_a_message() {
    let whole = chunks(Kind::Chat, false).whole("abc", &told(), &json!({}));
    assert_eq!(whole["object"], "chat.completion");
    assert_eq!(whole["choices"][0]["message"]["content"], "abc");
    assert_eq!(whole["choices"][0]["finish_reason"], "stop");
}

#[test]
fn a_failure_is_an_error_that_libraries_raise() {
    let bytes = chunks(Kind::Chat, false).write_failure(&ApiError::new(500, "model_failed", "no"));
    let text = std::str::from_utf8(&bytes).unwrap();
    assert!(text.contains("data: {\"error\":{\"message\":\"no\""), "{text}");
}
