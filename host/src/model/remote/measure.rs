//! How long a text is for a model whose server does not say: by the model's own tokenizer if its
//! file was named, and by an estimate that errs on the side of too many if not.

use std::path::Path;

use openai_wire::estimate;
use sha2::{Digest as _, Sha256};
use tokenizers::Tokenizer;

use super::frame::Frame;
use crate::model::clip::{self, Counter};
use crate::model::{ModelError, Prompt, Role, Side, Span};

/// The longest file of a tokenizer, in bytes.
const FILE_BYTES_MAX: u64 = 256 << 20;
/// Text that is measured where it is asked for, in bytes; more goes to a thread that may block.
const INLINE_BYTES: usize = 16 * 1024;

/// What measures texts.
pub enum Measure {
    /// Nothing is known of the tokenizer.
    Estimate,
    /// The model's own tokenizer, and what names it in a digest.
    Exact(Box<Exact>),
}

/// A tokenizer from a file, and the chat template if it lies beside it.
pub struct Exact {
    tokenizer: Tokenizer,
    frame: Option<Frame>,
    name: String,
}

impl Measure {
    /// Reads a `tokenizer.json`, and the chat template beside it. Blocks.
    ///
    /// Fails with a sentence for the operator.
    pub fn read(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        let cannot = |why: String| format!("the tokenizer `{shown}` cannot be used: {why}");
        let size = std::fs::metadata(path).map_err(|error| cannot(error.to_string()))?.len();
        if size > FILE_BYTES_MAX {
            return Err(cannot(format!("it has {size} bytes, at most {FILE_BYTES_MAX} may be")));
        }
        let bytes = std::fs::read(path).map_err(|error| cannot(error.to_string()))?;
        let mut tokenizer =
            Tokenizer::from_bytes(&bytes).map_err(|error| cannot(error.to_string()))?;
        // A file may say how its texts are to be cut or filled up; here they are measured.
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(|error| cannot(error.to_string()))?;
        // What looks like a control token in somebody's text is text.
        tokenizer.set_encode_special_tokens(true);
        let frame = Frame::beside(path, &tokenizer)?;
        let name: String =
            Sha256::digest(&bytes)[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        let framed = if frame.is_some() { "template" } else { "estimate-1" };
        let name = format!("tokenizer-{name}-{framed}");
        Ok(Self::Exact(Box::new(Exact { tokenizer, frame, name })))
    }

    /// What names it in a digest.
    pub fn name(&self) -> &str {
        match self {
            Self::Estimate => "estimate-1",
            Self::Exact(exact) => &exact.name,
        }
    }

    /// Whether nothing is estimated: neither texts nor what is written around them.
    pub fn is_exact(&self) -> bool {
        matches!(self, Self::Exact(exact) if exact.frame.is_some())
    }

    /// Whether measuring so many bytes should not be done where others wait.
    pub fn is_slow(&self, bytes: usize) -> bool {
        matches!(self, Self::Exact(_)) && bytes > INLINE_BYTES
    }

    /// See `ChatBackend::frame`.
    ///
    /// Fails with `InvalidRequest` if the template cannot express these roles in this order.
    pub fn frame(&self, roles: &[Role]) -> Result<Vec<u32>, ModelError> {
        match self {
            Self::Exact(exact) if !roles.is_empty() => match &exact.frame {
                Some(frame) => Ok(frame.count(roles, |text| self.count(text))?.to_vec()),
                None => Ok(estimate::frame(roles.len())),
            },
            _ => Ok(estimate::frame(roles.len())),
        }
    }

    /// The tokens of a text.
    pub fn count(&self, text: &str) -> u32 {
        match self {
            Self::Estimate => estimate::count(text),
            Self::Exact(exact) => exact.count(text) as u32,
        }
    }

    /// The longest beginning or end of a text that has at most so many tokens.
    pub fn clip(&self, text: &str, tokens_max: u32, side: Side) -> Span {
        let (start, end) = match self {
            Self::Estimate => estimate::clip(text, tokens_max, side == Side::End),
            Self::Exact(exact) => {
                let range = match side {
                    Side::Beginning => clip::beginning(&**exact, text, tokens_max as usize),
                    Side::End => clip::end(&**exact, text, tokens_max as usize),
                };
                (range.start, range.end)
            }
        };
        Span { start: start as u32, end: end as u32 }
    }

    /// The tokens of a prompt: the same sum that its maker has measured.
    ///
    /// Fails as `frame` does.
    pub fn prompt(&self, prompt: &Prompt) -> Result<u32, ModelError> {
        let (pieces, frame) = match prompt {
            Prompt::Messages(messages) => {
                let roles: Vec<Role> = messages.iter().map(|message| message.role).collect();
                let pieces = messages.iter().flat_map(|message| &message.pieces);
                (self.sum(pieces), self.frame(&roles)?)
            }
            Prompt::Text(pieces) => (self.sum(pieces), self.frame(&[])?),
        };
        Ok(frame.into_iter().fold(pieces, u32::saturating_add))
    }

    fn sum<'a>(&self, pieces: impl IntoIterator<Item = &'a String>) -> u32 {
        let counts = pieces.into_iter().map(|piece| self.count(piece));
        counts.fold(0, u32::saturating_add)
    }
}

impl Counter for Exact {
    fn lengths(&self, text: &str) -> Vec<usize> {
        let Ok(encoding) = self.tokenizer.encode(text, false) else {
            // A tokenizer that has no token for a text: as if each byte were one.
            return vec![1; text.len()];
        };
        // Some tokenizers leave spaces out of their tokens; each is counted with what it precedes.
        let mut end = 0;
        let ends = encoding.get_offsets().iter().map(|(_, end)| *end);
        ends.map(|next| {
            let length = next.saturating_sub(end);
            end = end.max(next);
            length
        })
        .collect()
    }

    fn count(&self, text: &str) -> usize {
        match self.tokenizer.encode_fast(text, false) {
            Ok(encoding) => encoding.len(),
            Err(_) => text.len(),
        }
    }
}
