//! What is kept of how a reply came about: the metadata that every client sees, and the receipt
//! from which the exact prompt can be put together again.

use serde::Serialize;
use serde_json::{Value, json};

use super::degraded::Degraded;
use super::passages::Source;
use super::prompt::{Line, Origin, Piece, Prompt, render};
use super::reply::Reply;
use super::stopwatch::Stopwatch;
use crate::bindings::inference::models::ChatModel;
use crate::bindings::policy::assembly::Description;
use crate::bindings::policy::types::{Kind, Role};
use crate::db::messages::Said;
use crate::index::Embedder;
use crate::limits;

/// Everything that a turn decided before the model spoke.
pub struct Decided {
    /// The passages that policies saw.
    pub sources: Vec<Source>,
    /// The messages that recall chose, best first, used or not.
    pub recalled: Vec<u64>,
    /// The prompt.
    pub prompt: Prompt,
    /// The assembly policy.
    pub policy: std::rc::Rc<Description>,
    /// The model.
    pub model: ChatModel,
    /// The number of the model's digest in the database.
    pub meter: i64,
    /// The model that embedded the query, where one did.
    pub embedder: Option<std::rc::Rc<Embedder>>,
    /// The most tokens of the prompt.
    pub budget: u32,
    /// The most tokens of the reply.
    pub reply_tokens_max: u32,
    /// The tokens of the user's message.
    pub query_tokens: u32,
}

/// How the tokens of a turn add up.
#[derive(Serialize)]
pub struct Usage {
    /// The prompt.
    pub prompt_tokens: u32,
    /// What of it had been evaluated before.
    pub cached_tokens: u32,
    /// The reply.
    pub completion_tokens: u32,
    /// Prompt and reply.
    pub total_tokens: u32,
}

impl Usage {
    /// The usage of a reply; `counted` is the length of its text, where the model did not say.
    pub fn new(decided: &Decided, reply: &Reply, counted: Option<u32>) -> Self {
        let outcome = reply.outcome.as_ref();
        let prompt_tokens = outcome.map_or(decided.prompt.tokens, |outcome| outcome.prompt_tokens);
        let completion_tokens =
            outcome.map_or(counted.unwrap_or(0), |outcome| outcome.reply_tokens);
        Self {
            prompt_tokens,
            cached_tokens: outcome.map_or(0, |outcome| outcome.cached_tokens),
            completion_tokens,
            total_tokens: prompt_tokens + completion_tokens,
        }
    }
}

/// The metadata of a turn that failed before the model spoke.
pub fn failed_metadata(message: &str, code: &str, stages: &Stopwatch) -> Value {
    json!({
        "prompt_preview": null,
        "rag_chunks_retrieved": [],
        "relevant_history_retrieved": [],
        "llm_call_error": message,
        "error_code": code,
        "finish_reason": "error",
        "stages_us": stages.to_json(),
    })
}

/// The metadata of a turn that was cancelled while it waited.
pub fn cancelled_metadata(stages: &Stopwatch) -> Value {
    let mut metadata = failed_metadata("", "", stages);
    metadata["llm_call_error"] = Value::Null;
    metadata["error_code"] = Value::Null;
    metadata["finish_reason"] = "cancelled".into();
    metadata
}

/// The metadata of a reply: the seed's keys, and ours.
pub fn metadata(
    decided: &Decided,
    reply: &Reply,
    usage: &Usage,
    error: Option<&str>,
    degraded: &[Degraded],
    stages: &Stopwatch,
) -> Value {
    json!({
        "prompt_preview": preview(&text(decided)),
        "rag_chunks_retrieved": [],
        "relevant_history_retrieved": decided.recalled,
        "llm_call_error": error,
        "finish_reason": reply.ended.reason(),
        "memories": memories(decided),
        "degraded": degraded,
        "usage": usage,
        "model": decided.model.name,
        "stages_us": stages.to_json(),
    })
}

/// What the model is about to read, for a client that listens.
pub fn context(decided: &Decided, degraded: &[Degraded]) -> Value {
    let left_out = passages(decided).into_iter().filter(|passage| passage["state"] != "kept");
    json!({
        "memories": memories(decided),
        "rag_chunks_retrieved": [],
        "relevant_history_retrieved": decided.recalled,
        "history": history(decided),
        "left_out": left_out.collect::<Vec<_>>(),
        "prompt_tokens": decided.prompt.tokens,
        "budget": decided.budget,
        "degraded": degraded,
    })
}

/// The receipt, as it is stored: texts of messages stand in it as ids and spans.
pub fn receipt(
    decided: &Decided,
    usage: &Usage,
    degraded: &[Degraded],
    stages: &Stopwatch,
) -> Value {
    let model = &decided.model;
    let embedder = decided.embedder.as_ref();
    json!({
        "policies": {
            "assembly": { "name": decided.policy.name, "digest": decided.policy.digest },
        },
        "model": {
            "name": model.name,
            "digest": model.digest,
            "backend": model.backend,
            "exact_counts": model.exact_counts,
        },
        "embedding_model": embedder.map(|e| json!({ "name": e.name, "digest": e.digest })),
        "context_tokens": model.context_tokens,
        "reply_tokens_max": decided.reply_tokens_max,
        "budget": decided.budget,
        "template_tokens": decided.prompt.template_tokens,
        "usage": usage,
        "passages": passages(decided),
        "history": history(decided),
        "degraded": degraded,
        "stages_us": stages.to_json(),
        "layout": if decided.prompt.is_chat { "chat" } else { "text" },
        "lines": lines(decided),
    })
}

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

/// Puts the prompt of a stored receipt together again: `prompt` as people read it, and `messages`
/// or the one text as the model did.
pub fn resolve(mut receipt: Value, texts: &[Said]) -> Value {
    let is_chat = receipt["layout"] == "chat";
    let lines = receipt["lines"].take();
    let lines = lines.as_array().into_iter().flatten();
    let messages: Vec<(&str, String)> = lines.map(|line| resolve_line(line, texts)).collect();
    receipt["prompt"] = Value::from(render(&messages, is_chat));
    if let Some(fields) = receipt.as_object_mut() {
        fields.remove("lines");
        if is_chat {
            let list = messages.iter().map(|(role, text)| json!({ "role": role, "content": text }));
            fields.insert("messages".to_owned(), list.collect());
        }
    }
    receipt
}

/// The role and the text of one line: a whole message by its id, or pieces.
fn resolve_line<'a>(line: &'a Value, texts: &[Said]) -> (&'a str, String) {
    let said = |id: Option<u64>| texts.iter().find(|said| Some(said.message) == id);
    if line.is_u64() {
        let said = said(line.as_u64());
        return said.map_or(("", String::new()), |said| (said.role, said.content.clone()));
    }
    let text = |piece: &'a Value| match piece["text"].as_str() {
        Some(text) => text.to_owned(),
        None => {
            let end = |at: usize| piece["span"][at].as_u64().unwrap_or(0) as usize;
            let said = said(piece["message"].as_u64());
            let text = said.and_then(|said| said.content.get(end(0)..end(1)));
            text.unwrap_or_default().to_owned()
        }
    };
    let pieces = line["pieces"].as_array().into_iter().flatten();
    (line["role"].as_str().unwrap_or_default(), pieces.map(text).collect())
}

/// The prompt as people read it.
fn text(decided: &Decided) -> String {
    let line = |line: &Line| {
        let text: String = line.pieces.iter().map(|piece| piece.text.as_str()).collect();
        (role(line.role), text)
    };
    let lines: Vec<(&str, String)> = decided.prompt.lines.iter().map(line).collect();
    render(&lines, decided.prompt.is_chat)
}

fn preview(prompt: &str) -> String {
    let mut shown: String = prompt.chars().take(limits::PREVIEW_CHARS).collect();
    if shown.len() < prompt.len() {
        shown.push_str("...");
    }
    shown
}

/// The lines of the prompt. A message of the history that stands there whole is only its id: there
/// are many of them.
fn lines(decided: &Decided) -> Vec<Value> {
    let piece = |piece: &Piece| match piece.origin {
        Origin::Words => json!({ "text": piece.text }),
        Origin::Passage { source, span } => match decided.sources[source].message {
            None => json!({ "text": piece.text }),
            Some(id) => json!({ "message": id, "span": [span.start, span.end] }),
        },
    };
    let line = |line: &Line| {
        if let [Piece { text, origin: Origin::Passage { source, .. }, .. }] = line.pieces.as_slice()
            && let source = &decided.sources[*source]
            && source.passage.kind == Kind::History
            && source.passage.text.len() == text.len()
        {
            return json!(source.message);
        }
        let pieces: Vec<Value> = line.pieces.iter().map(piece).collect();
        json!({ "role": role(line.role), "pieces": pieces })
    };
    decided.prompt.lines.iter().map(line).collect()
}

fn sources_of(decided: &Decided, kind: Kind) -> impl Iterator<Item = (usize, &Source)> {
    decided.sources.iter().enumerate().filter(move |(_, source)| source.passage.kind == kind)
}

/// The history that stands in the prompt: from which turn on, and how much it is.
fn history(decided: &Decided) -> Value {
    let (mut messages, mut tokens, mut first) = (0, 0, None);
    for (at, source) in sources_of(decided, Kind::History) {
        let kept = decided.prompt.tokens_of(at);
        if kept > 0 {
            messages += 1;
            tokens += kept;
            first = first.or(Some(source.passage.turn));
        }
    }
    json!({ "messages": messages, "tokens": tokens, "first_turn": first })
}

/// The memories that stand in the prompt.
fn memories(decided: &Decided) -> Vec<Value> {
    let used = sources_of(decided, Kind::Memory).filter_map(|(at, source)| {
        let spans = decided.prompt.spans_of(at);
        (!spans.is_empty()).then(|| {
            json!({
                "message_id": source.message,
                "turn": source.passage.turn,
                "role": role(source.passage.role),
                "score": source.passage.score,
                "tokens": spans.iter().map(|(_, tokens)| tokens).sum::<u32>(),
                "spans": spans.iter().map(|(s, _)| [s.start, s.end]).collect::<Vec<_>>(),
            })
        })
    });
    used.collect()
}

/// Every passage, and what became of it, but for the history that is there whole.
fn passages(decided: &Decided) -> Vec<Value> {
    let mut list = Vec::with_capacity(decided.sources.len());
    for (at, source) in decided.sources.iter().enumerate() {
        let passage = &source.passage;
        let kept = decided.prompt.tokens_of(at);
        if passage.kind == Kind::History && kept == passage.tokens {
            continue;
        }
        let (state, reason) = if kept == passage.tokens {
            ("kept", None)
        } else if kept > 0 {
            ("cut", Some("the budget leaves no room for the rest"))
        } else {
            ("dropped", Some("the budget leaves no room for it"))
        };
        list.push(json!({
            "id": passage.id,
            "kind": kind(passage.kind),
            "role": role(passage.role),
            "message_id": source.message,
            "turn": passage.turn,
            "score": passage.score,
            "tokens": passage.tokens,
            "kept_tokens": kept,
            "condensed": passage.kept.iter().map(|s| s.end - s.start).sum::<u32>() as usize
                != passage.text.len(),
            "state": state,
            "reason": reason,
        }));
    }
    let seen: Vec<Option<u64>> = decided.sources.iter().map(|source| source.message).collect();
    for id in decided.recalled.iter().filter(|id| !seen.contains(&Some(**id))) {
        list.push(json!({
            "kind": "memory",
            "message_id": id,
            "state": "dropped",
            "reason": "nothing in it bears on the message",
        }));
    }
    list
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Instruction => "instruction",
        Kind::Document => "document",
        Kind::Memory => "memory",
        Kind::History => "history",
        Kind::Query => "query",
    }
}

fn role(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
                ] },
            ],
        })
    }

    fn said(message: u64, role: &'static str, content: &str) -> Said {
        Said { message, role, content: content.to_owned() }
    }

    #[test]
    fn a_receipt_refers_to_each_message_once() {
        assert_eq!(referred(&stored("chat")), [7, 9]);
        assert_eq!(referred(&json!({})), Vec::<u64>::new());
    }

    #[test]
    fn the_prompt_is_put_together_again() {
        let texts = [said(7, "user", "The blue cup"), said(9, "assistant", "Hi")];
        let receipt = resolve(stored("chat"), &texts);
        assert_eq!(
            receipt["prompt"],
            "[system]\nBe kind.\n\n[assistant]\nHi\n\n[user]\n- blue\nThe"
        );
        assert_eq!(
            receipt["messages"],
            json!([
                { "role": "system", "content": "Be kind." },
                { "role": "assistant", "content": "Hi" },
                { "role": "user", "content": "- blue\nThe" },
            ])
        );
        assert!(receipt.get("lines").is_none());
        let receipt = resolve(stored("text"), &texts);
        assert_eq!(receipt["prompt"], "Be kind.Hi- blue\nThe");
        assert!(receipt.get("messages").is_none());
    }

    #[test]
    fn a_message_that_is_gone_leaves_a_gap_and_no_failure() {
        let receipt = resolve(stored("text"), &[said(9, "assistant", "Hi")]);
        assert_eq!(receipt["prompt"], "Be kind.Hi- \n");
    }

    #[test]
    fn a_preview_is_short() {
        assert_eq!(preview("short"), "short");
        let long = preview(&"ü".repeat(201));
        assert_eq!(long.chars().count(), 203);
        assert!(long.ends_with("..."));
    }
}
