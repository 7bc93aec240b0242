//! The words of one scope: where each term stands, and what the texts are like.

use std::collections::HashMap;

use bm25::{Posting, Statistics};

use crate::vectors::Text;

/// A term that stands in so many places or more is common: it tells little, and is read no further.
pub const PLACES_MAX: u32 = 1_024;
/// Texts that may be gone before what is left is moved together.
const GONE_MIN: usize = 64;
/// What a text takes: its entry, and its id and place in a map that is over half full.
const TEXT_BYTES: usize = size_of::<Doc>() + 32;
/// What a term takes beside its letters and its places: the entry of a map, and two lists.
const TERM_BYTES: usize = 96;

/// A text.
struct Doc {
    id: u64,
    /// Its terms, repetitions included.
    length: u32,
    is_gone: bool,
}

/// A text that a term stands in, by its place, and how often.
struct Place {
    doc: u32,
    times: u32,
}

/// The words of texts. A text is numbered when it comes, and what is removed leaves a gap until
/// there are too many.
#[derive(Default)]
pub struct Words {
    docs: Vec<Doc>,
    known: HashMap<u64, u32>,
    terms: HashMap<Box<str>, Vec<Place>>,
    /// The terms of all texts that are there, repetitions included.
    length: u64,
    bytes: usize,
}

impl Words {
    /// Memory, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The bytes that these texts may need.
    pub fn bytes_of(texts: &[Text]) -> usize {
        let term = |text: &str| text.len() + TERM_BYTES + size_of::<Place>();
        let terms = |text: &Text| text.terms.iter().map(|one| term(&one.text)).sum::<usize>();
        texts.iter().map(|text| TEXT_BYTES + terms(text)).sum()
    }

    /// Takes a text in. What a text says does not change, so one that is known stays as it is.
    pub fn insert(&mut self, text: &Text) {
        if self.known.contains_key(&text.id) {
            return;
        }
        let doc = u32::try_from(self.docs.len()).expect("a scope's bytes are limited");
        self.known.insert(text.id, doc);
        self.docs.push(Doc { id: text.id, length: text.length, is_gone: false });
        self.length += u64::from(text.length);
        self.bytes += TEXT_BYTES;
        for term in &text.terms {
            let place = Place { doc, times: term.times };
            match self.terms.get_mut(term.text.as_str()) {
                Some(places) => places.push(place),
                None => {
                    self.bytes += term.text.len() + TERM_BYTES;
                    self.terms.insert(term.text.as_str().into(), vec![place]);
                }
            }
            self.bytes += size_of::<Place>();
        }
    }

    /// Forgets a text; tells whether it was there.
    pub fn remove(&mut self, id: u64) -> bool {
        let Some(doc) = self.known.remove(&id) else { return false };
        let doc = &mut self.docs[doc as usize];
        doc.is_gone = true;
        self.length -= u64::from(doc.length);
        let gone = self.docs.len() - self.known.len();
        if gone > GONE_MIN && gone > self.known.len() {
            self.compact();
        }
        true
    }

    /// Moves what is left together.
    fn compact(&mut self) {
        let mut moved = vec![None; self.docs.len()];
        let mut docs = Vec::with_capacity(self.known.len());
        for (from, doc) in std::mem::take(&mut self.docs).into_iter().enumerate() {
            if !doc.is_gone {
                moved[from] = Some(docs.len() as u32);
                docs.push(doc);
            }
        }
        self.docs = docs;
        self.known.values_mut().for_each(|doc| *doc = moved[*doc as usize].unwrap_or(*doc));
        self.bytes = self.docs.len() * TEXT_BYTES;
        self.terms.retain(|term, places| {
            places.retain_mut(|place| match moved[place.doc as usize] {
                Some(doc) => {
                    place.doc = doc;
                    true
                }
                None => false,
            });
            places.shrink_to_fit();
            let bytes = term.len() + TERM_BYTES + places.len() * size_of::<Place>();
            self.bytes += if places.is_empty() { 0 } else { bytes };
            !places.is_empty()
        });
    }

    /// How well the texts answer these terms: by their places, 0 for those without any of them.
    fn scores(&self, terms: &[String]) -> Vec<f64> {
        let statistics = Statistics { messages: self.known.len() as u32, terms: self.length };
        let found: Vec<Known> = terms.iter().map(|term| self.places(term)).collect();
        let all_common = found.iter().all(|one| one.is_common || one.postings.is_empty());
        let mut scores = vec![0.0; self.docs.len()];
        for one in found.iter().filter(|one| all_common || !one.is_common) {
            for (doc, posting) in &one.postings {
                scores[*doc as usize] += statistics.weight(posting);
            }
        }
        scores
    }

    /// What is known of a term: as many places as are read.
    fn places(&self, term: &str) -> Known {
        let mut postings = Vec::new();
        let mut read = 0;
        for place in self.terms.get(term).into_iter().flatten() {
            let doc = &self.docs[place.doc as usize];
            if doc.is_gone || read == PLACES_MAX {
                continue;
            }
            let frequency = place.times.min(PLACES_MAX - read);
            read += frequency;
            let posting =
                Posting { message: doc.id, frequency, length: doc.length, in_messages: 0 };
            postings.push((place.doc, posting));
        }
        let in_messages = postings.len() as u32;
        postings.iter_mut().for_each(|(_, posting)| posting.in_messages = in_messages);
        Known { is_common: read == PLACES_MAX, postings }
    }

    /// The `most` texts that answer these terms best, best first; equal scores in the order of
    /// ids.
    pub fn search(&self, terms: &[String], most: usize) -> Vec<(u64, f32)> {
        let scores = self.scores(terms);
        let found = self.docs.iter().zip(scores).filter(|(_, score)| *score > 0.0);
        let mut found: Vec<(u64, f32)> = found.map(|(doc, score)| (doc.id, score as f32)).collect();
        let order = |a: &(u64, f32), b: &(u64, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        if most < found.len() {
            found.select_nth_unstable_by(most, order);
            found.truncate(most);
        }
        found.sort_unstable_by(order);
        found
    }

    /// How well these texts answer these terms; none for one without any of them.
    pub fn score(&self, terms: &[String], ids: &[u64]) -> Vec<Option<f32>> {
        let scores = self.scores(terms);
        let score = |id: &u64| {
            let score = scores[*self.known.get(id)? as usize];
            (score > 0.0).then_some(score as f32)
        };
        ids.iter().map(score).collect()
    }
}

/// What is known of a term.
struct Known {
    /// Whether its places fill the limit.
    is_common: bool,
    /// The texts that it stands in, with their places.
    postings: Vec<(u32, Posting)>,
}
