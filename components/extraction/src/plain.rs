//! Plain text: paragraphs between empty lines.

use crate::builder::Builder;
use crate::extraction::Error;
use crate::types::BlockKind;

/// Marks the blocks of a plain text. A single line that stands alone and is underlined, or that
/// says that it is a chapter, is a heading.
pub fn mark(builder: &mut Builder) -> Result<(), Error> {
    let text = builder.text().to_owned();
    let mut start = 0;
    for part in paragraphs(&text) {
        let end = start + part.len();
        let lines: Vec<&str> = part.trim().lines().map(str::trim).collect();
        match lines.as_slice() {
            [line] if is_title(line) => builder.mark(BlockKind::Heading, 2, start, end)?,
            [line, rule] if !line.is_empty() && is_rule(rule) => {
                let level = if rule.starts_with('=') { 1 } else { 2 };
                let line_end = start + part.trim_end().rfind('\n').unwrap_or(part.len());
                builder.mark(BlockKind::Heading, level, start, line_end)?;
                builder.mark(BlockKind::Paragraph, 0, line_end, end)?;
            }
            lines if lines.len() > 1 && lines.iter().all(|line| is_item(line)) => {
                let mut at = start;
                for line in part.split_inclusive('\n') {
                    builder.mark(BlockKind::Item, 0, at, at + line.len())?;
                    at += line.len();
                }
            }
            _ => builder.mark(BlockKind::Paragraph, 0, start, end)?,
        }
        start = end;
    }
    Ok(())
}

/// Cuts a text behind its empty lines. The parts make up the whole text.
pub fn paragraphs(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut at = 0;
        let mut seen = false;
        let mut cut = rest.len();
        for line in rest.split_inclusive('\n') {
            if line.trim().is_empty() {
                if seen {
                    cut = at + line.len();
                    break;
                }
            } else {
                seen = true;
            }
            at += line.len();
        }
        let (part, after) = rest.split_at(cut);
        rest = after;
        Some(part)
    })
}

/// Whether a line that stands alone says that it is a heading.
fn is_title(line: &str) -> bool {
    let lower = line.to_lowercase();
    let numbered = ["chapter ", "part ", "section ", "appendix "];
    line.len() <= 120
        && !line.ends_with(['.', ',', ';', ':', '!', '?'])
        && numbered.iter().any(|word| lower.starts_with(word))
        && lower
            .split_whitespace()
            .nth(1)
            .is_some_and(|word| word.trim_matches(|c: char| !c.is_alphanumeric()).len() <= 6)
}

fn is_rule(line: &str) -> bool {
    line.len() >= 3 && ["=", "-", "~"].iter().any(|rule| line.trim_start_matches(rule).is_empty())
}

/// Whether a line is an item of a list.
pub fn is_item(line: &str) -> bool {
    let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    ["- ", "* ", "• ", "+ "].iter().any(|mark| line.starts_with(mark))
        || (number.len() < line.len() && (number.starts_with(". ") || number.starts_with(") ")))
}
