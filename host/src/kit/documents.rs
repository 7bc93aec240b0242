//! Requests to read a file and to cut a document.

use super::input::{Random, odd_texts};
use super::report::Part;
use super::subject::{Case, Subject};
use crate::bindings::policy::chunking;
use crate::bindings::policy::types::{Block, BlockKind, Span};
use crate::capability::policy::{Chunking, Extraction};

/// How many random files and documents there are.
const RANDOM: usize = 32;
/// The bytes of a measured piece.
const PIECE_BYTES: usize = 64;
/// The most tokens of a chunk.
const TOKENS_MAX: u32 = 256;

/// How files begin that are read in a way of their own.
const BEGINNINGS: [&[u8]; 9] = [
    b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 1 0 R >>\nendobj\n",
    b"PK\x03\x04\x14\0\0\0\x08\0",
    b"<!DOCTYPE html><html><body><table><tr><td>",
    b"{\"a\": [[[[[[",
    b"a,b,c\n1,\"2\n",
    b"\xff\xfea\0b\0",
    b"\xef\xbb\xbf# ",
    b"\x7fELF\x02\x01\x01",
    b"\0asm\x01\0\0\0",
];

impl Subject for Extraction {
    fn cases() -> Vec<Case<Vec<u8>>> {
        let texts = odd_texts().into_iter().map(|(what, text)| {
            Case::new(Part::Hostile, format!("a file of {what}"), text.into_bytes())
        });
        let random = (0..RANDOM).map(|index| {
            let mut random = Random::new(index as u64);
            let mut file = random.pick(&BEGINNINGS).to_vec();
            file.extend((0..random.below(64 << (index / 4))).map(|_| random.below(256) as u8));
            Case::new(Part::Random, format!("random bytes {index}"), file)
        });
        let begun = BEGINNINGS.iter().zip(0..).map(|(begun, index)| {
            Case::new(Part::Hostile, format!("a file that ends too early {index}"), begun.to_vec())
        });
        let nested = [("[", "arrays"), ("<div>", "elements"), ("> ", "quotations")];
        let nested = nested.map(|(open, what)| {
            let file = open.repeat(20_000).into_bytes();
            Case::new(Part::Hostile, format!("{what} in {what} without end"), file)
        });
        random.chain(texts).chain(begun).chain(nested).collect()
    }
}

impl Subject for Chunking {
    fn cases() -> Vec<Case<chunking::Request>> {
        let random = (0..RANDOM).map(|index| {
            let mut random = Random::new(index as u64);
            let text = random.text(8 << (index / 4));
            let request = document(&text, &mut random);
            Case::new(Part::Random, format!("random document {index}"), request)
        });
        let odd = odd_texts().into_iter().flat_map(|(what, text)| {
            let whole = document(&text, &mut Random::new(1));
            let plain =
                chunking::Request { blocks: Vec::new(), ..document(&text, &mut Random::new(2)) };
            [
                Case::new(Part::Hostile, format!("{what} in blocks"), whole),
                Case::new(Part::Hostile, format!("{what} without blocks"), plain),
            ]
        });
        let heavy = chunking::Request {
            measures: pieces("word word word", |_| 10_000),
            ..document("word word word", &mut Random::new(3))
        };
        let heavy = Case::new(Part::Hostile, "a piece longer than a chunk may be", heavy);
        random.chain(odd).chain([heavy]).collect()
    }
}

/// A document with random blocks: each line is one.
fn document(text: &str, random: &mut Random) -> chunking::Request {
    let mut start = 0;
    let mut blocks = Vec::new();
    for line in text.split_inclusive('\n') {
        let span = Span { start: start as u32, end: (start + line.trim_end().len()) as u32 };
        start += line.len();
        if line.trim().is_empty() {
            continue;
        }
        let kind = random.pick(&[BlockKind::Heading, BlockKind::Paragraph, BlockKind::Row]);
        let level = if kind == BlockKind::Heading { 1 + random.number(6) as u8 } else { 0 };
        blocks.push(Block { kind, level, page: random.number(9), span });
    }
    let measures = pieces(text, |bytes| (bytes as u32).div_ceil(4));
    chunking::Request { text: text.to_owned(), blocks, measures, tokens_max: TOKENS_MAX }
}

/// The measured pieces of a text.
fn pieces(text: &str, tokens: impl Fn(usize) -> u32) -> Vec<chunking::Measure> {
    let mut measures = Vec::new();
    let mut start = 0;
    while start < text.len() {
        let end = text.floor_char_boundary((start + PIECE_BYTES).min(text.len()));
        measures.push(chunking::Measure { end: end as u32, tokens: tokens(end - start) });
        start = end;
    }
    measures
}
