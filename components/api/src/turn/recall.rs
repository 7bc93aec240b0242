//! Recalling what this session said on the matter. A session whose memory is off does not come
//! here.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use serde::Serialize;

use super::degraded::{Degraded, reason};
use super::policies::Policies;
use super::query::Embedded;
use super::words::{self, Held};
use super::{builtin, candidates as near, check, saved, subject};
use crate::bindings::policy::ranking::{self, Candidate};
use crate::bindings::policy::versions::Hook;
use crate::bindings::search::vectors::{self, Entry, Index, Likeness};
use crate::db::candidates::{self as nearby, Near};
use crate::db::memory::Found;
use crate::db::{Database, indexing, memory};
use crate::generation::{self, Current, Embedder};
use crate::http::error::ApiError;
use crate::{limits, time};

/// Where to search.
pub struct Scope<'a> {
    /// The session's number.
    pub session: i64,
    /// The session's UUID: the name of its scope in the index.
    pub session_id: &'a str,
    /// Only what was said before this turn.
    pub before_turn: u32,
    /// Whether this is a turn that runs, so that nothing before it changes any more, on a host that
    /// lends every request the same index.
    pub is_turn: bool,
}

/// What the searches found.
#[derive(Debug, Default)]
pub struct Hits {
    scores: HashMap<u64, Scores>,
    /// What can tell of other messages how well they answer by words.
    worded: Option<Held>,
    /// What was said in the time that is asked about.
    during: Vec<u64>,
    /// The query, where it could be embedded.
    pub query: Option<Rc<Embedded>>,
    /// What was left out, and why.
    pub degraded: Vec<Degraded>,
}

impl Hits {
    /// Tells of what stands beside the hits how well it answers by words, where no search did.
    fn score_words(&mut self, scope: &Scope<'_>, near: &[Near]) {
        let Some(worded) = &self.worded else { return };
        let ids: Vec<u64> = near.iter().map(|one| one.message).collect();
        for (id, score) in ids.iter().zip(worded.score(scope, &ids).into_iter().flatten()) {
            if score.is_some() {
                self.scores.entry(*id).or_default().lexical = score;
            }
        }
    }
}

/// A message that was recalled.
#[derive(Debug, Clone)]
pub struct Recalled {
    /// The message.
    pub found: Found,
    /// How well it answers: more is better.
    pub score: f32,
}

/// The scores that the searches gave a message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Scores {
    /// The cosine similarity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dense: Option<f32>,
    /// BM25.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lexical: Option<f32>,
}

thread_local! {
    /// The index that was used last, under the digest of its model.
    static INDEX: RefCell<Option<(String, Rc<Index>)>> = const { RefCell::new(None) };
}

/// Finds messages in the memory of one session: by meaning, by words and by time, all at once. The
/// query is embedded by whoever asks, since others may search with it too.
///
/// Fails with 500 if the database does. A search that fails otherwise is left out and noted.
pub async fn look_up(
    database: &Database,
    scope: &Scope<'_>,
    text: &str,
    query: impl Future<Output = Result<Rc<Embedded>, String>>,
) -> Result<Hits, ApiError> {
    let mut hits = Hits::default();
    let asked = subject::of(text);
    let (near, worded, during) = futures::join!(
        dense(database, scope, query),
        words::look_up(database, scope, &asked),
        during(database, scope, text)
    );
    hits.during = during?;
    let worded = worded?;
    for (message, score) in worded.scores {
        hits.scores.entry(message).or_default().lexical = Some(score);
    }
    hits.worded = worded.held;
    match near {
        Ok((query, near)) => {
            for (message, score) in near {
                hits.scores.entry(message).or_default().dense = Some(score);
            }
            hits.query = Some(query);
        }
        Err(Unsearched::Database(error)) => return Err(error),
        Err(Unsearched::Model(reason)) => hits.degraded.push(Degraded::new("embedding", reason)),
        Err(Unsearched::Index(error)) => {
            hits.degraded.push(Degraded::new("search", format!("{error:?}")));
        }
    }
    Ok(hits)
}

/// Has the ranking policy choose at most `most` of what was found, best first.
///
/// Fails with 500 if the database does. A policy that fails is replaced by the built-in one.
pub async fn choose(
    database: &Database,
    scope: &Scope<'_>,
    text: &str,
    hits: Hits,
    most: u32,
) -> Result<Vec<Recalled>, ApiError> {
    let found = candidates(database, scope, text, hits, &[]).await?;
    // No turn, so nobody has chosen another policy than the one in use.
    let chosen = rank(&found, text, most, &Policies::default(), &mut Vec::new())?;
    read(database, scope, &chosen).await
}

/// What can be chosen, with the messages that it is: what was found, and what was said right before
/// and after each. The newest is first. What is `shown` stands in the prompt anyway, and cannot.
///
/// Fails with 500 if the database does.
pub async fn candidates(
    database: &Database,
    scope: &Scope<'_>,
    text: &str,
    mut hits: Hits,
    shown: &[u64],
) -> Result<Vec<(u64, Candidate)>, ApiError> {
    for message in shown {
        hits.scores.remove(message);
    }
    hits.during.retain(|message| !shown.contains(message));
    let (session, before_turn) = (scope.session, scope.before_turn);
    let mut best = best(&hits.scores);
    best.extend(near::of_period(&hits.during, &best, &hits.scores));
    let around = nearby::around(database, session, &best, before_turn).await?;
    let around = near::distinct(around, text, shown);
    hits.score_words(scope, &around);
    let likenesses = match hits.query.as_deref() {
        Some(query) => compared(database, scope, query, &around, &hits.scores).await?,
        None => Vec::new(),
    };
    let list = near::candidates(&around, &hits.scores, &likenesses);
    Ok(around.iter().map(|one| one.message).zip(list).collect())
}

/// Reads what was chosen, best first.
///
/// Fails with 500 if the database does.
pub async fn read(
    database: &Database,
    scope: &Scope<'_>,
    chosen: &[(u64, f32)],
) -> Result<Vec<Recalled>, ApiError> {
    let ids: Vec<u64> = chosen.iter().map(|(id, _)| *id).collect();
    let found = memory::fetch(database, scope.session, &ids, scope.before_turn).await?;
    let mut found: HashMap<u64, Found> = found.into_iter().map(|one| (one.message, one)).collect();
    let recalled =
        |(id, score): &(u64, f32)| Some(Recalled { found: found.remove(id)?, score: *score });
    Ok(chosen.iter().filter_map(recalled).collect())
}

/// What was said in the time that a question asks about, where that has two ends.
async fn during(database: &Database, scope: &Scope<'_>, text: &str) -> Result<Vec<u64>, ApiError> {
    let now = time::seconds(time::now_micros());
    let Some((from, until)) = builtin::asked_about(text, now) else { return Ok(Vec::new()) };
    let micros =
        |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000_000);
    let range = micros(from)..micros(until);
    nearby::during(database, scope.session, scope.before_turn, range).await
}

/// Forgets a session's scope in the index. The index is a cache: one that cannot be reached holds
/// what no search asks for.
pub fn drop_scope(current: &Current, session_id: &str) {
    for index in current.all().filter_map(|embedder| open(embedder).ok()) {
        index.drop_scope(session_id);
    }
}

/// Forgets one message in the index. What a search still finds elsewhere is not fetched.
pub fn remove(current: &Current, session_id: &str, message: u64) {
    for index in current.all().filter_map(|embedder| open(embedder).ok()) {
        index.remove(session_id, &[message]);
    }
}

/// Why a dense search found nothing.
pub enum Unsearched {
    /// The database failed.
    Database(ApiError),
    /// The query could not be embedded.
    Model(String),
    /// The index refused.
    Index(vectors::Error),
}

impl From<ApiError> for Unsearched {
    fn from(error: ApiError) -> Self {
        Self::Database(error)
    }
}

impl From<vectors::Error> for Unsearched {
    fn from(error: vectors::Error) -> Self {
        Self::Index(error)
    }
}

/// The messages of the session whose vectors are nearest to the query's, and the query.
async fn dense(
    database: &Database,
    scope: &Scope<'_>,
    query: impl Future<Output = Result<Rc<Embedded>, String>>,
) -> Result<(Rc<Embedded>, Vec<(u64, f32)>), Unsearched> {
    let embedder = generation::searched(database).await.map_err(Unsearched::Model)?;
    let (query, filled) = futures::join!(query, fill(database, scope, &embedder));
    let query = query.map_err(Unsearched::Model)?;
    let once = filled.and_then(|index| Ok(nearest(&index, scope, &query.vector)?));
    let hits = match once {
        Err(Unsearched::Index(vectors::Error::Failed)) => {
            // The index ended, and is empty now: it is opened and filled again, once.
            reopen();
            nearest(&*fill(database, scope, &embedder).await?, scope, &query.vector)?
        }
        once => once?,
    };
    Ok((query, hits))
}

/// How messages compare with the query, and with what those that were found have in common, in the
/// order of the list. What was forgotten meanwhile to make room is loaded again, once; where the
/// index cannot tell, what the search said is all that is known.
///
/// Fails with 500 if the database does.
async fn compared(
    database: &Database,
    scope: &Scope<'_>,
    query: &Embedded,
    near: &[Near],
    scores: &HashMap<u64, Scores>,
) -> Result<Vec<Option<Likeness>>, ApiError> {
    let ids: Vec<u64> = near.iter().map(|one| one.message).collect();
    let typical = near::typical(near, scores);
    let compare = |index: &Index| {
        let told = index.compare(scope.session_id, &query.vector, &ids, &typical)?;
        let is_held = typical.is_empty() || told.iter().any(Option::is_some);
        if is_held { Ok(told) } else { Err(vectors::Error::Failed) }
    };
    let once = open(&query.embedder).and_then(|index| compare(&index));
    let told = match once {
        Err(vectors::Error::Failed) => {
            reopen();
            match fill(database, scope, &query.embedder).await {
                Ok(index) => compare(&index),
                Err(Unsearched::Database(error)) => return Err(error),
                Err(Unsearched::Index(error)) => Err(error),
                Err(Unsearched::Model(_)) => Err(vectors::Error::Failed),
            }
        }
        once => once,
    };
    Ok(told.unwrap_or_else(|error| {
        eprintln!("the vector index does not compare what was found: {error:?}");
        Vec::new()
    }))
}

/// Has the index opened anew when it is used next.
pub fn reopen() {
    INDEX.set(None);
}

fn nearest(
    index: &Index,
    scope: &Scope<'_>,
    vector: &[f32],
) -> Result<Vec<(u64, f32)>, vectors::Error> {
    let hits = index.search(&[scope.session_id.to_owned()], vector, limits::DENSE_HITS)?;
    Ok(hits.into_iter().map(|hit| (hit.id, hit.score)).collect())
}

/// The index of a model.
///
/// Fails as the index does.
pub fn open(embedder: &Embedder) -> Result<Rc<Index>, vectors::Error> {
    let known = INDEX.with_borrow(Clone::clone);
    if let Some((_, index)) = known.filter(|(digest, _)| *digest == embedder.digest) {
        return Ok(index);
    }
    let index = Rc::new(Index::open(&embedder.digest, embedder.dimensions)?);
    INDEX.set(Some((embedder.digest.clone(), index.clone())));
    Ok(index)
}

/// The index, with what was stored since it last saw this session.
async fn fill(
    database: &Database,
    scope: &Scope<'_>,
    embedder: &Embedder,
) -> Result<Rc<Index>, Unsearched> {
    let index = open(embedder)?;
    let mut known = index.mark(scope.session_id);
    if known.is_none()
        && let Some(saved) = saved::load(database, scope, embedder, &index).await?
    {
        index.insert(scope.session_id, &[], saved)?;
        known = Some(saved);
    }
    let (mut mark, mut read) = (known.unwrap_or(0), 0);
    loop {
        let rows = indexing::vectors_after(database, scope.session, embedder.number, mark).await?;
        let more = rows.len() == limits::VECTORS_LOADED_MAX as usize;
        if rows.is_empty() && known.is_some() {
            break;
        }
        read += rows.len();
        mark = rows.last().map_or(mark, |row| row.seq);
        let entries: Vec<Entry> =
            rows.into_iter().map(|row| Entry { id: row.message, vector: row.vector }).collect();
        index.insert(scope.session_id, &entries, mark)?;
        if !more {
            break;
        }
    }
    saved::save(scope, embedder, &index, read);
    Ok(index)
}

/// What is worth fetching: the best of each search in turn, so that neither crowds the other out.
fn best(scores: &HashMap<u64, Scores>) -> Vec<u64> {
    let order = |pick: fn(&Scores) -> Option<f32>| {
        let mut list: Vec<(u64, f32)> =
            scores.iter().filter_map(|(id, scores)| Some((*id, pick(scores)?))).collect();
        let better = |a: &(u64, f32), b: &(u64, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        // Of each, no more can have a turn.
        if list.len() > limits::CANDIDATES_MAX {
            list.select_nth_unstable_by(limits::CANDIDATES_MAX, better);
            list.truncate(limits::CANDIDATES_MAX);
        }
        list.sort_unstable_by(better);
        list.into_iter().map(|(id, _)| id).collect::<Vec<_>>()
    };
    let (dense, lexical) = (order(|scores| scores.dense), order(|scores| scores.lexical));
    let mut chosen = Vec::new();
    for place in 0..dense.len().max(lexical.len()) {
        for id in [dense.get(place), lexical.get(place)].into_iter().flatten() {
            if !chosen.contains(id) {
                chosen.push(*id);
            }
        }
    }
    chosen.truncate(limits::CANDIDATES_MAX);
    chosen
}

/// A text without what makes no difference between two of them.
pub fn plain(text: &str) -> String {
    text.split_whitespace().flat_map(str::chars).flat_map(char::to_lowercase).collect()
}

/// Has the policy choose, best first; the built-in one does where it fails. Returns messages and
/// their scores.
///
/// Fails as [`ask`] does.
pub fn rank(
    found: &[(u64, Candidate)],
    query: &str,
    most: u32,
    policies: &Policies,
    degraded: &mut Vec<Degraded>,
) -> Result<Vec<(u64, f32)>, ApiError> {
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let request = ranking::Request {
        query: query.to_owned(),
        now: time::seconds(time::now_micros()),
        candidates: found.iter().map(|(_, candidate)| candidate.clone()).collect(),
        most,
    };
    let message = |choice: ranking::Choice| {
        found.get(choice.id as usize).map(|(message, _)| (*message, choice.score))
    };
    Ok(ask(&request, policies, degraded)?.into_iter().filter_map(message).collect())
}

/// Asks the policy; the built-in one answers where it fails or breaks a rule.
///
/// Fails with 503 if the turn is to fail then.
pub fn ask(
    request: &ranking::Request,
    policies: &Policies,
    degraded: &mut Vec<Degraded>,
) -> Result<Vec<ranking::Choice>, ApiError> {
    let answer = policies.ask(Hook::Ranking, || {
        let chosen = ranking::rank(request);
        let chosen = chosen.map_err(|ranking::Error::Failed(failure)| reason(failure))?;
        check::ranking(request, &chosen).map(|()| chosen)
    });
    answer.or_else(|reason| {
        policies.failed(Hook::Ranking, reason, degraded)?;
        Ok(builtin::rank(request))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_search_has_its_turn() {
        let scores = HashMap::from([
            (1, Scores { dense: Some(0.9), lexical: None }),
            (2, Scores { dense: Some(0.8), lexical: Some(1.0) }),
            (3, Scores { dense: None, lexical: Some(7.0) }),
            (4, Scores { dense: Some(0.1), lexical: None }),
        ]);
        assert_eq!(best(&scores), [1, 3, 2, 4]);
    }
}
