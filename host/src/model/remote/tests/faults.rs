//! Servers that refuse, hang, die, or talk nonsense: each gives an error that says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::*;

/// The error where every request is answered like this, and how many there were.
fn fault(answer: Answer) -> (ModelError, usize) {
    run(async {
        let server = StandIn::start(move |_| answer.clone()).expect("a server");
        let chat = chat_of(endpoint(&server.url(), SHORT), None).await;
        (failure(&chat).await, server.requests().len())
    })
}

fn error(status: u16) -> Answer {
    Answer::json(status, &json!({ "error": { "message": "`sk-secret` is no good" } }))
}

#[test]
fn a_refusal_is_passed_on_and_not_repeated() {
    for status in [400, 401, 403, 404, 413] {
        assert_eq!(fault(error(status)), (ModelError::Refused(status), 1));
    }
}

#[test]
fn a_server_in_trouble_is_asked_again_before_the_caller_hears_of_it() {
    assert_eq!(fault(error(500)), (ModelError::Refused(500), 3));
    assert_eq!(fault(error(504)), (ModelError::TimedOut, 3));
}

#[test]
fn a_server_that_takes_less_than_others_is_asked_for_less_from_then_on() {
    run(async {
        let server = StandIn::start(|request| {
            let body = request.json();
            let refuse = |words: &str| Answer::json(400, &json!({ "error": { "message": words } }));
            if body.get("max_tokens").is_some() {
                refuse("'max_tokens' is not supported, use 'max_completion_tokens'")
            } else if body.get("stream_options").is_some() {
                refuse("extra field: stream_options")
            } else {
                Answer::says("Well")
            }
        });
        let server = server.expect("a server");
        let chat = chat(&server).await;
        for requests in [3, 4] {
            let (pieces, _) = ask(&chat, Options::new(16)).await.expect("it answers");
            assert_eq!((pieces.concat().as_str(), server.requests().len()), ("Well", requests));
        }
        let last = server.requests().pop().expect("a request").json();
        assert_eq!(last["max_completion_tokens"], 16);
    });
}

#[test]
fn a_refusal_that_names_what_was_not_sent_is_final() {
    let words = "neither max_completion_tokens nor stream_options: no";
    let refusal = Answer::json(400, &json!({ "error": { "message": words } }));
    assert_eq!(fault(refusal), (ModelError::Refused(400), 2));
}

#[test]
fn trouble_that_passes_is_not_heard_of() {
    run(async {
        let asked = Arc::new(AtomicUsize::new(0));
        let server = StandIn::start({
            let asked = Arc::clone(&asked);
            move |_| match asked.fetch_add(1, Ordering::SeqCst) {
                0 => error(503),
                1 => error(429),
                _ => Answer::says("Here I am"),
            }
        });
        let server = server.expect("a server");
        let (pieces, outcome) =
            ask(&chat(&server).await, Options::new(16)).await.expect("it answers");
        assert_eq!((pieces.concat().as_str(), outcome.is_ok()), ("Here I am", true));
        assert_eq!(asked.load(Ordering::SeqCst), 3);
    });
}

#[test]
fn a_busy_server_says_when_to_come_again() {
    // A second is waited for; an hour is the caller's to wait.
    let (busy, requests) = fault(error(429).with_header("retry-after", "1"));
    assert_eq!((busy, requests), (ModelError::Busy(1_000), 3));
    let (busy, requests) = fault(error(429).with_header("retry-after", "3600"));
    assert_eq!((busy, requests), (ModelError::Busy(600_000), 1));
}

#[test]
fn a_server_that_is_silent_is_not_waited_for_longer_than_it_may_be() {
    assert_eq!(fault(Answer::hanging()), (ModelError::TimedOut, 1));
    let half = "data: {\"choices\":[{\"delta\":{\"content\":\"Go\"}}]}\n\n";
    assert_eq!(fault(Answer::events(half).ending(End::Hang)), (ModelError::TimedOut, 1));
}

#[test]
fn an_answer_that_breaks_off_is_an_error_after_what_was_said() {
    let half = "data: {\"choices\":[{\"delta\":{\"content\":\"Go\"}}]}\n\n";
    for end in [End::BreakOff, End::Whole] {
        run(async {
            let server = StandIn::start(move |_| Answer::events(half).ending(end));
            let server = server.expect("a server");
            let chat = chat(&server).await;
            let (pieces, outcome) = ask(&chat, Options::new(16)).await.expect("it begins");
            assert_eq!(pieces, ["Go"]);
            assert!(matches!(outcome, Err(ModelError::Unreachable(_))), "{outcome:?}");
            assert_eq!(server.requests().len(), 1, "what has begun is never repeated");
        });
    }
}

#[test]
fn nonsense_is_told_from_an_answer_and_not_repeated() {
    let html = "<html><body>It works! sk-secret</body></html>";
    let failed = json!({ "error": { "message": "no: Hello., sk-secret", "code": "sk-secret" } });
    let failed = format!("data: {failed}\n\n");
    for (answer, told) in [
        (Answer::new(200, "text/html", html), "text/html"),
        (Answer::events("data: <html>Hello.\n\n"), "no JSON"),
        (Answer::events("data: {\"choices\":\"Hello.\"}\n\n"), "not what the interface says"),
        (Answer::events("data: \u{7}\n\n"), "cannot be read"),
        (Answer::events(&failed), "with `[key]`"),
        (Answer::new(200, "application/json", "[1, 2"), "cannot be read"),
        (Answer::json(200, &json!({ "error": "so sorry, sk-secret" })), "without a code"),
        (Answer::new(200, "text/event-stream", b"data: \xff\n\n".to_vec()), "UTF-8"),
        (Answer::events(&"x".repeat(1 << 21)), "1048576 bytes"),
    ] {
        let (error, requests) = fault(answer);
        let ModelError::EngineFailed(how) = &error else { panic!("{error:?} for {told}") };
        assert!(how.contains(told), "{how}");
        assert!(!["sk-secret", "Hello."].iter().any(|word| how.contains(word)), "{how}");
        assert_eq!(requests, 1);
    }
}

#[test]
fn a_server_that_is_away_is_known_to_be_and_found_again() {
    run(async {
        let server = StandIn::start(|_| Answer::says("Yes")).expect("a server");
        let address = server.address().to_owned();
        let chat = chat(&server).await;
        drop(server);
        assert!(matches!(failure(&chat).await, ModelError::Unreachable(_)));
        let state = |chat: &RemoteChat| chat.status().state;
        let failed = settle(|| state(&chat), |state| matches!(state, State::Failed(_))).await;
        let State::Failed(reason) = failed else { panic!("it has failed") };
        assert!(reason.contains(&address) && !reason.ends_with('.'), "{reason}");

        let back = StandIn::start_at(&address, |_| Answer::says("Back"), true);
        let _back = back.expect("the port is free again");
        settle(|| state(&chat), |state| *state == State::Ready).await;
        let (pieces, _) = ask(&chat, Options::new(16)).await.expect("it answers");
        assert_eq!(pieces.concat(), "Back");
    });
}

#[test]
fn a_server_that_refuses_the_key_or_loads_is_seen_before_anybody_asks() {
    let seen = |answer: Answer, good: fn(&State) -> bool| {
        run(async {
            let server = StandIn::start_at("127.0.0.1:0", move |_| answer.clone(), true);
            let server = server.expect("a server");
            let chat = RemoteChat::connect(endpoint(&server.url(), SHORT), None, None);
            settle(
                || (chat.status().state, server.connected()),
                |(state, asked)| *asked > 0 && good(state),
            )
            .await
        })
    };
    let (state, _) = seen(error(401), |state| matches!(state, State::Failed(_)));
    let State::Failed(reason) = state else { panic!("it has failed") };
    assert!(reason.contains("refuses the key") && !reason.contains("sk-secret"), "{reason}");
    seen(error(503), |state| *state == State::Loading(0));
    seen(error(404), |state| *state == State::Ready);
}
