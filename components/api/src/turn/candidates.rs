//! What ranking is told of the messages that the searches found.

use std::collections::{HashMap, HashSet};

use super::recall::Scores;
use crate::bindings::policy::ranking::Candidate;
use crate::bindings::policy::types::{Kind, Role};
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

/// The candidates that messages are; their ids are their places in the list. The index rounds, so
/// what it found is compared with the query again, and so is what stands beside it.
pub fn candidates(
    near: &[Near],
    scores: &HashMap<u64, Scores>,
    query: Option<&[f32]>,
) -> Vec<Candidate> {
    let places: HashMap<u64, u32> = near.iter().map(|one| one.message).zip(0..).collect();
    let query = query.filter(|query| near.iter().any(|one| one.vector.len() == query.len()));
    let exact = |one: &Near| query.and_then(|query| cosine(query, &one.vector));
    let found = |one: &Near| scores.get(&one.message).copied().unwrap_or_default();
    let dense: Vec<Option<f32>> = near.iter().map(|one| exact(one).or(found(one).dense)).collect();
    let common = query.map(|_| mean_of_best(near, scores, &dense));
    let candidate = |(at, one): (usize, &Near)| Candidate {
        id: at as u32,
        kind: Kind::Memory,
        role: if one.role == "user" { Role::User } else { Role::Assistant },
        name: one.name.clone(),
        said_at: Some(time::seconds(one.timestamp)),
        follows: places.get(&one.before).copied(),
        dense: dense[at],
        common: common.as_ref().and_then(|mean| dot(mean, &one.vector)),
        lexical: found(one).lexical,
        bytes: one.bytes,
        text: one.beginning.clone(),
    };
    near.iter().enumerate().map(candidate).collect()
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

/// The mean direction of the best that the dense search found.
fn mean_of_best(near: &[Near], scores: &HashMap<u64, Scores>, dense: &[Option<f32>]) -> Vec<f32> {
    let is_found = |one: &Near| scores.get(&one.message).is_some_and(|it| it.dense.is_some());
    let mut best: Vec<(&Near, f32)> = near
        .iter()
        .zip(dense)
        .filter(|(one, _)| is_found(one) && !one.vector.is_empty())
        .filter_map(|(one, cosine)| Some((one, (*cosine)?)))
        .collect();
    best.sort_by(|(_, one), (_, two)| two.total_cmp(one));
    best.truncate(limits::CANDIDATES_MAX / 2);
    let mut mean = vec![0.0; best.first().map_or(0, |(one, _)| one.vector.len())];
    for (one, _) in &best {
        let share = 1.0 / (norm(&one.vector) * best.len() as f32).max(f32::MIN_POSITIVE);
        mean.iter_mut().zip(&one.vector).for_each(|(sum, number)| *sum += share * number);
    }
    mean
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

    fn near(message: u64, hash: i64, vector: &[f32]) -> Near {
        Near {
            message,
            role: "user",
            name: None,
            timestamp: 7_000_000,
            hash,
            before: message - 1,
            vector: vector.to_vec(),
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
        let all = vec![
            near(1, query, &[]),
            near(2, 8, &[]),
            near(3, 8, &[]),
            near(4, 0, &[]),
            near(5, 0, &[]),
            near(6, 9, &[]),
        ];
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
    fn similarity_is_computed_from_full_vectors_and_order_is_told_by_places() {
        let all = [near(3, 1, &[0.0, 2.0]), near(2, 2, &[1.0, 0.0]), near(9, 3, &[])];
        let found = |dense| Scores { dense: Some(dense), lexical: None };
        let scores = HashMap::from([(2, found(0.9)), (9, found(0.3))]);
        let told = candidates(&all, &scores, Some(&[2.0, 0.0]));
        let dense: Vec<_> = told.iter().map(|one| one.dense).collect();
        assert_eq!(dense, [Some(0.0), Some(1.0), Some(0.3)]);
        // Only message 2 was found by the dense search and has a vector: it is all they share.
        let common: Vec<_> = told.iter().map(|one| one.common).collect();
        assert_eq!(common, [Some(0.0), Some(1.0), None]);
        let follows: Vec<_> = told.iter().map(|one| one.follows).collect();
        assert_eq!(follows, [Some(1), None, None]);
        assert_eq!(told[0].said_at, Some(7));
        // Vectors of another model say nothing.
        let told = candidates(&all, &scores, Some(&[1.0]));
        assert_eq!((told[1].dense, told[1].common), (Some(0.9), None));
    }
}
