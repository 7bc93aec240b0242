//! The passages that policies see, and what this component knows of them besides.

use super::condense;
use super::degraded::Degraded;
use super::policies::Policies;
use super::recall::Recalled;
use super::shares::Shares;
use crate::bindings::inference::types::Error as ModelError;
use crate::bindings::policy::types::{Kind, Passage, Role, Span};
use crate::db::memory::Found;
use crate::db::passages::Passage as Passed;
use crate::http::error::ApiError;
use crate::{limits, measure, time};

/// A passage, and where it comes from.
#[derive(Debug, Clone)]
pub struct Source {
    /// What policies see. Its id is its place in the list.
    pub passage: Passage,
    /// The message that it is; none for the instruction and for passages of documents.
    pub message: Option<u64>,
    /// The passage of a document that it is.
    pub found: Option<Box<Excerpt>>,
    /// The tokens of each kept span.
    pub span_tokens: Vec<u32>,
}

/// Where a passage of a document stands.
#[derive(Debug, Clone)]
pub struct Excerpt {
    /// The id of the passage.
    pub chunk: u64,
    /// The document: a UUID.
    pub document: String,
    /// What people call the document.
    pub name: String,
    /// The headings above it.
    pub headings: Vec<String>,
    /// The page it begins on; 0 where there are none.
    pub page: u32,
    /// Where it begins in the text of the document, in bytes.
    pub start: u32,
}

/// The model that measures: its digest, and its number in the database.
#[derive(Debug, Clone, Copy)]
pub struct Meter<'a> {
    /// The digest.
    pub digest: &'a str,
    /// The number.
    pub number: i64,
}

/// What goes into the prompt, before anything is laid out.
pub struct Material<'a> {
    /// The text of the instruction.
    pub instruction: &'a str,
    /// What was found in documents, best first, with how well it answers.
    pub found: Vec<(Passed, f32)>,
    /// What was recalled, best first.
    pub recalled: Vec<Recalled>,
    /// The recent turns, oldest first, with their tokens.
    pub history: Vec<(Found, u32)>,
    /// The user's message.
    pub query: Found,
    /// The tokens of the user's message.
    pub query_tokens: u32,
    /// Who may have how many tokens.
    pub shares: Shares,
}

/// The passages of a turn.
pub struct Listed {
    /// Those that policies see.
    pub sources: Vec<Source>,
    /// Notes that have no room beside better ones.
    pub left_out: Vec<Source>,
}

/// The tokens of messages: as they were stored where the same model measured them, counted in one
/// call otherwise.
///
/// Fails as the model does.
pub async fn tokens_of(messages: &[&Found], meter: Meter<'_>) -> Result<Vec<u32>, ModelError> {
    let known = |message: &Found| {
        message.tokens.filter(|(_, by)| *by == meter.number).map(|(tokens, _)| tokens)
    };
    let missing: Vec<&str> = messages
        .iter()
        .filter(|message| known(message).is_none())
        .map(|message| message.content.as_str())
        .collect();
    let mut counted =
        if missing.is_empty() { Vec::new() } else { measure::count(&missing).await? }.into_iter();
    let tokens = messages
        .iter()
        .map(|message| known(message).or_else(|| counted.next()).ok_or(ModelError::EngineFailed));
    tokens.collect()
}

/// Makes the list of passages: instruction, documents, memories, history, query. Passages of
/// documents and memories are condensed, and the best of them are taken for which there is room.
///
/// Fails as the model does, and as [`condense::condense`].
pub async fn list(
    mut material: Material<'_>,
    meter: Meter<'_>,
    policies: &Policies,
    degraded: &mut Vec<Degraded>,
) -> Result<Listed, ApiError> {
    let instruction = measure::count_known(meter.digest, &[material.instruction]).await;
    let instruction = instruction.map_err(|error| ApiError::of_model(&error))?[0];
    let recalled = std::mem::take(&mut material.recalled);
    let found = std::mem::take(&mut material.found);
    let memories = memories(recalled, &material, meter, policies, degraded).await?;
    let documents = documents(found, &material, meter, policies, degraded).await?;
    let tokens = |notes: &[Source]| notes.iter().map(|one| one.passage.tokens).collect::<Vec<_>>();
    let [documents_chosen, memories_chosen] =
        material.shares.choose(&tokens(&documents), &tokens(&memories));

    let mut sources = vec![instruction_source(material.instruction, instruction)];
    let mut left_out = Vec::new();
    let notes = documents.into_iter().chain(memories);
    for (note, chosen) in notes.zip(documents_chosen.into_iter().chain(memories_chosen)) {
        if chosen { &mut sources } else { &mut left_out }.push(note);
    }
    for (message, tokens) in material.history {
        let kept = whole(&message.content, tokens);
        sources.push(message_source(message, Kind::History, kept));
    }
    let kept = whole(&material.query.content, material.query_tokens);
    sources.push(message_source(material.query, Kind::Query, kept));
    for (id, source) in sources.iter_mut().enumerate() {
        source.passage.id = id as u32;
    }
    Ok(Listed { sources, left_out })
}

/// What was recalled and bears on the query, condensed.
async fn memories(
    recalled: Vec<Recalled>,
    material: &Material<'_>,
    meter: Meter<'_>,
    policies: &Policies,
    degraded: &mut Vec<Degraded>,
) -> Result<Vec<Source>, ApiError> {
    let messages: Vec<&Found> = recalled.iter().map(|one| &one.found).collect();
    let tokens = tokens_of(&messages, meter).await;
    let tokens = tokens.map_err(|error| ApiError::of_model(&error))?;
    let texts: Vec<(&str, u32)> =
        messages.iter().map(|one| one.content.as_str()).zip(tokens).collect();
    let tokens_max = material.shares.note(limits::MEMORY_TOKENS_MAX);
    let query = &material.query.content;
    let kept = condense::condense(query, &texts, tokens_max, policies, degraded).await?;
    let kept = recalled.into_iter().zip(kept).filter(|(_, kept)| !kept.is_empty());
    let source = |(recalled, kept): (Recalled, condense::Kept)| {
        let mut source = message_source(recalled.found, Kind::Memory, kept);
        source.passage.score = recalled.score;
        source
    };
    Ok(kept.map(source).collect())
}

/// What was found in documents and bears on the query, condensed.
async fn documents(
    found: Vec<(Passed, f32)>,
    material: &Material<'_>,
    meter: Meter<'_>,
    policies: &Policies,
    degraded: &mut Vec<Degraded>,
) -> Result<Vec<Source>, ApiError> {
    let texts: Vec<&str> = found.iter().map(|(one, _)| one.content.as_str()).collect();
    let tokens = measure::count_known(meter.digest, &texts).await;
    let tokens = tokens.map_err(|error| ApiError::of_model(&error))?;
    let texts: Vec<(&str, u32)> = texts.into_iter().zip(tokens).collect();
    let tokens_max = material.shares.note(limits::DOCUMENT_TOKENS_MAX);
    let query = &material.query.content;
    let kept = condense::condense(query, &texts, tokens_max, policies, degraded).await?;
    let kept = found.into_iter().zip(kept).filter(|(_, kept)| !kept.is_empty());
    Ok(kept.map(|((passage, score), kept)| document_source(passage, score, kept)).collect())
}

/// A text that is kept whole, as one span; none for an empty text.
pub fn whole(text: &str, tokens: u32) -> Vec<(Span, u32)> {
    if text.is_empty() {
        return Vec::new();
    }
    vec![(Span { start: 0, end: text.len() as u32 }, tokens)]
}

/// The instruction, with its tokens.
pub fn instruction_source(text: &str, tokens: u32) -> Source {
    let message = Found {
        message: 0,
        turn: 0,
        role: "system",
        timestamp: 0,
        tokens: None,
        content: text.to_owned(),
    };
    let mut source = message_source(message, Kind::Instruction, whole(text, tokens));
    source.message = None;
    source.passage.said_at = None;
    source
}

/// A passage of a document, of which this is kept.
pub fn document_source(passage: Passed, score: f32, kept: Vec<(Span, u32)>) -> Source {
    let (spans, span_tokens): (Vec<Span>, Vec<u32>) = kept.into_iter().unzip();
    Source {
        passage: Passage {
            id: 0,
            kind: Kind::Document,
            role: Role::User,
            turn: 0,
            score,
            said_at: Some(time::seconds(passage.created_at)),
            tokens: span_tokens.iter().sum(),
            text: passage.content,
            kept: spans,
        },
        message: None,
        found: Some(Box::new(Excerpt {
            chunk: passage.chunk,
            document: passage.document,
            name: passage.name,
            headings: passage.headings,
            page: passage.page,
            start: passage.start,
        })),
        span_tokens,
    }
}

/// A message, of which this is kept.
pub fn message_source(message: Found, kind: Kind, kept: Vec<(Span, u32)>) -> Source {
    let role = match message.role {
        "system" => Role::System,
        "user" => Role::User,
        _ => Role::Assistant,
    };
    let (spans, span_tokens): (Vec<Span>, Vec<u32>) = kept.into_iter().unzip();
    Source {
        passage: Passage {
            id: 0,
            kind,
            role,
            turn: message.turn,
            score: 0.0,
            said_at: Some(time::seconds(message.timestamp)),
            tokens: span_tokens.iter().sum(),
            text: message.content,
            kept: spans,
        },
        message: Some(message.message),
        found: None,
        span_tokens,
    }
}
