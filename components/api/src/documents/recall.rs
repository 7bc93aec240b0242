//! Finding passages of chosen documents. A document is a scope of its own in every index: what is
//! not chosen is never looked at.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use crate::bindings::policy::ranking::{self, Candidate};
use crate::bindings::policy::types::{Kind, Role};
use crate::bindings::search::vectors::{self, Entry, Index};
use crate::db::Database;
use crate::db::documents::Named;
use crate::db::passages::{self, Passage};
use crate::generation::Current;
use crate::http::error::ApiError;
use crate::limits;
use crate::time;
use crate::turn::candidates;
use crate::turn::degraded::Degraded;
use crate::turn::policies::Policies;
use crate::turn::query::Embedded;
use crate::turn::recall::{self, Scores, Unsearched};

/// What was found in documents.
#[derive(Debug, Default)]
pub struct Found {
    /// The passages, best first, with how well they answer.
    pub passages: Vec<(Passage, f32)>,
    /// What was left out, and why.
    pub degraded: Vec<Degraded>,
}

/// What can be chosen in documents.
#[derive(Debug, Default)]
pub struct Candidates {
    /// The passages, with their scores.
    pub passages: Vec<(Passage, Scores)>,
    /// What was left out, and why.
    pub degraded: Vec<Degraded>,
}

/// Finds the passages of these documents that answer best: at most `most`. The query is embedded
/// already, or that failed and is noted elsewhere.
///
/// Fails with 500 if the database does. A search that fails otherwise is left out and noted.
pub async fn find(
    database: &Database,
    documents: &[Named],
    text: &str,
    query: Option<&Embedded>,
    most: u32,
) -> Result<Found, ApiError> {
    let Candidates { passages, mut degraded } = look_up(database, documents, text, query).await?;
    let passages = rank(passages, text, most, &Policies::default(), &mut degraded)?;
    Ok(Found { passages, degraded })
}

/// Finds the passages of these documents that can be chosen. The query is as for [`find`].
///
/// Fails as [`find`] does.
pub async fn look_up(
    database: &Database,
    documents: &[Named],
    text: &str,
    query: Option<&Embedded>,
) -> Result<Candidates, ApiError> {
    let mut found = Candidates::default();
    if documents.is_empty() {
        return Ok(found);
    }
    let (near, worded) = futures::join!(
        dense(database, documents, query),
        passages::lexical(database, documents, text)
    );
    let mut scores: HashMap<u64, Scores> = HashMap::new();
    for (chunk, score) in worded? {
        scores.entry(chunk).or_default().lexical = Some(score);
    }
    match near {
        Ok(near) => {
            for (chunk, score) in near {
                scores.entry(chunk).or_default().dense = Some(score);
            }
        }
        Err(Unsearched::Database(error)) => return Err(error),
        Err(Unsearched::Model(reason)) => {
            found.degraded.push(Degraded::new("embedding", reason));
        }
        Err(Unsearched::Index(error)) => {
            found.degraded.push(Degraded::new("search", format!("{error:?}")));
        }
    }
    let best = best(&scores);
    let model = query.map_or(0, |query| query.embedder.number);
    let passages = passages::fetch(database, documents, &best, model).await?;
    let scored = |(one, vector): (Passage, Vec<f32>)| {
        let mut scores = scores.get(&one.chunk).copied().unwrap_or_default();
        // The index rounds, and the full-text search found what the other may not have.
        let exact = query.and_then(|query| candidates::cosine(&query.vector, &vector));
        scores.dense = exact.or(scores.dense);
        (one, scores)
    };
    found.passages = distinct(passages.into_iter().map(scored).collect());
    Ok(found)
}

/// Forgets the scope of a document in the index: a cache, so one that cannot be reached holds what
/// no search asks for.
pub fn drop_scope(current: &Current, document: &Named) {
    for index in current.all().filter_map(|embedder| recall::open(embedder).ok()) {
        index.drop_scope(&document.scope());
    }
}

async fn dense(
    database: &Database,
    documents: &[Named],
    query: Option<&Embedded>,
) -> Result<Vec<(u64, f32)>, Unsearched> {
    let Some(query) = query else { return Ok(Vec::new()) };
    let once = match fill(database, documents, query).await {
        Ok(index) => search(&index, documents, &query.vector),
        Err(error) => Err(error),
    };
    match once {
        Err(Unsearched::Index(vectors::Error::Failed)) => {
            // The index ended, and is empty now: it is opened and filled again, once.
            recall::reopen();
            let index = fill(database, documents, query).await?;
            search(&index, documents, &query.vector)
        }
        once => once,
    }
}

fn search(
    index: &Index,
    documents: &[Named],
    vector: &[f32],
) -> Result<Vec<(u64, f32)>, Unsearched> {
    let scopes: Vec<String> = documents.iter().map(Named::scope).collect();
    Ok(nearest(index, &scopes, vector)?)
}

/// All that may be among the nearest of some scopes, however the index rounds: who compares their
/// full vectors misses none.
fn nearest(
    index: &Index,
    scopes: &[String],
    vector: &[f32],
) -> Result<Vec<(u64, f32)>, vectors::Error> {
    match index.candidates(scopes, vector, limits::DOCUMENT_HITS) {
        Ok(found) if found.len() <= 2 * limits::DOCUMENT_HITS as usize => {
            Ok(found.into_iter().map(|one| (one.id, one.score)).collect())
        }
        // So many are as near that any of them will do.
        Ok(_) | Err(vectors::Error::TooMany(_)) => {
            let hits = index.search(scopes, vector, limits::DOCUMENT_HITS)?;
            Ok(hits.into_iter().map(|hit| (hit.id, hit.score)).collect())
        }
        Err(error) => Err(error),
    }
}

/// What is worth reading: what the dense search found, and the best of what only the other did.
fn best(scores: &HashMap<u64, Scores>) -> Vec<u64> {
    let best_of = |pick: fn(&Scores) -> Option<f32>, most: usize| {
        let mut list: Vec<(u64, f32)> =
            scores.iter().filter_map(|(id, scores)| Some((*id, pick(scores)?))).collect();
        list.sort_by(|(one, left), (two, right)| right.total_cmp(left).then(one.cmp(two)));
        list.into_iter().map(|(id, _)| id).take(most)
    };
    let near = best_of(|scores| scores.dense, 2 * limits::DOCUMENT_HITS as usize);
    let only_worded = |scores: &Scores| scores.lexical.filter(|_| scores.dense.is_none());
    near.chain(best_of(only_worded, limits::DOCUMENT_WORDED_HITS)).collect()
}

/// The index, with what was stored since it last saw these documents.
async fn fill(
    database: &Database,
    documents: &[Named],
    query: &Embedded,
) -> Result<Rc<Index>, Unsearched> {
    let embedder = &query.embedder;
    let index = recall::open(embedder)?;
    let marks = passages::marks(database, documents, embedder.number).await?;
    for document in documents {
        let scope = document.scope();
        let known = index.mark(&scope);
        let last = marks.get(&document.number).copied().unwrap_or(0);
        let mut mark = known.unwrap_or(0);
        if known.is_some() && mark >= last {
            continue;
        }
        loop {
            let number = document.number;
            let rows = passages::vectors_after(database, number, embedder.number, mark).await?;
            let more = rows.len() == limits::VECTORS_LOADED_MAX as usize;
            mark = rows.last().map_or(mark, |row| row.seq);
            let entries: Vec<Entry> =
                rows.into_iter().map(|row| Entry { id: row.message, vector: row.vector }).collect();
            index.insert(&scope, &entries, mark)?;
            if !more {
                break;
            }
        }
    }
    Ok(index)
}

/// Leaves out all but the first of equal texts, and what is too much to rank.
fn distinct(mut found: Vec<(Passage, Scores)>) -> Vec<(Passage, Scores)> {
    let mut seen = HashSet::new();
    let mut bytes = 0;
    found.retain(|(one, _)| {
        bytes += one.content.len();
        bytes <= limits::CANDIDATE_BYTES_MAX
            && one.content.len() <= limits::MESSAGE_BYTES_MAX
            && seen.insert(recall::plain(&one.content))
    });
    found
}

/// Has the ranking policy choose at most `most`, best first.
///
/// Fails as [`recall::ask`] does.
pub fn rank(
    found: Vec<(Passage, Scores)>,
    query: &str,
    most: u32,
    policies: &Policies,
    degraded: &mut Vec<Degraded>,
) -> Result<Vec<(Passage, f32)>, ApiError> {
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let list = found.iter().enumerate().map(|(at, (one, scores))| Candidate {
        id: at as u32,
        kind: Kind::Document,
        role: Role::User,
        name: None,
        said_at: Some(time::seconds(one.created_at)),
        follows: None,
        dense: scores.dense,
        common: None,
        lexical: scores.lexical,
        bytes: one.content.len() as u32,
        text: candidates::beginning(&one.content).to_owned(),
    });
    let request = ranking::Request {
        query: query.to_owned(),
        now: time::seconds(time::now_micros()),
        candidates: list.collect(),
        most,
    };
    let choices = recall::ask(&request, policies, degraded)?;
    let mut found: Vec<Option<Passage>> = found.into_iter().map(|(one, _)| Some(one)).collect();
    let take = |choice: ranking::Choice| {
        let passage = found.get_mut(choice.id as usize)?.take()?;
        Some((passage, choice.score))
    };
    Ok(choices.into_iter().filter_map(take).collect())
}
