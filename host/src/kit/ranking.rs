//! Requests to choose among what was found.

use super::input::{Random, odd_texts};
use super::report::Part;
use super::subject::{Case, Subject};
use super::timing::PASSAGES;
use crate::bindings::policy::ranking::{Candidate, Request};
use crate::bindings::policy::types::{Kind, Role};
use crate::capability::policy::Ranking;

/// How many random searches there are.
const RANDOM: usize = 96;
/// The candidates of the largest request.
const CANDIDATES_MAX: u32 = 512;

impl Subject for Ranking {
    fn cases() -> Vec<Case<Request>> {
        let mut cases: Vec<_> = (0..RANDOM).map(random).collect();
        cases.extend(hostile_texts());
        cases.extend(hostile_shapes());
        cases
    }

    fn usual() -> Option<Request> {
        let of = |id: u32| {
            let text = format!("Message {id}: {}", "it rained on the hills. ".repeat(8));
            candidate(id, Some(0.5 + id as f32 / 100.0), Some(id as f32 / 10.0), &text)
        };
        Some(request((0..PASSAGES).map(of).collect(), 8))
    }
}

/// The most characters of a candidate's text.
const TEXT_CHARS_MAX: usize = 2_048;

fn candidate(id: u32, dense: Option<f32>, lexical: Option<f32>, text: &str) -> Candidate {
    Candidate {
        id,
        kind: Kind::Memory,
        role: Role::User,
        name: None,
        said_at: None,
        follows: None,
        dense,
        common: dense,
        lexical,
        bytes: text.len() as u32,
        text: text.chars().take(TEXT_CHARS_MAX).collect(),
    }
}

fn request(candidates: Vec<Candidate>, most: u32) -> Request {
    let query = "What is my dog called?".to_owned();
    Request { query, now: 1_767_225_600, candidates, most }
}

fn random(index: usize) -> Case<Request> {
    let mut random = Random::new(index as u64);
    let mut id = 0;
    let candidates = (0..random.below(2 + index)).map(|_| {
        id += 1 + random.number(5);
        let score = |random: &mut Random, scale: f32, from: f32| {
            (!random.once_in(3)).then(|| random.below(1_000) as f32 / scale + from)
        };
        Candidate {
            kind: random.pick(&[Kind::Document, Kind::Memory]),
            role: random.pick(&[Role::User, Role::Assistant]),
            name: random.once_in(3).then(|| random.text(3)),
            follows: random.once_in(2).then(|| id.saturating_sub(random.number(5))),
            said_at: random.once_in(2).then(|| random.below(1_767_225_600) as u64),
            dense: score(&mut random, 500.0, -1.0),
            common: score(&mut random, 500.0, -1.0),
            lexical: score(&mut random, 50.0, 0.0),
            ..candidate(id, None, None, &random.text(30))
        }
    });
    let mut request = request(candidates.collect(), 0);
    request.most = random.number(12);
    request.query = random.text(8);
    Case::new(Part::Random, format!("random search {index}"), request)
}

fn hostile_texts() -> impl Iterator<Item = Case<Request>> {
    odd_texts().into_iter().flat_map(|(what, text)| {
        let usual = || candidate(1, Some(0.7), Some(3.5), "My dog is called Rex.");
        let odd = candidate(2, Some(0.6), Some(2.5), &text);
        let as_query = Request { query: text.clone(), ..request(vec![usual()], 5) };
        [
            Case::new(
                Part::Hostile,
                format!("{what} as candidate"),
                request(vec![usual(), odd], 5),
            ),
            Case::new(Part::Hostile, format!("{what} as query"), as_query),
        ]
    })
}

fn hostile_shapes() -> Vec<Case<Request>> {
    let case = |name: &str, request| Case::new(Part::Hostile, name, request);
    let many = |text: &str| -> Vec<Candidate> {
        let found = |id| candidate(id, Some(id as f32 / 512.0), Some(id as f32), text);
        (0..CANDIDATES_MAX).map(found).collect()
    };
    let numbers = [
        f32::NAN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::MAX,
        f32::MIN,
        f32::MIN_POSITIVE / 2.0,
        -0.0,
    ];
    let wild: Vec<Candidate> = numbers
        .iter()
        .flat_map(|dense| numbers.iter().map(|lexical| (*dense, *lexical)))
        .zip(1..)
        .map(|((dense, lexical), id)| {
            candidate(id, Some(dense), Some(lexical), &format!("Dog number {id}."))
        })
        .collect();
    let mut late = candidate(u32::MAX, Some(0.5), Some(0.5), "The end of all numbers.");
    late.said_at = Some(u64::MAX);
    let unscored: Vec<Candidate> = (0..9).map(|id| candidate(id, None, None, "A dog.")).collect();
    // Each follows the one before, and the first the last.
    let follows = |id: u32| Candidate {
        follows: Some((id + CANDIDATES_MAX - 1) % CANDIDATES_MAX),
        ..candidate(id, Some(0.5), None, "A dog.")
    };
    let circle: Vec<Candidate> = (0..CANDIDATES_MAX).map(follows).collect();
    let mut named = candidate(1, Some(0.5), Some(1.0), "A dog.");
    (named.name, named.follows) = (Some("\u{202e}".repeat(170)), Some(1));
    let mut last = request(vec![late], u32::MAX);
    last.now = u64::MAX;
    vec![
        case("nothing found", request(vec![], 8)),
        case("none wanted", request(many("A dog."), 0)),
        case("the most wanted, equal texts", request(many("A dog."), u32::MAX)),
        case("scores that are no numbers", request(wild.clone(), 64)),
        case("scores that are no numbers, one wanted", request(wild, 1)),
        case("no score at all", request(unscored, 8)),
        case("the end of time", last),
        case("a circle of messages", request(circle, 8)),
        case("a message that follows itself, by a long name", request(vec![named], 8)),
        case("a megabyte", request(many(&"dog ".repeat(512)), 8)),
    ]
}
