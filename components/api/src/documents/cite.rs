//! What a reply cites: which of the passages in its prompt its sentences draw on.
//!
//! No model is asked. A sentence draws on a sentence of a passage when they share what is rare:
//! values, names, words that few of the passages have. What is in every passage tells nothing.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use serde::Serialize;
use unicode_segmentation::UnicodeSegmentation;

use crate::limits;
use crate::terms::terms;

/// How much of a sentence's weight must be found in a passage's sentence for it to be cited.
const SHARE_MIN: f64 = 0.5;
/// The fewest words that are shared, where none of them is a value: one may be chance.
const WORDS_MIN: usize = 2;
/// Of how many sentences a few count as a sample: in a handful no word looks rare.
const SENTENCES_MIN: f64 = 64.0;
/// What a word with a digit in it weighs more than others: values are what people check.
const VALUE_BONUS: f64 = 1.5;

/// A passage that stood in the prompt.
pub struct Source<'a> {
    /// Its text.
    pub text: &'a str,
    /// The spans of it that the model read.
    pub read: Vec<Range<usize>>,
}

/// A sentence of a reply that draws on a passage.
#[derive(Debug, Serialize, PartialEq)]
pub struct Citation {
    /// Where the sentence stands in the reply, in bytes.
    pub sentence: [usize; 2],
    /// The passage, as a place in the list of those that were consulted.
    pub source: usize,
    /// Where what it draws on stands in the text of the passage, in bytes.
    pub span: [usize; 2],
}

/// A sentence and the terms in it.
struct Sentence {
    source: usize,
    span: Range<usize>,
    terms: HashSet<String>,
}

/// The citations of a reply, in the order of its sentences: at most one passage for each.
pub fn cite(reply: &str, sources: &[Source<'_>]) -> Vec<Citation> {
    let mut said = sentences(reply);
    said.truncate(limits::CITED_SENTENCES_MAX);
    // What could not be told from chance if all of it were shared is looked for nowhere.
    said.retain(|(_, asked)| is_telling(asked.iter()));
    if said.is_empty() {
        return Vec::new();
    }
    let mut known: Vec<Sentence> = Vec::new();
    for (source, one) in sources.iter().enumerate() {
        for read in &one.read {
            let Some(text) = one.text.get(read.clone()) else { continue };
            known.extend(sentences(text).into_iter().map(|(span, terms)| Sentence {
                source,
                span: read.start + span.start..read.start + span.end,
                terms,
            }));
        }
        if known.len() > limits::CITED_SENTENCES_MAX {
            known.truncate(limits::CITED_SENTENCES_MAX);
        }
    }
    let mut common: HashMap<&str, f64> = HashMap::new();
    for term in known.iter().flat_map(|sentence| &sentence.terms) {
        *common.entry(term).or_default() += 1.0;
    }
    let count = (known.len() as f64).max(SENTENCES_MIN);
    let weight = |term: &str| {
        let rarity = match common.get(term) {
            Some(times) => ((count - times + 0.5) / (times + 0.5)).max(0.0).ln_1p(),
            // What no passage says is as rare as can be.
            None => (2.0 * count + 1.0).ln_1p(),
        };
        rarity.max(0.1) * if is_value(term) { VALUE_BONUS } else { 1.0 }
    };
    let mut citations = Vec::new();
    for (span, asked) in said {
        let all: f64 = asked.iter().map(|term| weight(term)).sum();
        let best = known
            .iter()
            .map(|one| {
                let shared = one.terms.intersection(&asked);
                (shared.map(|term| weight(term)).sum::<f64>(), one)
            })
            .max_by(|(left, one), (right, two)| {
                // Of equals, the shorter sentence says it more to the point.
                left.total_cmp(right).then(two.terms.len().cmp(&one.terms.len()))
            });
        if let Some((shared, one)) = best
            && shared >= SHARE_MIN * all
            && is_telling(one.terms.intersection(&asked))
        {
            citations.push(Citation {
                sentence: [span.start, span.end],
                source: one.source,
                span: [one.span.start, one.span.end],
            });
        }
    }
    citations
}

/// Whether what is shared is more than chance.
fn is_telling<'a>(shared: impl Iterator<Item = &'a String>) -> bool {
    let (words, values) = shared
        .fold((0, 0), |(words, values), term| (words + 1, values + usize::from(is_value(term))));
    words >= WORDS_MIN || values > 0
}

fn is_value(term: &str) -> bool {
    term.chars().any(|c| c.is_ascii_digit())
}

/// The sentences of a text with something in them, without the white space around them.
fn sentences(text: &str) -> Vec<(Range<usize>, HashSet<String>)> {
    let mut found = Vec::new();
    for (line_start, line) in lines(text) {
        for (at, sentence) in line.split_sentence_bound_indices() {
            let body = sentence.trim();
            let terms: HashSet<String> = terms(body).counts.into_keys().collect();
            if terms.is_empty() {
                continue;
            }
            let start = line_start + at + (sentence.len() - sentence.trim_start().len());
            found.push((start..start + body.len(), terms));
        }
    }
    found
}

/// The lines of a text, with where they begin.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    text.split_inclusive('\n').map(move |line| {
        let at = start;
        start += line.len();
        (at, line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source<'_> {
        let whole = 0..text.len();
        Source { text, read: vec![whole] }
    }

    const BOATS: &str =
        "The ferry Aurora leaves at 07:45. It carries forty cars. Dogs travel free.";
    const TRAINS: &str = "The night train leaves from platform 9. It carries no cars.";

    #[test]
    fn a_sentence_cites_what_it_draws_on_and_nothing_else() {
        let sources = [source(BOATS), source(TRAINS)];
        let reply = "Good question! The Aurora leaves at 07:45. I hope you like the sea.";
        let cited = cite(reply, &sources);
        assert_eq!(cited.len(), 1, "{cited:?}");
        let [start, end] = cited[0].sentence;
        assert_eq!(&reply[start..end], "The Aurora leaves at 07:45.");
        let [start, end] = cited[0].span;
        assert_eq!((cited[0].source, &BOATS[start..end]), (0, "The ferry Aurora leaves at 07:45."));
        let cited = cite("The train goes from platform 9.", &sources);
        assert_eq!(cited.iter().map(|one| one.source).collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn what_no_passage_says_is_not_cited() {
        let sources = [source(BOATS), source(TRAINS)];
        for reply in ["", "I do not know.", "Cats sleep sixteen hours a day.", "It leaves soon."] {
            assert_eq!(cite(reply, &sources), [], "{reply}");
        }
        assert_eq!(cite("The Aurora leaves at 07:45.", &[]), []);
    }

    #[test]
    fn only_what_the_model_read_is_cited() {
        let second = 34..57;
        let cut = [Source { text: BOATS, read: Vec::from([second]) }];
        assert_eq!(cite("The Aurora leaves at 07:45.", &cut), []);
        let cited = cite("It carries forty cars.", &cut);
        assert_eq!(cited.len(), 1);
        assert_eq!(&BOATS[cited[0].span[0]..cited[0].span[1]], "It carries forty cars.");
    }
}
