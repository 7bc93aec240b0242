//! What is kept of how a reply came about: the metadata that every client sees, and the receipt,
//! from which the exact prompt can be put together again.

use std::rc::Rc;

use serde::Serialize;

use super::consulted::{self, Cited, Consulted};
use super::degraded::Degraded;
use super::lines::{LineTold, lines, role};
use super::passages::Source;
use super::prompt::Prompt;
use super::record::Record;
use super::reply::Reply;
use super::stopwatch::Stopwatch;
use crate::bindings::inference::models::ChatModel;
use crate::bindings::policy::assembly::Description;
use crate::bindings::policy::types::Kind;
use crate::generation::Embedder;
use crate::limits;

/// Everything that a turn decided before the model spoke.
pub struct Decided {
    /// The passages that policies saw.
    pub sources: Vec<Source>,
    /// Notes that have no room beside better ones, so that policies did not see them.
    pub left_out: Vec<Source>,
    /// The messages that recall chose, best first, used or not.
    pub recalled: Vec<u64>,
    /// The passages of documents that were chosen, best first, used or not.
    pub passages: Vec<u64>,
    /// The prompt.
    pub prompt: Prompt,
    /// The tokens that are left of each passage.
    pub kept: Vec<u32>,
    /// The assembly policy.
    pub policy: Rc<Description>,
    /// The digest of the truncation policy; empty for the built-in one.
    pub truncated_by: String,
    /// The digest of the ranking policy; empty for the built-in one.
    pub ranked_by: String,
    /// The digest of the condensation policy; empty for the built-in one.
    pub condensed_by: String,
    /// What the prompt can be put together from again.
    pub record: Record,
    /// The fuel that the policies of the turn used; 0 where nobody counts.
    pub fuel: u64,
    /// The model.
    pub model: ChatModel,
    /// The number of the model's digest in the database.
    pub meter: i64,
    /// The model that embedded the query, where one did.
    pub embedder: Option<Rc<Embedder>>,
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

/// The metadata of a reply: the seed's keys, and ours.
#[derive(Serialize)]
pub struct Metadata<'a> {
    prompt_preview: Option<String>,
    rag_chunks_retrieved: &'a [u64],
    relevant_history_retrieved: &'a [u64],
    llm_call_error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'a str>,
    finish_reason: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    reasoning: &'a str,
    memories: Vec<MemoryTold>,
    consulted: Vec<Consulted>,
    cited: Vec<Cited>,
    degraded: &'a [Degraded],
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<&'a Usage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    stages_us: &'a Stopwatch,
}

impl<'a> Metadata<'a> {
    /// Of a turn that ended before the model spoke.
    pub fn without_reply(finish_reason: &'a str, stages: &'a Stopwatch) -> Self {
        Self {
            prompt_preview: None,
            rag_chunks_retrieved: &[],
            relevant_history_retrieved: &[],
            llm_call_error: None,
            error_code: None,
            finish_reason,
            reasoning: "",
            memories: Vec::new(),
            consulted: Vec::new(),
            cited: Vec::new(),
            degraded: &[],
            usage: None,
            model: None,
            stages_us: stages,
        }
    }

    /// Of a turn that failed before the model spoke.
    pub fn failed(message: &'a str, code: &'a str, stages: &'a Stopwatch) -> Self {
        let (llm_call_error, error_code) = (Some(message), Some(code));
        Self { llm_call_error, error_code, ..Self::without_reply("error", stages) }
    }

    /// Of a reply.
    pub fn of(
        decided: &'a Decided,
        reply: &'a Reply,
        usage: &'a Usage,
        error: Option<&'a str>,
        degraded: &'a [Degraded],
        stages: &'a Stopwatch,
    ) -> Self {
        Self {
            prompt_preview: Some(preview(&decided.prompt)),
            rag_chunks_retrieved: &decided.passages,
            relevant_history_retrieved: &decided.recalled,
            llm_call_error: error,
            error_code: None,
            finish_reason: reply.ended.reason(),
            reasoning: &reply.thought,
            memories: memories(decided),
            consulted: consulted::consulted(decided),
            cited: consulted::cited(decided, &reply.text),
            degraded,
            usage: Some(usage),
            model: Some(&decided.model.name),
            stages_us: stages,
        }
    }
}

/// What the model is about to read, for a client that listens.
#[derive(Serialize)]
pub struct Context<'a> {
    memories: Vec<MemoryTold>,
    consulted: Vec<Consulted>,
    rag_chunks_retrieved: &'a [u64],
    relevant_history_retrieved: &'a [u64],
    history: HistoryTold,
    left_out: Vec<PassageTold>,
    prompt_tokens: u32,
    budget: u32,
    degraded: &'a [Degraded],
}

impl<'a> Context<'a> {
    /// Of a turn whose prompt is ready.
    pub fn of(decided: &'a Decided, degraded: &'a [Degraded]) -> Self {
        let mut left_out = passages(decided);
        left_out.retain(|passage| passage.state != "kept");
        Self {
            memories: memories(decided),
            consulted: consulted::consulted(decided),
            rag_chunks_retrieved: &decided.passages,
            relevant_history_retrieved: &decided.recalled,
            history: history(decided),
            left_out,
            prompt_tokens: decided.prompt.tokens,
            budget: decided.budget,
            degraded,
        }
    }
}

/// The receipt, as it is stored: texts of messages stand in it as ids and spans.
#[derive(Serialize)]
pub struct Receipt<'a> {
    policies: Policies<'a>,
    model: ModelTold<'a>,
    embedding_model: Option<Named<'a>>,
    context_tokens: u32,
    reply_tokens_max: u32,
    budget: u32,
    prompt_tokens: u32,
    prompt_sha256: String,
    template_tokens: u32,
    fuel: u64,
    usage: &'a Usage,
    passages: Vec<PassageTold>,
    history: HistoryTold,
    degraded: &'a [Degraded],
    stages_us: &'a Stopwatch,
    layout: &'static str,
    lines: Vec<LineTold<'a>>,
    record: &'a Record,
}

#[derive(Serialize)]
struct Policies<'a> {
    assembly: Named<'a>,
    truncation: Unnamed<'a>,
    ranking: Unnamed<'a>,
    condensation: Unnamed<'a>,
}

#[derive(Serialize)]
struct Unnamed<'a> {
    digest: &'a str,
}

#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
    digest: &'a str,
}

#[derive(Serialize)]
struct ModelTold<'a> {
    name: &'a str,
    digest: &'a str,
    backend: &'a str,
    exact_counts: bool,
}

/// A memory that stands in the prompt.
#[derive(Serialize)]
struct MemoryTold {
    message_id: Option<u64>,
    turn: u32,
    role: &'static str,
    score: f32,
    tokens: u32,
    spans: Vec<[u32; 2]>,
}

/// A passage, and what became of it.
#[derive(Serialize)]
struct PassageTold {
    kind: &'static str,
    role: Option<&'static str>,
    message_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    passage_id: Option<u64>,
    turn: u32,
    score: f32,
    tokens: u32,
    kept_tokens: u32,
    condensed: bool,
    state: &'static str,
    reason: Option<&'static str>,
}

#[derive(Serialize)]
struct HistoryTold {
    messages: u32,
    tokens: u32,
    first_turn: Option<u32>,
}

impl<'a> Receipt<'a> {
    /// Of a reply.
    pub fn of(
        decided: &'a Decided,
        usage: &'a Usage,
        degraded: &'a [Degraded],
        stages: &'a Stopwatch,
    ) -> Self {
        let (model, policy) = (&decided.model, &decided.policy);
        Self {
            policies: Policies {
                assembly: Named { name: &policy.name, digest: &policy.digest },
                truncation: Unnamed { digest: &decided.truncated_by },
                ranking: Unnamed { digest: &decided.ranked_by },
                condensation: Unnamed { digest: &decided.condensed_by },
            },
            model: ModelTold {
                name: &model.name,
                digest: &model.digest,
                backend: &model.backend,
                exact_counts: model.exact_counts,
            },
            embedding_model: decided
                .embedder
                .as_ref()
                .map(|it| Named { name: &it.name, digest: &it.digest }),
            context_tokens: model.context_tokens,
            reply_tokens_max: decided.reply_tokens_max,
            budget: decided.budget,
            prompt_tokens: decided.prompt.tokens,
            prompt_sha256: decided.prompt.sha256(),
            fuel: decided.fuel,
            template_tokens: decided.prompt.template_tokens,
            usage,
            passages: passages(decided),
            history: history(decided),
            degraded,
            stages_us: stages,
            layout: if decided.prompt.is_chat { "chat" } else { "text" },
            lines: lines(&decided.prompt, &decided.sources),
            record: &decided.record,
        }
    }
}

/// The JSON of something that is made of texts and finite numbers.
pub fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts and finite numbers are always JSON")
}

/// The beginning of the prompt, as people read it.
fn preview(prompt: &Prompt) -> String {
    let mut shown = String::new();
    for (at, line) in prompt.lines.iter().enumerate() {
        if prompt.is_chat {
            let gap = if at == 0 { "" } else { "\n\n" };
            shown.push_str(&format!("{gap}[{}]\n", role(line.role)));
        }
        line.pieces.iter().for_each(|piece| shown.push_str(&piece.text));
        if let Some((end, _)) = shown.char_indices().nth(limits::PREVIEW_CHARS) {
            shown.truncate(end);
            shown.push_str("...");
            break;
        }
    }
    shown
}

/// The history that stands in the prompt: from which turn on, and how much it is.
fn history(decided: &Decided) -> HistoryTold {
    let mut told = HistoryTold { messages: 0, tokens: 0, first_turn: None };
    for (source, kept) in decided.sources.iter().zip(&decided.kept) {
        if source.passage.kind == Kind::History && *kept > 0 {
            told.messages += 1;
            told.tokens += kept;
            told.first_turn = told.first_turn.or(Some(source.passage.turn));
        }
    }
    told
}

/// The memories that stand in the prompt.
fn memories(decided: &Decided) -> Vec<MemoryTold> {
    let sources = decided.sources.iter().zip(&decided.kept).enumerate();
    let used =
        sources.filter(|(_, (source, kept))| source.passage.kind == Kind::Memory && **kept > 0);
    let told = used.map(|(at, (source, kept))| MemoryTold {
        message_id: source.message,
        turn: source.passage.turn,
        role: role(source.passage.role),
        score: source.passage.score,
        tokens: *kept,
        spans: decided.prompt.spans_of(at).map(|span| [span.start, span.end]).collect(),
    });
    told.collect()
}

/// Every passage, and what became of it, but for the history that is there whole.
fn passages(decided: &Decided) -> Vec<PassageTold> {
    let mut list = Vec::new();
    let left_out = decided.left_out.iter().map(|source| (source, 0));
    let all = || decided.sources.iter().zip(decided.kept.iter().copied()).chain(left_out.clone());
    for (source, kept) in all() {
        let passage = &source.passage;
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
        let bytes: u32 = passage.kept.iter().map(|span| span.end - span.start).sum();
        list.push(PassageTold {
            kind: kind(passage.kind),
            role: Some(role(passage.role)),
            message_id: source.message,
            passage_id: source.found.as_ref().map(|found| found.chunk),
            turn: passage.turn,
            score: passage.score,
            tokens: passage.tokens,
            kept_tokens: kept,
            condensed: bytes as usize != passage.text.len(),
            state,
            reason,
        });
    }
    let seen: Vec<Option<u64>> = all().map(|(source, _)| source.message).collect();
    let dropped = |kind, message_id, passage_id| PassageTold {
        kind,
        role: None,
        message_id,
        passage_id,
        turn: 0,
        score: 0.0,
        tokens: 0,
        kept_tokens: 0,
        condensed: true,
        state: "dropped",
        reason: Some("nothing in it bears on the message"),
    };
    let unused = decided.recalled.iter().filter(|id| !seen.contains(&Some(**id)));
    list.extend(unused.map(|id| dropped("memory", Some(*id), None)));
    let found = |id: u64| {
        let mut found = all().filter_map(|(source, _)| source.found.as_ref());
        found.any(|found| found.chunk == id)
    };
    let unused = decided.passages.iter().filter(|id| !found(**id));
    list.extend(unused.map(|id| dropped("document", None, Some(*id))));
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

#[cfg(test)]
mod tests {
    use super::super::prompt::{Line, Origin, Piece};
    use super::*;
    use crate::bindings::policy::types::Role;

    fn prompt(texts: &[&str]) -> Prompt {
        let line = |text: &&str| {
            let piece = Piece { text: (*text).to_owned(), tokens: 1, origin: Origin::Words };
            Line { role: Role::User, pieces: vec![piece] }
        };
        let lines = texts.iter().map(line).collect();
        Prompt { lines, is_chat: true, tokens: 1, template_tokens: 0 }
    }

    #[test]
    fn a_preview_is_the_beginning_of_the_prompt() {
        assert_eq!(preview(&prompt(&["one", "two"])), "[user]\none\n\n[user]\ntwo");
        let long = preview(&prompt(&[&"ü".repeat(150), &"ö".repeat(150)]));
        assert_eq!(long.chars().count(), 203);
        assert!(long.ends_with("ö..."));
    }

    #[test]
    fn a_failure_has_the_seed_s_keys() {
        let stages = Stopwatch::start();
        let json = to_json(&Metadata::failed("no model", "model_not_configured", &stages));
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value["llm_call_error"], "no model");
        assert_eq!(value["prompt_preview"], serde_json::Value::Null);
        assert_eq!(value["rag_chunks_retrieved"], serde_json::json!([]));
        assert_eq!(value["relevant_history_retrieved"], serde_json::json!([]));
        assert_eq!(value["finish_reason"], "error");
    }
}
