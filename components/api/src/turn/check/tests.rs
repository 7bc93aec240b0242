use super::*;
use crate::bindings::policy::assembly::Words;
use crate::bindings::policy::truncation::{Anchor as Hold, Excerpt as Text};
use crate::bindings::policy::types::Passage;

fn span(start: u32, end: u32) -> Span {
    Span { start, end }
}

fn source(id: u32, kind: Kind, text: &str, kept: Vec<Span>) -> Source {
    let role = if kind == Kind::Instruction { Role::System } else { Role::User };
    Source {
        passage: Passage {
            id,
            kind,
            role,
            turn: id,
            score: 0.0,
            said_at: None,
            tokens: kept.len() as u32,
            text: text.to_owned(),
            kept: kept.clone(),
        },
        message: Some(u64::from(id)),
        found: None,
        span_tokens: vec![1; kept.len()],
    }
}

/// Instruction, a memory of which two spans were kept, two messages of history, and the query.
fn sources() -> Vec<Source> {
    vec![
        source(0, Kind::Instruction, "Help.", vec![span(0, 5)]),
        source(1, Kind::Memory, "Blau, grün, rot.", vec![span(0, 5), span(13, 17)]),
        source(2, Kind::History, "Hello.", vec![span(0, 6)]),
        source(3, Kind::History, "Hi.", vec![span(0, 3)]),
        source(4, Kind::Query, "Which?", vec![span(0, 6)]),
    ]
}

fn excerpt(passage: u32, start: u32, end: u32) -> Part {
    Part::Excerpt(Excerpt { passage, span: span(start, end) })
}

fn words(literal: u32) -> Part {
    Part::Words(Words { literal, anchor: Anchor::Always })
}

fn message(role: Role, parts: Vec<Part>) -> Message {
    Message { role, parts }
}

fn good() -> Vec<Message> {
    vec![
        message(Role::System, vec![words(0), excerpt(0, 0, 5)]),
        message(Role::User, vec![excerpt(2, 0, 6)]),
        message(Role::Assistant, vec![excerpt(3, 0, 3)]),
        message(Role::User, vec![excerpt(1, 13, 17), Part::SaidOn(1), excerpt(4, 0, 6)]),
    ]
}

fn checked(messages: Vec<Message>) -> Checked {
    let made = Plan { layout: Layout::Chat(messages), digest: String::new() };
    plan(&made, &sources(), 1)
}

/// Checks the good plan after a change.
fn changed(change: impl FnOnce(&mut Vec<Message>)) -> Checked {
    let mut messages = good();
    change(&mut messages);
    checked(messages)
}

#[test]
fn a_good_plan_passes() {
    assert_eq!(checked(good()), Ok(()));
    // Memories and history may be left out, and a part of what was kept may be shown.
    assert_eq!(changed(|m| drop(m.drain(1..3))), Ok(()));
    assert_eq!(changed(|m| m[3].parts[0] = excerpt(1, 0, 4)), Ok(()));
}

#[test]
fn instruction_and_query_stand_once_and_whole() {
    assert!(changed(|m| drop(m.remove(0))).is_err());
    assert!(changed(|m| m[3].parts[2] = excerpt(4, 0, 5)).is_err());
    assert!(changed(|m| m[3].parts.push(excerpt(4, 0, 6))).is_err());
    assert!(changed(|m| m[3].parts.truncate(2)).is_err());
}

#[test]
fn history_is_whole_and_in_order() {
    assert!(changed(|m| m[1].parts[0] = excerpt(2, 0, 5)).is_err());
    assert!(changed(|m| m.swap(1, 2)).is_err());
}

#[test]
fn only_what_is_there_can_be_named() {
    assert!(changed(|m| m[3].parts.push(excerpt(5, 0, 1))).is_err());
    assert!(changed(|m| m[3].parts.push(Part::SaidOn(9))).is_err());
    assert!(changed(|m| m[3].parts.push(words(1))).is_err());
    let held = Words { literal: 0, anchor: Anchor::Passage(7) };
    assert!(changed(|m| m[3].parts.push(Part::Words(held))).is_err());
}

#[test]
fn a_span_lies_within_what_was_kept_and_cuts_no_character() {
    // Between the two spans that were kept.
    assert!(changed(|m| m[3].parts[0] = excerpt(1, 4, 9)).is_err());
    assert!(changed(|m| m[3].parts[0] = excerpt(1, 3, 3)).is_err());
    assert!(changed(|m| m[3].parts[0] = excerpt(1, 4, 2)).is_err());
    assert!(changed(|m| m[3].parts[0] = excerpt(1, 0, 99)).is_err());
    // Within the `ü` of `grün`, in a source of which all is kept.
    let mut sources = sources();
    sources[1].passage.kept = vec![span(0, 17)];
    let mut messages = good();
    messages[3].parts[0] = excerpt(1, 0, 9);
    let made = Plan { layout: Layout::Chat(messages), digest: String::new() };
    assert!(plan(&made, &sources, 1).is_err());
}

#[test]
fn nothing_but_the_instruction_stands_under_system() {
    assert!(changed(|m| m[3].role = Role::System).is_err());
    assert!(changed(|m| m[0].parts.push(Part::SaidOn(1))).is_err());
    assert!(changed(|m| m[0].parts.push(excerpt(1, 0, 5))).is_err());
}

#[test]
fn a_description_has_limits() {
    let window = |turns, block, percent| Description {
        name: "x".to_owned(),
        literals: vec!["y".to_owned()],
        history: crate::bindings::policy::assembly::Window { turns, block, percent },
        digest: String::new(),
    };
    assert_eq!(description(&window(32, 8, 50)), Ok(()));
    assert_eq!(description(&window(0, 1, 100)), Ok(()));
    for (turns, block, percent) in [(65, 1, 50), (8, 0, 50), (8, 9, 50), (8, 1, 0), (8, 1, 101)] {
        assert!(description(&window(turns, block, percent)).is_err(), "{turns} {block} {percent}");
    }
    let mut long = window(8, 1, 50);
    long.literals = vec!["x".repeat(1_025)];
    assert!(description(&long).is_err());
    long.literals = vec![String::new(); 65];
    assert!(description(&long).is_err());
}

fn text(passage: u32, kind: Kind, tokens: u32) -> Item {
    Item { content: Content::Excerpt(Text { passage, kind }), tokens }
}

fn fixed(anchor: Hold, tokens: u32) -> Item {
    Item { content: Content::Fixed(anchor), tokens }
}

fn kept(first: u32, count: u32) -> Kept {
    Kept { first, count }
}

/// A heading over two memories, one of them dated, and the query: 20 tokens.
fn items() -> Vec<Item> {
    vec![
        fixed(Hold::Section(Kind::Memory), 2),
        fixed(Hold::Passage(1), 1),
        text(1, Kind::Memory, 5),
        text(2, Kind::Memory, 5),
        fixed(Hold::Always, 1),
        text(3, Kind::Query, 6),
    ]
}

fn fits(budget: u32, answer: Vec<Kept>) -> Checked {
    truncation(&truncation::Request { items: items(), budget }, &answer)
}

#[test]
fn what_is_kept_fits_and_hangs_together() {
    let all = vec![kept(0, 2), kept(0, 1), kept(0, 5), kept(0, 5), kept(0, 1), kept(0, 6)];
    assert_eq!(fits(20, all.clone()), Ok(()));
    assert!(fits(19, all.clone()).is_err(), "over the budget");
    let none = vec![kept(0, 0), kept(0, 0), kept(0, 0), kept(0, 0), kept(0, 1), kept(0, 6)];
    assert_eq!(fits(19, none.clone()), Ok(()));
    assert!(fits(20, none.clone()).is_err(), "it cuts what fits");
    let half = vec![kept(0, 2), kept(0, 1), kept(0, 5), kept(0, 3), kept(0, 1), kept(0, 6)];
    assert_eq!(fits(18, half.clone()), Ok(()));
    for (at, change, why) in [
        (0, kept(0, 0), "the heading is gone, its text is not"),
        (0, kept(0, 1), "the heading is cut"),
        (1, kept(0, 0), "the date is gone, its text is not"),
        (3, kept(4, 2), "there are no such tokens"),
        (4, kept(0, 0), "what always stays is gone"),
        (5, kept(0, 5), "the query is cut"),
    ] {
        let mut answer = half.clone();
        answer[at] = change;
        assert!(fits(18, answer).is_err(), "{why}");
    }
    let mut orphan = none;
    orphan[0] = kept(0, 2);
    assert!(fits(19, orphan).is_err(), "a heading over nothing");
    assert!(fits(20, all[1..].to_vec()).is_err(), "an answer is missing");
}

#[test]
fn a_choice_is_of_known_candidates_each_once() {
    let candidate = |id| ranking::Candidate {
        id,
        kind: Kind::Memory,
        role: Role::User,
        name: None,
        said_at: None,
        follows: None,
        dense: None,
        common: None,
        lexical: None,
        bytes: 0,
        text: String::new(),
    };
    let request = ranking::Request {
        query: String::new(),
        now: 0,
        candidates: vec![candidate(0), candidate(1), candidate(2)],
        most: 2,
    };
    let check = |list: &[(u32, f32)]| {
        let choices: Vec<_> =
            list.iter().map(|(id, score)| ranking::Choice { id: *id, score: *score }).collect();
        ranking(&request, &choices)
    };
    assert_eq!(check(&[(2, 1.0), (0, 0.5)]), Ok(()));
    assert_eq!(check(&[]), Ok(()));
    assert!(check(&[(0, 1.0), (1, 1.0), (2, 1.0)]).is_err());
    assert!(check(&[(0, 1.0), (0, 0.5)]).is_err());
    assert!(check(&[(7, 1.0)]).is_err());
    assert!(check(&[(0, f32::NAN)]).is_err());
}

#[test]
fn condensed_spans_are_ordered_and_within_the_text() {
    let source = condensation::Source { text: "Blau, grün.".to_owned(), tokens: 9, tokens_max: 3 };
    let request = condensation::Request { query: String::new(), sources: vec![source] };
    let check = |spans: &[Span]| condensation(&request, &[spans.to_vec()]);
    assert_eq!(check(&[span(0, 4), span(6, 11)]), Ok(()));
    assert_eq!(check(&[]), Ok(()));
    assert!(check(&[span(6, 11), span(0, 4)]).is_err());
    assert!(check(&[span(0, 4), span(3, 6)]).is_err());
    assert!(check(&[span(0, 9)]).is_err(), "within the `ü`");
    assert!(check(&[span(4, 4)]).is_err());
    assert!(condensation(&request, &[]).is_err());
}
