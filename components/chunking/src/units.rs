//! What is never cut in two unless it is too long by itself: blocks, then lines and sentences.

use std::ops::Range;

use crate::lengths::Lengths;
use crate::types::{Block, BlockKind, Span};

/// How good a place is to cut before a unit: the more, the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Border {
    /// Within a sentence, where nothing else is left.
    Words,
    /// Within a paragraph, at the end of a line.
    Line,
    /// Between two sentences, or two rows or items.
    Sentence,
    /// Between two blocks.
    Block,
    /// Before a heading.
    Heading,
}

/// A stretch of text that stays together.
#[derive(Debug, Clone)]
pub struct Unit {
    /// Where it stands, without white space around it.
    pub span: Range<usize>,
    /// How good it is to cut before it.
    pub border: Border,
    /// Its place in the list of blocks, if it is a heading, and its level.
    pub heading: Option<(u32, u8)>,
    /// The page it begins on.
    pub page: u32,
}

/// Cuts a text into units of at most `most` tokens each, as far as pieces allow. They hold all of
/// it but white space: what stands between two blocks is a unit too.
pub fn units(text: &str, blocks: &[Block], lengths: &Lengths, most: u64) -> Vec<Unit> {
    let mut units = Vec::new();
    let mut end = 0;
    let mut kind = None;
    for (at, block) in blocks.iter().enumerate() {
        let (start, stop) = (block.span.start as usize, block.span.end as usize);
        let fits = start >= end && text.get(start..stop).is_some();
        if !fits {
            continue;
        }
        between(&mut units, text, end..start, block.page, lengths, most);
        let is_line = matches!(block.kind, BlockKind::Row | BlockKind::Item);
        let border = match block.kind {
            BlockKind::Heading => Border::Heading,
            _ if is_line && kind == Some(block.kind) => Border::Sentence,
            _ => Border::Block,
        };
        let heading = (block.kind == BlockKind::Heading).then_some((at as u32, block.level));
        if lengths.tokens(start..stop) <= most {
            push(&mut units, text, start..stop, border, heading, block.page);
        } else {
            divide(&mut units, text, start..stop, border, block, heading, lengths, most);
        }
        (end, kind) = (stop, Some(block.kind));
    }
    let page = blocks.last().map_or(0, |block| block.page);
    between(&mut units, text, end..text.len(), page, lengths, most);
    units
}

/// Adds what is part of no block: mostly nothing, and marks of any length.
fn between(
    units: &mut Vec<Unit>,
    text: &str,
    span: Range<usize>,
    page: u32,
    lengths: &Lengths,
    most: u64,
) {
    if lengths.tokens(span.clone()) <= most {
        push(units, text, span, Border::Block, None, page);
    } else {
        let here = Span { start: span.start as u32, end: span.end as u32 };
        let block = Block { kind: BlockKind::Paragraph, level: 0, page, span: here };
        divide(units, text, span, Border::Block, &block, None, lengths, most);
    }
}

/// Adds a unit without the white space around it; none if that is all.
fn push(
    units: &mut Vec<Unit>,
    text: &str,
    span: Range<usize>,
    border: Border,
    heading: Option<(u32, u8)>,
    page: u32,
) {
    let part = &text[span.clone()];
    let body = part.trim();
    if body.is_empty() {
        return;
    }
    // The indentation of code belongs to it, where it begins a line.
    let lead = part.len() - part.trim_start().len();
    let lead = part[..lead].rfind('\n').map_or(lead, |at| at + 1);
    let start = span.start + lead;
    units.push(Unit { span: start..span.start + part.trim_end().len(), border, heading, page });
}

/// Cuts a block that is too long: into lines where they mean something, else into sentences; what
/// is too long even then, between words.
#[expect(clippy::too_many_arguments, reason = "it is one step of `units`, with all that it knows")]
fn divide(
    units: &mut Vec<Unit>,
    text: &str,
    span: Range<usize>,
    border: Border,
    block: &Block,
    heading: Option<(u32, u8)>,
    lengths: &Lengths,
    most: u64,
) {
    let mut border = border;
    let mut heading = heading;
    for (part, after) in parts(text, span, block.kind == BlockKind::Code) {
        let mut start = part.start;
        while start < part.end {
            let mut end = part.end;
            if lengths.tokens(start..end) > most {
                end = words(text, start..end, lengths, most);
            }
            push(units, text, start..end, border, heading.take(), block.page);
            border = if end == part.end { after } else { Border::Words };
            start = end;
        }
    }
}

/// The longest beginning of a span that has at most so many tokens, and at least one piece.
fn words(text: &str, span: Range<usize>, lengths: &Lengths, most: u64) -> usize {
    let mut end = lengths.end_of_piece(span.start).min(span.end);
    loop {
        let next = lengths.end_of_piece(end).min(span.end);
        if next <= end || lengths.tokens(span.start..next) > most {
            break;
        }
        end = next;
    }
    while !text.is_char_boundary(end) {
        end += 1;
    }
    end
}

/// The lines or sentences of a span, each with the border behind it. They make up the whole span.
fn parts(text: &str, span: Range<usize>, is_code: bool) -> Vec<(Range<usize>, Border)> {
    let body = &text[span.clone()];
    let mut parts = Vec::new();
    let mut start = 0;
    let mut after_end = false;
    let mut characters = body.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let next = characters.peek().map_or(body.len(), |(next, _)| *next);
        let border = match c {
            '\n' if is_code && body[next..].starts_with('\n') => Some(Border::Block),
            '\n' if is_code => Some(Border::Line),
            '\n' if after_end => Some(Border::Sentence),
            '\n' => Some(Border::Line),
            '。' | '！' | '？' => Some(Border::Sentence),
            c if c.is_whitespace() && after_end && !is_code => Some(Border::Sentence),
            _ => None,
        };
        after_end = matches!(c, '.' | '!' | '?' | '…' | ':')
            || (after_end && matches!(c, '"' | '\'' | ')' | '”' | '’' | ']'));
        if let Some(border) = border
            && at > start
        {
            parts.push((span.start + start..span.start + next, border));
            start = next;
        }
    }
    if start < body.len() {
        parts.push((span.start + start..span.end, Border::Block));
    }
    parts
}
