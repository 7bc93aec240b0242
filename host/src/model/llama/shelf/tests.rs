use std::time::{Duration, Instant};

use super::*;

const MODEL: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const OTHER: &str = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";

fn parked(seed: u8, bytes: usize) -> Parked {
    let tokens = (0..40).map(|n| LlamaToken(n * i32::from(seed))).collect();
    Parked { tokens, state: (0..bytes).map(|n| (n as u8).wrapping_mul(seed)).collect() }
}

/// Waits until this many files are written.
fn written(shelf: &Shelf, count: usize) {
    let deadline = Instant::now() + Duration::from_secs(60);
    let finished = || {
        let files = fs::read_dir(&shelf.folder).expect("it can be read").flatten();
        files.filter(|file| file.path().extension().is_some_and(|it| it == EXTENSION)).count()
    };
    while finished() != count || shelf.entries.iter().any(|it| it.unwritten.strong_count() > 0) {
        assert!(Instant::now() < deadline, "there are {} files", finished());
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn what_is_taken_is_what_was_put_before_and_after_it_is_written() {
    let states = tempfile::tempdir().expect("a folder");
    let mut shelf = Shelf::open(states.path(), MODEL).expect("it opens");
    shelf.put("a", parked(3, 1_000));
    assert_eq!(shelf.take("a"), Some(parked(3, 1_000)), "in whatever state the file is");
    assert_eq!(shelf.take("a"), None);
    shelf.put("b", parked(5, 100_000));
    written(&shelf, 1);
    assert_eq!(shelf.take("b"), Some(parked(5, 100_000)));
    written(&shelf, 0);
    assert_eq!(shelf.bytes, 0);
}

#[test]
fn a_restart_finds_what_was_written_and_no_other_model_does() {
    let states = tempfile::tempdir().expect("a folder");
    let mut shelf = Shelf::open(states.path(), MODEL).expect("it opens");
    shelf.put("a", parked(3, 1_000));
    written(&shelf, 1);
    let folder = shelf.folder.clone();
    fs::write(folder.join("half.part"), "half").expect("it can be written");
    drop(shelf);
    let mut again = Shelf::open(states.path(), MODEL).expect("it opens");
    assert!(!folder.join("half.part").exists(), "what was not finished is removed");
    assert_eq!(again.take("a"), Some(parked(3, 1_000)));
    again.put("a", parked(3, 1_000));
    written(&again, 1);
    drop(again);
    let mut other = Shelf::open(states.path(), OTHER).expect("it opens");
    assert_eq!(other.take("a"), None);
    assert!(!folder.exists(), "states of another model are removed");
}

#[test]
fn a_damaged_file_is_not_used() {
    let states = tempfile::tempdir().expect("a folder");
    let mut shelf = Shelf::open(states.path(), MODEL).expect("it opens");
    shelf.put("a", parked(3, 1_000));
    written(&shelf, 1);
    let path = shelf.path(&name_of("a"));
    let whole = fs::read(&path).expect("it can be read");
    assert!(decode(&whole, MODEL, &name_of("a")).is_ok());
    for at in (0..whole.len()).step_by(37) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        assert!(decode(&bytes, MODEL, &name_of("a")).is_err(), "byte {at} may be anything");
        assert!(decode(&whole[..at], MODEL, &name_of("a")).is_err(), "cut off at {at}");
    }
    assert!(decode(&whole, OTHER, &name_of("a")).is_err());
    assert!(decode(&whole, MODEL, &name_of("b")).is_err());
    fs::write(&path, &whole[..whole.len() - 1]).expect("it can be written");
    assert_eq!(shelf.take("a"), None);
    written(&shelf, 0);
}

#[test]
fn what_is_forgotten_leaves_no_file() {
    let states = tempfile::tempdir().expect("a folder");
    let mut shelf = Shelf::open(states.path(), MODEL).expect("it opens");
    for round in 0..20 {
        shelf.put("a", parked(3, 10_000));
        if round % 2 == 0 {
            written(&shelf, 1);
        }
        shelf.forget("a");
    }
    written(&shelf, 0);
    shelf.put("a", parked(3, 1_000));
    written(&shelf, 1);
    forget(states.path(), "another");
    written(&shelf, 1);
    forget(states.path(), "a");
    written(&shelf, 0);
    assert_eq!(shelf.take("a"), None);
}

#[test]
fn states_bear_the_version_of_llama_cpp_that_wrote_them() {
    let dependencies = include_str!("../../../../Cargo.toml");
    let pinned = format!("llama-cpp-sys-2 = {{ version = \"={LLAMA_CPP}\"");
    assert!(dependencies.contains(&pinned), "`LLAMA_CPP` is not what `Cargo.toml` pins");
}

#[test]
fn the_oldest_make_room() {
    let states = tempfile::tempdir().expect("a folder");
    let mut shelf = Shelf::open(states.path(), MODEL).expect("it opens");
    shelf.bytes_max = 3_000;
    for (count, thread) in (1..).zip(["a", "b"]) {
        shelf.put(thread, parked(3, 1_000));
        written(&shelf, count);
    }
    shelf.put("c", parked(3, 1_000));
    assert_eq!(shelf.take("a"), None, "it was the oldest");
    assert!(shelf.take("b").is_some() && shelf.take("c").is_some());
    shelf.put("d", parked(3, 10_000));
    assert_eq!(shelf.take("d"), None, "it is larger than all there is room for");
}
