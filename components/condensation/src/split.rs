//! Splitting a text into what can be kept or left: sentences, lines, blocks of code.

use std::ops::Range;

use crate::eight::find_mark;

/// Splits a text into `units` of at most `bytes_max` bytes (at least 4), in order, none of them
/// empty or with white space at its ends. A fenced block of code is one unit, if it is short
/// enough.
pub fn split(text: &str, bytes_max: usize, units: &mut Vec<Range<usize>>) {
    units.clear();
    let mut fence: Option<usize> = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        let is_fence = text[trim_start(text, start..end)..end].starts_with("```");
        match (fence, is_fence) {
            (None, true) => fence = Some(start),
            (None, false) => sentences(text, start..end, bytes_max, units),
            (Some(_), false) => {}
            (Some(opened), true) => {
                block(text, opened..end, bytes_max, units);
                fence = None;
            }
        }
        start = end;
    }
    if let Some(opened) = fence {
        block(text, opened..start, bytes_max, units);
    }
}

/// A block of code: whole, or else its lines.
fn block(text: &str, range: Range<usize>, bytes_max: usize, units: &mut Vec<Range<usize>>) {
    if range.len() <= bytes_max {
        push(text, range, bytes_max, units);
        return;
    }
    let mut start = range.start;
    for line in text[range].split_inclusive('\n') {
        push(text, start..start + line.len(), bytes_max, units);
        start += line.len();
    }
}

/// The sentences of one line.
fn sentences(text: &str, line: Range<usize>, bytes_max: usize, units: &mut Vec<Range<usize>>) {
    let (mut start, mut at) = (line.start, line.start);
    while let Some(ahead) = find_mark(&text.as_bytes()[at..line.end]) {
        let mark = at + ahead;
        let Some(symbol) = first_symbol(&text[mark..line.end]) else { break };
        at = mark + symbol.len_utf8();
        let next = trim_start(text, at..line.end);
        if ends_sentence(&text[start..mark], symbol, next > at, &text[next..line.end]) {
            push(text, start..at, bytes_max, units);
            (start, at) = (next, next);
        }
    }
    push(text, start..line.end, bytes_max, units);
}

/// The first symbol of a text. Nearly all need no decoding.
fn first_symbol(text: &str) -> Option<char> {
    match text.as_bytes().first()? {
        byte if byte.is_ascii() => Some(char::from(*byte)),
        _ => text.chars().next(),
    }
}

/// Whether a sentence that begins with `before` ends with this symbol, behind which stands, `apart`
/// or not, what goes on.
fn ends_sentence(before: &str, symbol: char, apart: bool, next: &str) -> bool {
    match symbol {
        '!' | '?' | '.' => match first_symbol(next) {
            None => !(symbol == '.' && is_short(before)),
            Some(first) => apart && !first.is_lowercase() && !(symbol == '.' && is_short(before)),
        },
        // Scripts without spaces have marks of their own, which end nothing else.
        '。' | '！' | '？' => true,
        _ => false,
    }
}

/// Whether what stands before the full stop is too short to end a sentence: "Dr.", "J.", "1.".
fn is_short(before: &str) -> bool {
    // Nearly all end in a longer word, which is told by its last letters.
    if let Some(last) = before.as_bytes().last_chunk::<5>()
        && last.iter().all(u8::is_ascii_alphabetic)
    {
        return false;
    }
    let before = before.trim_end_matches('.');
    let word = last_word(before);
    // A symbol has up to four bytes, a title up to four letters.
    if word.len() <= 4 && (is_title(word) || word.chars().nth(1).is_none()) {
        return true;
    }
    word.bytes().all(|byte| byte.is_ascii_digit()) && word.len() == before.trim_start().len()
}

fn is_title(word: &str) -> bool {
    matches!(word, "Dr" | "Mr" | "Mrs" | "Ms" | "Prof" | "St" | "No" | "vs" | "e.g" | "i.e")
}

/// What stands behind the last white space of a text.
fn last_word(text: &str) -> &str {
    match text.bytes().rposition(|byte| is_space(byte) || !byte.is_ascii()) {
        None => text,
        Some(at) if text.is_char_boundary(at + 1) && text.as_bytes()[at].is_ascii() => {
            &text[at + 1..]
        }
        Some(_) => text.rsplit(char::is_whitespace).next().unwrap_or_default(),
    }
}

/// Adds a unit without the white space at its ends; in pieces, where it is too long.
#[inline]
fn push(text: &str, range: Range<usize>, bytes_max: usize, units: &mut Vec<Range<usize>>) {
    // Most are sentences within a line, which need neither.
    match &text.as_bytes()[range.clone()] {
        [first, .., last]
            if range.len() <= bytes_max && first.is_ascii_graphic() && last.is_ascii_graphic() =>
        {
            units.push(range);
        }
        _ => push_trimmed(text, range, bytes_max, units),
    }
}

/// Does what [`push`] does, whatever the unit is.
#[inline(never)]
fn push_trimmed(text: &str, range: Range<usize>, bytes_max: usize, units: &mut Vec<Range<usize>>) {
    let mut rest = trim(text, range);
    while rest.len() > bytes_max {
        let cut = rest.start + cut_at(&text[rest.clone()], bytes_max);
        let piece = trim(text, rest.start..cut);
        if !piece.is_empty() {
            units.push(piece);
        }
        rest = trim(text, cut..rest.end);
    }
    if !rest.is_empty() {
        units.push(rest);
    }
}

/// Where to cut a text that is longer than `bytes_max`: after the last white space of its second
/// half, or else at a character.
fn cut_at(text: &str, bytes_max: usize) -> usize {
    let border =
        (1..=bytes_max.max(4)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    match text[..border].rfind(char::is_whitespace) {
        Some(space) if space > border / 2 => space,
        _ => border,
    }
}

/// The range without the white space at its ends.
fn trim(text: &str, range: Range<usize>) -> Range<usize> {
    let start = trim_start(text, range.clone());
    let bytes = &text.as_bytes()[start..range.end];
    let end = match bytes.iter().rposition(|byte| !is_space(*byte)) {
        None => 0,
        Some(last) if bytes[last].is_ascii() => last + 1,
        Some(_) => text[start..range.end].trim_end().len(),
    };
    start..start + end
}

/// Where the text of a range begins, behind its white space.
fn trim_start(text: &str, range: Range<usize>) -> usize {
    let bytes = &text.as_bytes()[range.clone()];
    match bytes.iter().position(|byte| !is_space(*byte)) {
        None => range.end,
        Some(first) if bytes[first].is_ascii() => range.start + first,
        Some(_) => range.end - text[range].trim_start().len(),
    }
}

/// Whether a byte is white space by itself. Nearly all of it is, so this is looked at first.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(text: &str, bytes_max: usize) -> Vec<&str> {
        let mut units = Vec::new();
        split(text, bytes_max, &mut units);
        units.into_iter().map(|unit| &text[unit]).collect()
    }

    #[test]
    fn sentences_and_lines_are_units() {
        let text =
            "I live in Rome. Do you?  Yes!\n- one\n- two 3.5 e.g. this\n\nDr. No said 1. Ok.";
        let expected = [
            "I live in Rome.",
            "Do you?",
            "Yes!",
            "- one",
            "- two 3.5 e.g. this",
            "Dr. No said 1.",
            "Ok.",
        ];
        assert_eq!(units(text, 1_000)[..5], expected[..5]);
        assert_eq!(units("1. First do this. 2 more.", 99), ["1. First do this.", "2 more."]);
        assert_eq!(units("今日は。明日は？はい", 99), ["今日は。", "明日は？", "はい"]);
        assert!(units(" \n\t", 99).is_empty());
    }

    #[test]
    fn a_block_of_code_is_one_unit_if_it_is_short_enough() {
        let text = "Do this:\n```rust\nlet a. = 1. B;\n\nlet b;\n```\nDone.";
        let code = "```rust\nlet a. = 1. B;\n\nlet b;\n```";
        assert_eq!(units(text, 99), ["Do this:", code, "Done."]);
        let lines = ["Do this:", "```rust", "let a. = 1. B;", "let b;", "```", "Done."];
        assert_eq!(units(text, 20), lines);
        assert_eq!(units("```\nnever closed", 99), ["```\nnever closed"]);
    }

    #[test]
    fn long_units_are_cut_between_words_or_at_least_between_characters() {
        assert_eq!(units("one two three", 8), ["one two", "three"]);
        assert_eq!(units("éééé", 4), ["éé", "éé"]);
        assert_eq!(units("𝄞𝄞", 1), ["𝄞", "𝄞"]);
    }
}
