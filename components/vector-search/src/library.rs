//! The scopes of all indexes of one instance, within limits of memory.

mod worded;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

use crate::best::{Best, Possible, Sink};
use crate::part;
use crate::scope::Scope;
use crate::store::Store;
use crate::vector::{self, Query};
use crate::vectors::{Candidate, Entry, Error, Hit, Likeness, Statistics};

/// The dimensions of a vector.
const DIMENSIONS_MAX: u32 = 4_096;
/// A name of an index or a scope.
const NAME_BYTES_MAX: usize = 128;
/// The entries of one insert.
const ENTRIES_MAX: u32 = 4_096;
/// The scopes of one search.
const SCOPES_MAX: u32 = 256;
/// The hits of one search.
const HITS_MAX: u32 = 1_024;
/// The candidates of one search.
const CANDIDATES_MAX: u32 = 4_096;
/// The entries of one comparison, and those that are typical.
const COMPARED_MAX: u32 = 4_096;
/// The indexes of one instance: a handful of embedding models.
const INDEXES_MAX: u32 = 64;
/// What a scope costs beside its vectors: its name twice, two entries of maps.
const SCOPE_BYTES: usize = 512;

/// How much memory a library may use for vectors and ids, in bytes.
pub struct Limits {
    /// All scopes together. Those unused for longest are dropped beyond it.
    pub library_bytes_max: usize,
    /// One scope. What is larger is refused.
    pub scope_bytes_max: usize,
    /// The vectors of a scope that is always scanned whole; beyond it a graph may be used.
    pub scanned_max: usize,
}

impl Default for Limits {
    /// Enough for 100,000 vectors of 384 numbers in one scope.
    fn default() -> Self {
        Self { library_bytes_max: 96 << 20, scope_bytes_max: 96 << 20, scanned_max: 32_768 }
    }
}

/// A scope of an index.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    index: usize,
    name: Rc<str>,
}

/// Vectors of one length, by one model.
struct Index {
    dimensions: usize,
    statistics: Statistics,
    scopes: HashMap<Rc<str>, Scope>,
}

/// All indexes and scopes.
pub struct Library {
    limits: Limits,
    names: HashMap<String, usize>,
    indexes: Vec<Index>,
    /// The scopes by when they were last used.
    order: BTreeMap<u64, Key>,
    clock: u64,
    bytes: usize,
}

impl Library {
    /// No indexes, within these limits.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            names: HashMap::new(),
            indexes: Vec::new(),
            order: BTreeMap::new(),
            clock: 0,
            bytes: 0,
        }
    }

    /// The place of the index with this name; it is made if there is none.
    ///
    /// Fails with `bad-scope` if the name is empty or too long, with `dimensions` if they are out
    /// of range or not what the index has, with `too-many` if there are too many indexes.
    pub fn open(&mut self, name: &str, dimensions: u32) -> Result<usize, Error> {
        if !named(name) {
            return Err(Error::BadScope);
        }
        if let Some(&place) = self.names.get(name) {
            let known = self.indexes[place].dimensions as u32;
            return if known == dimensions { Ok(place) } else { Err(Error::Dimensions(known)) };
        }
        if dimensions == 0 || dimensions > DIMENSIONS_MAX {
            return Err(Error::Dimensions(dimensions));
        }
        if self.indexes.len() >= INDEXES_MAX as usize {
            return Err(Error::TooMany(INDEXES_MAX));
        }
        self.indexes.push(Index {
            dimensions: dimensions as usize,
            statistics: Statistics { scopes: 0, vectors: 0, bytes: 0 },
            scopes: HashMap::new(),
        });
        self.names.insert(name.to_owned(), self.indexes.len() - 1);
        Ok(self.indexes.len() - 1)
    }

    /// The mark of the last insert into a scope.
    pub fn mark(&self, index: usize, scope: &str) -> Option<u64> {
        self.indexes[index].scopes.get(scope)?.mark
    }

    /// Inserts entries and moves the mark. See `loci:search/vectors` for how it fails; nothing is
    /// changed then.
    pub fn insert(
        &mut self,
        index: usize,
        scope: &str,
        entries: &[Entry],
        mark: u64,
    ) -> Result<(), Error> {
        if !named(scope) {
            return Err(Error::BadScope);
        }
        if entries.len() > ENTRIES_MAX as usize {
            return Err(Error::TooMany(ENTRIES_MAX));
        }
        let dimensions = self.indexes[index].dimensions;
        let bad = |entry: &Entry| !sound(&entry.vector, dimensions);
        if let Some(place) = entries.iter().position(bad) {
            return Err(Error::BadVector(place as u32));
        }
        let stride = vector::stride(dimensions);
        let held = self.indexes[index].scopes.get(scope);
        let ids: HashSet<u64> = entries.iter().map(|entry| entry.id).collect();
        let known = |id: &&u64| held.is_some_and(|scope| scope.holds(**id));
        let fresh = ids.len() - ids.iter().filter(known).count();
        let len = held.map_or(0, Scope::len) + fresh;
        if Store::bytes_of(len, stride) > self.limits.scope_bytes_max {
            return Err(Error::ScopeFull(self.limits.scope_bytes_max as u64));
        }
        // Taken out while it changes, so that making room cannot take it.
        let mut taken = self.take(index, scope).unwrap_or_else(|| Scope::new(stride));
        self.make_room(taken.bytes() + Store::bytes_of(fresh, stride) + SCOPE_BYTES);
        taken.insert(entries);
        taken.mark = Some(mark);
        self.put(index, scope.into(), taken);
        self.make_room(0);
        Ok(())
    }

    /// Removes entries, and returns how many there were.
    pub fn remove(&mut self, index: usize, scope: &str, ids: &[u64]) -> u32 {
        let Some(mut taken) = self.take(index, scope) else {
            return 0;
        };
        let removed = taken.remove(ids);
        self.put(index, scope.into(), taken);
        u32::try_from(removed).unwrap_or(u32::MAX)
    }

    /// Drops a scope.
    pub fn drop_scope(&mut self, index: usize, scope: &str) {
        self.take(index, scope);
    }

    /// Finds the entries with the best scores, best first. See `loci:search/vectors` for how it
    /// fails.
    pub fn search(
        &mut self,
        index: usize,
        scopes: &[String],
        query: &[f32],
        most: u32,
    ) -> Result<Vec<Hit>, Error> {
        let mut best = Best::new(most as usize);
        self.look(index, scopes, query, most, &mut best)?;
        Ok(best.into_hits())
    }

    /// Finds all entries that may be among the `most` nearest, best first. See
    /// `loci:search/vectors` for how it fails.
    pub fn candidates(
        &mut self,
        index: usize,
        scopes: &[String],
        query: &[f32],
        most: u32,
    ) -> Result<Vec<Candidate>, Error> {
        let mut possible = Possible::new(most as usize);
        self.look(index, scopes, query, most, &mut possible)?;
        let candidates = possible.into_candidates();
        if candidates.len() > CANDIDATES_MAX as usize {
            return Err(Error::TooMany(CANDIDATES_MAX));
        }
        Ok(candidates)
    }

    /// Shows `sink` what is in these scopes.
    fn look(
        &mut self,
        index: usize,
        scopes: &[String],
        query: &[f32],
        most: u32,
        sink: &mut impl Sink,
    ) -> Result<(), Error> {
        if scopes.len() > SCOPES_MAX as usize {
            return Err(Error::TooMany(SCOPES_MAX));
        }
        if most > HITS_MAX {
            return Err(Error::TooMany(HITS_MAX));
        }
        if scopes.iter().any(|scope| !named(scope)) {
            return Err(Error::BadScope);
        }
        if !sound(query, self.indexes[index].dimensions) {
            return Err(Error::BadVector(0));
        }
        let query = Query::new(query);
        for (number, name) in scopes.iter().enumerate() {
            self.touch(index, name);
            if let Some(scope) = self.indexes[index].scopes.get(name.as_str())
                && let Some(query) = &query
            {
                let scanned_max = self.limits.scanned_max;
                scope.search(query, number as u32, most as usize, scanned_max, sink);
            }
        }
        Ok(())
    }

    /// Compares entries of a scope with a query, and with what the typical ones have in common. See
    /// `loci:search/vectors` for how it fails.
    pub fn compare(
        &mut self,
        index: usize,
        scope: &str,
        query: &[f32],
        ids: &[u64],
        typical: &[u64],
    ) -> Result<Vec<Option<Likeness>>, Error> {
        if !named(scope) {
            return Err(Error::BadScope);
        }
        if ids.len().max(typical.len()) > COMPARED_MAX as usize {
            return Err(Error::TooMany(COMPARED_MAX));
        }
        let dimensions = self.indexes[index].dimensions;
        if !sound(query, dimensions) {
            return Err(Error::BadVector(0));
        }
        self.touch(index, scope);
        let held = self.indexes[index].scopes.get(scope);
        Ok(match (held, Query::new(query)) {
            (Some(held), Some(query)) => held.compare(&query, dimensions, ids, typical),
            _ => vec![None; ids.len()],
        })
    }

    /// Whether a graph would make searches in a scope much shorter.
    pub fn wants_graph(&self, index: usize, scope: &str) -> bool {
        let scope = self.indexes[index].scopes.get(scope);
        scope.is_some_and(|scope| scope.wants_graph(self.limits.scanned_max))
    }

    /// A part of a snapshot of a scope; none beyond the last.
    pub fn snapshot(&self, index: usize, scope: &str, part: u32) -> Option<Vec<u8>> {
        let index = &self.indexes[index];
        index.scopes.get(scope)?.snapshot(index.dimensions as u32, part as usize)
    }

    /// Takes a part of a snapshot into a scope. See `loci:search/vectors` for how it fails; nothing
    /// is changed then.
    pub fn restore(&mut self, index: usize, scope: &str, bytes: &[u8]) -> Result<(), Error> {
        if !named(scope) {
            return Err(Error::BadScope);
        }
        let part = part::open(bytes)?;
        let dimensions = self.indexes[index].dimensions;
        if part.dimensions as usize != dimensions {
            return Err(Error::Dimensions(dimensions as u32));
        }
        let held = self.indexes[index].scopes.get(scope).map_or(0, Scope::bytes);
        if held + bytes.len() > self.limits.scope_bytes_max {
            return Err(Error::ScopeFull(self.limits.scope_bytes_max as u64));
        }
        let taken = self.take(index, scope);
        let mut taken = taken.unwrap_or_else(|| Scope::new(vector::stride(dimensions)));
        self.make_room(taken.bytes() + bytes.len() + SCOPE_BYTES);
        let done = taken.restore(&part);
        self.put(index, scope.into(), taken);
        self.make_room(0);
        done
    }

    /// Says how much an index holds.
    pub fn statistics(&self, index: usize) -> Statistics {
        self.indexes[index].statistics
    }

    /// Takes a scope out of all books.
    fn take(&mut self, index: usize, name: &str) -> Option<Scope> {
        let held = &mut self.indexes[index];
        let scope = held.scopes.remove(name)?;
        held.statistics.scopes -= 1;
        held.statistics.vectors -= scope.len() as u64;
        held.statistics.bytes -= scope.bytes() as u64;
        self.bytes -= scope.bytes() + SCOPE_BYTES;
        self.order.remove(&scope.used);
        Some(scope)
    }

    /// Enters a scope in all books, as the one used last.
    fn put(&mut self, index: usize, name: Rc<str>, mut scope: Scope) {
        self.clock += 1;
        scope.used = self.clock;
        self.bytes += scope.bytes() + SCOPE_BYTES;
        let key = Key { index, name: Rc::clone(&name) };
        self.order.insert(self.clock, key);
        let held = &mut self.indexes[index];
        held.statistics.scopes += 1;
        held.statistics.vectors += scope.len() as u64;
        held.statistics.bytes += scope.bytes() as u64;
        held.scopes.insert(name, scope);
    }

    /// Makes a scope the one used last.
    fn touch(&mut self, index: usize, name: &str) {
        if let Some(scope) = self.indexes[index].scopes.get_mut(name)
            && let Some(key) = self.order.remove(&scope.used)
        {
            self.clock += 1;
            scope.used = self.clock;
            self.order.insert(self.clock, key);
        }
    }

    /// Drops what was unused for longest until this many bytes more fit, or nothing is left but the
    /// scope used last.
    fn make_room(&mut self, bytes: usize) {
        let keep = usize::from(bytes == 0);
        while self.bytes + bytes > self.limits.library_bytes_max && self.order.len() > keep {
            if let Some((_, key)) = self.order.pop_first() {
                self.take(key.index, &key.name);
            }
        }
    }
}

/// Whether a name is one that an index or a scope can have.
fn named(name: &str) -> bool {
    !name.is_empty() && name.len() <= NAME_BYTES_MAX
}

/// Whether a vector can be stored and compared.
fn sound(vector: &[f32], dimensions: usize) -> bool {
    vector.len() == dimensions && vector.iter().all(|x| x.is_finite())
}
