//! What the index holds under one key.

use crate::best::Best;
use crate::segment::{Segment, Tail};
use crate::vectors::Entry;

/// The vectors of one session or document, and how far it has been loaded.
pub struct Scope {
    /// The mark of the last insert.
    pub mark: u64,
    /// When it was last used, on the library's clock.
    pub used: u64,
    tail: Tail,
}

impl Scope {
    /// An empty scope for vectors of this stored length.
    pub fn new(stride: usize) -> Self {
        Self { mark: 0, used: 0, tail: Tail::new(stride) }
    }

    /// How many vectors it holds.
    pub fn len(&self) -> usize {
        self.tail.len()
    }

    /// Memory for vectors and ids, in bytes.
    pub fn bytes(&self) -> usize {
        self.tail.bytes()
    }

    /// Whether it holds this id.
    pub fn holds(&self, id: u64) -> bool {
        self.tail.holds(id)
    }

    /// Puts vectors in; of two with one id, the later stays.
    pub fn insert(&mut self, entries: &[Entry], fresh: usize) {
        self.tail.reserve(fresh);
        for entry in entries {
            self.tail.insert(entry.id, &entry.vector);
        }
    }

    /// Forgets an id; tells whether it was there.
    pub fn remove(&mut self, id: u64) -> bool {
        self.tail.remove(id)
    }

    /// Offers to `best` whatever can be among the best.
    pub fn search(&self, query: &[i16], number: u32, best: &mut Best) {
        self.tail.search(query, number, best);
    }
}
