//! Requests to shorten what was chosen.

use super::input::{Random, odd_texts};
use super::report::Part;
use super::subject::{Case, Subject};
use super::timing::PASSAGES;
use crate::bindings::policy::condensation::{Request, Source};
use crate::capability::policy::Condensation;

/// How many random requests there are.
const RANDOM: usize = 96;
/// The sources of the largest request.
const SOURCES_MAX: usize = 128;

impl Subject for Condensation {
    fn cases() -> Vec<Case<Request>> {
        let mut cases: Vec<_> = (0..RANDOM).map(random).collect();
        cases.extend(hostile_texts());
        cases.extend(hostile_shapes());
        cases
    }

    fn usual() -> Option<Request> {
        let of = |id: u32| {
            let text = format!("Message {id}: {}", "My dog is called Rex. It rained. ".repeat(8));
            source(&text, 80, 20)
        };
        Some(request((0..PASSAGES).map(of).collect()))
    }
}

fn source(text: &str, tokens: u32, tokens_max: u32) -> Source {
    Source { text: text.to_owned(), tokens, tokens_max }
}

fn request(sources: Vec<Source>) -> Request {
    Request { query: "What is my dog called?".to_owned(), sources }
}

fn random(index: usize) -> Case<Request> {
    let mut random = Random::new(index as u64);
    let sources = (0..random.below(2 + index / 8)).map(|_| {
        let text = random.text(4 + 2 * index);
        let tokens = text.len() as u32 / 3;
        source(&text, tokens, 1 + random.number(tokens + 4))
    });
    let request = Request { sources: sources.collect(), query: random.text(8) };
    Case::new(Part::Random, format!("random sources {index}"), request)
}

/// Each odd text as a source that is short enough, that is a little too long, and of which one
/// token may stay; and as the query.
fn hostile_texts() -> impl Iterator<Item = Case<Request>> {
    odd_texts().into_iter().flat_map(|(what, text)| {
        let tokens = (text.len() as u32 / 4).max(2);
        let as_source = [tokens, tokens / 2, 1].map(|tokens_max| {
            let request = request(vec![source(&text, tokens, tokens_max)]);
            Case::new(Part::Hostile, format!("{what}, {tokens_max} of {tokens} tokens"), request)
        });
        let usual = "It rained for days. My dog is called Rex. Then it stopped.";
        let as_query = Request { query: text, ..request(vec![source(usual, 16, 6)]) };
        as_source.into_iter().chain([Case::new(
            Part::Hostile,
            format!("{what} as query"),
            as_query,
        )])
    })
}

fn hostile_shapes() -> Vec<Case<Request>> {
    let case = |name: &str, request| Case::new(Part::Hostile, name, request);
    let text = "It rained for days. My dog is called Rex. Où est-il ?";
    vec![
        case("nothing to shorten", request(vec![])),
        case("the most sources", request(vec![source(text, 16, 6); SOURCES_MAX])),
        case("lengths that cannot be true", request(vec![source(text, u32::MAX, u32::MAX - 1)])),
        case("many tokens in few bytes", request(vec![source("dog", u32::MAX, 1)])),
        case("no tokens in many bytes", request(vec![source(text, 0, 1)])),
        case("a megabyte", request(vec![source(&"dog. ".repeat(13_107), 26_000, 100); 16])),
    ]
}
