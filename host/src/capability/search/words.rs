//! Words, in the shard that holds their scope.

use super::shard::Opened;
use super::{ENTRIES_MAX, HITS_MAX, Shared, check_name};
use crate::bindings::search::vectors::{Error, Hit, Text};

/// The different terms of a text, and of a question.
const TERMS_MAX: u32 = 4_096;

impl Shared {
    /// How far the words of a scope have been loaded.
    pub(super) async fn worded(&self, index: &Opened, scope: String) -> Option<u64> {
        check_name(&scope).ok()?;
        let component = self.component.load_full();
        let worded = self.shard_of(&scope).call(&component, index, |live, index| {
            let worded = live.functions().worded;
            Ok(worded.call(live.store(), (index, scope))?.0)
        });
        // A shard that was lost holds nothing.
        worded.await.unwrap_or(None)
    }

    /// Has a scope take words in, if it was loaded up to `after`.
    pub(super) async fn insert_words(
        &self,
        index: &Opened,
        scope: String,
        texts: Vec<Text>,
        after: Option<u64>,
        mark: u64,
    ) -> Result<bool, Error> {
        check_name(&scope)?;
        if texts.len() > ENTRIES_MAX as usize {
            return Err(Error::TooMany(ENTRIES_MAX));
        }
        let component = self.component.load_full();
        let inserted = self.shard_of(&scope).call(&component, index, |live, index| {
            let insert = live.functions().insert_words;
            Ok(insert.call(live.store(), (index, scope, texts, after, mark))?.0)
        });
        inserted.await?
    }

    /// The texts of a scope that answer some terms best. More than were asked for are no answer.
    pub(super) async fn search_words(
        &self,
        index: &Opened,
        scope: String,
        terms: Vec<String>,
        most: u32,
    ) -> Result<Option<Vec<Hit>>, Error> {
        check_terms(&scope, &terms)?;
        if most > HITS_MAX {
            return Err(Error::TooMany(HITS_MAX));
        }
        let component = self.component.load_full();
        let found = self.shard_of(&scope).call(&component, index, |live, index| {
            let search = live.functions().search_words;
            Ok(search.call(live.store(), (index, scope, terms, most))?.0)
        });
        let found = found.await??;
        let is_answer = found.as_ref().is_none_or(|found| found.len() <= most as usize);
        if is_answer { Ok(found) } else { Err(Error::Failed) }
    }

    /// How well texts of a scope answer some terms. What is said of another number is no answer.
    pub(super) async fn score_words(
        &self,
        index: &Opened,
        scope: String,
        terms: Vec<String>,
        ids: Vec<u64>,
    ) -> Result<Vec<Option<f32>>, Error> {
        check_terms(&scope, &terms)?;
        if ids.len() > ENTRIES_MAX as usize {
            return Err(Error::TooMany(ENTRIES_MAX));
        }
        let (component, count) = (self.component.load_full(), ids.len());
        let told = self.shard_of(&scope).call(&component, index, |live, index| {
            let score = live.functions().score_words;
            Ok(score.call(live.store(), (index, scope, terms, ids))?.0)
        });
        let told = told.await??;
        if told.len() == count { Ok(told) } else { Err(Error::Failed) }
    }
}

fn check_terms(scope: &str, terms: &[String]) -> Result<(), Error> {
    check_name(scope)?;
    if terms.len() > TERMS_MAX as usize { Err(Error::TooMany(TERMS_MAX)) } else { Ok(()) }
}
