//! Which of the candidates are worth the model's attention.
//!
//! Left out are those that nothing speaks for, and those that say what a better one says already.

use crate::question::Question;
use crate::ranking::{Candidate, Choice, Error, Request};
use crate::score::{Order, scores, speak_for_themselves};
use crate::types::Kind;
use crate::words::WordSet;

/// Chooses at most `most` candidates, best first.
pub fn rank(request: &Request) -> Result<Vec<Choice>, Error> {
    let question = Question::of(&request.query, request.now);
    let mut scored: Vec<(f64, &Candidate)> = Vec::new();
    for kind in [Kind::Document, Kind::Memory] {
        let among: Vec<&Candidate> =
            request.candidates.iter().filter(|candidate| candidate.kind == kind).collect();
        let order = Order::of(&among);
        let worth = speak_for_themselves(&among, &order, &question);
        let all = scores(&among, &order, &question).into_iter().zip(among);
        scored.extend(all.zip(worth).filter_map(|(one, is_worth)| is_worth.then_some(one)));
    }
    // Of equals, the one that was said last: it may correct the other.
    scored.sort_by(|(one, left), (two, right)| {
        two.total_cmp(one).then(right.said_at.cmp(&left.said_at)).then(left.id.cmp(&right.id))
    });
    Ok(distinct(&scored, usize::try_from(request.most).unwrap_or(usize::MAX)))
}

/// The best of them that do not repeat each other.
fn distinct(scored: &[(f64, &Candidate)], most: usize) -> Vec<Choice> {
    let mut chosen: Vec<Choice> = Vec::new();
    let mut seen: Vec<WordSet> = Vec::new();
    for (score, candidate) in scored {
        if chosen.len() >= most {
            break;
        }
        let words = WordSet::of(&candidate.text, candidate.bytes);
        if !seen.iter().any(|other| other.nearly_equals(&words)) {
            seen.push(words);
            chosen.push(Choice { id: candidate.id, score: *score as f32 });
        }
    }
    chosen
}

#[cfg(test)]
mod tests;
