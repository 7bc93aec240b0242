//! What a reply rests on: what stood in its prompt (consulted), and which of that its sentences
//! draw on (cited).

use serde::Serialize;

use super::receipt::Decided;
use crate::bindings::policy::types::Kind;
use crate::documents::cite::{self, Source};

/// A passage of a document or a memory that stood in the prompt.
#[derive(Serialize)]
pub struct Consulted {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    passage_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    document_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    document_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    headings: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<u32>,
    score: f32,
    tokens: u32,
    /// What the model read of it, in bytes of the document's text, or of the message.
    spans: Vec<[u32; 2]>,
}

/// A sentence of the reply, and what it draws on.
#[derive(Serialize)]
pub struct Cited {
    /// Where the sentence stands in the reply, in bytes.
    sentence: [usize; 2],
    /// What it draws on, as a place in the list of what was consulted.
    consulted: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    document_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<u64>,
    /// Where that stands, in bytes of the document's text, or of the message.
    span: [u32; 2],
}

/// The sources in the prompt that were found, not said just now: their places in the list.
fn places(decided: &Decided) -> impl Iterator<Item = usize> {
    (0..decided.sources.len()).filter(|at| {
        let kind = decided.sources[*at].passage.kind;
        decided.kept[*at] > 0 && matches!(kind, Kind::Document | Kind::Memory)
    })
}

/// What stood in the prompt, in its order.
pub fn consulted(decided: &Decided) -> Vec<Consulted> {
    let told = |at: usize| {
        let source = &decided.sources[at];
        let found = source.found.as_deref();
        let start = found.map_or(0, |found| found.start);
        let spans = decided.prompt.spans_of(at);
        Consulted {
            kind: if found.is_some() { "document" } else { "memory" },
            message_id: source.message,
            passage_id: found.map(|found| found.chunk),
            document_id: found.map(|found| found.document.clone()),
            document_name: found.map(|found| found.name.clone()),
            headings: found.map(|found| found.headings.clone()),
            page: found.map(|found| found.page).filter(|page| *page > 0),
            score: source.passage.score,
            tokens: decided.kept[at],
            spans: spans.map(|span| [start + span.start, start + span.end]).collect(),
        }
    };
    places(decided).map(told).collect()
}

/// Which of what was consulted the sentences of a reply draw on.
pub fn cited(decided: &Decided, reply: &str) -> Vec<Cited> {
    let places: Vec<usize> = places(decided).collect();
    let source = |at: &usize| Source {
        text: &decided.sources[*at].passage.text,
        read: decided
            .prompt
            .spans_of(*at)
            .map(|span| span.start as usize..span.end as usize)
            .collect(),
    };
    let sources: Vec<Source<'_>> = places.iter().map(source).collect();
    let told = |citation: cite::Citation| {
        let source = &decided.sources[places[citation.source]];
        let found = source.found.as_deref();
        let start = found.map_or(0, |found| found.start);
        Cited {
            sentence: citation.sentence,
            consulted: citation.source,
            document_id: found.map(|found| found.document.clone()),
            message_id: source.message,
            span: citation.span.map(|byte| start + byte as u32),
        }
    };
    cite::cite(reply, &sources).into_iter().map(told).collect()
}
