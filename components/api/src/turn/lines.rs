//! The lines of a prompt, as a receipt has them: texts stand in them as ids and spans.

use serde::Serialize;

use super::passages::Source;
use super::prompt::{Line, Origin, Piece, Prompt};
use crate::bindings::policy::types::{Kind, Role};

/// A line of the prompt. A message of the history that stands there whole is only its id: there are
/// many of them.
#[derive(Serialize)]
#[serde(untagged)]
pub enum LineTold<'a> {
    /// The message with this id.
    Message(Option<u64>),
    /// A role, and what is said under it.
    Pieces {
        /// `system`, `user` or `assistant`.
        role: &'static str,
        /// Piece by piece.
        pieces: Vec<PieceTold<'a>>,
    },
}

/// A piece of a line.
#[derive(Serialize)]
#[serde(untagged)]
pub enum PieceTold<'a> {
    /// What stands nowhere else.
    Words {
        /// The text.
        text: &'a str,
    },
    /// A part of a message.
    Span {
        /// The id of the message.
        message: u64,
        /// The two ends, in bytes.
        span: [u32; 2],
    },
    /// A part of a passage of a document.
    Excerpt {
        /// The id of the passage.
        passage: u64,
        /// The two ends, in bytes.
        span: [u32; 2],
    },
}

/// The lines of a prompt as JSON, to be compared with those of a receipt.
pub fn lines_of(prompt: &Prompt, sources: &[Source]) -> serde_json::Value {
    serde_json::to_value(lines(prompt, sources)).expect("texts and numbers are always JSON")
}

/// The lines of a prompt.
pub fn lines<'a>(prompt: &'a Prompt, sources: &[Source]) -> Vec<LineTold<'a>> {
    prompt.lines.iter().map(|line| line_told(line, sources)).collect()
}

fn line_told<'a>(line: &'a Line, sources: &[Source]) -> LineTold<'a> {
    if let [Piece { text, origin: Origin::Passage { source, .. }, .. }] = line.pieces.as_slice()
        && let source = &sources[*source]
        && source.passage.kind == Kind::History
        && source.passage.text.len() == text.len()
    {
        return LineTold::Message(source.message);
    }
    let told = |piece: &'a Piece| {
        let Origin::Passage { source, span } = piece.origin else {
            return PieceTold::Words { text: &piece.text };
        };
        let (source, span) = (&sources[source], [span.start, span.end]);
        match (source.message, &source.found) {
            (Some(message), _) => PieceTold::Span { message, span },
            (None, Some(found)) => PieceTold::Excerpt { passage: found.chunk, span },
            (None, None) => PieceTold::Words { text: &piece.text },
        }
    };
    LineTold::Pieces { role: role(line.role), pieces: line.pieces.iter().map(told).collect() }
}

/// The role, as people write it.
pub fn role(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    }
}
