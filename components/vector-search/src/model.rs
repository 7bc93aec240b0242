//! Random sequences of operations, against a model that is too simple to be wrong.

use std::collections::{BTreeMap, HashMap};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::vectors::{Candidate, Entry, Error, Hit};
use crate::{Library, Limits, build};

const DIMENSIONS: [u32; 2] = [3, 19];
const SCOPES: [&str; 4] = ["a", "b", "c", "d"];
/// Few, so that graphs are used.
const SCANNED_MAX: usize = 8;

#[derive(Clone, Debug)]
enum Operation {
    Insert(usize, usize, Vec<(u64, Vec<i8>)>, u64),
    Remove(usize, usize, Vec<u64>),
    Drop(usize, usize),
    /// Everything is lost but a snapshot, which is then taken in; the mark is moved.
    Reload(usize, usize, u64),
    /// A graph is made of what is there.
    Build(usize, usize),
    /// The graph that was made last is taken in, whatever has happened since.
    Adopt(usize, usize),
    Search(usize, Vec<usize>, Vec<i8>, u32),
    /// The query, what is compared with it, and what is typical.
    Compare(usize, usize, Vec<i8>, Vec<u64>, Vec<u64>),
}

/// Few ids and small numbers, so that replacing, ties and zeros are common.
fn operation() -> impl Strategy<Value = Operation> {
    let numbers = || vec(-2..=2_i8, 19);
    let entries = vec((0..40_u64, numbers()), 0..24);
    let (index, scope) = (0..2_usize, 0..4_usize);
    prop_oneof![
        4 => (index.clone(), scope.clone(), entries, any::<u64>())
            .prop_map(|(index, scope, entries, mark)| {
                Operation::Insert(index, scope, entries, mark)
            }),
        2 => (index.clone(), scope.clone(), vec(0..40_u64, 0..30))
            .prop_map(|(index, scope, ids)| Operation::Remove(index, scope, ids)),
        1 => (index.clone(), scope.clone())
            .prop_map(|(index, scope)| Operation::Drop(index, scope)),
        1 => (index.clone(), scope.clone(), any::<u64>())
            .prop_map(|(index, scope, mark)| Operation::Reload(index, scope, mark)),
        2 => (index.clone(), scope.clone())
            .prop_map(|(index, scope)| Operation::Build(index, scope)),
        2 => (index.clone(), scope.clone())
            .prop_map(|(index, scope)| Operation::Adopt(index, scope)),
        2 => (index.clone(), scope.clone(), numbers(), vec(0..40_u64, 0..9), vec(0..40_u64, 0..5))
            .prop_map(|(index, scope, query, ids, typical)| {
                Operation::Compare(index, scope, query, ids, typical)
            }),
        4 => (index, vec(scope, 0..5), numbers(), select(vec![0, 1, 3, 10, 1_024]))
            .prop_map(|(index, scopes, query, most)| {
                Operation::Search(index, scopes, query, most)
            }),
    ]
}

/// One scope as the model sees it.
#[derive(Default)]
struct Held {
    used: u64,
    mark: u64,
    vectors: BTreeMap<u64, Vec<f32>>,
}

struct Model {
    library: Library,
    limit: Option<u64>,
    clock: u64,
    held: HashMap<(usize, usize), Held>,
    built: HashMap<(usize, usize), Vec<Vec<u8>>>,
}

fn floats(index: usize, numbers: &[i8]) -> Vec<f32> {
    let count = DIMENSIONS[index] as usize;
    numbers[..count].iter().map(|&x| f32::from(x)).collect()
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

impl Model {
    fn new(limit: Option<usize>) -> Self {
        let limits = Limits {
            library_bytes_max: limit.unwrap_or(usize::MAX),
            scope_bytes_max: usize::MAX,
            scanned_max: SCANNED_MAX,
        };
        let mut library = Library::new(limits);
        for (place, &dimensions) in DIMENSIONS.iter().enumerate() {
            assert_eq!(library.open(&format!("index {place}"), dimensions), Ok(place));
        }
        Self {
            library,
            limit: limit.map(|bytes| bytes as u64),
            clock: 0,
            held: HashMap::new(),
            built: HashMap::new(),
        }
    }

    fn apply(&mut self, operation: &Operation) {
        self.clock += 1;
        match operation {
            Operation::Insert(index, scope, entries, mark) => {
                self.insert(*index, *scope, entries, *mark);
            }
            Operation::Remove(index, scope, ids) => self.remove(*index, *scope, ids),
            Operation::Drop(index, scope) => {
                self.library.drop_scope(*index, SCOPES[*scope]);
                self.held.remove(&(*index, *scope));
            }
            Operation::Reload(index, scope, mark) => self.reload(*index, *scope, *mark),
            Operation::Build(index, scope) => {
                let graph = build(&snapshot(&self.library, *index, SCOPES[*scope]));
                self.built.insert((*index, *scope), graph.unwrap_or_default());
            }
            Operation::Adopt(index, scope) => self.adopt(*index, *scope),
            Operation::Search(index, scopes, query, most) => {
                self.search(*index, scopes, &floats(*index, query), *most);
            }
            Operation::Compare(index, scope, query, ids, typical) => {
                self.compare(*index, *scope, &floats(*index, query), ids, typical);
            }
        }
        self.see_what_was_dropped(operation);
        self.check_statistics();
    }

    fn insert(&mut self, index: usize, scope: usize, entries: &[(u64, Vec<i8>)], mark: u64) {
        let entries: Vec<Entry> = entries
            .iter()
            .map(|(id, numbers)| Entry { id: *id, vector: floats(index, numbers) })
            .collect();
        let done = self.library.insert(index, SCOPES[scope], &entries, mark);
        assert_eq!(done, Ok(()));
        let held = self.held.entry((index, scope)).or_default();
        held.mark = mark;
        held.used = self.clock;
        held.vectors.extend(entries.into_iter().map(|entry| (entry.id, entry.vector)));
    }

    fn remove(&mut self, index: usize, scope: usize, ids: &[u64]) {
        let removed = self.library.remove(index, SCOPES[scope], ids);
        let mut expected = 0;
        if let Some(held) = self.held.get_mut(&(index, scope)) {
            held.used = self.clock;
            for id in ids {
                expected += u32::from(held.vectors.remove(id).is_some());
            }
        }
        assert_eq!(removed, expected);
    }

    /// The index is lost, as in a crash, and comes back from what was saved.
    fn reload(&mut self, index: usize, scope: usize, mark: u64) {
        let parts = snapshot(&self.library, index, SCOPES[scope]);
        let Some(held) = self.held.get_mut(&(index, scope)) else {
            assert!(parts.is_empty());
            return;
        };
        held.mark = mark;
        held.used = self.clock;
        self.library.drop_scope(index, SCOPES[scope]);
        for part in parts {
            assert_eq!(self.library.restore(index, SCOPES[scope], &part), Ok(()));
        }
        assert_eq!(self.library.insert(index, SCOPES[scope], &[], mark), Ok(()));
    }

    /// A graph for a scope that is gone is no graph of anything.
    fn adopt(&mut self, index: usize, scope: usize) {
        let Some(held) = self.held.get_mut(&(index, scope)) else {
            return;
        };
        for part in self.built.get(&(index, scope)).into_iter().flatten() {
            held.used = self.clock;
            assert_eq!(self.library.restore(index, SCOPES[scope], part), Ok(()));
        }
    }

    fn search(&mut self, index: usize, scopes: &[usize], query: &[f32], most: u32) {
        let names: Vec<String> = scopes.iter().map(|&scope| SCOPES[scope].into()).collect();
        let hits = self.library.search(index, &names, query, most).unwrap();
        let mut candidates = HashMap::new();
        for (number, &scope) in scopes.iter().enumerate() {
            let Some(held) = self.held.get_mut(&(index, scope)) else {
                continue;
            };
            // Scopes are used in the order in which they are searched.
            self.clock += 1;
            held.used = self.clock;
            for (&id, vector) in &held.vectors {
                let lengths = dot(vector, vector) * dot(query, query);
                if lengths > 0.0 {
                    let cosine = dot(vector, query) / lengths.sqrt();
                    candidates.insert((number as u32, id), cosine);
                }
            }
        }
        check_hits(&hits, &candidates, most as usize);
        let found = self.library.candidates(index, &names, query, most).unwrap();
        // The scopes are used once more, in the same order.
        for &scope in scopes {
            if let Some(held) = self.held.get_mut(&(index, scope)) {
                self.clock += 1;
                held.used = self.clock;
            }
        }
        check_candidates(&found, &candidates, most as usize);
    }

    fn compare(&mut self, index: usize, scope: usize, query: &[f32], ids: &[u64], of: &[u64]) {
        let told = self.library.compare(index, SCOPES[scope], query, ids, of).unwrap();
        let nothing = BTreeMap::new();
        let vectors = match self.held.get_mut(&(index, scope)) {
            Some(held) => {
                held.used = self.clock;
                &held.vectors
            }
            None => &nothing,
        };
        let directed = |id: &u64| vectors.get(id).filter(|vector| dot(vector, vector) > 0.0);
        let typical: Vec<&Vec<f32>> = of.iter().filter_map(directed).collect();
        assert_eq!(told.len(), ids.len());
        for (id, told) in ids.iter().zip(told) {
            let vector = directed(id).filter(|_| dot(query, query) > 0.0);
            assert_eq!(told.is_some(), vector.is_some());
            let Some((told, vector)) = told.zip(vector) else { continue };
            assert!((f64::from(told.score) - cosine(query, vector)).abs() < TOLERANCE);
            let sum: f64 = typical.iter().map(|other| cosine(other, vector)).sum();
            let common = sum / typical.len().max(1) as f64;
            assert!((f64::from(told.common) - common).abs() < 2.0 * TOLERANCE, "{common}");
        }
    }

    /// Scopes go only to make room for an insert, and those unused for longest go first.
    fn see_what_was_dropped(&mut self, operation: &Operation) {
        let (library, held) = (&self.library, &mut self.held);
        let (mut dropped, mut oldest) = (0, u64::MAX);
        held.retain(|&(index, scope), held| match library.mark(index, SCOPES[scope]) {
            Some(mark) => {
                assert_eq!(mark, held.mark);
                oldest = oldest.min(held.used);
                true
            }
            None => {
                dropped = dropped.max(held.used);
                false
            }
        });
        if dropped > 0 {
            let grows = |operation: &Operation| {
                matches!(
                    operation,
                    Operation::Insert(..) | Operation::Reload(..) | Operation::Adopt(..)
                )
            };
            assert!(grows(operation));
            assert!(self.limit.is_some() && dropped < oldest);
        }
    }

    fn check_statistics(&self) {
        let mut bytes = 0;
        for index in 0..DIMENSIONS.len() {
            let statistics = self.library.statistics(index);
            let mine = || self.held.iter().filter(move |(key, _)| key.0 == index);
            assert_eq!(statistics.scopes, mine().count() as u64);
            let vectors: usize = mine().map(|(_, held)| held.vectors.len()).sum();
            assert_eq!(statistics.vectors, vectors as u64);
            bytes += statistics.bytes;
        }
        if self.held.len() > 1 {
            assert!(self.limit.is_none_or(|limit| bytes <= limit));
        }
    }
}

/// All parts of a snapshot.
fn snapshot(library: &Library, index: usize, scope: &str) -> Vec<Vec<u8>> {
    (0..).map_while(|part| library.snapshot(index, scope, part)).collect()
}

/// How far a score may be from the cosine, at these few dimensions: half a 127th for each number.
const TOLERANCE: f64 = 0.02;

type Cosines = HashMap<(u32, u64), f64>;

fn check_hits(hits: &[Hit], cosines: &Cosines, most: usize) {
    let mut missed = cosines.clone();
    assert_eq!(hits.len(), cosines.len().min(most));
    for hit in hits {
        let cosine = missed.remove(&(hit.scope, hit.id));
        let cosine = cosine.expect("a hit is of the scope, and there once");
        assert!((f64::from(hit.score) - cosine).abs() < TOLERANCE);
    }
    assert!(hits.is_sorted_by(|a, b| {
        a.score > b.score || (a.score == b.score && (a.scope, a.id) < (b.scope, b.id))
    }));
    if let Some(worst) = hits.last() {
        let missed = missed.values().copied().fold(-1.0, f64::max);
        assert!(missed < f64::from(worst.score) + 2.0 * TOLERANCE);
    }
}

/// Whatever reaches the cosine of the last of the best is a candidate, and its cosine is within the
/// slack of its score.
fn check_candidates(found: &[Candidate], cosines: &Cosines, most: usize) {
    let mut missed = cosines.clone();
    for one in found {
        let cosine = missed.remove(&(one.scope, one.id));
        let cosine = cosine.expect("a candidate is of the scope, and there once");
        assert!((f64::from(one.score) - cosine).abs() <= f64::from(one.slack));
        assert!(f64::from(one.slack) < TOLERANCE);
    }
    let mut best: Vec<f64> = cosines.values().copied().collect();
    best.sort_by(|a, b| b.total_cmp(a));
    if let Some(last) = best.get(..most).map_or(best.last(), <[f64]>::last) {
        assert!(missed.values().all(|cosine| most == 0 || cosine < last));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_is_as_the_model_says(operations in vec(operation(), 1..60)) {
        let mut model = Model::new(None);
        for operation in &operations {
            model.apply(operation);
        }
    }

    #[test]
    fn little_memory_drops_what_was_unused_for_longest(
        operations in vec(operation(), 1..60),
        limit in 2_000..12_000_usize,
    ) {
        let mut model = Model::new(Some(limit));
        for operation in &operations {
            model.apply(operation);
        }
    }
}

fn entry(id: u64, vector: &[f32]) -> Entry {
    Entry { id, vector: vector.to_vec() }
}

fn library(scope_bytes_max: usize) -> Library {
    let mut library = Library::new(Limits { scope_bytes_max, ..Limits::default() });
    assert_eq!(library.open("m", 2), Ok(0));
    library
}

#[test]
fn an_index_is_opened_by_name_and_keeps_its_dimensions() {
    let mut library = library(usize::MAX);
    assert_eq!(library.open("m", 2), Ok(0));
    assert_eq!(library.open("n", 3), Ok(1));
    assert_eq!(library.open("m", 3), Err(Error::Dimensions(2)));
    assert_eq!(library.open("o", 0), Err(Error::Dimensions(0)));
    assert_eq!(library.open("o", 4_097), Err(Error::Dimensions(4_097)));
    assert_eq!(library.open("", 2), Err(Error::BadScope));
    assert_eq!(library.open(&"o".repeat(129), 2), Err(Error::BadScope));
    for number in 2..64 {
        assert_eq!(library.open(&number.to_string(), 4_096), Ok(number));
    }
    assert_eq!(library.open("65th", 2), Err(Error::TooMany(64)));
}

#[test]
fn what_is_refused_changes_nothing() {
    let mut library = library(8_000);
    let good = entry(1, &[1.0, 0.0]);
    assert_eq!(library.insert(0, "s", std::slice::from_ref(&good), 7), Ok(()));
    let mut refused = |scope: &str, entries: &[Entry]| library.insert(0, scope, entries, 8);
    let short = entry(2, &[1.0]);
    assert_eq!(refused("s", &[good.clone(), short]), Err(Error::BadVector(1)));
    assert_eq!(refused("s", &[entry(2, &[f32::NAN, 0.0])]), Err(Error::BadVector(0)));
    assert_eq!(refused("", &[]), Err(Error::BadScope));
    assert_eq!(refused(&"s".repeat(129), &[]), Err(Error::BadScope));
    let many = vec![good.clone(); 4_097];
    assert_eq!(refused("s", &many), Err(Error::TooMany(4_096)));
    let large: Vec<Entry> = (2..1_000).map(|id| entry(id, &[1.0, 1.0])).collect();
    assert_eq!(refused("s", &large), Err(Error::ScopeFull(8_000)));
    assert_eq!(library.mark(0, "s"), Some(7));
    assert_eq!(library.statistics(0).vectors, 1);
    // Replacing needs no room.
    assert_eq!(library.insert(0, "s", &many[..4_096], 9), Ok(()));
}

#[test]
fn a_search_is_refused_beyond_its_limits() {
    let mut library = library(usize::MAX);
    let scope = || "s".to_owned();
    let query = [1.0, 0.0];
    let many = vec![scope(); 257];
    assert_eq!(library.search(0, &many, &query, 1), Err(Error::TooMany(256)));
    assert_eq!(library.search(0, &[scope()], &query, 1_025), Err(Error::TooMany(1_024)));
    assert_eq!(library.search(0, &[String::new()], &query, 1), Err(Error::BadScope));
    assert_eq!(library.search(0, &[scope()], &[1.0], 1), Err(Error::BadVector(0)));
    let endless = [f32::INFINITY, 0.0];
    assert_eq!(library.search(0, &[scope()], &endless, 1), Err(Error::BadVector(0)));
    assert_eq!(library.search(0, &[scope()], &query, 1_024), Ok(Vec::new()));
    let compare = |library: &mut Library, scope: &str, query: &[f32], ids: &[u64]| {
        let told = library.compare(0, scope, query, ids, &[]);
        assert_eq!(told.is_ok(), library.compare(0, scope, query, &[], ids).is_ok());
        told
    };
    assert_eq!(compare(&mut library, "s", &query, &[0; 4_097]), Err(Error::TooMany(4_096)));
    let told = compare(&mut library, "s", &query, &[0; 4_096]);
    assert_eq!(told.map(|told| told.len()), Ok(4_096));
    assert_eq!(library.compare(0, "", &query, &[1], &[]), Err(Error::BadScope));
    assert_eq!(library.compare(0, "s", &endless, &[1], &[]), Err(Error::BadVector(0)));
}

#[test]
fn a_scope_without_entries_is_known_to_be_loaded() {
    let mut library = library(usize::MAX);
    assert_eq!(library.mark(0, "s"), None);
    assert_eq!(library.insert(0, "s", &[], 3), Ok(()));
    assert_eq!(library.mark(0, "s"), Some(3));
}
