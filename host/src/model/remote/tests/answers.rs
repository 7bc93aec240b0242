//! Answers as they should be, however they are cut on their way.

use super::*;

const SAID: &str = "Grüße, 🦀 and all ";

fn whole(outcome: Result<Outcome, ModelError>) -> Outcome {
    outcome.expect("it went well")
}

#[test]
fn an_answer_is_streamed_with_the_servers_own_counts() {
    run(async {
        let server = StandIn::start(|_| Answer::says("Good day to you")).expect("a server");
        let chat = chat(&server).await;
        let (pieces, outcome) = ask(&chat, Options::new(16)).await.expect("it answers");
        assert_eq!(pieces, ["Good day to you"], "what arrives together is handed on together");
        let expected = Outcome {
            finish: Finish::Stop,
            prompt_tokens: 100,
            cached_tokens: 60,
            reply_tokens: 4,
        };
        assert_eq!(whole(outcome), expected);

        let requests = server.requests();
        assert_eq!(requests[0].line, "POST /v1/chat/completions");
        assert_eq!(requests[0].headers["authorization"], "Bearer sk-secret");
        let body = requests[0].json();
        assert_eq!(body["messages"][1]["content"], "Hello.");
        assert_eq!(body["stream_options"]["include_usage"], true);
        assert_eq!((body["model"].as_str(), body["max_tokens"].as_u64()), (Some(MODEL), Some(16)));
    });
}

#[test]
fn a_stream_may_be_cut_at_every_byte() {
    run(async {
        let size = std::sync::atomic::AtomicUsize::new(1);
        let server = StandIn::start(move |_| {
            let size = size.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            Answer::says(SAID).in_parts_of(size)
        });
        let server = server.expect("a server");
        let chat = chat(&server).await;
        for size in 1..=24 {
            let (pieces, outcome) = ask(&chat, Options::new(16)).await.expect("it answers");
            assert_eq!(pieces.concat(), SAID, "in parts of {size} bytes");
            assert_eq!(whole(outcome).prompt_tokens, 100);
        }
    });
}

#[test]
fn a_connection_is_kept_for_the_next_answer() {
    run(async {
        let server = StandIn::start(|_| Answer::says(SAID)).expect("a server");
        let chat = chat(&server).await;
        // An answer is told before the last bytes of its body are read. Who asks again at once may
        // come too early for its connection, but not every time.
        let mut before = 0;
        while before != server.connected() {
            before = server.connected();
            let (pieces, _) = ask(&chat, Options::new(16)).await.expect("it answers");
            assert_eq!(pieces.concat(), SAID);
        }
    });
}

#[test]
fn an_answer_ends_well_without_done_and_without_usage() {
    run(async {
        let transcript = Answer::transcript("One two");
        let end = transcript.find("data: {\"choices\":[],").expect("the usage");
        let cut = transcript[..end].to_owned();
        let server = StandIn::start(move |_| Answer::events(&cut)).expect("a server");
        let (pieces, outcome) =
            ask(&chat(&server).await, Options::new(16)).await.expect("it answers");
        assert_eq!(pieces.concat(), "One two");
        let outcome = whole(outcome);
        assert!(outcome.prompt_tokens > 48 && outcome.reply_tokens == 4, "{outcome:?}");
        assert_eq!(outcome.cached_tokens, 0);
    });
}

#[test]
fn a_server_that_does_not_stream_is_understood_too() {
    run(async {
        let body = r#"{"choices":[{"message":{"content":"All\n at once"},
            "finish_reason":"length"}],"usage":{"prompt_tokens":7,"completion_tokens":3}}"#;
        let server =
            StandIn::start(move |_| Answer::new(200, "application/json; charset=utf-8", body));
        let server = server.expect("a server");
        let (pieces, outcome) =
            ask(&chat(&server).await, Options::new(16)).await.expect("it answers");
        assert_eq!(pieces, ["All\n at once"]);
        let outcome = whole(outcome);
        assert_eq!((outcome.finish, outcome.reply_tokens), (Finish::Length, 3));
    });
}

#[test]
fn a_stop_text_ends_the_answer_and_closes_the_connection() {
    run(async {
        let events = Answer::transcript("One two three");
        let server = StandIn::start(move |_| {
            let cut = events.find("data: [DONE]").expect("the end");
            Answer::events(&events[..cut]).in_parts_of(7).ending(End::Hang)
        });
        let server = server.expect("a server");
        let options = Options { stop: vec!["o th".into()], ..Options::new(16) };
        let (pieces, outcome) = ask(&chat(&server).await, options).await.expect("it answers");
        assert_eq!(pieces.concat(), "One tw");
        assert_eq!(whole(outcome).finish, Finish::Stop);
        server.wait_for_hang_ups(1);
    });
}

#[test]
fn who_reads_no_more_closes_the_connection_at_once() {
    run(async {
        let half = "data: {\"choices\":[{\"delta\":{\"content\":\"Go\"}}]}\n\n";
        let server = StandIn::start(|_| Answer::events(half).ending(End::Hang)).expect("a server");
        let chat = chat(&server).await;
        let mut generation = chat.generate(question(), Options::new(16)).await.expect("it begins");
        assert_eq!(generation.pieces.recv().await.as_deref(), Some("Go"));
        assert_eq!(chat.status().active, 1);
        drop(generation);
        server.wait_for_hang_ups(1);
        settle(|| chat.status().active, |active| *active == 0).await;
    });
}

#[test]
fn an_answer_takes_no_longer_than_it_may() {
    run(async {
        let half = "data: {\"choices\":[{\"delta\":{\"content\":\"Go\"}}]}\n\n";
        let server = StandIn::start(|_| Answer::events(half).ending(End::Hang)).expect("a server");
        let options = Options { time_ms_max: Some(200), ..Options::new(16) };
        let (pieces, outcome) = ask(&chat(&server).await, options).await.expect("it begins");
        assert_eq!(pieces.concat(), "Go");
        assert_eq!(outcome, Err(ModelError::TimedOut));
        server.wait_for_hang_ups(1);
    });
}

#[test]
fn nobody_waits_for_a_server_that_has_not_begun_when_he_leaves() {
    run(async {
        let server = StandIn::start(|_| Answer::hanging()).expect("a server");
        let chat = chat(&server).await;
        let generation = chat.generate(question(), Options::new(16)).await.expect("it may begin");
        assert_eq!(chat.status().queued, 1);
        drop(generation);
        server.wait_for_hang_ups(1);
        settle(|| chat.status().queued, |queued| *queued == 0).await;
    });
}

#[test]
fn what_cannot_fit_or_was_measured_otherwise_is_not_sent() {
    run(async {
        let server = StandIn::start(|_| Answer::says("Yes")).expect("a server");
        let chat = chat(&server).await;
        let status = chat.status();
        assert_eq!((status.context_tokens, status.exact_counts), (4096, false));
        assert_eq!((status.backend.as_str(), status.name.as_str()), ("openai", MODEL));
        let refused = |options| async { ask(&chat, options).await.expect_err("it is refused") };
        let error = refused(Options::new(4096)).await;
        assert!(matches!(error, ModelError::ContextExceeded { limit: 4096, .. }), "{error}");
        let other = Options { digest: "other".into(), ..Options::new(16) };
        assert_eq!(refused(other).await, ModelError::ModelChanged);
        let wrong = Options { temperature: Some(3.0), ..Options::new(16) };
        assert!(matches!(refused(wrong).await, ModelError::InvalidRequest(_)));
        assert!(server.requests().is_empty());
        let same = Options { digest: status.digest, ..Options::new(16) };
        assert!(ask(&chat, same).await.is_ok());
    });
}
