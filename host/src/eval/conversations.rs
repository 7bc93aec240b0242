//! Conversations with questions about them, one in each line of a file.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::when;

/// The most bytes of a message that an application takes.
const MESSAGE_BYTES_MAX: usize = 65_536;

/// A conversation.
pub struct Conversation {
    /// What was said, in order, as it is imported.
    pub messages: Vec<Value>,
    /// What is asked about it.
    pub questions: Vec<Question>,
    /// Messages that were longer than a message may be, and lost their end.
    pub cut: usize,
}

/// A question.
pub struct Question {
    /// What is asked.
    pub text: String,
    /// What kind of question it is.
    pub kind: String,
    /// The messages that tell the answer, by their places.
    pub evidence: Vec<usize>,
}

/// Reads conversations. Questions whose evidence is nowhere are left out.
///
/// # Errors
///
/// Fails, and names the line, if the file is something else.
pub fn read(file: &Path) -> Result<Vec<Conversation>> {
    let text =
        fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let conversations: Vec<Conversation> = lines
        .map(|(at, line)| {
            let parsed = serde_json::from_str(line).map_err(anyhow::Error::from);
            let parsed = parsed.and_then(|value| conversation(&value));
            parsed.with_context(|| format!("`{}`, line {}", file.display(), at + 1))
        })
        .collect::<Result<_>>()?;
    ensure!(
        conversations.iter().any(|one| !one.questions.is_empty()),
        "`{}` has no question whose evidence is one of its messages",
        file.display()
    );
    Ok(conversations)
}

fn conversation(value: &Value) -> Result<Conversation> {
    let list =
        |name: &str| value[name].as_array().with_context(|| format!("`{name}` must be a list"));
    let (mut messages, mut places, mut cut) = (Vec::new(), HashMap::new(), 0);
    // What has no time of its own was said when the one before it was.
    let mut said_at = None;
    for message in list("messages")? {
        let content = message["content"].as_str().context("a message must have a `content`")?;
        if content.trim().is_empty() {
            continue;
        }
        said_at = message["said_at"].as_str().and_then(when::rfc3339).or(said_at);
        let kept = &content[..content.floor_char_boundary(MESSAGE_BYTES_MAX)];
        cut += usize::from(kept.len() < content.len());
        places.insert(id(&message["id"]), messages.len());
        let role = if message["role"] == "assistant" { "assistant" } else { "user" };
        let name = message["name"].as_str().filter(|name| !name.is_empty());
        messages.push(json!({
            "role": role, "name": name, "timestamp": said_at, "content": kept
        }));
    }
    let mut questions = Vec::new();
    for question in list("questions")? {
        let text = question["question"].as_str().context("a question must have a `question`")?;
        let evidence = question["evidence"].as_array().context("`evidence` must be a list")?;
        let mut evidence: Vec<usize> =
            evidence.iter().filter_map(|one| places.get(&id(one)).copied()).collect();
        evidence.sort_unstable();
        evidence.dedup();
        if !evidence.is_empty() {
            let kind = question["kind"].as_str().unwrap_or("other").to_owned();
            questions.push(Question { text: text.to_owned(), kind, evidence });
        }
    }
    Ok(Conversation { messages, questions, cut })
}

/// Ids are strings or numbers.
fn id(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_is_found_by_id_and_time_is_handed_on() {
        let one = conversation(&json!({
            "messages": [
                { "id": 7, "role": "user", "said_at": "March-15-2024", "content": "a" },
                { "id": "8", "role": "assistant", "content": " " },
                { "id": "9", "role": "assistant", "name": "Ann", "said_at": "", "content": "b" },
                { "id": "10", "role": "Ben", "content": "x".repeat(70_000) },
            ],
            "questions": [
                { "question": "?", "kind": "one", "evidence": ["7", 9, "9"] },
                { "question": "gone?", "evidence": ["8", "none"] },
            ],
        }))
        .expect("a conversation");
        assert_eq!((one.messages.len(), one.questions.len(), one.cut), (3, 1, 1));
        assert_eq!(one.questions[0].evidence, [0, 1]);
        assert_eq!(one.messages[1]["timestamp"], "2024-03-15T00:00:00Z");
        assert_eq!(
            (&one.messages[1]["name"], &one.messages[2]["role"]),
            (&json!("Ann"), &json!("user"))
        );
        assert!(conversation(&json!({ "messages": [] })).is_err());
    }
}
