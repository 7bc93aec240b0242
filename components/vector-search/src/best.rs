//! The nearest of what a search has seen so far.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::vector::cosine;
use crate::vectors::Hit;

/// Something near the query. Its order is that of the answer: the less, the better.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Near {
    rank: i32,
    scope: u32,
    id: u64,
}

impl Ord for Near {
    fn cmp(&self, other: &Self) -> Ordering {
        other.rank.cmp(&self.rank).then(self.scope.cmp(&other.scope)).then(self.id.cmp(&other.id))
    }
}

impl PartialOrd for Near {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// At most `most` hits, the worst of them on top of a heap.
pub struct Best {
    most: usize,
    heap: BinaryHeap<Near>,
    /// What a rank must reach to matter: that of the worst hit, once there are enough.
    bar: i32,
}

impl Best {
    /// Keeps the best `most` of what it is offered.
    pub fn new(most: usize) -> Self {
        Self {
            most,
            heap: BinaryHeap::with_capacity(most),
            bar: if most == 0 { i32::MAX } else { i32::MIN },
        }
    }

    /// Whether a vector with this rank can still be among the best.
    #[inline]
    pub fn admits(&self, rank: i32) -> bool {
        rank >= self.bar
    }

    /// Takes a hit if it is among the best.
    pub fn offer(&mut self, rank: i32, scope: u32, id: u64) {
        let near = Near { rank, scope, id };
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
            self.bar = worst.rank;
        }
    }

    /// The hits, best first.
    pub fn into_hits(self) -> Vec<Hit> {
        self.heap
            .into_sorted_vec()
            .into_iter()
            .map(|near| Hit { scope: near.scope, id: near.id, score: cosine(near.rank) })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(most: usize, offers: &[(i32, u32, u64)]) -> Vec<(u32, u64)> {
        let mut best = Best::new(most);
        for &(rank, scope, id) in offers {
            best.offer(rank, scope, id);
        }
        best.into_hits().iter().map(|hit| (hit.scope, hit.id)).collect()
    }

    #[test]
    fn the_best_come_first() {
        assert_eq!(ids(2, &[(1, 0, 1), (3, 0, 2), (2, 0, 3)]), [(0, 2), (0, 3)]);
    }

    #[test]
    fn equal_scores_are_in_the_order_of_scope_and_id() {
        let offers = [(5, 1, 1), (5, 0, 9), (5, 0, 4), (5, 2, 0)];
        assert_eq!(ids(3, &offers), [(0, 4), (0, 9), (1, 1)]);
    }

    #[test]
    fn none_is_none() {
        assert_eq!(ids(0, &[(1, 0, 1)]), []);
    }
}
