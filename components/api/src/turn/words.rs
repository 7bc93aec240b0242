//! Recalling by words. The index holds the words of sessions that are talked in, so that a turn
//! reads no postings; where it holds none, the database is asked, and the index learns them in the
//! background. Only a host that lends every request the same index is worth that.

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;

use super::recall::{Scope, open};
use crate::bindings::search::vectors::{Error, Index, Term, Text};
use crate::db::{Database, memory};
use crate::generation::{self, Current};
use crate::http::error::ApiError;
use crate::{limits, terms};

/// Messages that share a word with a query.
#[derive(Default)]
pub struct Worded {
    /// The best of them, or all, with how well they answer.
    pub scores: Vec<(u64, f32)>,
    /// What the index can be asked about other messages; none where `scores` has all.
    pub held: Option<Held>,
}

/// The words that were asked for, in an index that holds those of the session.
#[derive(Debug)]
pub struct Held {
    index: Rc<Index>,
    terms: Vec<String>,
}

thread_local! {
    /// The sessions whose words are being learned.
    static LEARNING: RefCell<HashSet<i64>> = RefCell::default();
}

/// Finds messages of a session by the words of a query.
///
/// Fails with 500 if the database does.
pub async fn look_up(
    database: &Database,
    scope: &Scope<'_>,
    query: &str,
) -> Result<Worded, ApiError> {
    let terms: Vec<String> = terms::asked(query).into_iter().collect();
    if terms.is_empty() {
        return Ok(Worded::default());
    }
    if let Some(index) = held(database, scope).await? {
        let most = limits::DENSE_HITS;
        if let Ok(Some(hits)) = index.search_words(scope.session_id, &terms, most) {
            let scores = hits.into_iter().map(|hit| (hit.id, hit.score)).collect();
            return Ok(Worded { scores, held: Some(Held { index, terms }) });
        }
    }
    let scores = memory::lexical(database, scope.session, &terms).await?;
    Ok(Worded { scores, held: None })
}

impl Held {
    /// How well messages of the session answer; none where the index does not know any more.
    pub fn score(&self, scope: &Scope<'_>, messages: &[u64]) -> Option<Vec<Option<f32>>> {
        self.index.score_words(scope.session_id, &self.terms, messages).ok()
    }
}

/// The index, if it holds all words that were said before a turn. What it lacks of the last few
/// turns is read; more than that is learned in the background.
///
/// Fails with 500 if the database does.
async fn held(database: &Database, scope: &Scope<'_>) -> Result<Option<Rc<Index>>, ApiError> {
    let Ok(embedder) = generation::searched(database).await else { return Ok(None) };
    let Ok(index) = open(&embedder) else { return Ok(None) };
    let mark = index.worded(scope.session_id);
    let last = u64::from(scope.before_turn.saturating_sub(1));
    let lacks = mark.map_or(u64::MAX, |mark| last.saturating_sub(mark));
    let is_complete = match (mark, lacks) {
        (Some(_), 0) => true,
        (Some(mark), _) if scope.is_turn && lacks <= limits::WORDED_TURNS_MAX => {
            learn(database, scope.session, scope.session_id, &index, Some(mark), last).await?
        }
        _ => {
            if scope.is_turn {
                learn_later(scope, index.clone(), mark, last);
            }
            false
        }
    };
    Ok(is_complete.then_some(index))
}

/// Has the index learn what was said after a turn, up to another one, in which nothing changes any
/// more. Returns whether it has; not where somebody else taught it, or it had to forget.
///
/// Fails with 500 if the database does.
async fn learn(
    database: &Database,
    session: i64,
    session_id: &str,
    index: &Index,
    mut mark: Option<u64>,
    last: u64,
) -> Result<bool, ApiError> {
    loop {
        let said = memory::said(database, session, mark.unwrap_or(0), last).await?;
        let to = match said.last() {
            // The last turn may be there in part; it is read again.
            Some(one) if said.len() == limits::WORDED_AT_ONCE as usize => u64::from(one.turn) - 1,
            _ => last,
        };
        let texts: Vec<Text> = said
            .iter()
            .filter(|one| u64::from(one.turn) <= to)
            .map(|one| text(one.message, &one.content))
            .collect();
        match index.insert_words(session_id, &texts, mark, to) {
            Ok(true) if to == last => return Ok(true),
            Ok(true) => mark = Some(to),
            Ok(false) => return Ok(false),
            Err(error) => {
                // A scope that is full is found by its words in the database.
                if !matches!(error, Error::Failed | Error::ScopeFull(_)) {
                    eprintln!("the index takes no words: {error:?}");
                }
                return Ok(false);
            }
        }
    }
}

/// Has the index learn the words of a session after this request, once at a time.
fn learn_later(scope: &Scope<'_>, index: Rc<Index>, mark: Option<u64>, last: u64) {
    let (session, session_id) = (scope.session, scope.session_id.to_owned());
    if !LEARNING.with_borrow_mut(|learning| learning.insert(session)) {
        return;
    }
    spin_sdk::wasip3::spawn(async move {
        let learned = match Database::open().await {
            Ok(database) => learn(&database, session, &session_id, &index, mark, last).await,
            Err(error) => Err(error),
        };
        LEARNING.with_borrow_mut(|learning| learning.remove(&session));
        if let Err(error) = learned {
            eprintln!("the words of a session were not learned: {}", error.message);
        }
    });
}

/// Tells the index what was said in a turn that is over, if it knows all that was said before.
pub fn said(current: &Current, session_id: &str, turn: u32, texts: &[(u64, &str)]) {
    for index in current.all().filter_map(|embedder| open(embedder).ok()) {
        let mark = index.worded(session_id);
        if mark.map_or(turn == 1, |mark| mark + 1 == u64::from(turn)) {
            let texts: Vec<Text> = texts.iter().map(|(id, content)| text(*id, content)).collect();
            // What it does not take now, the next turn offers again.
            let _ = index.insert_words(session_id, &texts, mark, u64::from(turn));
        }
    }
}

/// The words of a message. Its length is counted as far as the database counts it.
fn text(id: u64, content: &str) -> Text {
    let found = terms::terms(content);
    let term = |(text, times)| Term { text, times };
    let length = found.length.min(limits::WORDED_LENGTH_MAX);
    Text { id, length, terms: found.counts.into_iter().map(term).collect() }
}
