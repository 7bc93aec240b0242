//! Recalling what this session said on the matter. A session whose memory is off does not come
//! here.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use serde::Serialize;

use super::degraded::{Degraded, reason};
use super::{builtin, check, saved};
use crate::bindings::inference::embeddings::Purpose;
use crate::bindings::policy::ranking::{self, Candidate};
use crate::bindings::policy::types::{Kind, Role};
use crate::bindings::search::vectors::{self, Entry, Index};
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
}

/// What the searches found.
#[derive(Debug, Default)]
pub struct Hits {
    scores: HashMap<u64, Scores>,
    /// The model that embedded the query, where one did.
    pub embedder: Option<Rc<Embedder>>,
    /// What was left out, and why.
    pub degraded: Vec<Degraded>,
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

/// Finds messages in the memory of one session: by meaning and by words, at the same time. The
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
    let (near, worded) = futures::join!(
        dense(database, scope, query),
        memory::lexical(database, scope.session, text)
    );
    for (message, score) in worded? {
        hits.scores.entry(message).or_default().lexical = Some(score);
    }
    match near {
        Ok((embedder, near)) => {
            for (message, score) in near {
                hits.scores.entry(message).or_default().dense = Some(score);
            }
            hits.embedder = Some(embedder);
        }
        Err(Unsearched::Database(error)) => return Err(error),
        Err(Unsearched::Model(reason)) => hits.degraded.push(Degraded::new("embedding", reason)),
        Err(Unsearched::Index(error)) => {
            hits.degraded.push(Degraded::new("search", format!("{error:?}")));
        }
    }
    Ok(hits)
}

/// Has the ranking policy choose at most `most` of what was found, best first. What is `shown`
/// stands in the prompt anyway.
///
/// Fails with 500 if the database does. A policy that fails is replaced by the built-in one.
pub async fn choose(
    database: &Database,
    scope: &Scope<'_>,
    text: &str,
    mut hits: Hits,
    shown: &[u64],
    most: u32,
) -> Result<(Vec<Recalled>, Hits), ApiError> {
    let found = candidates(database, scope, text, &mut hits, shown).await?;
    let chosen = rank(found, text, most, &mut hits.degraded);
    Ok((chosen, hits))
}

/// What of the hits can be chosen, with its scores: the newest first. What is `shown` cannot.
///
/// Fails with 500 if the database does.
pub async fn candidates(
    database: &Database,
    scope: &Scope<'_>,
    text: &str,
    hits: &mut Hits,
    shown: &[u64],
) -> Result<Vec<(Found, Scores)>, ApiError> {
    for message in shown {
        hits.scores.remove(message);
    }
    let best = best(&hits.scores);
    let found = memory::fetch(database, scope.session, &best, scope.before_turn).await?;
    let scored = distinct(found, text).into_iter().map(|one| {
        let scores = hits.scores.get(&one.message).copied().unwrap_or_default();
        (one, scores)
    });
    Ok(scored.collect())
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

/// A query, embedded.
#[derive(Debug)]
pub struct Embedded {
    /// By which model.
    pub embedder: Rc<Embedder>,
    /// Its vector.
    pub vector: Vec<f32>,
}

/// Embeds a query.
///
/// Fails with what the model says.
pub async fn embed_query(database: &Database, text: &str) -> Result<Embedded, String> {
    let embedder = generation::searched(database).await?;
    let vectors = generation::embed(&embedder, vec![text.to_owned()], Purpose::Query).await;
    let vector = vectors.map_err(|error| ApiError::of_model(&error).message)?.pop();
    let vector = vector.ok_or_else(|| "no vector came back".to_owned())?;
    Ok(Embedded { embedder, vector })
}

/// The messages of the session whose vectors are nearest to the query's, and the model that says
/// so.
async fn dense(
    database: &Database,
    scope: &Scope<'_>,
    query: impl Future<Output = Result<Rc<Embedded>, String>>,
) -> Result<(Rc<Embedder>, Vec<(u64, f32)>), Unsearched> {
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
    Ok((embedder, hits))
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
pub fn best(scores: &HashMap<u64, Scores>) -> Vec<u64> {
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
pub fn plain(text: &str) -> String {
    text.split_whitespace().flat_map(str::chars).flat_map(char::to_lowercase).collect()
}

/// Has the policy choose, best first; the built-in one does where it fails.
pub fn rank(
    found: Vec<(Found, Scores)>,
    query: &str,
    most: u32,
    degraded: &mut Vec<Degraded>,
) -> Vec<Recalled> {
    if found.is_empty() {
        return Vec::new();
    }
    let candidates = found.iter().enumerate().map(|(at, (one, scores))| Candidate {
        id: at as u32,
        kind: Kind::Memory,
        role: if one.role == "user" { Role::User } else { Role::Assistant },
        said_at: Some(time::seconds(one.timestamp)),
        dense: scores.dense,
        lexical: scores.lexical,
        text: one.content.clone(),
    });
    let request = ranking::Request {
        query: query.to_owned(),
        now: time::seconds(time::now_micros()),
        candidates: candidates.collect(),
        most,
    };
    let choices = ask(&request, degraded);
    let mut found: Vec<Option<Found>> = found.into_iter().map(|(one, _)| Some(one)).collect();
    let take = |choice: ranking::Choice| {
        let found = found.get_mut(choice.id as usize)?.take()?;
        Some(Recalled { found, score: choice.score })
    };
    choices.into_iter().filter_map(take).collect()
}

/// Asks the policy; the built-in one answers where it fails or breaks a rule.
pub fn ask(request: &ranking::Request, degraded: &mut Vec<Degraded>) -> Vec<ranking::Choice> {
    let answer = ranking::rank(request).map_err(|ranking::Error::Failed(failure)| reason(failure));
    let answer = answer.and_then(|choices| check::ranking(request, &choices).map(|()| choices));
    answer.unwrap_or_else(|reason| {
        degraded.push(Degraded::new("ranking", reason));
        builtin::rank(request)
    })
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
