//! Cutting a text into chunks: its pieces are measured by the embedding model, and the policy
//! decides.

use std::ops::Range;

use crate::bindings::inference::embeddings;
use crate::bindings::inference::types::Error as ModelError;
use crate::bindings::policy::chunking::{self, Measure, Request};
use crate::bindings::policy::extraction::Extracted;
use crate::bindings::policy::types::{Block, Failure};
use crate::db::reading::NewChunk;
use crate::limits;

/// Why a text could not be cut.
#[derive(Debug)]
pub enum Uncut {
    /// The model could not measure it.
    Model(ModelError),
    /// The policy failed.
    Policy(Failure),
}

/// Cuts a text. `tokens_max` is what one vector reflects.
///
/// Fails as the model and the policy do.
pub async fn cut(read: &Extracted, tokens_max: u32) -> Result<Vec<NewChunk>, Uncut> {
    let pieces = pieces(&read.text);
    let mut measures = Vec::with_capacity(pieces.len());
    for batch in pieces.chunks(limits::COUNT_TEXTS_MAX) {
        let texts = batch.iter().map(|piece| read.text[piece.clone()].to_owned()).collect();
        let counts = embeddings::count(texts).await.map_err(Uncut::Model)?;
        if counts.len() != batch.len() {
            return Err(Uncut::Model(ModelError::EngineFailed));
        }
        measures.extend(
            batch
                .iter()
                .zip(counts)
                .map(|(piece, tokens)| Measure { end: piece.end as u32, tokens }),
        );
    }
    let request = Request {
        text: read.text.clone(),
        blocks: read.blocks.clone(),
        measures,
        tokens_max: chunk_tokens(tokens_max),
    };
    let chunks = chunking::cut(request).await;
    let chunks = chunks.map_err(|chunking::Error::Failed(failure)| Uncut::Policy(failure))?;
    let chunk = |chunk: chunking::Chunk| {
        let span = chunk.span.start as usize..chunk.span.end as usize;
        let heading = |at: &u32| read.blocks.get(*at as usize).map(|it| heading(&read.text, it));
        Some(NewChunk {
            span: [chunk.span.start, chunk.span.end],
            page: chunk.page,
            headings: chunk.headings.iter().filter_map(heading).collect(),
            content: read.text.get(span)?.to_owned(),
        })
    };
    let found: Option<Vec<NewChunk>> = chunks.into_iter().map(chunk).collect();
    found.ok_or(Uncut::Policy(Failure::InvalidAnswer))
}

/// What a chunk may measure: some of a vector's tokens are for the headings above it.
fn chunk_tokens(tokens_max: u32) -> u32 {
    let room = tokens_max.saturating_sub(limits::HEADING_TOKENS);
    room.clamp(limits::CHUNK_TOKENS_MIN, limits::CHUNK_TOKENS_MAX)
}

/// A heading without its marks, as far as it may be long.
fn heading(text: &str, block: &Block) -> String {
    let span = block.span.start as usize..block.span.end as usize;
    let line = text.get(span).unwrap_or_default().trim_matches(['#', '=', '-', ' ', '\n']);
    line.lines().next().unwrap_or_default().chars().take(limits::HEADING_CHARS_MAX).collect()
}

/// Cuts a text into pieces of at most 64 bytes that end behind white space where there is any.
fn pieces(text: &str) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut space = 0;
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        if end - start > limits::PIECE_BYTES_MAX {
            let cut = if space > start { space } else { at };
            pieces.push(start..cut);
            start = cut;
        }
        if c.is_whitespace() {
            space = end;
        }
    }
    if start < text.len() {
        pieces.push(start..text.len());
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_a_text_and_end_behind_white_space() {
        for text in
            ["", "a", &"word ".repeat(99), &"ü".repeat(999), &format!("{} b", "x".repeat(64))]
        {
            let pieces = pieces(text);
            let mut end = 0;
            for piece in &pieces {
                assert_eq!(piece.start, end);
                assert!(piece.len() <= limits::PIECE_BYTES_MAX && !piece.is_empty());
                assert!(text.is_char_boundary(piece.end));
                end = piece.end;
            }
            assert_eq!(end, text.len());
        }
        assert!(pieces(&"word ".repeat(99)).iter().all(|piece| piece.end % 5 == 0));
    }

    #[test]
    fn a_chunk_leaves_room_for_its_headings() {
        assert_eq!(chunk_tokens(256), 224);
        assert_eq!(chunk_tokens(8_192), limits::CHUNK_TOKENS_MAX);
        assert_eq!(chunk_tokens(16), limits::CHUNK_TOKENS_MIN);
    }
}
