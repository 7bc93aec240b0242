//! The nearest of what a search has seen so far.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::vectors::{Candidate, Hit};

/// Something near the query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Near {
    /// How similar it is: the more, the better.
    pub score: f32,
    /// How far the score may be from the cosine.
    pub slack: f32,
    /// The number of its scope.
    pub scope: u32,
    /// Its id.
    pub id: u64,
}

/// What takes in what a search finds.
pub trait Sink {
    /// Whether a vector with this score and slack can still matter. May be asked at any time, and
    /// once it says no, so it stays.
    fn admits(&self, score: f32, slack: f32) -> bool;

    /// Takes what was admitted.
    fn offer(&mut self, near: Near);
}

/// The order of an answer: best first; equal scores in the order of scope and id.
fn order(a: &Near, b: &Near) -> Ordering {
    b.score.total_cmp(&a.score).then(a.scope.cmp(&b.scope)).then(a.id.cmp(&b.id))
}

/// As it stands in an answer. Rounding must not make more than 1 of a cosine.
fn shown(score: f32) -> f32 {
    score.clamp(-1.0, 1.0)
}

struct Ranked(Near);

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ranked {}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        order(&self.0, &other.0)
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The `most` with the best scores, the worst of them on top of a heap.
pub struct Best {
    most: usize,
    heap: BinaryHeap<Ranked>,
    /// What a score must reach to matter: that of the worst, once there are enough.
    bar: f32,
}

impl Best {
    /// Keeps the best `most` of what it is offered.
    pub fn new(most: usize) -> Self {
        let bar = if most == 0 { f32::INFINITY } else { f32::NEG_INFINITY };
        Self { most, heap: BinaryHeap::with_capacity(most), bar }
    }

    /// The hits, best first.
    pub fn into_hits(self) -> Vec<Hit> {
        let hit = |Ranked(near)| Hit { scope: near.scope, id: near.id, score: shown(near.score) };
        self.heap.into_sorted_vec().into_iter().map(hit).collect()
    }
}

impl Sink for Best {
    #[inline]
    fn admits(&self, score: f32, _slack: f32) -> bool {
        score >= self.bar
    }

    fn offer(&mut self, near: Near) {
        let near = Ranked(near);
        if self.heap.len() < self.most {
            self.heap.push(near);
        } else if let Some(mut worst) = self.heap.peek_mut()
            && near < *worst
        {
            *worst = near;
        }
        if self.heap.len() == self.most
            && let Some(worst) = self.heap.peek()
        {
            self.bar = worst.0.score;
        }
    }
}

/// A score in a heap.
#[derive(PartialEq)]
struct Score(f32);

impl Eq for Score {}

impl Ord for Score {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// All that may be among the `most` nearest, whatever their exact cosines are: all whose cosine can
/// reach what `most` others are sure to reach.
pub struct Possible {
    most: usize,
    /// The `most` best of the cosines that are sure, the worst of them on top.
    sure: BinaryHeap<Reverse<Score>>,
    /// What a cosine must be able to reach: the worst of them, once there are enough.
    bar: f32,
    found: Vec<Near>,
    /// How many are found before those that no longer matter are thrown away.
    full: usize,
}

impl Possible {
    /// Keeps whatever may be among the best `most` of what it is offered.
    pub fn new(most: usize) -> Self {
        Self {
            most,
            sure: BinaryHeap::with_capacity(most + 1),
            bar: if most == 0 { f32::INFINITY } else { f32::NEG_INFINITY },
            found: Vec::new(),
            full: 4 * most + 64,
        }
    }

    /// The candidates, best first.
    pub fn into_candidates(mut self) -> Vec<Candidate> {
        self.sift();
        self.found.sort_by(order);
        let candidate = |near: Near| Candidate {
            scope: near.scope,
            id: near.id,
            score: shown(near.score),
            slack: near.slack,
        };
        self.found.into_iter().map(candidate).collect()
    }

    fn sift(&mut self) {
        self.found.retain(|near| near.score + near.slack >= self.bar);
        self.full = 2 * self.found.len() + 64;
    }
}

impl Sink for Possible {
    #[inline]
    fn admits(&self, score: f32, slack: f32) -> bool {
        score + slack >= self.bar
    }

    fn offer(&mut self, near: Near) {
        if self.most == 0 {
            return;
        }
        self.found.push(near);
        let sure = near.score - near.slack;
        if self.sure.len() < self.most || sure > self.bar {
            self.sure.push(Reverse(Score(sure)));
            if self.sure.len() > self.most {
                self.sure.pop();
            }
        }
        if self.sure.len() == self.most
            && let Some(Reverse(Score(worst))) = self.sure.peek()
        {
            self.bar = *worst;
        }
        if self.found.len() >= self.full {
            self.sift();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(score: f32, scope: u32, id: u64) -> Near {
        Near { score, slack: 0.0, scope, id }
    }

    fn ids(most: usize, offers: &[(f32, u32, u64)]) -> Vec<(u32, u64)> {
        let mut best = Best::new(most);
        for &(score, scope, id) in offers {
            best.offer(near(score, scope, id));
        }
        best.into_hits().iter().map(|hit| (hit.scope, hit.id)).collect()
    }

    #[test]
    fn the_best_come_first() {
        assert_eq!(ids(2, &[(0.1, 0, 1), (0.3, 0, 2), (0.2, 0, 3)]), [(0, 2), (0, 3)]);
    }

    #[test]
    fn equal_scores_are_in_the_order_of_scope_and_id() {
        let offers = [(0.5, 1, 1), (0.5, 0, 9), (0.5, 0, 4), (0.5, 2, 0)];
        assert_eq!(ids(3, &offers), [(0, 4), (0, 9), (1, 1)]);
    }

    #[test]
    fn none_is_none() {
        assert_eq!(ids(0, &[(0.1, 0, 1)]), []);
        let mut none = Possible::new(0);
        none.offer(near(0.1, 0, 1));
        assert_eq!(none.into_candidates(), []);
    }

    #[test]
    fn what_may_be_among_the_best_is_a_candidate() {
        let candidates = |most: usize| {
            let mut possible = Possible::new(most);
            for (score, slack, id) in [(0.5, 0.1, 1), (0.9, 0.05, 2), (0.8, 0.1, 3), (0.7, 0.0, 4)]
            {
                if possible.admits(score, slack) {
                    possible.offer(Near { score, slack, scope: 0, id });
                }
            }
            possible.into_candidates().iter().map(|one| one.id).collect::<Vec<_>>()
        };
        assert_eq!(candidates(1), [2, 3]);
        assert_eq!(candidates(2), [2, 3, 4]);
        assert_eq!(candidates(4), [2, 3, 4, 1]);
    }

    #[test]
    fn what_no_longer_matters_is_thrown_away() {
        let mut possible = Possible::new(1);
        for id in 0..10_000 {
            possible.offer(near(id as f32 / 10_000.0, 0, id));
        }
        assert!(possible.found.capacity() < 1_000);
        assert_eq!(possible.into_candidates().len(), 1);
    }
}
