//! Folders of a file and the passages that it is cut into. `BLESS=1` writes what is expected.

use std::fmt::Write as _;
use std::fs;

use chunking::chunking::{Measure, Request};
use chunking::types as cut;
use extraction::types as read;
use loci_tests::server::repository;

/// As few tokens as a request may allow, so that small files have several chunks.
const TOKENS_MAX: u32 = 128;

#[test]
fn golden_documents_are_cut_as_people_would() {
    let folder = repository().join("tests/goldens/chunking");
    let mut wrong = Vec::new();
    let mut cases = 0;
    for case in fs::read_dir(&folder).expect("a folder of goldens") {
        let case = case.expect("a folder can be listed").path();
        let file = fs::read(case.join("input.txt")).expect("each has an input");
        let found = passages(&file);
        let place = case.join("passages.txt");
        if std::env::var_os("BLESS").is_some() {
            fs::write(&place, &found).expect("it can be written");
        }
        let expected = fs::read_to_string(&place).unwrap_or_default();
        if expected != found {
            wrong.push(format!("{}: expected\n{expected}\nand is\n{found}", case.display()));
        }
        cases += 1;
    }
    assert!(cases > 0, "`{}` has no goldens", folder.display());
    assert!(wrong.is_empty(), "{}\nBLESS=1 writes what is expected", wrong.join("\n"));
}

/// The passages of a file, as people read them.
fn passages(file: &[u8]) -> String {
    let found = match extraction::extract(file) {
        Ok(found) => found,
        Err(error) => return format!("{error:?}\n"),
    };
    let blocks: Vec<cut::Block> = found.blocks.iter().map(block).collect();
    let request = Request {
        measures: measures(&found.text),
        text: found.text.clone(),
        blocks,
        tokens_max: TOKENS_MAX,
    };
    let chunks = chunking::cut(&request).expect("no host is here to fail it");
    let mut shown = format!("{:?} `{}`\n", found.format, found.title);
    for chunk in chunks {
        let text = &found.text[chunk.span.start as usize..chunk.span.end as usize];
        let headings: Vec<&str> = chunk
            .headings
            .iter()
            .map(|at| &found.blocks[*at as usize].span)
            .map(|span| &found.text[span.start as usize..span.end as usize])
            .collect();
        let under = headings.join(" > ");
        let span = format!("{}..{}", chunk.span.start, chunk.span.end);
        writeln!(shown, "\n-------- {span} under `{under}`\n{text}").expect("it is a string");
    }
    shown
}

/// The two crates have types of their own for the same thing.
fn block(block: &read::Block) -> cut::Block {
    let kind = match block.kind {
        read::BlockKind::Heading => cut::BlockKind::Heading,
        read::BlockKind::Paragraph => cut::BlockKind::Paragraph,
        read::BlockKind::Item => cut::BlockKind::Item,
        read::BlockKind::Row => cut::BlockKind::Row,
        read::BlockKind::Code => cut::BlockKind::Code,
    };
    let span = cut::Span { start: block.span.start, end: block.span.end };
    cut::Block { kind, level: block.level, page: block.page, span }
}

/// Words with the white space behind them, as a token for every four bytes.
fn measures(text: &str) -> Vec<Measure> {
    let mut end = 0;
    let measure = |word: &str| {
        end += word.len() as u32;
        Measure { end, tokens: (word.len() as u32).div_ceil(4) }
    };
    text.split_inclusive(char::is_whitespace).map(measure).collect()
}
