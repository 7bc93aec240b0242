//! Snapshots and graphs that no random sequence comes to: large ones, and damaged ones.

use crate::vectors::{Entry, Error};
use crate::{Library, Limits, build};

const DIMENSIONS: u32 = 24;

/// Numbers without a pattern, the same every time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (self.0 >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    fn vector(&mut self) -> Vec<f32> {
        (0..DIMENSIONS).map(|_| self.next()).collect()
    }
}

/// Vectors in clusters, as those of texts are.
fn entries(count: usize) -> Vec<Entry> {
    let mut numbers = Numbers(7);
    let centres: Vec<Vec<f32>> = (0..40).map(|_| numbers.vector()).collect();
    let near = |(id, centre): (usize, &Vec<f32>)| Entry {
        id: id as u64,
        vector: centre.iter().map(|x| x + 0.7 * numbers.next()).collect(),
    };
    centres.iter().cycle().take(count).enumerate().map(near).collect()
}

fn library(scanned_max: usize) -> Library {
    let mut library = Library::new(Limits { scanned_max, ..Limits::default() });
    assert_eq!(library.open("m", DIMENSIONS), Ok(0));
    library
}

fn filled(scanned_max: usize, count: usize) -> Library {
    let mut library = library(scanned_max);
    for some in entries(count).chunks(1_000) {
        assert_eq!(library.insert(0, "s", some, 1), Ok(()));
    }
    library
}

fn snapshot(library: &Library) -> Vec<Vec<u8>> {
    (0..).map_while(|part| library.snapshot(0, "s", part)).collect()
}

fn restore(library: &mut Library, parts: &[Vec<u8>]) {
    for part in parts {
        assert_eq!(library.restore(0, "s", part), Ok(()));
    }
}

fn nearest(library: &mut Library, query: &[f32]) -> Vec<u64> {
    let hits = library.search(0, &["s".to_owned()], query, 10).unwrap();
    hits.into_iter().map(|hit| hit.id).collect()
}

/// What share of the nearest is found.
fn recall(exact: &mut Library, found: &mut Library) -> f64 {
    let mut numbers = Numbers(11);
    let near = |entry: &Entry| entry.vector.iter().map(|x| x + 0.3 * numbers.next()).collect();
    let queries: Vec<Vec<f32>> = entries(4_000).iter().step_by(37).map(near).collect();
    let both = queries.iter().map(|query| {
        let found = nearest(found, query);
        let exact = nearest(exact, query);
        exact.iter().filter(|id| found.contains(id)).count() as f64 / exact.len() as f64
    });
    both.sum::<f64>() / queries.len() as f64
}

#[test]
fn a_graph_finds_nearly_all_and_survives_a_snapshot() {
    let (mut exact, mut library) = (filled(usize::MAX, 6_000), filled(1_000, 6_000));
    assert!(library.wants_graph(0, "s"));
    let graph = build(&snapshot(&library)).unwrap();
    restore(&mut library, &graph);
    assert!(!library.wants_graph(0, "s"));
    assert!(recall(&mut exact, &mut library) >= 0.99);

    // What is removed and inserted afterwards is so at once, though the graph does not change.
    let gone: Vec<u64> = (0..6_000).step_by(5).collect();
    let mut new = entries(6_500).split_off(6_000);
    new.iter_mut().take(100).for_each(|entry| entry.id -= 6_000);
    for library in [&mut exact, &mut library] {
        assert_eq!(library.remove(0, "s", &gone), 1_200);
        assert_eq!(library.insert(0, "s", &new, 2), Ok(()));
    }
    assert!(recall(&mut exact, &mut library) >= 0.99);

    let mut again = filled(1_000, 0);
    restore(&mut again, &snapshot(&library));
    assert_eq!(again.mark(0, "s"), None);
    assert_eq!(again.statistics(0).vectors, library.statistics(0).vectors);
    assert!(!again.wants_graph(0, "s"));
    assert!(recall(&mut exact, &mut again) >= 0.99);

    // Another fifth of the scope is enough for another graph.
    let more = entries(8_500).split_off(6_500);
    assert_eq!(again.insert(0, "s", &more, 3), Ok(()));
    assert!(again.wants_graph(0, "s"));
}

#[test]
fn a_graph_of_what_is_no_longer_there_is_not_used() {
    let mut library = filled(1_000, 3_000);
    let graph = build(&snapshot(&library)).unwrap();
    let all: Vec<u64> = (0..2_000).collect();
    assert_eq!(library.remove(0, "s", &all), 2_000);
    let before = library.statistics(0).bytes;
    restore(&mut library, &graph);
    assert_eq!(library.statistics(0).bytes, before);
    let mut exact = filled(usize::MAX, 3_000);
    assert_eq!(exact.remove(0, "s", &all), 2_000);
    assert_eq!(recall(&mut exact, &mut library), 1.0);
}

#[test]
fn whatever_is_damaged_is_refused_and_changes_nothing() {
    let library = filled(100, 300);
    let parts = snapshot(&library);
    let graph = build(&parts).unwrap();
    let mut empty = self::library(100);
    for part in parts.iter().chain(&graph) {
        for place in (0..part.len()).step_by(7).chain([part.len() - 1]) {
            let mut damaged = part.clone();
            damaged[place] ^= 0x10;
            // The version stands before what the checksum is of.
            let expected =
                if place == 8 || place == 9 { Error::OtherVersion } else { Error::Damaged };
            assert_eq!(empty.restore(0, "s", &damaged), Err(expected), "byte {place}");
        }
        for length in [0, 1, 7, 8, 20, part.len() - 1] {
            assert_eq!(empty.restore(0, "s", &part[..length]), Err(Error::Damaged));
        }
        let longer = [part.as_slice(), &[0]].concat();
        assert_eq!(empty.restore(0, "s", &longer), Err(Error::Damaged));
        assert_eq!(build(&[part[1..].to_vec()]), Err(Error::Damaged));
    }
    assert_eq!(empty.statistics(0).vectors, 0);
    assert_eq!(empty.open("n", DIMENSIONS + 1), Ok(1));
    assert_eq!(empty.restore(1, "s", &parts[0]), Err(Error::Dimensions(DIMENSIONS + 1)));
    assert_eq!(empty.restore(0, "", &parts[0]), Err(Error::BadScope));
}

#[test]
fn another_version_is_told_from_damage() {
    let mut part = snapshot(&filled(100, 10)).remove(0);
    part[8] = 2;
    let mut library = library(100);
    assert_eq!(library.restore(0, "s", &part), Err(Error::OtherVersion));
    assert_eq!(build(&[part]), Err(Error::OtherVersion));
}

#[test]
fn the_parts_of_a_graph_come_in_order() {
    let mut library = filled(1_000, 5_000);
    let graph = build(&snapshot(&library)).unwrap();
    assert_eq!(graph.len(), 2);
    assert_eq!(library.restore(0, "s", &graph[1]), Err(Error::Damaged));
    assert_eq!(library.restore(0, "s", &graph[0]), Ok(()));
    assert_eq!(library.restore(0, "s", &graph[0]), Ok(()));
    assert!(library.wants_graph(0, "s"));
    assert_eq!(library.restore(0, "s", &graph[1]), Ok(()));
    assert!(!library.wants_graph(0, "s"));
}

#[test]
fn nothing_makes_a_graph_of_nothing() {
    assert_eq!(build(&[]), Err(Error::Damaged));
    let mut library = library(100);
    assert_eq!(library.insert(0, "s", &[], 1), Ok(()));
    assert_eq!(snapshot(&library), Vec::<Vec<u8>>::new());
    let zeros: Vec<Entry> = (0..3).map(|id| Entry { id, vector: vec![0.0; 24] }).collect();
    assert_eq!(library.insert(0, "s", &zeros, 1), Ok(()));
    let parts = snapshot(&library);
    assert_eq!(build(&parts), Ok(Vec::new()));
    let mut again = self::library(100);
    restore(&mut again, &parts);
    assert_eq!(again.statistics(0).vectors, 3);
}
