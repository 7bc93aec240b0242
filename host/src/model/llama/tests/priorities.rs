//! Who goes first.

use super::*;
use crate::model::{Finish, Generation, Priority};

/// More than there are slots.
const MANY: usize = 6;

fn background(reply_tokens_max: u32) -> Options {
    Options { priority: Priority::Background, ..greedy(reply_tokens_max) }
}

/// The rest of an answer, and how it went.
async fn rest(mut generation: Generation) -> (String, Outcome) {
    let mut text = String::new();
    while let Some(piece) = generation.pieces.recv().await {
        text.push_str(&piece);
    }
    (text, generation.outcome.await.expect("it is told").expect("it goes well"))
}

#[test]
fn a_chat_takes_the_place_of_background_work_which_goes_on_where_it_was() {
    let words: Vec<String> = (0..1_000).map(|number| format!(" {number}")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let setup = Setup { slots: Some(4), ..sized(4_096) };
    let model = load_with(&TinyGguf::says(&words), setup);
    run(async {
        let chat = &model.chat;
        let mut resting = Vec::new();
        for number in 0..MANY {
            // Every other one has a thread, whose state is kept while it rests.
            let thread = if number % 2 == 0 { format!("thread {number}") } else { String::new() };
            let options = Options { thread, ..background(3_000) };
            let generation = chat.generate(turns(&["Count!"]), options).await;
            resting.push(generation.expect("it is accepted"));
        }
        let first = resting[0].pieces.recv().await.expect("it has begun");
        let chats = (0..4).map(|_| answer(chat, turns(&["Quick!"]), greedy(2)));
        for (text, _) in futures::future::join_all(chats).await {
            assert_eq!(text, " 0 1");
        }
        for generation in &mut resting {
            let outcome = generation.outcome.try_recv();
            assert!(outcome.is_err(), "a chat waited for the end of background work");
        }
        let mut first = Some(first);
        for generation in resting {
            let (text, outcome) = rest(generation).await;
            assert_eq!(first.take().unwrap_or_default() + &text, words.concat());
            assert_eq!((outcome.finish, outcome.reply_tokens), (Finish::Stop, 1_000));
        }
        assert_eq!((chat.status().queued, chat.status().active), (0, 0));
    });
}

#[test]
fn background_work_never_fills_the_queue() {
    let model = load(&TinyGguf::chat(), 8_192);
    run(async {
        let mut accepted = Vec::new();
        loop {
            match model.chat.generate(turns(&["a long story"]), background(8_000)).await {
                Ok(generation) => accepted.push(generation),
                Err(ModelError::Busy(_)) => break,
                Err(other) => panic!("{other}"),
            }
        }
        let (_, outcome) = answer(&model.chat, turns(&["hello"]), greedy(2)).await;
        assert!(outcome.reply_tokens <= 2);
    });
}
