//! A sealed graph over the vectors of a scope, for those scopes that are too large to be scanned.
//!
//! It is an HNSW graph (Malkov and Yashunin): each vector is linked to near ones, a few of them in
//! higher and sparser layers too, and a search walks along links to whatever is nearer. It owns no
//! vector: its nodes are places of the store. So it can be thrown away at any time, and whatever it
//! does not lead to is scanned.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::best::Sink;
use crate::store::{Places, Store};
use crate::vector::Query;

/// In the place of a node whose vector is no longer what it was: nothing leads over it.
pub const GONE: u32 = u32::MAX;

/// How many nodes a search keeps in sight at the least. The more, the less it misses.
const SIGHT_LEAST: usize = 160;

/// The links of the nodes that are in one layer.
#[derive(Default, PartialEq, Debug)]
pub struct Layer {
    /// Where the links of each node end.
    ends: Vec<u32>,
    links: Vec<u32>,
}

impl Layer {
    /// The nodes in this layer: those from 0 on.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Appends the links of the next node.
    pub fn push(&mut self, links: impl IntoIterator<Item = u32>) {
        self.links.extend(links);
        self.ends.push(self.links.len() as u32);
    }

    /// The links of a node.
    #[inline]
    pub fn of(&self, node: u32) -> &[u32] {
        let node = node as usize;
        let start = node.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.links[start as usize..self.ends[node] as usize]
    }

    /// Gives back what was reserved for more.
    pub fn shrink(&mut self) {
        self.ends.shrink_to_fit();
        self.links.shrink_to_fit();
    }

    /// Memory, in bytes.
    pub fn bytes(&self) -> usize {
        (self.ends.capacity() + self.links.capacity()) * size_of::<u32>()
    }
}

/// The nodes and their links.
pub struct Graph {
    /// Tells it from others.
    pub print: u64,
    /// The place of each node's vector.
    pub nodes: Vec<u32>,
    /// The layers, the one with all nodes first. Links lead to nodes of their own layer.
    pub layers: Vec<Layer>,
}

/// A node and its score. The more, the nearer.
#[derive(Clone, Copy, PartialEq)]
struct Seen {
    score: f32,
    node: u32,
}

impl Eq for Seen {}

impl Ord for Seen {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.total_cmp(&other.score).then(other.node.cmp(&self.node))
    }
}

impl PartialOrd for Seen {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Graph {
    /// Memory, in bytes.
    pub fn bytes(&self) -> usize {
        self.nodes.capacity() * size_of::<u32>()
            + self.layers.iter().map(Layer::bytes).sum::<usize>()
    }

    /// Offers to `sink` the vectors near the query, among which the `most` nearest are but for a
    /// few in a thousand.
    pub fn search(
        &self,
        store: &Store,
        query: &Query,
        scope: u32,
        most: usize,
        sink: &mut impl Sink,
    ) {
        let Some(entry) = self.entry() else {
            return;
        };
        let entry = self.seen(store, query, entry);
        let mut at = entry;
        for layer in self.layers.iter().skip(1).rev() {
            at = self.climb(store, query, layer, at);
        }
        for one in self.walk(store, query, [at, entry], SIGHT_LEAST.max(most + most / 2)) {
            let place = self.nodes[one.node as usize];
            store.offer(place, query, one.score, scope, sink);
        }
    }

    /// The nodes that a search with everything in sight comes to, by their places. Links lead one
    /// way, and nothing leads over what is gone, so a few may be out of reach.
    pub fn reached(&self) -> Places {
        let (mut visited, mut reached) = (Places::default(), Places::default());
        let mut next: Vec<u32> =
            self.entry().into_iter().filter(|&node| visited.insert(node)).collect();
        while let Some(node) = next.pop() {
            reached.insert(self.nodes[node as usize]);
            let links = self.layers[0].of(node).iter().copied();
            next.extend(links.filter(|&to| self.nodes[to as usize] != GONE && visited.insert(to)));
        }
        reached
    }

    /// Where every search begins.
    fn entry(&self) -> Option<u32> {
        self.nodes.iter().position(|&place| place != GONE).map(|node| node as u32)
    }

    #[inline]
    fn seen(&self, store: &Store, query: &Query, node: u32) -> Seen {
        let place = self.nodes[node as usize];
        // A removed vector is still a step on the way to others.
        let unit = store.measure(place).unit.abs();
        Seen { score: query.score(query.dot(store.numbers(place)), unit), node }
    }

    /// Goes to the nearest node of a layer, as far as each step leads nearer.
    fn climb(&self, store: &Store, query: &Query, layer: &Layer, from: Seen) -> Seen {
        let mut at = from;
        while (at.node as usize) < layer.len() {
            let live = layer.of(at.node).iter().filter(|&&node| self.nodes[node as usize] != GONE);
            let next = live.map(|&node| self.seen(store, query, node)).max();
            match next.filter(|next| *next > at) {
                Some(next) => at = next,
                None => break,
            }
        }
        at
    }

    /// Walks over the lowest layer, with the nearest `sight` nodes in sight. What was removed is
    /// walked over, and not returned.
    fn walk(&self, store: &Store, query: &Query, from: [Seen; 2], sight: usize) -> Vec<Seen> {
        let mut visited = Places::with_room_for(self.nodes.len());
        let mut next = BinaryHeap::new();
        let mut found: BinaryHeap<Reverse<Seen>> = BinaryHeap::with_capacity(sight + 1);
        let is_live = |one: Seen| store.measure(self.nodes[one.node as usize]).unit > 0.0;
        for one in from {
            if visited.insert(one.node) {
                next.push(one);
                found.extend(is_live(one).then_some(Reverse(one)));
            }
        }
        let mut worst = f32::NEG_INFINITY;
        while let Some(at) = next.pop() {
            if found.len() == sight && at.score < worst {
                break;
            }
            for &node in self.layers[0].of(at.node) {
                if !visited.insert(node) || self.nodes[node as usize] == GONE {
                    continue;
                }
                let one = self.seen(store, query, node);
                if found.len() == sight && one.score <= worst {
                    continue;
                }
                next.push(one);
                if is_live(one) {
                    if found.len() == sight {
                        found.pop();
                    }
                    found.push(Reverse(one));
                    worst = found.peek().map_or(worst, |Reverse(worst)| worst.score);
                }
            }
        }
        found.into_iter().map(|Reverse(one)| one).collect()
    }
}
