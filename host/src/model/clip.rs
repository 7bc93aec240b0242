//! The longest beginning or end of a text within a number of tokens.
//!
//! A beginning is not a run of the text's own tokens: cut inside a word, what remains of the word
//! is tokenized anew, with more tokens or with fewer. So candidates are counted, not derived.

use std::ops::Range;

/// Tokens past the limit in which a longer text may still fit: a cut changes its own word only.
const REACH_TOKENS: usize = 4;
/// How far past the limit a cut is sought, in bytes.
const REACH_BYTES: usize = 96;
/// Tokens that are counted anew for every candidate, at least; those before are taken as they are.
const FRESH_TOKENS: usize = 24;

/// What this needs of a tokenizer.
pub trait Counter {
    /// The lengths of the text's tokens, in bytes.
    fn lengths(&self, text: &str) -> Vec<usize>;

    /// The number of the text's tokens when it stands alone.
    fn count(&self, text: &str) -> usize {
        self.lengths(text).len()
    }
}

/// The longest beginning of `text` with at most `max` tokens, on a character border.
pub fn beginning(counter: &impl Counter, text: &str, max: usize) -> Range<usize> {
    0..cut(counter, text, max, true)
}

/// The longest end of `text` with at most `max` tokens, on a character border.
pub fn end(counter: &impl Counter, text: &str, max: usize) -> Range<usize> {
    cut(counter, text, max, false)..text.len()
}

/// Where to cut: the byte after a beginning (`forward`), or the first byte of an end.
fn cut(counter: &impl Counter, text: &str, max: usize, forward: bool) -> usize {
    let mut lengths = counter.lengths(text);
    if lengths.len() <= max {
        return if forward { text.len() } else { 0 };
    }
    if !forward {
        lengths.reverse();
    }
    let kept = |tokens: usize| lengths[..tokens].iter().sum::<usize>().min(text.len());
    let certain = kept(max);
    // SentencePiece writes a space for a character that is not one: then lengths are too short, and
    // no place in the text is known by them.
    let lost = text.len() - kept(lengths.len());
    let reach = kept((max + REACH_TOKENS).min(lengths.len())).min(certain + REACH_BYTES) + lost;
    let (anchor, before) = if lost == 0 { anchor(text, &lengths, max, forward) } else { (0, 0) };

    let piece = |kept: usize, from: usize| {
        if forward { &text[from..kept] } else { &text[text.len() - kept..text.len() - from] }
    };
    let is_border =
        |kept: &usize| text.is_char_boundary(if forward { *kept } else { text.len() - *kept });
    let likely = |kept: &usize| before + counter.count(piece(*kept, anchor)) <= max;
    let sure = |kept: &usize| counter.count(piece(*kept, 0)) <= max;
    let found = (anchor..=reach).rev().filter(is_border).filter(likely).find(sure);
    // What was counted in part may have misled; whatever is shorter is counted whole.
    let found = found.or_else(|| (0..anchor).rev().filter(is_border).find(sure)).unwrap_or(0);
    if forward { found } else { text.len() - found }
}

/// A place some tokens before the limit where the text may be cut in two without changing either
/// half's tokens: between a word and the space after it. Bytes and tokens from the kept end.
fn anchor(text: &str, lengths: &[usize], max: usize, forward: bool) -> (usize, usize) {
    let mut place = (0, 0);
    let mut bytes = 0;
    for (index, length) in lengths[..max.saturating_sub(FRESH_TOKENS)].iter().enumerate() {
        bytes += length;
        let at = if forward { Some(bytes) } else { text.len().checked_sub(bytes) };
        if at.is_some_and(|at| between_words(text.as_bytes(), at)) {
            place = (bytes, index + 1);
        }
    }
    place
}

fn between_words(text: &[u8], at: usize) -> bool {
    at > 0
        && at + 1 < text.len()
        && text[at - 1].is_ascii_alphanumeric()
        && text[at] == b' '
        && text[at + 1].is_ascii_alphanumeric()
}
