//! What is kept of each source: the sentences that share words with the query, and then those
//! beside them, in the order of the text.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::condensation::{Error, Request, Source};
use crate::split::split;
use crate::types::Span;
use crate::words::{each_stem, query_stems};

/// How many words of the query count. A question has few; a pasted page has no more to tell.
const QUERY_WORDS_MAX: usize = 128;

/// The most spans of one source. More would be shreds.
const SPANS_MAX: usize = 4;

/// The most units that are tried for their words, so that the time stays linear in the text.
const TRIED_MAX: usize = 64;

/// The units that are compared with each other in each try: those that begin with most words. A
/// text of nothing but matches has thousands.
const COMPARED_MAX: usize = 512;

/// Chooses what to keep of each source.
pub fn condense(request: &Request) -> Result<Vec<Vec<Span>>, Error> {
    let stems = query_stems(&request.query, QUERY_WORDS_MAX);
    let query = Query::of(stems);
    Ok(request.sources.iter().map(|source| keep(source, &query)).collect())
}

/// The words of the query.
struct Query {
    /// Each with its place among them.
    places: BTreeMap<String, u32>,
    /// Whether any begins with this byte.
    begins: [bool; 256],
}

impl Query {
    fn of(stems: Vec<String>) -> Self {
        let mut begins = [false; 256];
        stems.iter().filter_map(|stem| stem.bytes().next()).for_each(|first| {
            begins[usize::from(first)] = true;
        });
        Self { places: stems.into_iter().zip(0..).collect(), begins }
    }

    /// Which of the words occur in this text, as bits.
    fn matches(&self, text: &str) -> u128 {
        let mut found = 0;
        let wanted = |first: u8| self.begins[usize::from(first)];
        each_stem(text, wanted, |word| {
            if let Some(place) = self.places.get(word) {
                found |= 1_u128 << (place % u128::BITS);
            }
        });
        found
    }
}

/// Chooses what to keep of one source.
fn keep(source: &Source, query: &Query) -> Vec<Span> {
    let text = source.text.as_str();
    if source.tokens <= source.tokens_max {
        return spans(text, std::iter::once(0..text.len()));
    }
    // Tokens are taken to be spread evenly. A span that stands alone costs about one token more.
    let tokens = source.tokens.max(1) as usize;
    let bytes_max = text.len().saturating_mul(source.tokens_max as usize) / tokens;
    let apart = text.len() / tokens;
    let units = split(text, bytes_max.max(4));
    let mut choice =
        Choice { units: &units, kept: vec![false; units.len()], room: bytes_max, apart, spans: 0 };
    let chosen = choice.by_words(text, query);
    if chosen.is_empty() {
        choice.by_place();
    }
    for index in chosen {
        // What follows a sentence explains it more often than what stands before it.
        choice.try_keep(index + 1);
        if let Some(before) = index.checked_sub(1) {
            choice.try_keep(before);
        }
    }
    choice.kept_spans(text)
}

/// The units of a source, some of them kept.
struct Choice<'a> {
    units: &'a [Range<usize>],
    kept: Vec<bool>,
    /// What may still be kept, in bytes.
    room: usize,
    /// What a span costs beyond its own bytes.
    apart: usize,
    /// How many spans the kept units make.
    spans: usize,
}

impl Choice<'_> {
    /// Keeps the units that share most words with the query, a word counting for less once it has
    /// been said. Returns them, best first.
    fn by_words(&mut self, text: &str, query: &Query) -> Vec<usize> {
        let found: Vec<u128> =
            self.units.iter().map(|unit| query.matches(&text[unit.clone()])).collect();
        let mut weights = weights(&found);
        let mut left: Vec<usize> = (0..found.len()).filter(|index| found[*index] != 0).collect();
        let mut chosen = Vec::new();
        let score = |index: usize, weights: &[f32]| {
            let shared: f32 = bits(found[index]).map(|bit| weights[bit]).sum();
            // Of two sentences with the same words the shorter says more to the point.
            shared / (1.0 + self.units[index].len() as f32 / 400.0)
        };
        if left.len() > COMPARED_MAX {
            let mut scored: Vec<(f32, usize)> =
                left.iter().map(|index| (score(*index, &weights), *index)).collect();
            scored.sort_by(|one, two| two.0.total_cmp(&one.0).then(one.1.cmp(&two.1)));
            left = scored[..COMPARED_MAX].iter().map(|(_, index)| *index).collect();
            left.sort_unstable();
        }
        for _ in 0..TRIED_MAX {
            // The first of the best: what stands earlier is more often the point of a text.
            let best = (0..left.len())
                .map(|place| (place, score(left[place], &weights)))
                .reduce(|best, next| if next.1 > best.1 { next } else { best });
            let Some((place, _)) = best else { break };
            let index = left.remove(place);
            if self.try_keep(index) {
                bits(found[index]).for_each(|bit| weights[bit] *= 0.5);
                chosen.push(index);
            }
        }
        chosen
    }

    /// Keeps as many units as fit, from the first.
    fn by_place(&mut self) {
        for index in 0..self.units.len() {
            if !self.try_keep(index) {
                break;
            }
        }
    }

    /// Keeps a unit, if there is one and it fits. Returns whether it is kept.
    fn try_keep(&mut self, index: usize) -> bool {
        match self.kept.get(index) {
            None => return false,
            Some(true) => return true,
            Some(false) => {}
        }
        let is_kept =
            |index: Option<usize>| index.and_then(|index| self.kept.get(index)) == Some(&true);
        let neighbours =
            usize::from(is_kept(index.checked_sub(1))) + usize::from(is_kept(index.checked_add(1)));
        // The first span stands in the estimate already.
        let apart = if neighbours == 0 && self.spans > 0 { self.apart } else { 0 };
        // Between neighbours stands white space, of one byte as a rule.
        let cost = self.units[index].len() + neighbours + apart;
        if cost > self.room || self.spans + 1 - neighbours > SPANS_MAX {
            return false;
        }
        self.kept[index] = true;
        self.spans = self.spans + 1 - neighbours;
        self.room -= cost;
        true
    }

    /// The kept units, neighbours in one span.
    fn kept_spans(&self, text: &str) -> Vec<Span> {
        let mut merged: Vec<Range<usize>> = Vec::new();
        for (index, unit) in self.units.iter().enumerate().filter(|(index, _)| self.kept[*index]) {
            match merged.last_mut() {
                Some(last) if index > 0 && self.kept[index - 1] => last.end = unit.end,
                _ => merged.push(unit.clone()),
            }
        }
        spans(text, merged.into_iter())
    }
}

/// Ranges as spans. A text that a span cannot count is longer than any request may hold.
fn spans(text: &str, ranges: impl Iterator<Item = Range<usize>>) -> Vec<Span> {
    ranges
        .filter(|range| !range.is_empty() && range.end <= text.len())
        .filter_map(|range| {
            Some(Span { start: range.start.try_into().ok()?, end: range.end.try_into().ok()? })
        })
        .collect()
}

/// What each word of the query counts for: the rarer in this source, the more.
fn weights(found: &[u128]) -> Vec<f32> {
    let mut counts = vec![0_u32; u128::BITS as usize];
    found.iter().for_each(|found| bits(*found).for_each(|bit| counts[bit] += 1));
    let all = found.len() as f32;
    counts.into_iter().map(|count| (1.0 + all / count.max(1) as f32).ln()).collect()
}

/// The places of the bits that are set.
fn bits(mut set: u128) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = (set != 0).then(|| set.trailing_zeros() as usize)?;
        set &= set - 1;
        Some(bit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is kept of one text, where each token has four bytes.
    fn kept<'a>(query: &str, text: &'a str, tokens_max: u32) -> Vec<&'a str> {
        let tokens = u32::try_from(text.len().div_ceil(4)).expect("a short text");
        let source = Source { text: text.to_owned(), tokens, tokens_max };
        let request = Request { query: query.to_owned(), sources: vec![source] };
        let spans = condense(&request).expect("condensing has no error of its own").remove(0);
        spans.iter().map(|span| &text[span.start as usize..span.end as usize]).collect()
    }

    const STORY: &str = "We met in spring. My dog is called Rex. He is brown. It rained a lot. \
        Then we moved to Lisbon. The flat was small. I found work at a bakery.";

    #[test]
    fn what_is_short_enough_is_kept_whole() {
        assert_eq!(kept("dog", STORY, 1_000), [STORY]);
        assert!(kept("dog", "", 1).is_empty());
    }

    #[test]
    fn the_sentence_that_answers_is_kept() {
        assert_eq!(kept("What is my dog's name?", STORY, 6), ["My dog is called Rex."]);
        assert_eq!(kept("Where did I move?", STORY, 7), ["Then we moved to Lisbon."]);
    }

    #[test]
    fn room_that_is_left_goes_to_what_stands_beside_it() {
        assert_eq!(kept("my dog?", STORY, 10), ["My dog is called Rex. He is brown."]);
    }

    #[test]
    fn several_answers_stand_in_the_order_of_the_text() {
        let expected = ["My dog is called Rex.", "Then we moved to Lisbon."];
        assert_eq!(kept("Did Lisbon please the dog?", STORY, 13), expected);
    }

    #[test]
    fn where_nothing_is_shared_the_beginning_is_kept() {
        assert_eq!(kept("Xyzzy", STORY, 10), ["We met in spring. My dog is called Rex."]);
        assert_eq!(kept("", STORY, 5), ["We met in spring."]);
    }

    #[test]
    fn spans_are_ordered_disjoint_on_borders_and_within_the_budget() {
        let text = "é dog 犬。 𝄞 cat? Ünïcode dogs!\n```\ndog\n```\n".repeat(50);
        for tokens_max in 1..200 {
            let kept = kept("dog 犬 cats", &text, tokens_max);
            assert!(kept.len() <= SPANS_MAX);
            let bytes: usize = kept.iter().map(|span| span.len()).sum();
            assert!(bytes <= 4 * tokens_max as usize, "{tokens_max}: {bytes}");
        }
    }

    #[test]
    fn lengths_that_make_no_sense_do_no_harm() {
        let source =
            |tokens, tokens_max| Source { text: "a b. C d.".to_owned(), tokens, tokens_max };
        let sources = vec![source(u32::MAX, 1), source(1, 0), source(u32::MAX, u32::MAX - 1)];
        let request = Request { query: "d".to_owned(), sources };
        let spans = condense(&request).expect("condensing has no error of its own");
        assert_eq!(spans.iter().map(Vec::len).collect::<Vec<_>>(), [0, 0, 1]);
    }
}
