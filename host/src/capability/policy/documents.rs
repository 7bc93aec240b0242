//! What is decided about documents: what they say, and where they are cut. Both take longer than a
//! decision in a turn, so they compute on threads where they keep nobody waiting, a few at a time.

use std::sync::Arc;

use tokio::sync::Semaphore;
use wasmtime::component::Accessor;

use super::rules::{ONLY_THE_HOST_FAILS, must};
use super::{Policies, View};
use crate::bindings::policy::types::{Block, BlockKind, Failure, Span};
use crate::bindings::policy::{chunking, extraction};
use crate::slot::{Allowance, Interface, OF_A_TURN, Probe, Refusal, Slot};

/// A file, in bytes.
const FILE_BYTES_MAX: usize = 15 << 20;
/// The text of a document, in bytes.
const TEXT_BYTES_MAX: usize = 8 << 20;
/// The blocks of a document.
const BLOCKS_MAX: usize = 1 << 18;
/// The parts of a file that could not be read.
const GAPS_MAX: usize = 4_096;
/// A title, and the name of an encoding, in bytes.
const TITLE_BYTES_MAX: usize = 512;
/// The chunks of a document.
const CHUNKS_MAX: usize = 131_072;
/// The headings above one chunk.
const HEADINGS_MAX: usize = 6;
/// One measured piece, in bytes.
const PIECE_BYTES_MAX: usize = 64;
/// The least that `tokens-max` may be.
const TOKENS_MIN: u32 = 128;
/// What a block or a measure counts for, in bytes.
const BLOCK_BYTES: usize = 16;
/// Documents that are read or cut at once: each may take hundreds of megabytes.
const AT_ONCE_MAX: usize = 2;

static AT_ONCE: Semaphore = Semaphore::const_new(AT_ONCE_MAX);

/// `loci:policy/extraction`.
pub struct Extraction;
/// `loci:policy/chunking`.
pub struct Chunking;

impl Interface for Extraction {
    const NAME: &'static str = "loci:policy/extraction@0.1.0";
    const FUNCTION: &'static str = "extract";
    /// A file can unpack to much more than it is, so most of it does not depend on the size.
    const ALLOWANCE: Allowance = Allowance {
        fuel: 20_000_000_000,
        fuel_per_byte: 4_000,
        ticks: 3_000,
        memory_bytes: 384 << 20,
        answer_bytes: 32 << 20,
        is_of_a_turn: false,
        ..OF_A_TURN
    };
    type Request = Vec<u8>;
    type Answer = Result<extraction::Extracted, extraction::Error>;
    type Facts = ();

    fn describe(_: &Probe<'_, Self>) -> Result<Self::Facts, Refusal> {
        Ok(())
    }

    fn measure(request: &Self::Request) -> Result<usize, Failure> {
        match request.len() {
            0..=FILE_BYTES_MAX => Ok(request.len()),
            _ => Err(Failure::RequestTooLarge),
        }
    }

    fn check(
        (): &Self::Facts,
        _: &Self::Request,
        answer: &Self::Answer,
    ) -> Result<(), &'static str> {
        let it = match answer {
            Ok(it) => it,
            Err(extraction::Error::Failed(_)) => return Err(ONLY_THE_HOST_FAILS),
            Err(_) => return Ok(()),
        };
        let control = |c: char| c.is_control() && c != '\n' && c != '\t';
        must(it.text.len() <= TEXT_BYTES_MAX, "a text has at most 8388608 bytes")?;
        must(!it.text.trim().is_empty(), "a text has something in it")?;
        must(!it.text.contains(control), "a text has no control characters")?;
        must(it.title.len() <= TITLE_BYTES_MAX, "a title has at most 512 bytes")?;
        must(it.encoding.len() <= TITLE_BYTES_MAX, "an encoding has at most 512 bytes")?;
        must(it.gaps.len() <= GAPS_MAX, "there are at most 4096 gaps")?;
        must(
            blocks_are_valid(&it.text, &it.blocks),
            "blocks stand in the text, in order, with a level where they are headings",
        )
    }

    fn trials() -> Vec<Self::Request> {
        [&b""[..], b"It rained.\n\nThen it stopped.\n", b"\xff\xfe\x00", b"%PDF-1.4", b"PK\x03\x04"]
            .map(<[u8]>::to_vec)
            .to_vec()
    }
}

impl Interface for Chunking {
    const NAME: &'static str = "loci:policy/chunking@0.1.0";
    const FUNCTION: &'static str = "cut";
    const ALLOWANCE: Allowance = Allowance {
        fuel: 500_000_000,
        fuel_per_byte: 500,
        ticks: 1_000,
        memory_bytes: 256 << 20,
        answer_bytes: 16 << 20,
        is_of_a_turn: false,
        ..OF_A_TURN
    };
    type Request = chunking::Request;
    type Answer = Result<Vec<chunking::Chunk>, chunking::Error>;
    type Facts = ();

    fn describe(_: &Probe<'_, Self>) -> Result<Self::Facts, Refusal> {
        Ok(())
    }

    fn measure(request: &Self::Request) -> Result<usize, Failure> {
        let fits = request.text.len() <= TEXT_BYTES_MAX
            && request.tokens_max >= TOKENS_MIN
            && blocks_are_valid(&request.text, &request.blocks)
            && measures_are_valid(&request.text, &request.measures);
        let elements = request.blocks.len() + request.measures.len();
        if fits {
            Ok(request.text.len() + BLOCK_BYTES * elements)
        } else {
            Err(Failure::RequestTooLarge)
        }
    }

    fn check(
        (): &Self::Facts,
        request: &Self::Request,
        answer: &Self::Answer,
    ) -> Result<(), &'static str> {
        let chunks = answer.as_ref().map_err(|_| ONLY_THE_HOST_FAILS)?;
        must(
            chunks_are_valid(request, chunks),
            "chunks hold the whole text in order, are short enough, and name headings above them",
        )
    }

    fn trials() -> Vec<Self::Request> {
        let text = "Boats\n\nThey float. They are made of wood.\n";
        let span = |start, end| Span { start, end };
        let block = |kind, level, span| Block { kind, level, page: 1, span };
        let whole = chunking::Request {
            text: text.to_owned(),
            blocks: vec![
                block(BlockKind::Heading, 1, span(0, 5)),
                block(BlockKind::Paragraph, 0, span(7, 41)),
            ],
            measures: vec![chunking::Measure { end: text.len() as u32, tokens: 11 }],
            tokens_max: TOKENS_MIN,
        };
        let empty = chunking::Request {
            text: String::new(),
            blocks: Vec::new(),
            measures: Vec::new(),
            tokens_max: TOKENS_MIN,
        };
        vec![whole, empty]
    }
}

/// Whether blocks stand in a text, one after the other.
fn blocks_are_valid(text: &str, blocks: &[Block]) -> bool {
    let mut end = 0;
    blocks.len() <= BLOCKS_MAX
        && blocks.iter().all(|block| {
            let span = block.span.start as usize..block.span.end as usize;
            let level = match block.kind {
                BlockKind::Heading => (1..=6).contains(&block.level),
                _ => block.level == 0,
            };
            let follows = end <= span.start && !span.is_empty();
            end = span.end;
            level && follows && text.get(span).is_some()
        })
}

/// Whether pieces follow each other and cover a text.
fn measures_are_valid(text: &str, measures: &[chunking::Measure]) -> bool {
    let mut start = 0;
    measures.iter().all(|measure| {
        let end = measure.end as usize;
        let fits = start < end && end - start <= PIECE_BYTES_MAX && text.is_char_boundary(end);
        start = end;
        fits
    }) && start == text.len()
}

/// Whether chunks stand in order, hold the whole text, are short enough, and name their headings.
fn chunks_are_valid(request: &chunking::Request, chunks: &[chunking::Chunk]) -> bool {
    let mut end = 0;
    let mut piece = 0;
    let in_order = chunks.len() <= CHUNKS_MAX
        && chunks.iter().all(|chunk| {
            let span = chunk.span.start as usize..chunk.span.end as usize;
            let gap = request.text.get(end..span.start);
            let body = request.text.get(span.clone()).is_some_and(|body| !body.trim().is_empty());
            end = span.end;
            gap.is_some_and(|gap| gap.trim().is_empty())
                && body
                && is_short(request, span, &mut piece)
                && headings_are_valid(request, chunk)
        });
    in_order && request.text[end..].trim().is_empty()
}

/// Whether a chunk has at most the tokens that it may have, or is part of one piece. `piece` is one
/// from which on to look, and moves on.
fn is_short(request: &chunking::Request, span: std::ops::Range<usize>, piece: &mut usize) -> bool {
    let measures = &request.measures;
    while measures.get(*piece).is_some_and(|measure| measure.end as usize <= span.start) {
        *piece += 1;
    }
    let mut tokens = 0_u64;
    let mut pieces = 0;
    for measure in &measures[*piece..] {
        tokens += u64::from(measure.tokens);
        pieces += 1;
        if measure.end as usize >= span.end {
            break;
        }
    }
    tokens <= u64::from(request.tokens_max) || pieces <= 1
}

fn headings_are_valid(request: &chunking::Request, chunk: &chunking::Chunk) -> bool {
    let above = |at: &u32| {
        request.blocks.get(*at as usize).is_some_and(|block| {
            block.kind == BlockKind::Heading && block.span.end <= chunk.span.start
        })
    };
    chunk.headings.len() <= HEADINGS_MAX
        && chunk.headings.iter().all(above)
        && chunk.headings.is_sorted_by(|one, two| one < two)
}

/// Asks a policy on a thread of its own.
async fn ask<I: Interface>(slot: Arc<Slot<I>>, request: I::Request) -> Result<I::Answer, Failure> {
    let _permit = AT_ONCE.acquire().await.map_err(|_| Failure::OutOfTime)?;
    let work = tokio::task::spawn_blocking(move || slot.current().call(&request));
    work.await.unwrap_or(Err(Failure::Trapped))
}

impl extraction::Host for View<'_> {}

impl<T: Send> extraction::HostWithStore<T> for Policies {
    async fn extract(
        accessor: &Accessor<T, Self>,
        file: Vec<u8>,
    ) -> wasmtime::Result<Result<extraction::Extracted, extraction::Error>> {
        let slot = accessor.with(|mut access| Arc::clone(&access.get().ctx.extraction));
        let answer = ask(slot, file).await;
        Ok(answer.unwrap_or_else(|failure| Err(extraction::Error::Failed(failure))))
    }
}

impl chunking::Host for View<'_> {}

impl<T: Send> chunking::HostWithStore<T> for Policies {
    async fn cut(
        accessor: &Accessor<T, Self>,
        request: chunking::Request,
    ) -> wasmtime::Result<Result<Vec<chunking::Chunk>, chunking::Error>> {
        let slot = accessor.with(|mut access| Arc::clone(&access.get().ctx.chunking));
        let answer = ask(slot, request).await;
        Ok(answer.unwrap_or_else(|failure| Err(chunking::Error::Failed(failure))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: u32, end: u32) -> Span {
        Span { start, end }
    }

    fn heading(level: u8, start: u32, end: u32) -> Block {
        Block { kind: BlockKind::Heading, level, page: 0, span: span(start, end) }
    }

    #[test]
    fn blocks_stand_in_order_on_characters_and_have_levels() {
        let text = "Über\n\nuns";
        assert!(blocks_are_valid(text, &[heading(1, 0, 5), heading(6, 7, 10)]));
        for wrong in [
            vec![heading(0, 0, 5)],
            vec![heading(7, 0, 5)],
            vec![heading(1, 1, 5)],
            vec![heading(1, 5, 5)],
            vec![heading(1, 0, 11)],
            vec![heading(1, 0, 6), heading(1, 5, 9)],
        ] {
            assert!(!blocks_are_valid(text, &wrong), "{wrong:?}");
        }
    }

    fn request() -> chunking::Request {
        let measure = |end, tokens| chunking::Measure { end, tokens };
        chunking::Request {
            text: "One. \n\nTwo. three".to_owned(),
            blocks: vec![heading(1, 0, 4)],
            measures: vec![measure(7, 100), measure(12, 20), measure(17, 200)],
            tokens_max: TOKENS_MIN,
        }
    }

    fn chunk(start: u32, end: u32, headings: &[u32]) -> chunking::Chunk {
        chunking::Chunk { span: span(start, end), headings: headings.to_vec(), page: 0 }
    }

    #[test]
    fn chunks_hold_the_whole_text_and_are_short() {
        let request = request();
        assert_eq!(Chunking::measure(&request), Ok(17 + 4 * BLOCK_BYTES));
        let right = [chunk(0, 11, &[]), chunk(12, 17, &[0])];
        assert!(chunks_are_valid(&request, &right));
        for wrong in [
            vec![chunk(0, 4, &[]), chunk(12, 17, &[])],
            vec![chunk(0, 17, &[])],
            vec![chunk(0, 11, &[]), chunk(11, 12, &[]), chunk(12, 17, &[])],
            vec![chunk(0, 11, &[])],
            vec![chunk(7, 11, &[]), chunk(0, 4, &[]), chunk(12, 17, &[])],
            vec![chunk(0, 11, &[0]), chunk(12, 17, &[])],
            vec![chunk(0, 11, &[]), chunk(12, 17, &[1])],
            vec![chunk(0, 11, &[]), chunk(12, 17, &[0, 0])],
        ] {
            assert!(!chunks_are_valid(&request, &wrong), "{wrong:?}");
        }
    }

    #[test]
    fn pieces_cover_the_text_that_is_cut() {
        let mut request = request();
        request.measures.pop();
        assert_eq!(Chunking::measure(&request), Err(Failure::RequestTooLarge));
        assert_eq!(Extraction::measure(&vec![0; FILE_BYTES_MAX]), Ok(FILE_BYTES_MAX));
        let long = vec![0; FILE_BYTES_MAX + 1];
        assert_eq!(Extraction::measure(&long), Err(Failure::RequestTooLarge));
    }
}
