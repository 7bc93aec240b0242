//! Words, as full-text recall knows them.

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};

use rust_stemmers::{Algorithm, Stemmer};
use unicode_segmentation::UnicodeSegmentation;

use crate::limits;

/// English words that stand in every text and tell nothing of what it is about.
const STOP_WORDS: &[&str] = &[
    "a", "about", "after", "all", "also", "am", "an", "and", "any", "are", "as", "at", "be",
    "because", "been", "before", "being", "but", "by", "can", "could", "did", "do", "does",
    "doing", "don't", "for", "from", "had", "has", "have", "having", "he", "her", "here", "hers",
    "him", "his", "how", "i", "i'm", "i've", "if", "in", "into", "is", "it", "it's", "its", "just",
    "me", "more", "most", "my", "no", "nor", "not", "of", "off", "on", "once", "only", "or",
    "other", "our", "ours", "out", "over", "own", "same", "she", "should", "so", "some", "such",
    "than", "that", "that's", "the", "their", "theirs", "them", "then", "there", "these", "they",
    "this", "those", "through", "to", "too", "under", "until", "up", "very", "was", "we", "were",
    "what", "what's", "when", "where", "which", "while", "who", "whom", "why", "will", "with",
    "would", "you", "your", "yours",
];

thread_local! {
    static STEMMER: LazyCell<Stemmer> = LazyCell::new(|| Stemmer::create(Algorithm::English));
}

/// The terms of a text.
#[derive(Debug, PartialEq, Default)]
pub struct Terms {
    /// Each term, and how often it occurs.
    pub counts: BTreeMap<String, u32>,
    /// How many there are, repetitions included.
    pub length: u32,
}

impl Terms {
    /// The terms in one text, each as often as it occurs, separated by single spaces. No term has a
    /// space in it.
    pub fn spelled_out(&self) -> String {
        let all = self
            .counts
            .iter()
            .flat_map(|(term, times)| std::iter::repeat_n(term.as_str(), *times as usize));
        all.collect::<Vec<_>>().join(" ")
    }
}

/// Cuts a text into terms: words as Unicode sees them, in lower case, stemmed, without those that
/// say nothing. Words that are too long to be words are left out, and so is what exceeds the limit
/// of terms.
pub fn terms(text: &str) -> Terms {
    STEMMER.with(|stemmer| {
        let mut found = Terms::default();
        for term in text.unicode_words().filter_map(|word| term(stemmer, word)) {
            if let Some(count) = found.counts.get_mut(&term) {
                *count += 1;
            } else if found.counts.len() < limits::MESSAGE_TERMS_MAX {
                found.counts.insert(term, 1);
            } else {
                continue;
            }
            found.length += 1;
        }
        found
    })
}

/// The terms of a query that are looked up. Of a long one, they are those at its end: what is asked
/// stands behind what was pasted.
pub fn asked(query: &str) -> BTreeSet<String> {
    STEMMER.with(|stemmer| {
        let mut asked = BTreeSet::new();
        for term in query.unicode_words().rev().filter_map(|word| term(stemmer, word)) {
            asked.insert(term);
            if asked.len() == limits::QUERY_TERMS_MAX {
                break;
            }
        }
        asked
    })
}

/// The term that a word is; none if it says nothing, or is too long to be a word.
fn term(stemmer: &Stemmer, word: &str) -> Option<String> {
    let word = word.to_lowercase().replace('’', "'");
    if word.len() > limits::TERM_BYTES_MAX || STOP_WORDS.binary_search(&word.as_str()).is_ok() {
        return None;
    }
    Some(stemmer.stem(word.strip_suffix("'s").unwrap_or(&word)).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        terms(text).counts.into_keys().collect()
    }

    #[test]
    fn the_stop_words_can_be_searched() {
        assert!(STOP_WORDS.is_sorted());
    }

    #[test]
    fn words_are_lowered_stemmed_and_freed_of_what_says_nothing() {
        assert_eq!(words("Where does my sister keep her violins?"), ["keep", "sister", "violin"]);
        assert_eq!(words("She keeps THE violin, keeping it"), ["keep", "violin"]);
        assert_eq!(words("Oriane’s and Oriane's"), words("oriane"));
        assert_eq!(words("the of and"), Vec::<String>::new());
    }

    #[test]
    fn of_a_long_query_its_end_is_looked_up() {
        let pasted: Vec<String> = (0..2_000).map(|number| format!("a{number}")).collect();
        let found = asked(&format!("{} Where is the zebra?", pasted.join(" ")));
        assert_eq!(found.len(), limits::QUERY_TERMS_MAX);
        assert!(found.contains("zebra") && found.contains("a1999") && !found.contains("a0"));
        let short = "Where does my sister keep her violins?";
        assert!(asked(short).iter().eq(terms(short).counts.keys()));
    }

    #[test]
    fn numbers_and_other_scripts_are_words() {
        assert_eq!(words("Q77-2210 über 東京"), ["2210", "q77", "über", "京", "東"]);
    }

    #[test]
    fn repetitions_count() {
        let found = terms("boat boat boats bridge");
        assert_eq!(found.counts.get("boat"), Some(&3));
        assert_eq!(found.length, 4);
    }

    #[test]
    fn terms_are_spelled_out_as_often_as_they_occur() {
        assert_eq!(terms("boat bridge boats").spelled_out(), "boat boat bridg");
        assert_eq!(terms("").spelled_out(), "");
    }

    #[test]
    fn what_is_too_long_to_be_a_word_is_left_out_and_terms_are_limited() {
        assert_eq!(words(&"x".repeat(limits::TERM_BYTES_MAX + 1)), Vec::<String>::new());
        let many: String = (0..2_000).map(|n| format!("w{n} ")).collect();
        assert_eq!(terms(&many).counts.len(), limits::MESSAGE_TERMS_MAX);
    }
}
