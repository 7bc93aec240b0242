//! Which of the candidates are worth the model's attention.
//!
//! The two searches measure on scales that cannot be compared: a cosine, and a sum of logarithms
//! that depends on the collection. So each is expressed by how far it stands out among the
//! candidates (its distance from their mean in standard deviations), and the two are added, 1 :
//! 0.5.

use crate::ranking::{Candidate, Choice, Error, Request};
use crate::types::{Kind, Role};
use crate::words::{WordSet, asks_what_assistant_said};

/// What the full-text search counts for, where the dense search counts for 1.
const LEXICAL_WEIGHT: f64 = 0.5;

/// What a text counts for because the person said it, in standard deviations. A fact is mostly told
/// by the one who asks for it later; the model's own words are mostly made of facts told to it.
const USER_BONUS: f64 = 1.5;

/// The cosine up to which two texts are as near as chance has it: three standard deviations of
/// unrelated vectors in 256 dimensions (1 / sqrt(256) each). A text below it that shares no word
/// with the query has nothing that speaks for it, and no rank among others can change that.
const DENSE_CHANCE: f64 = 0.19;

/// The smallest spread that is taken at its word. Among few or equal candidates the measured one
/// may be next to nothing, and differences that mean nothing would become large.
const DENSE_SPREAD_MIN: f64 = 0.05;
const LEXICAL_SPREAD_MIN: f64 = 0.5;

/// Chooses at most `most` candidates, best first.
///
/// Left out are those that no search speaks for, and those that say what a better one says already.
pub fn rank(request: &Request) -> Result<Vec<Choice>, Error> {
    let bonus = if asks_what_assistant_said(&request.query) { 0.0 } else { USER_BONUS };
    let mut scored: Vec<(f64, &Candidate)> = Vec::new();
    for kind in [Kind::Document, Kind::Memory] {
        let among: Vec<&Candidate> =
            request.candidates.iter().filter(|candidate| candidate.kind == kind).collect();
        scored.extend(score(&among, bonus).into_iter().zip(among));
    }
    scored.retain(|(_, candidate)| speaks_for_itself(candidate));
    // Of equals, the one that was said last: it may correct the other.
    scored.sort_by(|(one, left), (two, right)| {
        two.total_cmp(one).then(right.said_at.cmp(&left.said_at)).then(left.id.cmp(&right.id))
    });
    Ok(distinct(&scored, usize::try_from(request.most).unwrap_or(usize::MAX)))
}

/// The score of each candidate. Documents and memories lie in indexes of their own, so each kind is
/// measured against itself.
fn score(candidates: &[&Candidate], bonus: f64) -> Vec<f64> {
    let dense: Vec<Option<f64>> = candidates.iter().map(|candidate| dense(candidate)).collect();
    // What the dense search did not return is no nearer than the farthest that it did.
    let farthest = dense.iter().flatten().copied().reduce(f64::min).unwrap_or(0.0);
    let dense: Vec<f64> = dense.into_iter().map(|found| found.unwrap_or(farthest)).collect();
    // What the full-text search did not return shares no word with the query.
    let lexical: Vec<f64> =
        candidates.iter().map(|candidate| lexical(candidate).unwrap_or(0.0)).collect();
    let dense = standard(&dense, DENSE_SPREAD_MIN);
    let lexical = standard(&lexical, LEXICAL_SPREAD_MIN);
    candidates
        .iter()
        .zip(dense.into_iter().zip(lexical))
        .map(|(candidate, (dense, lexical))| {
            let said = if candidate.role == Role::User { bonus } else { 0.0 };
            dense + LEXICAL_WEIGHT * lexical + said
        })
        .collect()
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

/// Whether a search speaks for this candidate. A shared word does, however small the score: in a
/// short session BM25 is next to nothing for every word.
fn speaks_for_itself(candidate: &Candidate) -> bool {
    lexical(candidate).is_some() || dense(candidate).is_some_and(|cosine| cosine > DENSE_CHANCE)
}

/// The best of them that do not repeat each other.
fn distinct(scored: &[(f64, &Candidate)], most: usize) -> Vec<Choice> {
    let mut chosen: Vec<Choice> = Vec::new();
    let mut seen: Vec<WordSet> = Vec::new();
    for (score, candidate) in scored {
        if chosen.len() >= most {
            break;
        }
        let words = WordSet::of(&candidate.text);
        if !seen.iter().any(|other| other.nearly_equals(&words)) {
            seen.push(words);
            chosen.push(Choice { id: candidate.id, score: *score as f32 });
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(id: u32, role: Role, dense: Option<f32>, lexical: Option<f32>) -> Candidate {
        let text = format!("what number {id} says");
        Candidate { id, kind: Kind::Memory, role, said_at: None, dense, lexical, text }
    }

    fn ids(query: &str, most: u32, candidates: Vec<Candidate>) -> Vec<u32> {
        let request = Request { query: query.to_owned(), now: 0, candidates, most };
        let choices = rank(&request).expect("ranking has no error of its own");
        assert!(choices.iter().all(|choice| choice.score.is_finite()));
        assert!(choices.windows(2).all(|pair| pair[0].score >= pair[1].score));
        choices.iter().map(|choice| choice.id).collect()
    }

    #[test]
    fn one_clear_candidate_is_chosen() {
        let dense = memory(1, Role::User, Some(0.6), None);
        assert_eq!(ids("Where?", 5, vec![dense]), [1]);
        let lexical = memory(1, Role::Assistant, None, Some(1e-6));
        assert_eq!(ids("Where?", 5, vec![lexical]), [1]);
    }

    #[test]
    fn nothing_is_better_than_what_no_search_speaks_for() {
        let noise = vec![
            memory(1, Role::User, Some(0.1), None),
            memory(2, Role::User, Some(-0.5), None),
            memory(3, Role::User, None, None),
            memory(4, Role::User, Some(f32::NAN), Some(f32::INFINITY)),
        ];
        assert_eq!(ids("Where?", 5, noise), []);
        assert_eq!(ids("Where?", 5, vec![]), []);
        assert_eq!(ids("Where?", 0, vec![memory(1, Role::User, Some(0.9), None)]), []);
    }

    #[test]
    fn of_two_the_nearer_comes_first_whoever_said_it() {
        let two = vec![
            memory(1, Role::User, Some(0.25), None),
            memory(2, Role::Assistant, Some(0.75), Some(4.0)),
        ];
        assert_eq!(ids("Where?", 5, two), [2, 1]);
    }

    #[test]
    fn a_candidate_of_one_search_may_win() {
        let mut many: Vec<Candidate> =
            (2..20).map(|id| memory(id, Role::User, Some(0.3), None)).collect();
        many.push(memory(1, Role::User, None, Some(7.0)));
        assert_eq!(ids("Where?", 1, many.clone()), [1]);
        many.push(memory(20, Role::User, Some(0.9), None));
        assert_eq!(ids("Where?", 2, many), [20, 1]);
    }

    #[test]
    fn what_the_person_said_counts_for_more_unless_the_assistant_is_asked() {
        let near = |id, role| memory(id, role, Some(0.5), None);
        let both = vec![near(1, Role::Assistant), near(2, Role::User)];
        assert_eq!(ids("What is my dog's name?", 2, both.clone()), [2, 1]);
        assert_eq!(ids("What did you recommend?", 2, both), [1, 2]);
    }

    #[test]
    fn what_repeats_a_better_one_is_left_out() {
        let mut again = memory(1, Role::User, Some(0.5), None);
        let mut first = memory(2, Role::User, Some(0.5), None);
        again.text = "My dog is Rex.".to_owned();
        first.text = "my dog is Rex".to_owned();
        again.said_at = Some(7);
        first.said_at = Some(3);
        assert_eq!(ids("What is my dog's name?", 5, vec![first, again]), [1]);
    }

    #[test]
    fn documents_do_not_compete_with_memories_on_one_scale() {
        let document = |id, dense, lexical| Candidate {
            kind: Kind::Document,
            ..memory(id, Role::User, Some(dense), Some(lexical))
        };
        let mixed = vec![
            document(1, 0.9, 90.0),
            document(2, 0.8, 80.0),
            memory(3, Role::User, Some(0.5), Some(0.002)),
            memory(4, Role::User, Some(0.3), Some(0.001)),
        ];
        assert_eq!(ids("Where?", 2, mixed).iter().filter(|id| **id < 3).count(), 1);
    }
}
