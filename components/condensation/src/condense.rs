//! What is kept of each source: the sentences that share words with the query, and then those
//! beside them, in the order of the text.

use std::ops::Range;

use crate::condensation::{Error, Request, Source};
use crate::split::split;
use crate::stem::{Stem, is_its_key, key};
use crate::types::Span;
use crate::words::{each_stem, query_stems};

/// How many words of the query count. A question has few; a pasted page has no more to tell.
const QUERY_WORDS_MAX: usize = u64::BITS as usize;

/// The most spans of one source. More would be shreds.
const SPANS_MAX: usize = 4;

/// The most units that are tried for their words, so that the time stays linear in the text.
const TRIED_MAX: usize = 64;

/// The units that are compared with each other in each try: those that begin with most words. A
/// text of nothing but matches has thousands.
const COMPARED_MAX: usize = 512;

/// Chooses what to keep of each source.
#[inline]
pub fn condense(request: &Request) -> Result<Vec<Vec<Span>>, Error> {
    let stems = query_stems(&request.query, QUERY_WORDS_MAX);
    let query = Query::of(stems);
    let mut choice = Choice::default();
    Ok(request.sources.iter().map(|source| keep(source, &query, &mut choice)).collect())
}

/// The words of the query.
struct Query {
    /// Each with its key, by which they are ordered, its place among them as a bit, and itself
    /// where the key does not tell it from all others.
    words: Vec<(u64, u64, Option<String>)>,
    /// Whether any begins with this byte, whatever its case.
    begins: [bool; 256],
}

impl Query {
    fn of(stems: Vec<String>) -> Self {
        let mut begins = [false; 256];
        stems.iter().filter_map(|stem| stem.bytes().next()).for_each(|first| {
            begins[usize::from(first)] = true;
            begins[usize::from(first.to_ascii_uppercase())] = true;
        });
        let word = |(stem, place): (String, usize)| {
            (key(&stem), 1 << place, (!is_its_key(&stem)).then_some(stem))
        };
        let mut words: Vec<_> = stems.into_iter().zip(0..).map(word).collect();
        words.sort_unstable();
        Self { words, begins }
    }

    /// Which of the words occur in each of these units of a text, as bits. A word stands in the
    /// unit that it begins in.
    ///
    /// It reads every byte, so it has all registers to itself.
    #[inline(never)]
    fn matches(&self, text: &str, units: &[Range<usize>], found: &mut Vec<u64>) {
        found.clear();
        found.resize(units.len(), 0);
        let mut unit = 0;
        let wanted = |first: u8| self.begins[usize::from(first)];
        each_stem(text, wanted, |start, stem| {
            while units.get(unit).is_some_and(|unit| unit.end <= start) {
                unit += 1;
            }
            if let Some(found) = found.get_mut(unit) {
                *found |= self.place(&stem);
            }
        });
    }

    /// The place of a word, as a bit; none if it is not there.
    fn place(&self, stem: &Stem) -> u64 {
        let key = stem.key();
        let first = self.words.partition_point(|(other, ..)| *other < key);
        let mut alike = self.words[first..].iter().take_while(|(other, ..)| *other == key);
        let found = alike.find(|(.., word)| word.as_ref().is_none_or(|word| stem.is(word)));
        found.map_or(0, |(_, place, _)| *place)
    }
}

/// Chooses what to keep of one source.
fn keep(source: &Source, query: &Query, choice: &mut Choice) -> Vec<Span> {
    let text = source.text.as_str();
    if source.tokens <= source.tokens_max {
        return spans(text, std::iter::once(0..text.len()));
    }
    choice.begin(source);
    choice.by_words(text, query);
    if choice.chosen.is_empty() {
        choice.by_place();
    }
    for place in 0..choice.chosen.len() {
        let index = choice.chosen[place];
        // What follows a sentence explains it more often than what stands before it.
        choice.try_keep(index + 1);
        if let Some(before) = index.checked_sub(1) {
            choice.try_keep(before);
        }
    }
    choice.kept_spans(text)
}

/// The units of a source, some of them kept. What it consists of is used for one source after the
/// other, since making it anew would cost as much as filling it.
#[derive(Default)]
struct Choice {
    units: Vec<Range<usize>>,
    kept: Vec<bool>,
    /// What may still be kept, in bytes.
    room: usize,
    /// What a span costs beyond its own bytes.
    apart: usize,
    /// How many spans the kept units make.
    spans: usize,
    /// Which words of the query occur in each unit, as bits.
    found: Vec<u64>,
    /// What each word of the query counts for.
    weights: Vec<f32>,
    /// The units with words of the query that were not tried yet.
    left: Vec<usize>,
    /// The units that are kept for their words, best first.
    chosen: Vec<usize>,
}

impl Choice {
    /// Splits a source. Nothing of it is kept yet.
    fn begin(&mut self, source: &Source) {
        // Tokens are taken to be spread evenly. A span that stands alone costs about one token
        // more.
        let bytes = source.text.len();
        let tokens = source.tokens.max(1) as usize;
        self.room = bytes.saturating_mul(source.tokens_max as usize) / tokens;
        self.apart = bytes / tokens;
        self.spans = 0;
        split(&source.text, self.room.max(4), &mut self.units);
        self.kept.clear();
        self.kept.resize(self.units.len(), false);
    }

    /// Keeps the units that share most words with the query, a word counting for less once it has
    /// been said.
    fn by_words(&mut self, text: &str, query: &Query) {
        query.matches(text, &self.units, &mut self.found);
        self.weigh(query.words.len());
        let with_words = (0..self.found.len()).filter(|index| self.found[*index] != 0);
        self.left.clear();
        self.left.extend(with_words);
        self.chosen.clear();
        if self.left.len() > COMPARED_MAX {
            let mut scored: Vec<(f32, usize)> =
                self.left.iter().map(|index| (self.score(*index), *index)).collect();
            scored.sort_by(|one, two| two.0.total_cmp(&one.0).then(one.1.cmp(&two.1)));
            self.left.clear();
            self.left.extend(scored[..COMPARED_MAX].iter().map(|(_, index)| *index));
            self.left.sort_unstable();
        }
        let lengths = self.left.iter().map(|index| self.units[*index].len());
        let shortest = lengths.min().unwrap_or_default();
        for _ in 0..TRIED_MAX {
            if self.least(shortest) > self.room {
                break;
            }
            let Some(place) = self.best() else { break };
            let index = self.left.remove(place);
            if self.try_keep(index) {
                bits(self.found[index]).for_each(|bit| self.weights[bit] *= 0.5);
                self.chosen.push(index);
            }
        }
    }

    /// The place in `left` of the unit with the best score: of several the first, since what stands
    /// earlier is more often the point of a text.
    fn best(&self) -> Option<usize> {
        let mut best: Option<(usize, f32)> = None;
        // Units often have the same words as the one before.
        let (mut found, mut shared) = (0, 0.0);
        for (place, index) in self.left.iter().enumerate() {
            if self.found[*index] != found {
                found = self.found[*index];
                shared = self.shared(found);
            }
            let score = self.to_the_point(shared, *index);
            if best.is_none_or(|(_, best)| score > best) {
                best = Some((place, score));
            }
        }
        best.map(|(place, _)| place)
    }

    /// Sets what each of the query's `words` counts for: the rarer in this source, the more.
    fn weigh(&mut self, words: usize) {
        self.weights.clear();
        self.weights.resize(words, 0.0);
        self.found.iter().for_each(|found| bits(*found).for_each(|bit| self.weights[bit] += 1.0));
        let all = self.found.len() as f32;
        // Words that occur equally often, as they often do, need one logarithm.
        let (mut last, mut weight) = (0.0, 0.0);
        for count in self.weights.iter_mut().filter(|count| **count > 0.0) {
            if *count != last {
                (last, weight) = (*count, (1.0 + all / *count).ln());
            }
            *count = weight;
        }
    }

    /// How well a unit bears on the query.
    fn score(&self, index: usize) -> f32 {
        self.to_the_point(self.shared(self.found[index]), index)
    }

    /// What these words of the query count for together.
    fn shared(&self, found: u64) -> f32 {
        bits(found).map(|bit| self.weights[bit]).sum()
    }

    /// The score of a unit: of two with the same words the shorter says more to the point.
    fn to_the_point(&self, shared: f32, index: usize) -> f32 {
        shared / (1.0 + self.units[index].len() as f32 / 400.0)
    }

    /// The least that a unit of this length costs now.
    fn least(&self, bytes: usize) -> usize {
        // It stands beside another, or apart.
        bytes + if self.spans == 0 { 0 } else { self.apart.min(1) }
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
        let mut merged: Vec<Range<usize>> = Vec::with_capacity(self.spans);
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

/// The places of the bits that are set.
fn bits(mut set: u64) -> impl Iterator<Item = usize> {
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
