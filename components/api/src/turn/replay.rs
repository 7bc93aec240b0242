//! From a stored receipt back to the prompt, word for word.

use serde_json::{Value, json};

use super::prompt::render;
use super::record::Texts;

/// The ids of the messages that a stored receipt refers to.
pub fn referred(receipt: &Value) -> Vec<u64> {
    let mut ids = Vec::new();
    for line in receipt["lines"].as_array().into_iter().flatten() {
        ids.extend(line.as_u64());
        let pieces = line["pieces"].as_array().into_iter().flatten();
        ids.extend(pieces.filter_map(|piece| piece["message"].as_u64()));
    }
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// The ids of the passages of documents that a stored receipt refers to.
pub fn referred_passages(receipt: &Value) -> Vec<u64> {
    let lines = receipt["lines"].as_array().into_iter().flatten();
    let pieces = lines.flat_map(|line| line["pieces"].as_array().into_iter().flatten());
    let mut ids: Vec<u64> = pieces.filter_map(|piece| piece["passage"].as_u64()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Puts the prompt of a stored receipt together again: `prompt` as people read it, and `messages`
/// or the one text as the model did.
pub fn resolve(mut receipt: Value, texts: &Texts) -> Value {
    let is_chat = receipt["layout"] == "chat";
    let lines = receipt["lines"].take();
    let messages = messages(&lines, texts);
    receipt["prompt"] = Value::from(render(&messages, is_chat));
    if let Some(fields) = receipt.as_object_mut() {
        fields.remove("lines");
        fields.remove("record");
        if is_chat {
            let list = messages.iter().map(|(role, text)| json!({ "role": role, "content": text }));
            fields.insert("messages".to_owned(), list.collect());
        }
    }
    receipt
}

/// The prompt of these lines, as people read it.
pub fn prompt(lines: &Value, is_chat: bool, texts: &Texts) -> String {
    render(&messages(lines, texts), is_chat)
}

fn messages<'a>(lines: &'a Value, texts: &Texts) -> Vec<(&'a str, String)> {
    lines.as_array().into_iter().flatten().map(|line| resolve_line(line, texts)).collect()
}

/// The role and the text of one line: a whole message by its id, or pieces.
/// What was deleted is nothing.
fn resolve_line<'a>(line: &'a Value, texts: &Texts) -> (&'a str, String) {
    let said = |id: Option<u64>| id.and_then(|id| texts.messages.get(&id));
    if line.is_u64() {
        let said = said(line.as_u64());
        return said.map_or(("", String::new()), |said| (said.role, said.content.clone()));
    }
    let text = |piece: &'a Value| match piece["text"].as_str() {
        Some(text) => text.to_owned(),
        None => {
            let end = |at: usize| piece["span"][at].as_u64().unwrap_or(0) as usize;
            let said = said(piece["message"].as_u64()).map(|said| &said.content);
            let passage = piece["passage"].as_u64().and_then(|id| texts.passages.get(&id));
            let text = said.or(passage.map(|text| &text.content));
            text.and_then(|text| text.get(end(0)..end(1))).unwrap_or_default().to_owned()
        }
    };
    let pieces = line["pieces"].as_array().into_iter().flatten();
    (line["role"].as_str().unwrap_or_default(), pieces.map(text).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::db::memory::Found;
    use crate::db::passages::Text;

    fn stored(layout: &str) -> Value {
        json!({
            "layout": layout,
            "lines": [
                { "role": "system", "pieces": [{ "text": "Be kind." }] },
                9,
                { "role": "user", "pieces": [
                    { "text": "- " },
                    { "message": 7, "span": [4, 8] },
                    { "text": "\n" },
                    { "message": 7, "span": [0, 3] },
                    { "passage": 7, "span": [1, 3] },
                ] },
            ],
        })
    }

    fn said(message: u64, role: &'static str, content: &str) -> (u64, Found) {
        let content = content.to_owned();
        (message, Found { message, turn: 0, role, timestamp: 0, tokens: None, content })
    }

    fn texts() -> Texts {
        let messages = [said(7, "user", "The blue cup"), said(9, "assistant", "Hi")];
        let text = Text { content: "Teas".to_owned(), document: String::new() };
        Texts { messages: messages.into(), passages: HashMap::from([(7, text)]) }
    }

    #[test]
    fn a_receipt_refers_to_each_message_once() {
        assert_eq!(referred(&stored("chat")), [7, 9]);
        assert_eq!(referred_passages(&stored("chat")), [7]);
        assert_eq!(referred(&json!({})), Vec::<u64>::new());
    }

    #[test]
    fn the_prompt_is_put_together_again() {
        let receipt = resolve(stored("chat"), &texts());
        assert_eq!(
            receipt["prompt"],
            "[system]\nBe kind.\n\n[assistant]\nHi\n\n[user]\n- blue\nTheea"
        );
        assert_eq!(
            receipt["messages"],
            json!([
                { "role": "system", "content": "Be kind." },
                { "role": "assistant", "content": "Hi" },
                { "role": "user", "content": "- blue\nTheea" },
            ])
        );
        assert!(receipt.get("lines").is_none());
        let receipt = resolve(stored("text"), &texts());
        assert_eq!(receipt["prompt"], "Be kind.Hi- blue\nTheea");
        assert!(receipt.get("messages").is_none());
    }

    #[test]
    fn a_message_that_is_gone_leaves_a_gap_and_no_failure() {
        let receipt = resolve(
            stored("text"),
            &Texts { messages: [said(9, "assistant", "Hi")].into(), ..Texts::default() },
        );
        assert_eq!(receipt["prompt"], "Be kind.Hi- \n");
    }
}
