//! From pieces of text at places to lines, and from lines to headings and paragraphs.

use std::collections::BTreeMap;

use super::page::Shown;
use crate::builder::Builder;
use crate::decode::clean;
use crate::extraction::Error;
use crate::types::BlockKind;

/// How far apart two pieces may stand to be on one line, in sizes of the font.
const SAME_LINE: f32 = 0.4;
/// How wide a gap between two pieces is a space, in sizes of the font.
const SPACE: f32 = 0.17;
/// How far below the last line a new paragraph begins, in sizes of the font.
const PARAGRAPH: f32 = 1.75;
/// How much larger than the body a heading is.
const HEADING: f32 = 1.15;
/// The most bytes of a heading.
const HEADING_BYTES_MAX: usize = 200;

/// A line of a page.
#[derive(Debug, Clone)]
pub struct Line {
    text: String,
    page: u32,
    y: f32,
    size: f32,
}

/// The lines of a page, in the order in which the file writes them: that is the order in which
/// columns are read, where a file has any.
pub fn of_page(shown: Vec<Shown>, page: u32) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut end = 0.0;
    for piece in shown {
        let text = letters(&clean(&piece.text));
        let size = piece.size.max(0.1);
        let last = lines.last_mut().filter(|last| {
            let tolerance = SAME_LINE * size.max(last.size);
            (last.y - piece.y).abs() <= tolerance && piece.x >= end - 2.0 * size
        });
        match last {
            Some(last) => {
                let gap = piece.x - end > SPACE * size;
                if gap && !last.text.ends_with(' ') && !text.starts_with(' ') {
                    last.text.push(' ');
                }
                last.text.push_str(&text);
                last.size = last.size.max(size);
            }
            None => lines.push(Line { text, page, y: piece.y, size }),
        }
        end = piece.x_end;
    }
    lines.retain(|line| !line.text.trim().is_empty());
    lines
}

/// A text without ligatures: nobody looks for them.
fn letters(text: &str) -> String {
    let mut letters = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{fb00}' => letters.push_str("ff"),
            '\u{fb01}' => letters.push_str("fi"),
            '\u{fb02}' => letters.push_str("fl"),
            '\u{fb03}' => letters.push_str("ffi"),
            '\u{fb04}' => letters.push_str("ffl"),
            '\u{fb05}' | '\u{fb06}' => letters.push_str("st"),
            c => letters.push(c),
        }
    }
    letters
}

/// Adds the lines as blocks.
pub fn push(builder: &mut Builder, lines: &[Line]) -> Result<(), Error> {
    let body = body_size(lines);
    let sizes = heading_sizes(lines, body);
    let mut open: Vec<&Line> = Vec::new();
    for line in lines {
        if let Some(last) = open.last()
            && is_apart(last, line)
        {
            end(builder, &open, &sizes)?;
            open.clear();
        }
        open.push(line);
    }
    end(builder, &open, &sizes)
}

/// Whether a line begins a block of its own.
fn is_apart(last: &Line, line: &Line) -> bool {
    let step = last.y - line.y;
    let size = last.size.max(line.size);
    let other_size = (last.size - line.size).abs() > 0.1 * size;
    let far = step > PARAGRAPH * size || step < -size;
    // A paragraph goes on over the end of a page where its last sentence does.
    let over = last.page != line.page;
    let goes_on = !last.text.trim_end().ends_with(['.', '!', '?', ':', '”', '"'])
        && line.text.trim_start().starts_with(char::is_lowercase);
    other_size || if over || step < -size { !goes_on } else { far }
}

/// The size that most characters have.
fn body_size(lines: &[Line]) -> u32 {
    let mut sizes: BTreeMap<u32, usize> = BTreeMap::new();
    for line in lines {
        *sizes.entry(tenths(line.size)).or_default() += line.text.len();
    }
    sizes.into_iter().max_by_key(|(_, length)| *length).map_or(0, |(size, _)| size)
}

fn tenths(size: f32) -> u32 {
    (size * 10.0).round() as u32
}

/// The sizes of headings, largest first.
fn heading_sizes(lines: &[Line], body: u32) -> Vec<u32> {
    let larger = |line: &&Line| tenths(line.size) as f32 >= body as f32 * HEADING;
    let mut sizes: Vec<u32> = lines.iter().filter(larger).map(|line| tenths(line.size)).collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    sizes.dedup();
    sizes
}

/// Ends a block. A word that is divided at the end of a line is put together again.
fn end(builder: &mut Builder, lines: &[&Line], sizes: &[u32]) -> Result<(), Error> {
    let Some(first) = lines.first() else { return Ok(()) };
    let mut text = String::new();
    for line in lines {
        let line = line.text.trim();
        let divided = text.strip_suffix(['-', '\u{ad}']).filter(|before| {
            before.ends_with(char::is_alphabetic) && line.starts_with(char::is_lowercase)
        });
        match divided {
            Some(before) => text.truncate(before.len()),
            None if !text.is_empty() => text.push(' '),
            None => {}
        }
        text.push_str(line);
    }
    builder.page = first.page;
    let place = sizes.iter().position(|size| *size == tenths(first.size));
    match place {
        Some(place) if text.len() <= HEADING_BYTES_MAX => {
            builder.push(BlockKind::Heading, u8::try_from(place + 1).unwrap_or(6), &text)
        }
        _ => builder.push(BlockKind::Paragraph, 0, &text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ligatures_are_letters() {
        assert_eq!(letters("a \u{fb01}le in the o\u{fb03}ce"), "a file in the office");
    }
}
