//! Splitting a text into what can be kept or left: sentences, lines, blocks of code.

use std::ops::Range;

/// Splits a text into units of at most `bytes_max` bytes (at least 4), in order, none of them empty
/// or with white space at its ends. A fenced block of code is one unit, if it is short enough.
pub fn split(text: &str, bytes_max: usize) -> Vec<Range<usize>> {
    let mut units = Vec::new();
    let mut fence: Option<usize> = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        let is_fence = line.trim_start().starts_with("```");
        match (fence, is_fence) {
            (None, true) => fence = Some(start),
            (None, false) => sentences(text, start..end, bytes_max, &mut units),
            (Some(_), false) => {}
            (Some(opened), true) => {
                block(text, opened..end, bytes_max, &mut units);
                fence = None;
            }
        }
        start = end;
    }
    if let Some(opened) = fence {
        block(text, opened..start, bytes_max, &mut units);
    }
    units
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
    let mut start = line.start;
    for (offset, mark) in text[line.clone()].match_indices(ends_sentences) {
        let end = line.start + offset + mark.len();
        if ends_sentence(&text[start..end], mark, &text[end..line.end]) {
            push(text, start..end, bytes_max, units);
            start = end;
        }
    }
    push(text, start..line.end, bytes_max, units);
}

/// Whether sentences may end with this symbol.
fn ends_sentences(symbol: char) -> bool {
    matches!(symbol, '.' | '!' | '?' | '。' | '！' | '？')
}

/// Whether a sentence ends with this mark, the last of `before`.
fn ends_sentence(before: &str, mark: &str, after: &str) -> bool {
    match mark {
        "!" | "?" | "." => {
            let mut next = after.chars();
            let apart = next.next().is_none_or(char::is_whitespace);
            let goes_on = next.find(|next| !next.is_whitespace()).is_some_and(char::is_lowercase);
            apart && !goes_on && !(mark == "." && is_short(before))
        }
        // Scripts without spaces have marks of their own, which end nothing else.
        _ => true,
    }
}

/// Whether what stands before the full stop is too short to end a sentence: "Dr.", "J.", "1.".
fn is_short(before: &str) -> bool {
    let word = before.trim_end_matches('.').rsplit(char::is_whitespace).next().unwrap_or_default();
    let is_title =
        matches!(word, "Dr" | "Mr" | "Mrs" | "Ms" | "Prof" | "St" | "No" | "vs" | "e.g" | "i.e");
    let is_number = word.len() == before.trim_end_matches('.').trim_start().len()
        && word.bytes().all(|byte| byte.is_ascii_digit());
    is_title || is_number || word.chars().count() <= 1
}

/// Adds a unit without the white space at its ends; in pieces, where it is too long.
fn push(text: &str, range: Range<usize>, bytes_max: usize, units: &mut Vec<Range<usize>>) {
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
pub fn trim(text: &str, range: Range<usize>) -> Range<usize> {
    let inner = &text[range.clone()];
    let start = range.start + (inner.len() - inner.trim_start().len());
    start..start + inner.trim().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(text: &str, bytes_max: usize) -> Vec<&str> {
        split(text, bytes_max).into_iter().map(|unit| &text[unit]).collect()
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
