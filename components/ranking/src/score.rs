//! How well each candidate answers.
//!
//! The two searches measure on scales that cannot be compared: a cosine, and a sum of logarithms
//! that depends on the collection. So each is expressed by how far it stands out among the
//! candidates (its distance from their mean in standard deviations), and the two are added. A
//! message is seldom understood alone, so it shares in what speaks for its neighbours. Who said it
//! comes last.

use std::collections::HashMap;

use crate::question::Question;
use crate::ranking::Candidate;
use crate::types::{Kind, Role};

/// What the full-text search counts for, where the dense search counts for 1.
const LEXICAL_WEIGHT: f64 = 0.6;

/// How much of what all that was found has in common is taken from a cosine. A session has its
/// subject, and what tells its messages apart is what they do not share with it.
const COMMON_WEIGHT: f64 = 0.5;

/// What a neighbour's score counts for; that of the next but one, as much of that again.
const NEIGHBOUR_WEIGHT: f64 = 1.0 / 3.0;

/// How far neighbours reach.
const NEIGHBOURS_MAX: usize = 2;

/// The bytes up to which a neighbour counts in full: about 40 words. The longer it is, the less of
/// it is about what was said beside it.
const NEIGHBOUR_BYTES: f64 = 200.0;

/// What a long text of the model is held against it, in standard deviations. A fact is mostly told
/// by the one who asks for it later; the model's own words are mostly made of facts told to it.
const ASSISTANT_MALUS: f64 = 2.5;

/// The bytes of such a text from which all of that counts.
const ASSISTANT_BYTES: f64 = 1_000.0;

/// What is held against a text of next to no words, in standard deviations: a cosine and BM25 both
/// prefer few words, which tell little by themselves.
const SHORT_MALUS: f64 = 1.0;

/// The bytes of such a text from which nothing is held against it: about 15 words.
const SHORT_BYTES: f64 = 80.0;

/// What it counts for that somebody said it whom the question names.
const NAMED_BONUS: f64 = 1.5;

/// What it counts for that it was said at the time that the question asks about.
const TIME_BONUS: f64 = 1.5;

/// The cosine up to which two texts are as near as chance has it: three standard deviations of
/// unrelated vectors in 256 dimensions (1 / sqrt(256) each). A text below it that shares no word
/// with the query has nothing that speaks for it, and no rank among others can change that.
const DENSE_CHANCE: f64 = 0.19;

/// The smallest spread that is taken at its word. Among few or equal candidates the measured one
/// may be next to nothing, and differences that mean nothing would become large.
const DENSE_SPREAD_MIN: f64 = 0.05;
const LEXICAL_SPREAD_MIN: f64 = 0.5;

/// What was said right before and after each candidate, by places in the list.
pub struct Order {
    before: Vec<Option<usize>>,
    after: Vec<Option<usize>>,
}

impl Order {
    /// The order of these candidates. What claims to follow itself follows nothing.
    pub fn of(candidates: &[&Candidate]) -> Self {
        let places: HashMap<u32, usize> =
            candidates.iter().enumerate().map(|(at, one)| (one.id, at)).collect();
        let (mut before, mut after) = (vec![None; candidates.len()], vec![None; candidates.len()]);
        for (at, one) in candidates.iter().enumerate() {
            let earlier = one.follows.and_then(|id| places.get(&id).copied());
            if let Some(earlier) = earlier.filter(|earlier| *earlier != at) {
                before[at] = Some(earlier);
                after[earlier] = Some(at);
            }
        }
        Self { before, after }
    }
}

/// Whether something speaks for each candidate: a search, the time that is asked about, or what
/// speaks for a neighbour of it. A shared word does, however small the score: in a short session
/// BM25 is next to nothing for every word. A time without an end says nothing.
pub fn speak_for_themselves(
    candidates: &[&Candidate],
    order: &Order,
    question: &Question,
) -> Vec<bool> {
    let is_bounded = question.period().is_some_and(|period| period.is_bounded);
    let own: Vec<bool> = candidates
        .iter()
        .map(|one| {
            let is_near = dense(one).is_some_and(|cosine| cosine > DENSE_CHANCE);
            lexical(one).is_some() || is_near || (is_bounded && is_of_time(one, question))
        })
        .collect();
    let shares = |at: usize| {
        [Some(at), order.before[at], order.after[at]].into_iter().flatten().any(|at| own[at])
    };
    (0..own.len()).map(shares).collect()
}

/// The score of each candidate. Documents and memories lie in indexes of their own, so these are
/// all of one kind.
pub fn scores(candidates: &[&Candidate], order: &Order, question: &Question) -> Vec<f64> {
    let own = own_scores(candidates);
    let score = |at: usize| {
        let of_time = if is_of_time(candidates[at], question) { TIME_BONUS } else { 0.0 };
        let said = of_speaker(candidates[at], question) + of_time;
        own[at] + of_neighbours(candidates, order, &own, at) + said
    };
    (0..candidates.len()).map(score).collect()
}

/// What the searches say.
fn own_scores(candidates: &[&Candidate]) -> Vec<f64> {
    let contrast = |one: &&Candidate| {
        let common = one.common.filter(|common| common.is_finite()).map_or(0.0, f64::from);
        dense(one).map(|cosine| cosine - COMMON_WEIGHT * common.clamp(-1.0, 1.0))
    };
    let dense: Vec<Option<f64>> = candidates.iter().map(contrast).collect();
    // What the dense search did not return is no nearer than the farthest that it did.
    let farthest = dense.iter().flatten().copied().reduce(f64::min).unwrap_or(0.0);
    let dense: Vec<f64> = dense.into_iter().map(|found| found.unwrap_or(farthest)).collect();
    // What the full-text search did not return shares no word with the query.
    let lexical: Vec<f64> = candidates.iter().map(|one| lexical(one).unwrap_or(0.0)).collect();
    let dense = standard(&dense, DENSE_SPREAD_MIN);
    let lexical = standard(&lexical, LEXICAL_SPREAD_MIN);
    dense
        .into_iter()
        .zip(lexical)
        .map(|(dense, lexical)| dense + LEXICAL_WEIGHT * lexical)
        .collect()
}

/// What its neighbours add to the score of a candidate.
fn of_neighbours(candidates: &[&Candidate], order: &Order, own: &[f64], at: usize) -> f64 {
    let mut sum = 0.0;
    for (links, is_after) in [(&order.before, false), (&order.after, true)] {
        let (mut place, mut weight) = (at, 1.0);
        for step in 0..NEIGHBOURS_MAX {
            let Some(next) = links[place] else { break };
            weight *= NEIGHBOUR_WEIGHT;
            // A reply is about what it replies to from beginning to end.
            let is_reply = is_after && step == 0;
            let is_reply = is_reply && is_model(candidates[next]) && !is_model(candidates[at]);
            let short = (NEIGHBOUR_BYTES / f64::from(candidates[next].bytes.max(1))).min(1.0);
            sum += own[next] * weight * if is_reply { 1.0 } else { short };
            place = next;
        }
    }
    sum
}

/// Whether it was said at the time that is asked about. Documents are of no time.
fn is_of_time(candidate: &Candidate, question: &Question) -> bool {
    let said_at = candidate.said_at.filter(|_| candidate.kind == Kind::Memory);
    said_at.zip(question.period()).is_some_and(|(said_at, period)| period.holds(said_at))
}

/// What it counts for who said it, and how much that is.
fn of_speaker(candidate: &Candidate, question: &Question) -> f64 {
    if candidate.kind == Kind::Document {
        return 0.0;
    }
    let bytes = f64::from(candidate.bytes);
    let missing = SHORT_MALUS * (1.0 - bytes / SHORT_BYTES).max(0.0);
    let held = if is_model(candidate) {
        let is_wanted = question.asks_for_all() || question.asks_what_assistant_said();
        if is_wanted { 0.0 } else { ASSISTANT_MALUS * (bytes / ASSISTANT_BYTES).min(1.0) }
    } else {
        0.0
    };
    let is_named = candidate.name.as_deref().is_some_and(|name| question.names(name));
    let named = if is_named { NAMED_BONUS } else { 0.0 };
    named - missing - held
}

/// Whether the model said it. Where the other side has a name, it is a person.
fn is_model(candidate: &Candidate) -> bool {
    candidate.role == Role::Assistant && candidate.name.is_none()
}

/// Each value's distance from the mean, in standard deviations.
fn standard(values: &[f64], spread_min: f64) -> Vec<f64> {
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    let spread = variance.sqrt().max(spread_min);
    values.iter().map(|value| (value - mean) / spread).collect()
}

/// The cosine, where there is one that is a number.
fn dense(candidate: &Candidate) -> Option<f64> {
    candidate
        .dense
        .filter(|cosine| cosine.is_finite())
        .map(|cosine| f64::from(cosine).clamp(-1.0, 1.0))
}

/// The BM25 score, where there is one that is a number.
fn lexical(candidate: &Candidate) -> Option<f64> {
    candidate.lexical.filter(|score| score.is_finite()).map(|score| f64::from(score).max(0.0))
}
