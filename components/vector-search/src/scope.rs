//! What the index holds under one key.

use crate::best::Sink;
use crate::store::{Places, Store};
use crate::vector::Query;
use crate::vectors::Entry;

/// The vectors of one session or document, and how far it has been loaded.
pub struct Scope {
    /// The mark of the last insert.
    pub mark: u64,
    /// When it was last used, on the library's clock.
    pub used: u64,
    store: Store,
    sealed: Places,
}

impl Scope {
    /// An empty scope for vectors of this stored length.
    pub fn new(stride: usize) -> Self {
        Self { mark: 0, used: 0, store: Store::new(stride), sealed: Places::default() }
    }

    /// How many vectors it holds.
    pub fn len(&self) -> usize {
        self.store.len()
    }

    /// Memory for vectors and ids, in bytes.
    pub fn bytes(&self) -> usize {
        self.store.bytes()
    }

    /// Whether it holds this id.
    pub fn holds(&self, id: u64) -> bool {
        self.store.place(id).is_some()
    }

    /// Puts vectors in; of two with one id, the later stays.
    pub fn insert(&mut self, entries: &[Entry]) {
        for entry in entries {
            self.store.insert(entry.id, &entry.vector, &self.sealed);
        }
    }

    /// Forgets ids, and returns how many there were.
    pub fn remove(&mut self, ids: &[u64]) -> usize {
        let removed = ids.iter().filter(|&&id| self.store.remove(id, &self.sealed)).count();
        if self.store.is_sparse() {
            self.store = self.store.compacted();
        }
        removed
    }

    /// Offers to `sink` whatever can matter.
    pub fn search(&self, query: &Query, number: u32, sink: &mut impl Sink) {
        self.store.scan(query, number, &self.sealed, sink);
    }
}
