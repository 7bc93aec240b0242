//! A run of vectors of one scope that can be searched.
//!
//! A scope is a list of segments. There is one kind so far, the scanned `Tail`, which takes inserts
//! in place. A sealed graph would be another: it answers the same questions, and learns of removals
//! the same way.

use std::collections::HashMap;

use crate::best::Best;
use crate::vector;

/// What every kind of segment can do. All vectors of a segment have one stored length.
pub trait Segment {
    /// How many vectors it holds.
    fn len(&self) -> usize;

    /// Memory for vectors and ids, in bytes.
    fn bytes(&self) -> usize;

    /// Whether it holds this id.
    fn holds(&self, id: u64) -> bool;

    /// Forgets an id; tells whether it was there.
    fn remove(&mut self, id: u64) -> bool;

    /// Offers to `best` whatever can be among the best, as of the scope with this number. `query`
    /// is a stored vector, and not zero.
    fn search(&self, query: &[i16], scope: u32, best: &mut Best);
}

/// Memory for finding an id: an entry of the hash table with its share of free places.
const PLACE_BYTES: usize = 24;

/// Vectors side by side, compared one by one: exact, and for a few ten thousand as fast as any
/// graph.
pub struct Tail {
    stride: usize,
    ids: Vec<u64>,
    numbers: Vec<i16>,
    places: HashMap<u64, u32>,
}

impl Tail {
    /// No vectors, of this stored length.
    pub fn new(stride: usize) -> Self {
        Self { stride, ids: Vec::new(), numbers: Vec::new(), places: HashMap::new() }
    }

    /// The bytes of `count` vectors with this stored length.
    pub fn bytes_of(count: usize, stride: usize) -> usize {
        count * (stride * size_of::<i16>() + size_of::<u64>() + PLACE_BYTES)
    }

    /// Makes room for `count` more vectors, a quarter more than is needed at the most: doubling
    /// would leave half of the memory unused.
    pub fn reserve(&mut self, count: usize) {
        let needed = self.ids.len() + count;
        if needed > self.ids.capacity() || needed * self.stride > self.numbers.capacity() {
            let more = count.max(self.ids.len() / 4);
            self.ids.reserve_exact(more);
            self.numbers.reserve_exact(more * self.stride);
        }
        self.places.reserve(count);
    }

    /// Puts a vector in; one that is there under this id is replaced.
    pub fn insert(&mut self, id: u64, vector: &[f32]) {
        if let Some(&place) = self.places.get(&id) {
            let mut stored = Vec::with_capacity(self.stride);
            vector::store(vector, &mut stored);
            let start = place as usize * self.stride;
            self.numbers[start..start + self.stride].copy_from_slice(&stored);
            return;
        }
        let place = u32::try_from(self.ids.len()).expect("a scope's bytes are limited");
        self.places.insert(id, place);
        self.ids.push(id);
        vector::store(vector, &mut self.numbers);
    }
}

impl Segment for Tail {
    fn len(&self) -> usize {
        self.ids.len()
    }

    fn bytes(&self) -> usize {
        self.ids.capacity() * size_of::<u64>()
            + self.numbers.capacity() * size_of::<i16>()
            + self.places.capacity() * PLACE_BYTES
    }

    fn holds(&self, id: u64) -> bool {
        self.places.contains_key(&id)
    }

    fn remove(&mut self, id: u64) -> bool {
        let Some(place) = self.places.remove(&id) else {
            return false;
        };
        // The last vector takes the free place.
        let (place, last) = (place as usize, self.ids.len() - 1);
        self.ids.swap_remove(place);
        let end = last * self.stride;
        if place < last {
            self.places.insert(self.ids[place], place as u32);
            self.numbers.copy_within(end..end + self.stride, place * self.stride);
        }
        self.numbers.truncate(end);
        // Memory of many removals is given back, with a margin so that it is not asked for again at
        // once.
        if self.ids.capacity() > 64 && self.ids.len() < self.ids.capacity() / 4 {
            let keep = self.ids.len() * 2;
            self.ids.shrink_to(keep);
            self.numbers.shrink_to(keep * self.stride);
            self.places.shrink_to(keep);
        }
        true
    }

    fn search(&self, query: &[i16], scope: u32, best: &mut Best) {
        for (&id, stored) in self.ids.iter().zip(self.numbers.chunks_exact(self.stride)) {
            let dot = vector::dot(query, stored);
            // A vector of zeros is similar to nothing, and its product with everything is 0.
            let rank = vector::rank(dot);
            if best.admits(rank) && !(dot == 0 && vector::is_zero(stored)) {
                best.offer(rank, scope, id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_of_what_was_removed_is_given_back() {
        let mut tail = Tail::new(8);
        tail.reserve(1_000);
        for id in 0..1_000 {
            tail.insert(id, &[1.0; 8]);
        }
        let full = tail.bytes();
        for id in 0..990 {
            assert!(tail.remove(id));
        }
        assert_eq!(tail.len(), 10);
        assert!(tail.bytes() < full / 10, "{} of {full}", tail.bytes());
        assert!((990..1_000).all(|id| tail.holds(id)));
    }

    #[test]
    fn room_is_made_without_waste() {
        let mut tail = Tail::new(256);
        for id in 0..10_000 {
            tail.reserve(1);
            tail.insert(id, &[1.0; 256]);
        }
        let needed = Tail::bytes_of(10_000, 256);
        assert!(tail.bytes() <= needed + needed / 3, "{}", tail.bytes());
    }
}
