//! A prompt in its pieces, each with its source.

use super::fit::chat;
use super::passages::Source;
use crate::bindings::inference::chat::{Message, Prompt as ChatPrompt};
use crate::bindings::policy::types::{Role, Span};

/// Where a piece comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Origin {
    /// A literal of the assembly policy, or a day.
    Words,
    /// A span of a passage.
    Passage {
        /// The place of the passage in the list.
        source: usize,
        /// The span of its text.
        span: Span,
    },
}

/// A piece of text, tokenized by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// The text.
    pub text: String,
    /// Its tokens.
    pub tokens: u32,
    /// Where it comes from.
    pub origin: Origin,
}

/// A message of a chat, or a whole prompt as plain text.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Who says it to the model.
    pub role: Role,
    /// Its pieces.
    pub pieces: Vec<Piece>,
}

/// A prompt that fits.
#[derive(Debug)]
pub struct Prompt {
    /// The messages; one without meaning for its role if it is plain text.
    pub lines: Vec<Line>,
    /// Whether it is written with the model's chat template.
    pub is_chat: bool,
    /// All tokens, those of the template included.
    pub tokens: u32,
    /// The tokens of the template.
    pub template_tokens: u32,
}

/// What parts of a plan refer to.
pub struct Words<'a> {
    /// The literals of the policy.
    pub literals: &'a [String],
    /// The passages.
    pub sources: &'a [Source],
}

impl Line {
    /// A message without anything in it yet.
    pub fn new(role: Role) -> Self {
        Self { role, pieces: Vec::new() }
    }
}

impl Prompt {
    /// The prompt as the model takes it.
    pub fn for_model(&self) -> ChatPrompt {
        let texts = |line: &Line| -> Vec<String> {
            line.pieces.iter().map(|piece| piece.text.clone()).collect()
        };
        if self.is_chat {
            let message = |line: &Line| Message { role: chat(line.role), pieces: texts(line) };
            ChatPrompt::Messages(self.lines.iter().map(message).collect())
        } else {
            ChatPrompt::Text(self.lines.iter().flat_map(texts).collect())
        }
    }

    /// What tells whether two prompts are the same, bit for bit: the sha256 of their messages and
    /// pieces, in lower-case hexadecimal. Where a piece ends counts, since each is tokenized by
    /// itself.
    pub fn sha256(&self) -> String {
        use sha2::{Digest, Sha256};
        let mut hash = Sha256::new();
        hash.update([u8::from(self.is_chat)]);
        for line in &self.lines {
            hash.update([b'm', if self.is_chat { line.role as u8 } else { 0 }]);
            for piece in &line.pieces {
                hash.update([b'p']);
                hash.update((piece.text.len() as u64).to_le_bytes());
                hash.update(&piece.text);
            }
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The tokens that are left of each of so many passages.
    pub fn kept(&self, sources: usize) -> Vec<u32> {
        let mut kept = vec![0; sources];
        for piece in self.lines.iter().flat_map(|line| &line.pieces) {
            if let Origin::Passage { source, .. } = piece.origin {
                kept[source] += piece.tokens;
            }
        }
        kept
    }

    /// The spans that are left of a passage.
    pub fn spans_of(&self, source: usize) -> impl Iterator<Item = Span> {
        let pieces = self.lines.iter().flat_map(|line| &line.pieces);
        pieces.filter_map(move |piece| match piece.origin {
            Origin::Passage { source: of, span } if of == source => Some(span),
            _ => None,
        })
    }
}

/// A prompt as people read it: messages under their roles; plain text as it stands.
pub fn render(messages: &[(&str, String)], is_chat: bool) -> String {
    if !is_chat {
        return messages.iter().map(|(_, text)| text.as_str()).collect();
    }
    let shown: Vec<String> =
        messages.iter().map(|(role, text)| format!("[{role}]\n{text}")).collect();
    shown.join("\n\n")
}
