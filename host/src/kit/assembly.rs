//! Requests to lay out a prompt.

use super::golden;
use super::input::{Random, odd_texts};
use super::report::Part;
use super::subject::{Case, Subject};
use super::timing::PASSAGES;
use crate::bindings::policy::assembly::Request;
use crate::bindings::policy::types::{Kind, Passage, Role, Span};
use crate::capability::policy::Assembly;

/// How many random prompts there are.
const RANDOM: usize = 96;
/// The passages of the largest request.
const PASSAGES_MAX: u32 = 256;
/// Midnight on 1 January 2026, UTC.
const NOW: u64 = 1_767_225_600;

impl Subject for Assembly {
    fn cases() -> Vec<Case<Request>> {
        let mut cases = golden::assembly();
        cases.extend((0..RANDOM).map(random));
        cases.extend(hostile_texts());
        cases.extend(hostile_shapes());
        cases
    }

    /// Two thirds of it are recent turns.
    fn usual() -> Option<Request> {
        let of = |id: u32| {
            let kind = match id % 8 {
                0 => Kind::Document,
                1 | 2 => Kind::Memory,
                _ => Kind::History,
            };
            let text = format!("Message {id}: {}", "it rained on the hills. ".repeat(8));
            let role = if id.is_multiple_of(2) { Role::User } else { Role::Assistant };
            Passage { role, turn: id, said_at: Some(NOW - 60), ..passage(10 + id, kind, &text) }
        };
        Some(around((1..PASSAGES - 1).map(of).collect()))
    }
}

/// A passage that is kept whole.
fn passage(id: u32, kind: Kind, text: &str) -> Passage {
    let role = if kind == Kind::Instruction { Role::System } else { Role::User };
    let end = text.len() as u32;
    Passage {
        id,
        kind,
        role,
        turn: 0,
        score: 0.0,
        said_at: None,
        tokens: end.div_ceil(4),
        text: text.to_owned(),
        kept: if end == 0 { vec![] } else { vec![Span { start: 0, end }] },
    }
}

/// A complete request with these passages between instruction and query.
fn around(between: Vec<Passage>) -> Request {
    let mut passages = vec![passage(1, Kind::Instruction, "Be brief.")];
    passages.extend(between);
    passages.push(passage(2, Kind::Query, "Where does tea grow?"));
    Request { passages, now: NOW }
}

/// A random prompt. Early ones are small, so that what fails first is easy to read.
fn random(index: usize) -> Case<Request> {
    let mut random = Random::new(index as u64);
    let mut id = 10;
    let mut between = Vec::new();
    for kind in [Kind::Document, Kind::Memory, Kind::History] {
        for turn in 1..=random.below(1 + index / 4) as u32 {
            let text = random.text(2 + index / 2);
            let mut passage = passage(id, kind, &text);
            passage.turn = if kind == Kind::Document { 0 } else { turn };
            passage.role = match kind {
                Kind::Document => Role::User,
                _ => random.pick(&[Role::User, Role::Assistant]),
            };
            passage.said_at = random.once_in(2).then(|| random.below(NOW as usize) as u64);
            passage.score = random.below(100) as f32 / 10.0 - 5.0;
            if kind != Kind::History {
                let spans = random.spans(&text).into_iter();
                passage.kept = spans.map(|(start, end)| Span { start, end }).collect();
            }
            between.push(passage);
            id += 1 + random.number(3);
        }
    }
    let mut request = around(between);
    // Once in a while something that must be there is missing, or doubled.
    match random.below(12) {
        0 => drop(request.passages.remove(0)),
        1 => drop(request.passages.pop()),
        2 => request.passages.push(passage(9_999, Kind::Query, "And coffee?")),
        _ => {}
    }
    Case::new(Part::Random, format!("random prompt {index}"), request)
}

/// Each odd text in the place of each kind.
fn hostile_texts() -> impl Iterator<Item = Case<Request>> {
    let kinds = [Kind::Instruction, Kind::Document, Kind::Memory, Kind::History, Kind::Query];
    odd_texts().into_iter().flat_map(move |(what, text)| {
        kinds.map(|kind| {
            let mut request = around(vec![passage(10, Kind::Memory, "You asked for tea.")]);
            let odd = match kind {
                Kind::Instruction => Passage { id: 1, ..passage(1, kind, &text) },
                Kind::Query => Passage { id: 2, ..passage(2, kind, &text) },
                _ => passage(11, kind, &text),
            };
            match request
                .passages
                .iter()
                .position(|passage| passage.kind == kind && kind != Kind::Memory)
            {
                Some(place) => request.passages[place] = odd,
                None => request.passages.insert(1, odd),
            }
            Case::new(Part::Hostile, format!("{what} as {kind:?}"), request)
        })
    })
}

/// Requests whose numbers or shape are at a limit.
fn hostile_shapes() -> Vec<Case<Request>> {
    let case = |name: &str, request| Case::new(Part::Hostile, name, request);
    let of = |kind, count: u32, text: &str| -> Vec<Passage> {
        (0..count).map(|id| passage(100 + id, kind, text)).collect()
    };
    let spans = |count: u32| (0..count).map(|at| Span { start: 2 * at, end: 2 * at + 1 }).collect();
    let mut shredded = passage(10, Kind::Document, &"ab".repeat(1_024));
    shredded.kept = spans(1_024);
    let mut nothing_kept = passage(11, Kind::Memory, "Nothing of this bears on the query.");
    nothing_kept.kept = Vec::new();
    let mut extreme = passage(u32::MAX, Kind::Memory, "The end of all numbers.");
    (extreme.turn, extreme.tokens, extreme.said_at) = (u32::MAX, u32::MAX, Some(u64::MAX));
    let scores = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MIN, -0.0];
    let scored = scores.iter().zip(20..).map(|(score, id)| Passage {
        score: *score,
        ..passage(id, Kind::Memory, "Scored beyond all reason.")
    });
    let mut shredded_all = of(Kind::Document, PASSAGES_MAX - 2, &"ab".repeat(8));
    shredded_all.iter_mut().for_each(|passage| passage.kept = spans(8));
    vec![
        case("no passage at all", Request { passages: vec![], now: 0 }),
        case("the end of time", Request { now: u64::MAX, ..around(vec![extreme]) }),
        case("scores that are no numbers", around(scored.collect())),
        case("1,024 spans of one passage", around(vec![shredded])),
        case("nothing kept", around(vec![nothing_kept])),
        case("the most documents", around(of(Kind::Document, PASSAGES_MAX - 2, "Tea."))),
        case("the most memories", around(of(Kind::Memory, PASSAGES_MAX - 2, "Tea."))),
        case("the most history", around(of(Kind::History, PASSAGES_MAX - 2, "Tea."))),
        case("the most spans", around(shredded_all)),
        case("a megabyte", around(of(Kind::Memory, 16, &"word ".repeat(13_107)))),
    ]
}
