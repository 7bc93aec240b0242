//! What a prompt was put together from, as its receipt holds it: texts as ids and spans, and what
//! the tokenizer said.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::passages::{Source, document_source, instruction_source, message_source, whole};
use super::scale::Entry;
use crate::bindings::policy::types::{Kind, Span};
use crate::db::memory::Found;
use crate::db::passages::{Passage, Text};

/// What a prompt was put together from.
#[derive(Debug, Deserialize, Serialize)]
pub struct Record {
    /// The time of the turn, in seconds since 1970-01-01 UTC.
    pub now: u64,
    /// The passages, in their order.
    pub sources: Vec<Kept>,
    /// What the tokenizer said while the prompt was made to fit.
    pub tape: Vec<Entry>,
}

/// A passage. Messages are named by their ids, passages of documents by theirs; a span is its two
/// ends and its tokens.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kept {
    /// The text, which stands nowhere else, and its tokens.
    Instruction(String, u32),
    /// A passage of a document: its id, its score, the seconds of its upload, what is kept.
    Document(u64, f32, u64, Vec<[u32; 3]>),
    /// A message that was recalled: its id, its score, what is kept.
    Memory(u64, f32, Vec<[u32; 3]>),
    /// A message of the recent turns: its id and its tokens.
    History(u64, u32),
    /// The user's message: its id and its tokens.
    Query(u64, u32),
}

impl Kept {
    /// A passage, as it is kept.
    fn of(source: &Source) -> Self {
        let passage = &source.passage;
        let spans = || {
            let pairs = passage.kept.iter().zip(&source.span_tokens);
            pairs.map(|(span, tokens)| [span.start, span.end, *tokens]).collect()
        };
        let message = source.message.unwrap_or(0);
        match passage.kind {
            Kind::Instruction => Self::Instruction(passage.text.clone(), passage.tokens),
            Kind::Document => {
                let chunk = source.found.as_ref().map_or(0, |found| found.chunk);
                Self::Document(chunk, passage.score, passage.said_at.unwrap_or(0), spans())
            }
            Kind::Memory => Self::Memory(message, passage.score, spans()),
            Kind::History => Self::History(message, passage.tokens),
            Kind::Query => Self::Query(message, passage.tokens),
        }
    }

    /// The tokens of what is kept of it, span by span.
    pub fn tokens(&self) -> impl Iterator<Item = u32> {
        let (spans, whole): (&[[u32; 3]], _) = match self {
            Self::Document(.., spans) | Self::Memory(.., spans) => (spans, None),
            Self::Instruction(_, tokens) | Self::History(_, tokens) | Self::Query(_, tokens) => {
                (&[], Some(*tokens))
            }
        };
        spans.iter().map(|span| span[2]).chain(whole)
    }

    /// The message that it is.
    pub fn message(&self) -> Option<u64> {
        match self {
            Self::Memory(id, ..) | Self::History(id, _) | Self::Query(id, _) => Some(*id),
            Self::Instruction(..) | Self::Document(..) => None,
        }
    }

    /// The passage of a document that it is.
    pub fn passage(&self) -> Option<u64> {
        match self {
            Self::Document(id, ..) => Some(*id),
            _ => None,
        }
    }
}

/// The texts that a record refers to.
#[derive(Debug, Default)]
pub struct Texts {
    /// Messages, by their ids.
    pub messages: HashMap<u64, Found>,
    /// Passages of documents, by their ids.
    pub passages: HashMap<u64, Text>,
}

impl Record {
    /// Of the passages of a turn.
    pub fn of(sources: &[Source], now: u64, tape: Vec<Entry>) -> Self {
        Self { now, sources: sources.iter().map(Kept::of).collect(), tape }
    }

    /// The ids of its messages, each once.
    pub fn messages(&self) -> Vec<u64> {
        once(self.sources.iter().filter_map(Kept::message))
    }

    /// The ids of its passages of documents, each once.
    pub fn passages(&self) -> Vec<u64> {
        once(self.sources.iter().filter_map(Kept::passage))
    }
}

/// A text that cannot be had any more.
#[derive(Debug, PartialEq)]
pub enum Gone {
    /// The message with this id.
    Message(u64),
    /// The passage of a document with this id.
    Passage(u64),
}

impl std::fmt::Display for Gone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Message(id) => write!(f, "the message `{id}` is not there any more"),
            Self::Passage(id) => {
                write!(f, "the passage `{id}` of a document is not there any more")
            }
        }
    }
}

/// The passages that were kept, with their places as ids.
///
/// Fails with the id of a text that is gone, or that is not what it was.
pub fn restore(kept: &[Kept], texts: &Texts) -> Result<Vec<Source>, Gone> {
    let mut sources = Vec::with_capacity(kept.len());
    for (place, one) in kept.iter().enumerate() {
        let mut source = restore_one(one, texts)?;
        source.passage.id = place as u32;
        sources.push(source);
    }
    Ok(sources)
}

fn restore_one(kept: &Kept, texts: &Texts) -> Result<Source, Gone> {
    let message = |id: &u64| texts.messages.get(id).cloned().ok_or(Gone::Message(*id));
    Ok(match kept {
        Kept::Instruction(text, tokens) => instruction_source(text, *tokens),
        Kept::Document(id, score, said_at, kept) => {
            let text = texts.passages.get(id).ok_or(Gone::Passage(*id))?;
            let kept = spans(kept, &text.content).ok_or(Gone::Passage(*id))?;
            let passage = Passage::of_receipt(*id, text, *said_at);
            document_source(passage, *score, kept)
        }
        Kept::Memory(id, score, kept) => {
            let message = message(id)?;
            let kept = spans(kept, &message.content).ok_or(Gone::Message(*id))?;
            let mut source = message_source(message, Kind::Memory, kept);
            source.passage.score = *score;
            source
        }
        Kept::History(id, tokens) | Kept::Query(id, tokens) => {
            let message = message(id)?;
            let text = whole(&message.content, *tokens);
            let is_query = matches!(kept, Kept::Query(..));
            let kind = if is_query { Kind::Query } else { Kind::History };
            message_source(message, kind, text)
        }
    })
}

/// The spans of a text, with their tokens. None if it has no such spans: somebody else's text.
fn spans(kept: &[[u32; 3]], text: &str) -> Option<Vec<(Span, u32)>> {
    let span = |[start, end, tokens]: &[u32; 3]| {
        text.get(*start as usize..*end as usize).filter(|text| !text.is_empty())?;
        Some((Span { start: *start, end: *end }, *tokens))
    };
    kept.iter().map(span).collect()
}

fn once(ids: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut ids: Vec<u64> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(message: u64, role: &'static str, content: &str) -> Found {
        let content = content.to_owned();
        Found { message, turn: 1, role, timestamp: 5_000_000, tokens: None, content }
    }

    fn kept() -> Vec<Kept> {
        vec![
            Kept::Instruction("Be kind.".to_owned(), 3),
            Kept::Document(4, 0.1, 9, vec![[0, 3, 1]]),
            Kept::Memory(7, 1.25, vec![[4, 8, 2]]),
            Kept::History(8, 1),
            Kept::Query(9, 5),
        ]
    }

    fn texts() -> Texts {
        let messages = [found(7, "user", "The blue cup"), found(8, "assistant", "Hi")];
        let query = found(9, "user", "Where is it?");
        let messages = messages.into_iter().chain([query]).map(|one| (one.message, one));
        let text = Text { content: "Tea grows".to_owned(), document: "d".to_owned() };
        Texts { messages: messages.collect(), passages: HashMap::from([(4, text)]) }
    }

    #[test]
    fn passages_are_restored_as_they_were_and_kept_as_they_are() {
        let sources = restore(&kept(), &texts()).unwrap();
        let again = Record::of(&sources, 5, Vec::new());
        assert_eq!(again.sources, kept());
        let json = serde_json::to_string(&again).unwrap();
        let read: Record = serde_json::from_str(&json).unwrap();
        assert_eq!(read.sources, kept());
        assert_eq!((read.messages(), read.passages()), (vec![7, 8, 9], vec![4]));
        let said_at: Vec<_> = sources.iter().map(|source| source.passage.said_at).collect();
        assert_eq!(said_at, [None, Some(9), Some(5), Some(5), Some(5)]);
    }

    #[test]
    fn what_is_gone_is_named() {
        let gone = |change: fn(&mut Texts)| {
            let mut texts = texts();
            change(&mut texts);
            restore(&kept(), &texts).unwrap_err()
        };
        assert_eq!(gone(|texts| drop(texts.messages.remove(&8))), Gone::Message(8));
        assert_eq!(gone(|texts| texts.passages.clear()), Gone::Passage(4));
        let shorter = |texts: &mut Texts| {
            texts.messages.insert(7, found(7, "user", "The"));
        };
        assert_eq!(gone(shorter), Gone::Message(7));
    }
}
