//! What ranking is told of the messages that the searches found.

use std::collections::{HashMap, HashSet};

use super::recall::Scores;
use crate::bindings::policy::ranking::Candidate;
use crate::bindings::policy::types::{Kind, Role};
use crate::bindings::search::vectors::Likeness;
use crate::db::candidates::Near;
use crate::db::messages;
use crate::{limits, time};

/// Leaves out what says nothing new: what stands in the prompt anyway, the query itself, and all
/// but the latest of equal texts.
pub fn distinct(mut near: Vec<Near>, query: &str, shown: &[u64]) -> Vec<Near> {
    near.sort_by_key(|one| std::cmp::Reverse(one.message));
    let mut seen = HashSet::from([(messages::content_hash(query), query.len())]);
    near.retain(|one| {
        let is_new = one.hash == 0 || seen.insert((one.hash, one.bytes as usize));
        is_new && !shown.contains(&one.message)
    });
    near
}

/// The candidates that messages are; their ids are their places in the list, and `likenesses` stand
/// in the same order. What the index does not compare has the score that the search gave it.
pub fn candidates(
    near: &[Near],
    scores: &HashMap<u64, Scores>,
    likenesses: &[Option<Likeness>],
) -> Vec<Candidate> {
    let places: HashMap<u64, u32> = near.iter().map(|one| one.message).zip(0..).collect();
    let candidate = |(at, one): (usize, &Near)| {
        let found = scores.get(&one.message).copied().unwrap_or_default();
        let likeness = likenesses.get(at).copied().flatten();
        Candidate {
            id: at as u32,
            kind: Kind::Memory,
            role: if one.role == "user" { Role::User } else { Role::Assistant },
            name: one.name.clone(),
            said_at: Some(time::seconds(one.timestamp)),
            follows: places.get(&one.before).copied(),
            dense: likeness.map(|told| told.score).or(found.dense),
            common: likeness.map(|told| told.common),
            lexical: found.lexical,
            bytes: one.bytes,
            text: one.beginning.clone(),
        }
    };
    near.iter().enumerate().map(candidate).collect()
}

/// The best that the dense search found: what they have in common tells nothing.
pub fn typical(near: &[Near], scores: &HashMap<u64, Scores>) -> Vec<u64> {
    let score = |one: &Near| Some((one.message, scores.get(&one.message)?.dense?));
    let mut found: Vec<(u64, f32)> = near.iter().filter_map(score).collect();
    found.sort_by(|one, two| two.1.total_cmp(&one.1));
    found.truncate(limits::CANDIDATES_MAX / 2);
    found.into_iter().map(|(message, _)| message).collect()
}

/// What to look at of the messages of a time, besides those that are looked at anyway: first those
/// that the dense search found, then of the others some from the whole time.
pub fn of_period(during: &[u64], known: &[u64], scores: &HashMap<u64, Scores>) -> Vec<u64> {
    let most = limits::PERIOD_CANDIDATES_MAX;
    let dense = |id: &u64| scores.get(id).and_then(|scores| scores.dense);
    let new = during.iter().copied().filter(|id| !known.contains(id));
    let (mut found, others): (Vec<u64>, Vec<u64>) = new.partition(|id| dense(id).is_some());
    found.sort_by(|one, two| dense(two).unwrap_or(0.0).total_cmp(&dense(one).unwrap_or(0.0)));
    found.truncate(most);
    let step = others.len().div_ceil(most - found.len().min(most - 1)).max(1);
    found.extend(others.into_iter().step_by(step));
    found.truncate(most);
    found
}

/// As much of a text as ranking is shown.
pub fn beginning(text: &str) -> &str {
    let end = text.char_indices().nth(limits::CANDIDATE_CHARS_MAX as usize);
    end.map_or(text, |(end, _)| &text[..end])
}

/// The cosine of two vectors; none where their lengths differ or one has no direction.
pub fn cosine(one: &[f32], two: &[f32]) -> Option<f32> {
    let cosine = dot(one, two)? / norm(one);
    cosine.is_finite().then_some(cosine)
}

/// How far a vector goes in the direction of another, its own length aside; none where their
/// lengths differ or it has no direction.
fn dot(direction: &[f32], vector: &[f32]) -> Option<f32> {
    if direction.len() != vector.len() {
        return None;
    }
    let sum: f32 = direction.iter().zip(vector).map(|(one, two)| one * two).sum();
    let projected = sum / norm(vector);
    projected.is_finite().then_some(projected)
}

fn norm(vector: &[f32]) -> f32 {
    vector.iter().map(|number| number * number).sum::<f32>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(message: u64, hash: i64) -> Near {
        Near {
            message,
            role: "user",
            name: None,
            timestamp: 7_000_000,
            hash,
            before: message - 1,
            bytes: 5,
            beginning: "hello".to_owned(),
        }
    }

    fn ids(list: &[Near]) -> Vec<u64> {
        list.iter().map(|one| one.message).collect()
    }

    #[test]
    fn what_says_nothing_new_is_left_out() {
        let query = messages::content_hash("hello");
        let all = vec![near(1, query), near(2, 8), near(3, 8), near(4, 0), near(5, 0), near(6, 9)];
        assert_eq!(ids(&distinct(all, "hello", &[6])), [5, 4, 3]);
    }

    #[test]
    fn of_a_time_what_was_found_comes_first_and_the_rest_is_spread() {
        let found = |dense| Scores { dense: Some(dense), lexical: None };
        let scores = HashMap::from([(7, found(0.2)), (9, found(0.4)), (500, found(0.9))]);
        let during: Vec<u64> = (1..=300).collect();
        let some = of_period(&during, &[1, 2], &scores);
        assert_eq!(some[..3], [9, 7, 3]);
        assert!((20..=limits::PERIOD_CANDIDATES_MAX).contains(&some.len()), "{some:?}");
        assert!(some.iter().any(|id| *id > 270) && !some.contains(&500), "{some:?}");
        assert_eq!(of_period(&[4, 5], &[4], &scores), [5]);
        assert!(of_period(&[], &[4], &scores).is_empty());
    }

    #[test]
    fn similarity_is_told_by_the_index_and_order_by_places() {
        let all = [near(3, 1), near(2, 2), near(9, 3)];
        let found = |dense| Scores { dense: Some(dense), lexical: None };
        let scores = HashMap::from([(2, found(0.9)), (9, found(0.3))]);
        let told = |score, common| Some(Likeness { score, common });
        let list = candidates(&all, &scores, &[told(0.1, 0.2), told(0.8, 0.7), None]);
        let dense: Vec<_> = list.iter().map(|one| one.dense).collect();
        assert_eq!(dense, [Some(0.1), Some(0.8), Some(0.3)]);
        let common: Vec<_> = list.iter().map(|one| one.common).collect();
        assert_eq!(common, [Some(0.2), Some(0.7), None]);
        let follows: Vec<_> = list.iter().map(|one| one.follows).collect();
        assert_eq!(follows, [Some(1), None, None]);
        assert_eq!(list[0].said_at, Some(7));
        // Where the index tells nothing, the search did.
        let list = candidates(&all, &scores, &[]);
        assert_eq!((list[1].dense, list[1].common), (Some(0.9), None));
    }

    #[test]
    fn typical_is_what_the_dense_search_found_best() {
        let all: Vec<Near> = (1..=50).map(|message| near(message, 0)).collect();
        let dense = |message: u64| (message.is_multiple_of(2)).then_some(message as f32 / 100.0);
        let score = |message| (message, Scores { dense: dense(message), lexical: Some(1.0) });
        let scores = (1..=80).map(score).collect();
        let typical = typical(&all, &scores);
        assert_eq!(typical.len(), 25);
        assert!(typical.iter().eq((1..=25).rev().map(|half| 2 * half).collect::<Vec<_>>().iter()));
        let scores =
            all.iter().map(|one| (one.message, Scores { dense: Some(0.5), lexical: None }));
        assert_eq!(super::typical(&all, &scores.collect()).len(), limits::CANDIDATES_MAX / 2);
    }
}
