//! The vectors of one scope, side by side, in places that do not move.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::best::{Near, Sink};
use crate::vector::{self, Measure, NOTHING, Query, ROWS};

/// The places of a block. Memory grows by a block, so that no insert copies what is there.
pub const BLOCK: usize = 256;
/// The places that the first memory of a block is for.
const BLOCK_LEAST: usize = 4;
/// What the map of ids takes for each: a number and a place, in nodes that are over half full.
const PLACE_BYTES: usize = 24;

/// A set of places.
#[derive(Default)]
pub struct Places {
    words: Vec<u64>,
}

impl Places {
    /// No places, with room for those below `count`.
    pub fn with_room_for(count: usize) -> Self {
        Self { words: vec![0; count.div_ceil(64)] }
    }

    /// How many places are among them.
    pub fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether a place is among them.
    #[inline]
    pub fn contains(&self, place: u32) -> bool {
        let word = self.words.get(place as usize / 64);
        word.is_some_and(|word| word & (1 << (place % 64)) != 0)
    }

    /// Takes a place in; tells whether it is new.
    #[inline]
    pub fn insert(&mut self, place: u32) -> bool {
        let word = place as usize / 64;
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        let before = self.words[word];
        self.words[word] |= 1 << (place % 64);
        before != self.words[word]
    }
}

/// Up to `BLOCK` vectors.
#[derive(Default)]
struct Block {
    ids: Vec<u64>,
    measures: Vec<Measure>,
    numbers: Vec<i8>,
}

impl Block {
    fn grow(&mut self, stride: usize) {
        let len = self.ids.len();
        if len < self.ids.capacity() {
            return;
        }
        let more = len.clamp(BLOCK_LEAST, BLOCK - len);
        self.ids.reserve_exact(more);
        self.measures.reserve_exact(more);
        self.numbers.reserve_exact(more * stride);
    }

    fn bytes(&self) -> usize {
        self.ids.capacity() * size_of::<u64>()
            + self.measures.capacity() * size_of::<Measure>()
            + self.numbers.capacity()
    }
}

/// A vector as it is stored: id, measure, numbers.
pub type Row<'a> = (u64, Measure, &'a [i8]);

/// Vectors by id, and by place. What is removed leaves a hole, which the next vector fills unless
/// something still points there.
pub struct Store {
    stride: usize,
    blocks: Vec<Block>,
    places: BTreeMap<u64, u32>,
    free: Vec<u32>,
    /// Places that have been given out, holes included.
    taken: u32,
}

impl Store {
    /// No vectors, of this stored length.
    pub fn new(stride: usize) -> Self {
        Self { stride, blocks: Vec::new(), places: BTreeMap::new(), free: Vec::new(), taken: 0 }
    }

    /// The bytes that `count` vectors of this stored length need.
    pub fn bytes_of(count: usize, stride: usize) -> usize {
        let rest = count % BLOCK;
        let last = if rest == 0 { 0 } else { rest.next_power_of_two().max(BLOCK_LEAST) };
        let row = stride + size_of::<u64>() + size_of::<Measure>();
        (count - rest + last) * row + count * PLACE_BYTES
    }

    /// The stored length of a vector.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// How many vectors there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Places that have been given out, holes included.
    pub fn taken(&self) -> usize {
        self.taken as usize
    }

    /// Memory, in bytes.
    pub fn bytes(&self) -> usize {
        self.blocks.iter().map(Block::bytes).sum::<usize>()
            + self.places.len() * PLACE_BYTES
            + self.free.capacity() * size_of::<u32>()
    }

    /// The place of an id.
    pub fn place(&self, id: u64) -> Option<u32> {
        self.places.get(&id).copied()
    }

    /// All ids and their places, in the order of the ids.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u32)> {
        self.places.iter().map(|(&id, &place)| (id, place))
    }

    /// The stored numbers in a place.
    #[inline]
    pub fn numbers(&self, place: u32) -> &[i8] {
        let (block, row) = split(place);
        &self.blocks[block].numbers[row * self.stride..][..self.stride]
    }

    /// The measure of what is in a place, or was.
    #[inline]
    pub fn measure(&self, place: u32) -> Measure {
        let (block, row) = split(place);
        self.blocks[block].measures[row]
    }

    /// Puts a vector in; one that is there under this id is replaced. A place that is `sealed` is
    /// not written to.
    pub fn insert(&mut self, id: u64, vector: &[f32], sealed: &Places) {
        let mut numbers = vec![0; self.stride];
        let measure = vector::store(vector, &mut numbers);
        self.put(id, &numbers, measure, sealed);
    }

    /// As `insert`, of a vector that is in its stored form.
    pub fn put(&mut self, id: u64, numbers: &[i8], measure: Measure, sealed: &Places) {
        if let Some(&place) = self.places.get(&id) {
            if !sealed.contains(place) {
                self.write(place, id, numbers, measure);
                return;
            }
            self.write_nothing(place);
        }
        let place = self.free.pop().unwrap_or_else(|| self.append());
        self.write(place, id, numbers, measure);
        self.places.insert(id, place);
    }

    /// Forgets an id; tells whether it was there.
    pub fn remove(&mut self, id: u64, sealed: &Places) -> bool {
        let Some(place) = self.places.remove(&id) else {
            return false;
        };
        self.write_nothing(place);
        if !sealed.contains(place) {
            self.free.push(place);
        }
        true
    }

    /// Whether so many places are holes that moving everything together is worth it.
    pub fn is_sparse(&self) -> bool {
        self.taken() > BLOCK && self.taken() > 2 * self.len()
    }

    /// The same vectors in other places, without holes.
    pub fn compacted(&self) -> Self {
        let mut compact = Self::new(self.stride);
        for (id, place) in self.iter() {
            compact.put(id, self.numbers(place), self.measure(place), &Places::default());
        }
        compact
    }

    /// Offers to `sink` whatever can matter, as of the scope with this number, but for what is in
    /// the places to `skip`.
    pub fn scan(&self, query: &Query, scope: u32, skip: &Places, sink: &mut impl Sink) {
        for (number, block) in self.blocks.iter().enumerate() {
            let first = number * BLOCK;
            let len = block.ids.len();
            for group in (0..len).step_by(ROWS) {
                let rows = group..len.min(group + ROWS);
                let skipped = |row: usize| skip.contains((first + row) as u32);
                if rows.clone().all(skipped) {
                    continue;
                }
                let numbers = &block.numbers[group * self.stride..rows.end * self.stride];
                let mut dots = [0; ROWS];
                if rows.len() == ROWS {
                    dots = query.dots(numbers);
                } else {
                    let each = numbers.chunks_exact(self.stride);
                    dots.iter_mut().zip(each).for_each(|(dot, row)| *dot = query.dot(row));
                }
                for (row, dot) in rows.zip(dots) {
                    let measure = block.measures[row];
                    let score = query.score(dot, measure.unit);
                    let slack = query.slack(measure);
                    // A hole is no vector, and zeros are similar to nothing.
                    if sink.admits(score, slack) && measure.unit > 0.0 && !skipped(row) {
                        sink.offer(Near { score, slack, scope, id: block.ids[row] });
                    }
                }
            }
        }
    }

    /// Offers what is in one place.
    pub fn offer(&self, place: u32, query: &Query, score: f32, scope: u32, sink: &mut impl Sink) {
        let (block, row) = split(place);
        let measure = self.blocks[block].measures[row];
        let slack = query.slack(measure);
        if measure.unit > 0.0 && sink.admits(score, slack) {
            sink.offer(Near { score, slack, scope, id: self.blocks[block].ids[row] });
        }
    }

    /// What is in these places, holes left out.
    pub fn rows(&self, places: Range<usize>) -> impl Iterator<Item = Row<'_>> + Clone {
        let places = places.start as u32..places.end.min(self.taken()) as u32;
        places.map(|place| self.row(place)).filter(|(_, measure, _)| !measure.is_removed())
    }

    /// What is in a place, or was.
    pub fn row(&self, place: u32) -> Row<'_> {
        let (block, row) = split(place);
        let block = &self.blocks[block];
        (block.ids[row], block.measures[row], self.numbers(place))
    }

    /// Makes all holes free that are not sealed.
    pub fn free_all_but(&mut self, sealed: &Places) {
        let hole = |place: &u32| self.measure(*place).is_removed() && !sealed.contains(*place);
        self.free = (0..self.taken).filter(hole).collect();
    }

    /// A new place at the end.
    fn append(&mut self) -> u32 {
        let place = self.taken;
        let (block, _) = split(place);
        if block == self.blocks.len() {
            self.blocks.push(Block::default());
        }
        let block = &mut self.blocks[block];
        block.grow(self.stride);
        block.ids.push(0);
        block.measures.push(NOTHING);
        block.numbers.resize(block.numbers.len() + self.stride, 0);
        self.taken = place.checked_add(1).expect("a scope's bytes are limited");
        place
    }

    fn write(&mut self, place: u32, id: u64, numbers: &[i8], measure: Measure) {
        let (block, row) = split(place);
        let block = &mut self.blocks[block];
        block.ids[row] = id;
        block.measures[row] = measure;
        block.numbers[row * self.stride..][..self.stride].copy_from_slice(numbers);
    }

    /// Leaves a hole. The numbers stay: a graph that leads over this place still needs them.
    fn write_nothing(&mut self, place: u32) {
        let (block, row) = split(place);
        let measure = &mut self.blocks[block].measures[row];
        *measure = measure.removed();
    }
}

/// The block of a place, and the row in it.
#[inline]
fn split(place: u32) -> (usize, usize) {
    (place as usize / BLOCK, place as usize % BLOCK)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none() -> Places {
        Places::default()
    }

    #[test]
    fn what_was_removed_makes_room() {
        let mut store = Store::new(8);
        for id in 0..1_000 {
            store.insert(id, &[1.0; 8], &none());
        }
        for id in 0..990 {
            assert!(store.remove(id, &none()));
            assert!(!store.remove(id, &none()));
        }
        assert!(store.is_sparse());
        let compact = store.compacted();
        assert!(!compact.is_sparse() && compact.bytes() < store.bytes() / 10);
        assert!((990..1_000).all(|id| compact.place(id).is_some()));
        for id in 2_000..2_990 {
            store.insert(id, &[1.0; 8], &none());
        }
        assert_eq!(store.taken(), 1_000);
    }

    #[test]
    fn a_sealed_place_is_not_written_to() {
        let mut store = Store::new(8);
        let mut sealed = none();
        for id in 0..3 {
            store.insert(id, &[1.0; 8], &sealed);
            sealed.insert(id as u32);
        }
        store.insert(1, &[-1.0; 8], &sealed);
        assert_eq!((store.place(1), store.measure(1).is_removed()), (Some(3), true));
        assert_eq!(store.numbers(1), [127; 8]);
        assert!(store.remove(2, &sealed));
        store.insert(7, &[1.0; 8], &sealed);
        assert_eq!((store.place(7), store.len(), store.taken()), (Some(4), 3, 5));
        // Zeros are a vector too.
        store.insert(8, &[0.0; 8], &sealed);
        let rows: Vec<u64> = store.rows(0..9).map(|(id, ..)| id).collect();
        assert_eq!(rows, [0, 1, 7, 8]);
        store.free_all_but(&Places::default());
        store.insert(9, &[1.0; 8], &Places::default());
        assert_eq!((store.place(9), store.taken()), (Some(2), 6));
    }

    #[test]
    fn memory_is_at_most_a_third_more_than_the_numbers() {
        let mut store = Store::new(256);
        for id in 0..10_000 {
            store.insert(id, &[1.0; 256], &none());
        }
        assert!(store.bytes() * 10 <= 10_000 * 256 * 13, "{}", store.bytes());
        assert!(store.bytes() <= Store::bytes_of(10_000, 256));
    }
}
