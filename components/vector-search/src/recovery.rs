//! Random histories of an index that is lost again and again, and comes back as its callers bring
//! it back: from a snapshot, whole or not, and from the rows that are the truth.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;

use crate::vectors::{Entry, Error};
use crate::{Library, Limits, build};

const DIMENSIONS: u32 = 5;
/// Few, so that graphs are used.
const SCANNED_MAX: usize = 8;
const SCOPE: &str = "s";

/// What has become of a part of a snapshot.
#[derive(Clone, Copy, Debug)]
enum Damage {
    /// Only its beginning was written.
    Torn(usize),
    /// A bit fell over.
    Flipped(usize),
    /// Another version wrote it.
    OtherVersion,
    /// It is not there.
    Missing,
}

#[derive(Clone, Debug)]
enum Step {
    /// Rows are stored, and come into the index with the next search.
    Store(Vec<(u64, Vec<i8>)>),
    /// Rows are deleted, and so is what the index holds of them.
    Delete(Vec<u64>),
    /// A snapshot is written. Rows are stored and deleted after its first part.
    Save(Vec<(u64, Vec<i8>)>, Vec<u64>),
    /// A graph is made, and taken in.
    Merge,
    /// The index is lost, and a part of the snapshot may be damaged.
    Crash(Option<(usize, Damage)>),
}

fn step() -> impl Strategy<Value = Step> {
    let rows = || vec((0..60_u64, vec(-2..=2_i8, DIMENSIONS as usize)), 0..16);
    let ids = || vec(0..60_u64, 0..12);
    let damage = prop_oneof![
        any::<usize>().prop_map(Damage::Torn),
        any::<usize>().prop_map(Damage::Flipped),
        Just(Damage::OtherVersion),
        Just(Damage::Missing),
    ];
    prop_oneof![
        4 => rows().prop_map(Step::Store),
        2 => ids().prop_map(Step::Delete),
        2 => (rows(), ids()).prop_map(|(rows, ids)| Step::Save(rows, ids)),
        2 => Just(Step::Merge),
        3 => prop::option::of((0..4_usize, damage)).prop_map(Step::Crash),
    ]
}

/// The rows, what is saved, and the index that is under test.
struct World {
    library: Library,
    /// Vectors by id, with the number that rises with every row.
    rows: BTreeMap<u64, (u64, Vec<f32>)>,
    last: u64,
    /// Ids that a snapshot may hold although their rows are gone.
    removed: BTreeSet<u64>,
    /// How far the snapshot goes, and its parts.
    saved: Option<(u64, Vec<Vec<u8>>)>,
}

fn empty() -> Library {
    let mut library = Library::new(Limits { scanned_max: SCANNED_MAX, ..Limits::default() });
    assert_eq!(library.open("m", DIMENSIONS), Ok(0));
    library
}

impl World {
    fn new() -> Self {
        let (rows, removed) = (BTreeMap::new(), BTreeSet::new());
        Self { library: empty(), rows, last: 0, removed, saved: None }
    }

    fn apply(&mut self, step: &Step) {
        match step {
            Step::Store(rows) => self.store(rows),
            Step::Delete(ids) => self.delete(ids),
            Step::Save(rows, ids) => self.save(rows, ids),
            Step::Merge => {
                for part in build(&self.parts(0)).unwrap_or_default() {
                    assert_eq!(self.library.restore(0, SCOPE, &part), Ok(()));
                }
            }
            Step::Crash(damage) => {
                self.library = empty();
                if let (Some((at, damage)), Some((_, parts))) = (damage, &mut self.saved) {
                    damaged(parts, *at, *damage);
                }
            }
        }
    }

    fn store(&mut self, rows: &[(u64, Vec<i8>)]) {
        for (id, numbers) in rows {
            self.last += 1;
            let vector = numbers.iter().map(|&number| f32::from(number)).collect();
            self.rows.insert(*id, (self.last, vector));
            self.removed.remove(id);
        }
    }

    fn delete(&mut self, ids: &[u64]) {
        for id in ids {
            if self.rows.remove(id).is_some() {
                self.removed.insert(*id);
            }
        }
        self.library.remove(0, SCOPE, ids);
    }

    /// The parts of a snapshot from one on.
    fn parts(&self, first: u32) -> Vec<Vec<u8>> {
        (first..).map_while(|part| self.library.snapshot(0, SCOPE, part)).collect()
    }

    fn save(&mut self, rows: &[(u64, Vec<i8>)], ids: &[u64]) {
        self.fill();
        let mark = self.library.mark(0, SCOPE).expect("it was filled");
        let mut parts: Vec<Vec<u8>> = self.library.snapshot(0, SCOPE, 0).into_iter().collect();
        self.store(rows);
        self.delete(ids);
        self.fill();
        parts.extend(self.parts(1));
        self.saved = (!parts.is_empty()).then_some((mark, parts));
    }

    /// Brings what is missing into the index: the snapshot, if the index knows nothing, without
    /// what was removed since; then the rows that are newer.
    fn fill(&mut self) {
        let mut known = self.library.mark(0, SCOPE);
        if known.is_none()
            && let Some((mark, parts)) = self.saved.take()
        {
            let unusable = |part: &Vec<u8>| match self.library.restore(0, SCOPE, part) {
                Err(error) => {
                    assert!(matches!(error, Error::Damaged | Error::OtherVersion), "{error:?}");
                    true
                }
                Ok(()) => false,
            };
            let is_whole = !parts.iter().any(unusable);
            let removed: Vec<u64> = self.removed.iter().copied().collect();
            self.library.remove(0, SCOPE, &removed);
            if is_whole {
                assert_eq!(self.library.insert(0, SCOPE, &[], mark), Ok(()));
                known = Some(mark);
                self.saved = Some((mark, parts));
            }
        }
        let newer = |(id, (seq, vector)): (&u64, &(u64, Vec<f32>))| {
            (*seq > known.unwrap_or(0)).then(|| Entry { id: *id, vector: vector.clone() })
        };
        let entries: Vec<Entry> = self.rows.iter().filter_map(newer).collect();
        assert_eq!(self.library.insert(0, SCOPE, &entries, self.last), Ok(()));
    }

    /// The index finds every row by its own vector, with what it is now, and nothing else.
    fn check(&mut self) {
        self.fill();
        assert_eq!(self.library.statistics(0).vectors, self.rows.len() as u64);
        let searched = [SCOPE.to_owned()];
        let directed: Vec<(u64, Vec<f32>)> = self
            .rows
            .iter()
            .filter(|(_, (_, vector))| vector.iter().any(|number| *number != 0.0))
            .map(|(id, (_, vector))| (*id, vector.clone()))
            .collect();
        for (id, vector) in &directed {
            let hits = self.library.candidates(0, &searched, vector, 1_024).unwrap();
            assert_eq!(hits.len(), directed.len());
            let own = hits.iter().find(|hit| hit.id == *id).expect("a row is found");
            assert!(own.score + own.slack >= 0.999, "{own:?} is not what row {id} is");
        }
    }
}

/// Damages a part, if there is such a part and earlier damage left its head.
fn damaged(parts: &mut [Vec<u8>], at: usize, damage: Damage) {
    let Some(part) = parts.get_mut(at).filter(|part| part.len() > 8) else { return };
    match damage {
        Damage::Torn(length) => part.truncate(length % part.len()),
        Damage::Flipped(place) => {
            let place = place % part.len();
            part[place] ^= 1;
        }
        Damage::OtherVersion => part[8] = part[8].wrapping_add(1),
        // A part that is not there is as one of which nothing was written.
        Damage::Missing => part.clear(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_crash_loses_or_resurrects_a_vector(steps in vec(step(), 1..40)) {
        let mut world = World::new();
        for step in &steps {
            world.apply(step);
            world.check();
        }
    }

    #[test]
    fn crashes_that_follow_each_other_do_not_either(
        steps in vec(step(), 1..40),
        checked in any::<u64>(),
    ) {
        let mut world = World::new();
        for (number, step) in steps.iter().enumerate() {
            world.apply(step);
            if checked >> (number % 64) & 1 == 1 {
                world.check();
            }
        }
        world.check();
    }
}
