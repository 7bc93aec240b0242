//! Words, as far as one needs them to see that two texts speak of the same thing.

use crate::eight::{LANES, load, words};
use crate::stem::Stem;

/// Words that say nothing about what a text is about. English only: a query in another language
/// merely keeps all of its words.
const STOP_WORDS: [&str; 129] = [
    "a", "about", "after", "again", "all", "also", "am", "an", "and", "any", "are", "as", "at",
    "be", "because", "been", "before", "being", "but", "by", "can", "could", "d", "did", "do",
    "does", "doing", "don", "down", "during", "each", "few", "for", "from", "further", "had",
    "has", "have", "having", "he", "her", "here", "hers", "him", "his", "how", "i", "if", "in",
    "into", "is", "it", "its", "just", "ll", "m", "me", "more", "most", "my", "no", "nor", "not",
    "now", "of", "off", "on", "once", "only", "or", "other", "our", "ours", "out", "over", "own",
    "please", "re", "s", "same", "she", "should", "so", "some", "such", "t", "tell", "than",
    "that", "the", "their", "theirs", "them", "then", "there", "these", "they", "this", "those",
    "through", "to", "too", "under", "until", "up", "us", "ve", "very", "was", "we", "were",
    "what", "when", "where", "which", "while", "who", "whom", "why", "will", "with", "would",
    "you", "your", "yours", "yourself", "let", "shall", "may",
];

/// Calls `visit` with the stem of each word of a text, and where the word begins. Characters of
/// scripts that are written without spaces are words by themselves.
///
/// Words whose first byte, in either case, is not `wanted` are passed over: most words of a text
/// have nothing to do with the query, and this is told before any work is done on them.
pub fn each_stem(text: &str, wanted: impl Fn(u8) -> bool, mut visit: impl FnMut(usize, Stem)) {
    let (bytes, is_ascii) = (text.as_bytes(), text.is_ascii());
    each_run(bytes, |start| {
        if is_ascii && !wanted(bytes[start]) {
            return;
        }
        let length = run_length(&bytes[start..]);
        if is_ascii || bytes[start..start + length].is_ascii() {
            if is_ascii || wanted(bytes[start]) {
                visit(start, Stem::of(&text[start..], length));
            }
            return;
        }
        each_of_any_script(&text[start..start + length], |at, word| {
            if word.bytes().next().is_some_and(&wanted) {
                visit(start + at, Stem::of(word, word.len()));
            }
        });
    });
}

/// The length of the run that a text begins with. It is called for few words; within the loop over
/// all of them it would take its registers.
#[inline(never)]
fn run_length(text: &[u8]) -> usize {
    let first = words(load(text)).trailing_ones() as usize;
    if first < LANES {
        return first;
    }
    let more =
        text[LANES..].iter().position(|byte| byte.is_ascii() && !byte.is_ascii_alphanumeric());
    more.map_or(text.len(), |more| LANES + more)
}

/// Calls `visit` with where each run of letters, digits, and whatever is not ASCII begins.
fn each_run(text: &[u8], mut visit: impl FnMut(usize)) {
    // Whether the byte before those that are looked at belongs to one.
    let mut is_inside = 0;
    let mut from = 0;
    let (eights, rest) = text.as_chunks::<LANES>();
    let rest = (!rest.is_empty()).then(|| load(rest));
    for eight in eights.iter().map(|eight| u64::from_le_bytes(*eight)).chain(rest) {
        let inside = words(eight);
        let mut begins = inside & !(inside << 1 | is_inside);
        is_inside = inside >> (LANES - 1);
        while begins != 0 {
            visit(from + begins.trailing_zeros() as usize);
            begins &= begins - 1;
        }
        from += LANES;
    }
}

/// Calls `visit` with each word of a run that is not ASCII, in lower case, and where it begins.
fn each_of_any_script(run: &str, mut visit: impl FnMut(usize, &str)) {
    let mut at = 0;
    for part in
        run.split_inclusive(|symbol: char| !symbol.is_alphanumeric() || is_ideograph(symbol))
    {
        let last = part.char_indices().last().filter(|(_, last)| !is_word_in_spaces(*last));
        let (word, symbol) = part.split_at(last.map_or(part.len(), |(at, _)| at));
        visit(at, &word.to_lowercase());
        if symbol.chars().all(char::is_alphanumeric) {
            visit(at + word.len(), symbol);
        }
        at += part.len();
    }
}

/// The distinct words of a query that say what it is about, at most `most`; all of its words if
/// none does.
pub fn query_stems(query: &str, most: usize) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    each_stem(
        query,
        |_| true,
        |_, stem| {
            if all.len() < most && !all.iter().any(|known| stem.is(known)) {
                all.push(stem.text());
            }
        },
    );
    let telling: Vec<String> = all.iter().filter(|word| !is_stop(word)).cloned().collect();
    if telling.is_empty() { all } else { telling }
}

/// Whether this is the stem of a word that says nothing. A stem begins as its word does.
fn is_stop(stem: &str) -> bool {
    let alike = |word: &&&str| word.as_bytes()[0] == stem.as_bytes()[0];
    STOP_WORDS.iter().filter(alike).any(|word| Stem::of(word, word.len()).is(stem))
}

/// Whether a character is part of a word that white space ends.
fn is_word_in_spaces(symbol: char) -> bool {
    symbol.is_alphanumeric() && !is_ideograph(symbol)
}

/// Whether a character is a word by itself: Chinese, Japanese and Korean.
fn is_ideograph(symbol: char) -> bool {
    matches!(symbol, '\u{3040}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_all_scripts_are_found_where_they_begin() {
        let text = "Dogs’ 犬・猫x — ÜNÏ flies, Wi-Fi 12345678s universities";
        let mut found = Vec::new();
        each_stem(text, |_| true, |start, stem| found.push((&text[start..], stem.text())));
        let words: Vec<&str> = found.iter().map(|(_, word)| word.as_str()).collect();
        let expected =
            ["dog", "犬", "猫", "x", "ünï", "fly", "wi", "fi", "12345678s", "university"];
        assert_eq!(words, expected);
        for ((rest, _), begins) in found.iter().zip(["D", "犬", "猫", "x", "Ü", "f", "W", "F"]) {
            assert!(rest.starts_with(begins), "{rest} with {begins}");
        }
        let mut none = Vec::new();
        each_stem(text, |first| first == b'q', |_, stem| none.push(stem.text()));
        assert!(none.is_empty());
    }

    #[test]
    fn a_query_is_about_its_telling_words() {
        assert_eq!(query_stems("What is the name of my dog? My dog!", 9), ["nam", "dog"]);
        assert_eq!(query_stems("who are you", 9), ["who", "are", "you"]);
        assert_eq!(query_stems("東京 is big", 9), ["東", "京", "big"]);
        assert_eq!(query_stems("one two three", 2), ["one", "two"]);
        assert!(query_stems("?!", 9).is_empty());
    }
}
