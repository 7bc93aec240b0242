//! What JavaScript passes and gets. The names are those of `wit/policy`, which documents them.

use serde::{Deserialize, Serialize};

/// `types.kind`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// `instruction`.
    Instruction,
    /// `document`.
    Document,
    /// `memory`.
    Memory,
    /// `history`.
    History,
    /// `query`.
    Query,
}

/// `types.role`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// `system`.
    System,
    /// `user`.
    User,
    /// `assistant`.
    Assistant,
}

/// `types.span`: bytes of the UTF-8 text.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// `types.passage`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Passage {
    /// Its name within the request.
    pub id: u32,
    /// What it is.
    pub kind: Kind,
    /// Who said it.
    pub role: Role,
    /// The turn it was said in.
    pub turn: u32,
    /// How relevant it is.
    pub score: f32,
    /// When it was said, in seconds since 1970.
    pub said_at: Option<u64>,
    /// The tokens of what is kept.
    pub tokens: u32,
    /// The whole text.
    pub text: String,
    /// What is kept of it.
    pub kept: Vec<Span>,
}

/// `assembly.request`.
#[derive(Clone, Debug, Deserialize)]
pub struct Prompt {
    /// The passages.
    pub passages: Vec<Passage>,
    /// The time of the turn, in seconds since 1970.
    pub now: u64,
}

/// `assembly.window`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Window {
    /// The most turns.
    pub turns: u32,
    /// The step in which it moves.
    pub block: u32,
    /// The most of the budget, in percent.
    pub percent: u32,
}

/// `assembly.description`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Description {
    /// The policy's name.
    pub name: String,
    /// Its words.
    pub literals: Vec<String>,
    /// The history it wants.
    pub history: Window,
    /// Empty: only a host that loads a component knows it.
    pub digest: String,
}

/// `assembly.anchor` and `truncation.anchor`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(tag = "tag", content = "val", rename_all = "kebab-case")]
pub enum Anchor {
    /// Nothing.
    Always,
    /// Any passage of a kind.
    Section(Kind),
    /// One passage.
    Passage(u32),
}

/// `assembly.words`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Words {
    /// The place in the literals.
    pub literal: u32,
    /// What holds them.
    pub anchor: Anchor,
}

/// `assembly.excerpt`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Excerpt {
    /// The passage.
    pub passage: u32,
    /// What of it.
    pub span: Span,
}

/// `assembly.part`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "tag", content = "val", rename_all = "kebab-case")]
pub enum Part {
    /// Fixed words.
    Words(Words),
    /// Text of a passage.
    Excerpt(Excerpt),
    /// The day of a passage.
    SaidOn(u32),
}

/// `assembly.message`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Message {
    /// Who says it to the model.
    pub role: Role,
    /// Its parts.
    pub parts: Vec<Part>,
}

/// `assembly.layout`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "tag", content = "val", rename_all = "kebab-case")]
pub enum Layout {
    /// Messages.
    Chat(Vec<Message>),
    /// Plain text.
    Text(Vec<Part>),
}

/// `assembly.plan`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// The prompt.
    pub layout: Layout,
    /// Empty: see `Description::digest`.
    pub digest: String,
}

/// `truncation.excerpt`.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Measured {
    /// The passage.
    pub passage: u32,
    /// What it is.
    pub kind: Kind,
}

/// `truncation.content`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(tag = "tag", content = "val", rename_all = "kebab-case")]
pub enum Content {
    /// Text that can be cut.
    Excerpt(Measured),
    /// What is whole or nothing.
    Fixed(Anchor),
}

/// `truncation.item`.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Item {
    /// What it is.
    pub content: Content,
    /// Its tokens.
    pub tokens: u32,
}

/// `truncation.request`.
#[derive(Clone, Debug, Deserialize)]
pub struct Lengths {
    /// The items.
    pub items: Vec<Item>,
    /// The most tokens that may be kept.
    pub budget: u32,
}

/// `truncation.kept`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Kept {
    /// The first token that is kept.
    pub first: u32,
    /// How many are kept.
    pub count: u32,
}

/// `ranking.candidate`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// Its name within the request.
    pub id: u32,
    /// `document` or `memory`.
    pub kind: Kind,
    /// Who said it.
    pub role: Role,
    /// Their name.
    pub name: Option<String>,
    /// When it was said, in seconds since 1970.
    pub said_at: Option<u64>,
    /// The candidate right before it.
    pub follows: Option<u32>,
    /// The cosine to the query.
    pub dense: Option<f32>,
    /// The mean cosine to what was found.
    pub common: Option<f32>,
    /// BM25.
    pub lexical: Option<f32>,
    /// The length of its text.
    pub bytes: u32,
    /// The beginning of its text.
    pub text: String,
}

/// `ranking.request`.
#[derive(Clone, Debug, Deserialize)]
pub struct Search {
    /// What was asked.
    pub query: String,
    /// The time of the turn, in seconds since 1970.
    pub now: u64,
    /// What was found.
    pub candidates: Vec<Candidate>,
    /// The most that may be chosen.
    pub most: u32,
}

/// `ranking.choice`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Choice {
    /// The candidate.
    pub id: u32,
    /// Its score.
    pub score: f32,
}

/// `condensation.source`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// The whole text.
    pub text: String,
    /// Its tokens.
    pub tokens: u32,
    /// The most tokens to keep.
    pub tokens_max: u32,
}

/// `condensation.request`.
#[derive(Clone, Debug, Deserialize)]
pub struct Sources {
    /// What was asked.
    pub query: String,
    /// The passages.
    pub sources: Vec<Source>,
}

/// `truncation.shortfall`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Shortfall {
    /// The tokens that must stay.
    pub needed: u32,
    /// The tokens that were allowed.
    pub budget: u32,
}

/// The errors of all interfaces that code in this process can make.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "tag", content = "val", rename_all = "kebab-case")]
pub enum Error {
    /// `assembly.error.incomplete-request`.
    IncompleteRequest,
    /// `truncation.error.does-not-fit`.
    DoesNotFit(Shortfall),
}
