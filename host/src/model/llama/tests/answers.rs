//! What the engine answers, to one and to many.

use futures::future::join_all;

use super::*;
use crate::model::Finish;
use loci_tests::tiny_gguf::CHATML;

const SAID: [&str; 6] = ["I", " am", " a", " test", " model", "."];

fn in_thread(thread: &str, options: Options) -> Options {
    Options { thread: thread.into(), ..options }
}

#[test]
fn the_model_says_what_its_weights_say() {
    let model = load(&TinyGguf::says(&SAID), 1_024);
    run(async {
        let (text, outcome) = answer(&model.chat, turns(&["Who are you?"]), Options::new(50)).await;
        assert_eq!(text, "I am a test model.");
        assert_eq!((outcome.finish, outcome.reply_tokens), (Finish::Stop, 6));
        let (text, outcome) = answer(&model.chat, turns(&["Who are you?"]), Options::new(3)).await;
        assert_eq!(text, "I am a");
        assert_eq!((outcome.finish, outcome.reply_tokens), (Finish::Length, 3));
        let stop = Options { stop: vec!["a test".into()], ..Options::new(50) };
        let (text, outcome) = answer(&model.chat, turns(&["Who are you?"]), stop).await;
        assert_eq!((text.as_str(), outcome.finish), ("I am ", Finish::Stop));
    });
}

#[test]
fn a_thought_that_the_template_begins_has_its_mark() {
    let template = format!("{CHATML}{{{{ '<think>\\n' }}}}");
    let gguf = TinyGguf { template: Some(template), ..TinyGguf::says(&SAID) };
    let model = load(&gguf, 1_024);
    run(async {
        let (text, outcome) = answer(&model.chat, turns(&["Who are you?"]), Options::new(50)).await;
        assert_eq!((text.as_str(), outcome.reply_tokens), ("<think>I am a test model.", 6));
        let text = Prompt::Text(vec!["Who are you?\n".to_owned()]);
        let (text, _) = answer(&model.chat, text, Options::new(50)).await;
        assert_eq!(text, "I am a test model.");
    });
}

#[test]
fn the_same_seed_gives_the_same_text() {
    let model = load(&TinyGguf::chat(), 1_024);
    run(async {
        let prompt = || turns(&["hello"]);
        let seeded = |seed| Options { seed: Some(seed), ..Options::new(40) };
        let (first, _) = answer(&model.chat, prompt(), seeded(7)).await;
        let (again, _) = answer(&model.chat, prompt(), seeded(7)).await;
        let (other, _) = answer(&model.chat, prompt(), seeded(8)).await;
        assert_eq!(first, again);
        assert_ne!(first, other);
        let (first, _) = answer(&model.chat, prompt(), greedy(40)).await;
        let (again, _) = answer(&model.chat, prompt(), greedy(40)).await;
        assert_eq!(first, again);
        let penalty = Options { repeat_penalty: Some(2.0), ..greedy(40) };
        let (other, _) = answer(&model.chat, prompt(), penalty).await;
        assert_ne!(first, other);
    });
}

#[test]
fn the_next_turn_of_a_thread_reads_only_what_is_new() {
    let model = load(&TinyGguf::says(&SAID), 1_024);
    run(async {
        let chat = &model.chat;
        let mine = || in_thread("mine", Options::new(50));
        let (_, first) = answer(chat, turns(&["one"]), mine()).await;
        assert_eq!(first.cached_tokens, 0);
        let next = || turns(&["one", "I am a test model.", "two"]);
        let (text, second) = answer(chat, next(), mine()).await;
        assert_eq!(text, "I am a test model.");
        // The answer's own tokens are words; read again, they are bytes. All before is as it was.
        assert!(second.cached_tokens >= first.prompt_tokens, "{second:?}");
        let (_, other) = answer(chat, next(), in_thread("other", Options::new(50))).await;
        assert_eq!(other.cached_tokens, 0);
        let (_, nobody) = answer(chat, next(), Options::new(50)).await;
        assert_eq!(nobody.cached_tokens, 0);
        let (_, same) = answer(chat, next(), mine()).await;
        assert_eq!(same.cached_tokens, same.prompt_tokens - 1, "the last token is read again");
        chat.forget("mine".into()).await;
        let (_, forgotten) = answer(chat, next(), mine()).await;
        assert_eq!(forgotten.cached_tokens, 0);
    });
}

#[test]
fn an_answer_that_takes_too_long_is_ended() {
    let model = load(&TinyGguf::chat(), 8_192);
    run(async {
        let hurried = Options { time_ms_max: Some(1), ..greedy(8_000) };
        let generation = model.chat.generate(turns(&["a long story"]), hurried).await.expect("ok");
        let outcome = generation.outcome.await.expect("it is told");
        assert_eq!(outcome, Err(ModelError::TimedOut));
        assert_eq!((model.chat.status().queued, model.chat.status().active), (0, 0));
    });
}

#[test]
fn threads_without_a_slot_keep_their_state() {
    let model = load(&TinyGguf::chat(), 1_024);
    run(async {
        let name = |index: u32| in_thread(&format!("thread {index}"), greedy(8));
        let said = |index: u32| format!("This is what thread {index} asked in its first turn.");
        let mut firsts = Vec::new();
        for index in 0..40 {
            firsts.push(answer(&model.chat, turns(&[&said(index)]), name(index)).await);
        }
        for (index, (text, first)) in (0..).zip(&firsts) {
            let prompt = turns(&[&said(index), text, "And then?"]);
            let (reused, outcome) = answer(&model.chat, prompt.clone(), name(index)).await;
            assert!(outcome.cached_tokens >= first.prompt_tokens, "{index}: {outcome:?}");
            let (fresh, outcome) = answer(&model.chat, prompt, greedy(8)).await;
            assert_eq!(outcome.cached_tokens, 0);
            assert_eq!(reused, fresh, "what is reused is what would have been evaluated");
        }
        model.chat.forget("thread 39".into()).await;
        let (_, outcome) = answer(&model.chat, turns(&[&said(39)]), name(39)).await;
        assert_eq!(outcome.cached_tokens, 0);
    });
}

#[test]
fn many_at_once_are_answered_as_if_each_were_alone() {
    let model = load(&TinyGguf::says(&SAID), 2_048);
    run(async {
        let ask = |index: usize| {
            let long = "a word ".repeat(index * 5);
            let thread = format!("thread {}", index % 20);
            let options = in_thread(&thread, Options::new(50));
            let chat = Arc::clone(&model.chat);
            async move { answer(&chat, turns(&[&long]), options).await }
        };
        for (text, outcome) in join_all((0..40).map(ask)).await {
            assert_eq!((text.as_str(), outcome.finish), ("I am a test model.", Finish::Stop));
        }
        let status = model.chat.status();
        assert_eq!((status.queued, status.active), (0, 0));
    });
}

#[test]
fn an_answer_that_nobody_wants_stops() {
    let model = load(&TinyGguf::chat(), 8_192);
    run(async {
        let mut generation = loop {
            // Noise may end early; then another seed says more.
            let prompt = turns(&["tell me a long story"]);
            let mut generation =
                model.chat.generate(prompt, Options::new(8_000)).await.expect("ok");
            if generation.pieces.recv().await.is_some() {
                break generation;
            }
        };
        generation.pieces.close();
        let outcome = generation.outcome.await.expect("it is told");
        assert!(matches!(
            outcome,
            Err(ModelError::EngineFailed(_)) | Ok(Outcome { finish: Finish::Stop, .. })
        ));
        let (_, outcome) = answer(&model.chat, turns(&["next"]), greedy(4)).await;
        assert!(outcome.reply_tokens <= 4);
        assert_eq!(model.chat.status().active, 0);
    });
}

#[test]
fn what_does_not_fit_is_refused_before_anything_runs() {
    let model = load(&TinyGguf::chat(), 256);
    run(async {
        let prompt = Prompt::Text(vec!["x".repeat(200)]);
        let exact = model.chat.generate(prompt.clone(), greedy(56)).await;
        assert!(exact.is_ok());
        let error = model.chat.generate(prompt, greedy(57)).await.err();
        assert_eq!(error, Some(ModelError::ContextExceeded { needed: 257, limit: 256 }));
        let error = model.chat.generate(Prompt::Text(vec![]), greedy(1)).await.err();
        assert!(matches!(error, Some(ModelError::InvalidRequest(_))));
        let other = Options { digest: "another".into(), ..greedy(1) };
        let error = model.chat.generate(turns(&["hello"]), other).await.err();
        assert_eq!(error, Some(ModelError::ModelChanged));
        let error = model.chat.generate(turns(&["hello"]), greedy(0)).await.err();
        assert!(matches!(error, Some(ModelError::InvalidRequest(_))));
    });
}

#[test]
fn a_full_queue_says_when_to_come_again() {
    let model = load(&TinyGguf::chat(), 8_192);
    run(async {
        let mut accepted = Vec::new();
        let wait = loop {
            match model.chat.generate(turns(&["a long story"]), greedy(8_000)).await {
                Ok(generation) => accepted.push(generation),
                Err(ModelError::Busy(wait)) => break wait,
                Err(other) => panic!("{other}"),
            }
        };
        assert!((250..=30_000).contains(&wait));
        assert!(accepted.len() >= 64);
        drop(accepted);
        // Those whom nobody wants make room at once.
        loop {
            match model.chat.generate(turns(&["hello"]), greedy(1)).await {
                Ok(generation) => break drop(generation),
                Err(ModelError::Busy(_)) => tokio::time::sleep(Duration::from_millis(2)).await,
                Err(other) => panic!("{other}"),
            }
        }
    });
}

#[test]
fn what_was_begun_is_finished_when_the_model_is_let_go() {
    let Loaded { chat, path: _path, _folder } = load(&TinyGguf::says(&SAID), 1_024);
    run(async {
        let mut generation = chat
            .generate(turns(&["Who are you?"]), Options::new(50))
            .await
            .expect("it is accepted");
        let staged = Arc::downgrade(&chat.staged);
        drop(chat);
        assert!(staged.upgrade().is_none(), "its thread does not hold it");
        let mut text = String::new();
        while let Some(piece) = generation.pieces.recv().await {
            text.push_str(&piece);
        }
        assert_eq!(text, "I am a test model.");
        assert!(generation.outcome.await.expect("it is told").is_ok());
    });
}
