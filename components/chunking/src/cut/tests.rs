//! What must hold of every document, and a few whose cuts are known.

use super::*;
use crate::chunking::Measure;
use crate::types::{Block, BlockKind};

/// Pieces of at most 64 bytes that end behind white space; a token for every four bytes.
fn measures(text: &str) -> Vec<Measure> {
    let mut measures = Vec::new();
    let mut start = 0;
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        if c.is_whitespace() || end - start > 60 || end == text.len() {
            measures.push(Measure { end: end as u32, tokens: ((end - start) as u32).div_ceil(4) });
            start = end;
        }
    }
    measures
}

fn request(parts: &[(BlockKind, u8, &str)], tokens_max: u32) -> Request {
    let mut text = String::new();
    let mut blocks = Vec::new();
    for (kind, level, part) in parts {
        let start = text.len() as u32;
        text.push_str(part);
        let span = Span { start, end: text.len() as u32 };
        blocks.push(Block { kind: *kind, level: *level, page: 0, span });
        text.push_str("\n\n");
    }
    Request { measures: measures(&text), text, blocks, tokens_max }
}

fn texts(request: &Request) -> Vec<(&str, usize)> {
    let chunks = cut(request).unwrap();
    let text = |chunk: &Chunk| {
        let text = &request.text[chunk.span.start as usize..chunk.span.end as usize];
        (text, chunk.headings.len())
    };
    chunks.iter().map(text).collect()
}

/// Ordered, disjoint, complete, and short enough.
fn check(request: &Request) {
    let chunks = cut(request).unwrap();
    let lengths = Lengths::new(&request.measures);
    let mut end = 0;
    for one in &chunks {
        let (start, stop) = (one.span.start as usize, one.span.end as usize);
        assert!(end <= start && start < stop);
        assert!(request.text[end..start].trim().is_empty(), "something is lost");
        assert!(!request.text[start..stop].trim().is_empty());
        let piece = lengths.end_of_piece(start);
        let tokens = lengths.tokens(start..stop);
        assert!(tokens <= u64::from(request.tokens_max) || stop <= piece, "{tokens} tokens");
        end = stop;
    }
    assert!(request.text[end..].trim().is_empty(), "the end is lost");
}

#[test]
fn a_heading_begins_a_chunk_and_stands_above_the_next() {
    use BlockKind::{Heading, Paragraph};
    let request = request(
        &[
            (Heading, 1, "Boats"),
            (Heading, 2, "Small ones"),
            (Paragraph, 0, "They float."),
            (Heading, 2, "Large ones"),
            (Paragraph, 0, "They float too."),
            (Heading, 1, "Trains"),
            (Paragraph, 0, "They do not."),
        ],
        128,
    );
    check(&request);
    assert_eq!(
        texts(&request),
        [
            ("Boats\n\nSmall ones\n\nThey float.", 0),
            ("Large ones\n\nThey float too.", 1),
            ("Trains\n\nThey do not.", 0),
        ]
    );
}

#[test]
fn a_long_section_is_cut_between_its_paragraphs() {
    let one = "This is a sentence of forty-two characters. ".repeat(6);
    let parts: Vec<_> = (0..6).map(|_| (BlockKind::Paragraph, 0, one.trim())).collect();
    let request = request(&parts, 200);
    check(&request);
    let texts = texts(&request);
    assert_eq!(texts.len(), 3, "{texts:?}");
    assert!(texts.iter().all(|(text, _)| text.matches("\n\n").count() == 1), "{texts:?}");
}

#[test]
fn a_long_paragraph_is_cut_between_its_sentences_and_a_long_word_anywhere() {
    let long = "One sentence stands here, and another one follows it. ".repeat(100);
    let word = "x".repeat(5_000);
    let wide = "日本語の文章です。".repeat(400);
    for text in [long.as_str(), &word, &wide, "  \n ", "", "ü"] {
        let request = request(&[(BlockKind::Paragraph, 0, text)], 128);
        check(&request);
    }
    let request = request(&[(BlockKind::Paragraph, 0, long.trim())], 128);
    assert!(texts(&request).iter().all(|(text, _)| text.ends_with('.')));
}

#[test]
fn what_stands_between_blocks_is_not_lost() {
    let text = "before\n\nblock\n\n---\n\nafter".to_owned();
    let span = Span { start: 8, end: 13 };
    let blocks = vec![Block { kind: BlockKind::Paragraph, level: 0, page: 3, span }];
    let request = Request { measures: measures(&text), text, blocks, tokens_max: 128 };
    check(&request);
    assert_eq!(texts(&request), [("before\n\nblock\n\n---\n\nafter", 0)]);
}

#[test]
fn marks_between_blocks_are_cut_where_they_are_too_long() {
    let quotes = "> ".repeat(5_000);
    let text = format!("# Deep\n\n{quotes}deep\n\n{quotes}");
    let deep = text.find("deep").unwrap() as u32;
    let block = |kind, level, start, end| Block { kind, level, page: 0, span: Span { start, end } };
    let blocks =
        vec![block(BlockKind::Heading, 1, 0, 6), block(BlockKind::Paragraph, 0, deep, deep + 4)];
    check(&Request { measures: measures(&text), text, blocks, tokens_max: 128 });
}

#[test]
fn a_document_of_headings_alone_is_whole() {
    let parts: Vec<_> =
        (0..500).map(|_| (BlockKind::Heading, 2, "A heading of some length")).collect();
    check(&request(&parts, 128));
}
