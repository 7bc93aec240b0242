//! Recalling what this session said on the matter. A session whose memory is off does not come
//! here.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::degraded::Degraded;
use super::{builtin, check};
use crate::bindings::policy::ranking::{self, Candidate};
use crate::bindings::policy::types::{Kind, Role};
use crate::bindings::search::vectors::{self, Entry, Index};
use crate::db::memory::Found;
use crate::db::{Database, indexing, memory};
use crate::http::error::ApiError;
use crate::index::Embedder;
use crate::{limits, time};

/// Where to search.
pub struct Scope<'a> {
    /// The session's number.
    pub session: i64,
    /// The session's UUID: the name of its scope in the index.
    pub session_id: &'a str,
    /// Only what was said before this turn.
    pub before_turn: u32,
}

/// What to search for.
pub struct Query<'a> {
    /// What the person asked.
    pub text: &'a str,
    /// Its vector, and the model that made it; none where there is no such model.
    pub vector: Option<(Rc<Embedder>, Vec<f32>)>,
    /// The most to recall.
    pub most: u32,
    /// Messages that stand in the prompt anyway: they are not recalled.
    pub shown: &'a [u64],
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
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Scores {
    /// The cosine similarity.
    pub dense: Option<f32>,
    /// BM25.
    pub lexical: Option<f32>,
}

thread_local! {
    /// The index that was used last, under the digest of its model.
    static INDEX: RefCell<Option<(String, Rc<Index>)>> = const { RefCell::new(None) };
}

/// Finds messages in the memory of one session and has the ranking policy choose among them, best
/// first.
///
/// Fails with 500 if the database does. A search that fails is left out and noted in `degraded`.
pub async fn recall(
    database: &Database,
    scope: &Scope<'_>,
    query: &Query<'_>,
    degraded: &mut Vec<Degraded>,
) -> Result<Vec<Recalled>, ApiError> {
    let (near, worded) = futures::join!(
        dense(database, scope, query),
        memory::lexical(database, scope.session, query.text)
    );
    let mut scores: HashMap<u64, Scores> = HashMap::new();
    for (message, score) in worded? {
        scores.entry(message).or_default().lexical = Some(score);
    }
    match near {
        Ok(hits) => {
            for (message, score) in hits {
                scores.entry(message).or_default().dense = Some(score);
            }
        }
        Err(Unsearched::Database(error)) => return Err(error),
        Err(Unsearched::Index(error)) => {
            degraded.push(Degraded::new("search", format!("{error:?}")));
        }
    }
    for shown in query.shown {
        scores.remove(shown);
    }
    let chosen = best(&scores);
    let found = memory::fetch(database, scope.session, &chosen, scope.before_turn).await?;
    let candidates = distinct(found, query.text);
    Ok(rank(candidates, &scores, query, degraded))
}

/// Forgets a session's scope in the index. The index is a cache: one that cannot be reached holds
/// what no search asks for.
pub fn drop_scope(embedder: &Embedder, session_id: &str) {
    if let Ok(index) = open(embedder) {
        index.drop_scope(session_id);
    }
}

/// Forgets one message in the index. What a search still finds elsewhere is not fetched.
pub fn remove(embedder: &Embedder, session_id: &str, message: u64) {
    if let Ok(index) = open(embedder) {
        index.remove(session_id, &[message]);
    }
}

enum Unsearched {
    Database(ApiError),
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

/// The messages of the session whose vectors are nearest to the query's; none without a vector.
async fn dense(
    database: &Database,
    scope: &Scope<'_>,
    query: &Query<'_>,
) -> Result<Vec<(u64, f32)>, Unsearched> {
    let Some((embedder, vector)) = &query.vector else { return Ok(Vec::new()) };
    let shown = query.shown.len();
    let once = nearest(database, scope, embedder, vector, shown).await;
    if !matches!(once, Err(Unsearched::Index(vectors::Error::Failed))) {
        return once;
    }
    // The index ended, and is empty now: it is opened and filled again, once.
    INDEX.set(None);
    nearest(database, scope, embedder, vector, shown).await
}

async fn nearest(
    database: &Database,
    scope: &Scope<'_>,
    embedder: &Embedder,
    vector: &[f32],
    shown: usize,
) -> Result<Vec<(u64, f32)>, Unsearched> {
    let index = open(embedder)?;
    top_up(database, scope, embedder, &index).await?;
    // The search must look past what is shown.
    let most = (limits::DENSE_HITS + shown as u32).min(limits::DENSE_HITS_MAX);
    let hits = index.search(&[scope.session_id.to_owned()], vector, most)?;
    Ok(hits.into_iter().map(|hit| (hit.id, hit.score)).collect())
}

fn open(embedder: &Embedder) -> Result<Rc<Index>, vectors::Error> {
    let known = INDEX.with_borrow(Clone::clone);
    if let Some((_, index)) = known.filter(|(digest, _)| *digest == embedder.digest) {
        return Ok(index);
    }
    let index = Rc::new(Index::open(&embedder.digest, embedder.dimensions)?);
    INDEX.set(Some((embedder.digest.clone(), index.clone())));
    Ok(index)
}

/// Adds what was stored since the index last saw this session.
async fn top_up(
    database: &Database,
    scope: &Scope<'_>,
    embedder: &Embedder,
    index: &Index,
) -> Result<(), Unsearched> {
    let known = index.mark(scope.session_id);
    let mut mark = known.unwrap_or(0);
    loop {
        let rows = indexing::vectors_after(database, scope.session, embedder.number, mark).await?;
        let more = rows.len() == limits::VECTORS_LOADED_MAX as usize;
        if rows.is_empty() && known.is_some() {
            return Ok(());
        }
        mark = rows.last().map_or(mark, |row| row.seq);
        let entries: Vec<Entry> =
            rows.into_iter().map(|row| Entry { id: row.message, vector: row.vector }).collect();
        index.insert(scope.session_id, &entries, mark)?;
        if !more {
            return Ok(());
        }
    }
}

/// The messages that are worth fetching: the best of each search in turn, so that neither crowds
/// the other out.
fn best(scores: &HashMap<u64, Scores>) -> Vec<u64> {
    let order = |pick: fn(&Scores) -> Option<f32>| {
        let mut list: Vec<(u64, f32)> =
            scores.iter().filter_map(|(id, scores)| Some((*id, pick(scores)?))).collect();
        list.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
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

/// Leaves out what says nothing new: the query itself, and all but the latest of equal texts.
fn distinct(mut found: Vec<Found>, query: &str) -> Vec<Found> {
    found.sort_by_key(|one| std::cmp::Reverse(one.message));
    let mut seen = std::collections::HashSet::from([plain(query)]);
    let mut bytes = 0;
    found.retain(|one| {
        bytes += one.content.len();
        bytes <= limits::CANDIDATE_BYTES_MAX && seen.insert(plain(&one.content))
    });
    found
}

/// A text without what makes no difference between two of them.
fn plain(text: &str) -> String {
    text.split_whitespace().flat_map(str::chars).flat_map(char::to_lowercase).collect()
}

/// Has the policy choose; the built-in one does where it fails.
fn rank(
    found: Vec<Found>,
    scores: &HashMap<u64, Scores>,
    query: &Query<'_>,
    degraded: &mut Vec<Degraded>,
) -> Vec<Recalled> {
    if found.is_empty() {
        return Vec::new();
    }
    let candidates = found.iter().enumerate().map(|(at, one)| Candidate {
        id: at as u32,
        kind: Kind::Memory,
        role: if one.role == "user" { Role::User } else { Role::Assistant },
        said_at: Some(time::seconds(one.timestamp)),
        dense: scores.get(&one.message).and_then(|scores| scores.dense),
        lexical: scores.get(&one.message).and_then(|scores| scores.lexical),
        text: one.content.clone(),
    });
    let request = ranking::Request {
        query: query.text.to_owned(),
        now: time::seconds(time::now_micros()),
        candidates: candidates.collect(),
        most: query.most,
    };
    let answer = ranking::rank(&request).map_err(|error| format!("{error:?}"));
    let choices = answer.and_then(|choices| check::ranking(&request, &choices).map(|()| choices));
    let choices = choices.unwrap_or_else(|reason| {
        degraded.push(Degraded::new("ranking", reason));
        builtin::rank(&request)
    });
    let mut found: Vec<Option<Found>> = found.into_iter().map(Some).collect();
    let take = |choice: ranking::Choice| {
        let found = found.get_mut(choice.id as usize)?.take()?;
        Some(Recalled { found, score: choice.score })
    };
    choices.into_iter().filter_map(take).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(message: u64, content: &str) -> Found {
        let content = content.to_owned();
        Found { message, turn: 1, role: "user", timestamp: 0, tokens: None, content }
    }

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

    #[test]
    fn what_says_nothing_new_is_left_out() {
        let list = vec![
            found(1, "Where is  it?"),
            found(2, "In the box."),
            found(3, "in the\nBOX."),
            found(4, "Elsewhere."),
        ];
        let left: Vec<u64> =
            distinct(list, "where is it?").into_iter().map(|one| one.message).collect();
        assert_eq!(left, [4, 3]);
    }
}
