//! Words beside the vectors of a scope.

use super::{ENTRIES_MAX, HITS_MAX, Library, SCOPE_BYTES, named};
use crate::scope::Scope;
use crate::vector;
use crate::vectors::{Error, Hit, Text};
use crate::words::Words;

/// The bytes of a term.
const TERM_BYTES_MAX: usize = 128;
/// The different terms of a text, and of a question.
const TERMS_MAX: u32 = 4_096;

impl Library {
    /// The mark of the last words that a scope took in.
    pub fn worded(&self, index: usize, scope: &str) -> Option<u64> {
        self.indexes[index].scopes.get(scope)?.worded
    }

    /// Takes words in, and moves their mark, if it is where the caller thinks. See
    /// `loci:search/vectors` for how it fails; nothing is changed then.
    pub fn insert_words(
        &mut self,
        index: usize,
        scope: &str,
        texts: &[Text],
        after: Option<u64>,
        mark: u64,
    ) -> Result<bool, Error> {
        if !named(scope) {
            return Err(Error::BadScope);
        }
        if texts.len() > ENTRIES_MAX as usize {
            return Err(Error::TooMany(ENTRIES_MAX));
        }
        if let Some(place) = texts.iter().position(|text| !is_sound(text)) {
            return Err(Error::BadText(place as u32));
        }
        let held = self.indexes[index].scopes.get(scope);
        if held.and_then(|held| held.worded) != after {
            return Ok(false);
        }
        let more = Words::bytes_of(texts);
        if held.map_or(0, Scope::bytes) + more > self.limits.scope_bytes_max {
            return Err(Error::ScopeFull(self.limits.scope_bytes_max as u64));
        }
        let stride = vector::stride(self.indexes[index].dimensions);
        // Taken out while it changes, so that making room cannot take it.
        let mut taken = self.take(index, scope).unwrap_or_else(|| Scope::new(stride));
        self.make_room(taken.bytes() + more + SCOPE_BYTES);
        texts.iter().for_each(|text| taken.words.insert(text));
        taken.worded = Some(mark);
        self.put(index, scope.into(), taken);
        self.make_room(0);
        Ok(true)
    }

    /// Finds the texts that answer some terms best, best first; none where the scope holds no
    /// words. See `loci:search/vectors` for how it fails.
    pub fn search_words(
        &mut self,
        index: usize,
        scope: &str,
        terms: &[String],
        most: u32,
    ) -> Result<Option<Vec<Hit>>, Error> {
        if most > HITS_MAX {
            return Err(Error::TooMany(HITS_MAX));
        }
        let Some(words) = self.words(index, scope, terms)? else { return Ok(None) };
        let hit = |(id, score)| Hit { scope: 0, id, score };
        Ok(Some(words.search(terms, most as usize).into_iter().map(hit).collect()))
    }

    /// How well texts answer some terms. See `loci:search/vectors` for how it fails.
    pub fn score_words(
        &mut self,
        index: usize,
        scope: &str,
        terms: &[String],
        ids: &[u64],
    ) -> Result<Vec<Option<f32>>, Error> {
        if ids.len() > ENTRIES_MAX as usize {
            return Err(Error::TooMany(ENTRIES_MAX));
        }
        let words = self.words(index, scope, terms)?;
        Ok(words.map_or_else(|| vec![None; ids.len()], |words| words.score(terms, ids)))
    }

    /// The words of a scope, which is the one used last now; none where it holds none.
    fn words(
        &mut self,
        index: usize,
        scope: &str,
        terms: &[String],
    ) -> Result<Option<&Words>, Error> {
        if !named(scope) {
            return Err(Error::BadScope);
        }
        if terms.len() > TERMS_MAX as usize {
            return Err(Error::TooMany(TERMS_MAX));
        }
        self.touch(index, scope);
        let held = self.indexes[index].scopes.get(scope);
        Ok(held.filter(|held| held.worded.is_some()).map(|held| &held.words))
    }
}

/// Whether a text's terms are such as there can be.
fn is_sound(text: &Text) -> bool {
    let sound = |text: &str| !text.is_empty() && text.len() <= TERM_BYTES_MAX;
    text.terms.len() <= TERMS_MAX as usize
        && text.terms.iter().all(|term| sound(&term.text) && term.times > 0)
}
