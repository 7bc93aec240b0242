//! The state of conversations on disk.

use std::fs;
use std::time::Instant;

use super::*;

/// More than there are slots.
const THREADS: usize = 10;
/// How many conversations have slots.
const SLOTS: usize = 4;

/// How many states are on disk.
fn files(states: &Path) -> usize {
    let folders = fs::read_dir(states).expect("it can be read").flatten();
    let files = folders.flat_map(|folder| fs::read_dir(folder.path()).expect("a folder").flatten());
    files.filter(|file| file.path().extension().is_some_and(|it| it == "state")).count()
}

fn wait_for(states: &Path, count: usize) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while files(states) != count {
        assert!(Instant::now() < deadline, "{} of {count} states are there", files(states));
        thread::sleep(Duration::from_millis(2));
    }
}

fn said(index: usize) -> String {
    format!("This is what thread {index} asked in its first turn, and it is worth keeping.")
}

fn options(index: usize) -> Options {
    Options { thread: format!("thread {index}"), ..greedy(8) }
}

#[test]
fn states_outlive_memory_and_restarts_but_not_their_sessions() {
    let folder = tempfile::tempdir().expect("a folder");
    let states = folder.path().join("states");
    let path = folder.path().join("model.gguf");
    TinyGguf::chat().write(&path).expect("it can be written");
    let setup = || Setup {
        context_tokens: Some(1_024),
        slots: Some(SLOTS as u32),
        states: Some(states.clone()),
        state_memory_bytes: Some(0),
        ..Setup::default()
    };
    let load = || {
        let chat = LlamaChat::load(path.clone(), setup());
        assert_eq!(settle(&chat), State::Ready);
        chat
    };
    let chat = load();
    run(async {
        let mut firsts = Vec::new();
        for index in 0..THREADS {
            firsts.push(answer(&chat, turns(&[&said(index)]), options(index)).await);
            wait_for(&states, (index + 1).saturating_sub(SLOTS));
        }
        // One that is on disk, and is answered as if it had never been away.
        let prompt = turns(&[&said(0), &firsts[0].0, "And then?"]);
        let (reused, outcome) = answer(&chat, prompt.clone(), options(0)).await;
        assert!(outcome.cached_tokens >= firsts[0].1.prompt_tokens, "{outcome:?}");
        let (fresh, outcome) = answer(&chat, prompt, greedy(8)).await;
        assert_eq!(outcome.cached_tokens, 0);
        assert_eq!(reused, fresh);

        // The conversation without a name has a slot; each thread has one of the others, or a file.
        let written = THREADS - (SLOTS - 1);
        wait_for(&states, written);
        chat.forget("thread 1".into()).await;
        wait_for(&states, written - 1);
        let (_, outcome) = answer(&chat, turns(&[&said(1)]), options(1)).await;
        assert_eq!(outcome.cached_tokens, 0);
    });
    drop(chat);

    let chat = load();
    run(async {
        let (_, outcome) = answer(&chat, turns(&[&said(2)]), options(2)).await;
        assert!(outcome.cached_tokens > 0, "a restart finds what was written");
        let left = files(&states);
        assert!(left > 0);
        for index in 0..THREADS {
            chat.forget(format!("thread {index}")).await;
        }
        wait_for(&states, 0);
    });
}
