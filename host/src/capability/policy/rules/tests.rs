//! Answers that break a rule, each beside one that does not.

use super::*;

fn passage(id: u32, kind: Kind, text: &str) -> Passage {
    let end = u32::try_from(text.len()).expect("a short text");
    Passage {
        id,
        kind,
        role: if kind == Kind::Instruction { Role::System } else { Role::User },
        turn: 0,
        score: 0.0,
        said_at: None,
        tokens: 1,
        text: text.to_owned(),
        kept: vec![Span { start: 0, end }],
    }
}

fn request() -> assembly::Request {
    let passages = vec![
        passage(1, Kind::Instruction, "Be kind."),
        passage(2, Kind::Document, "Où est-il ?"),
        passage(3, Kind::History, "One."),
        passage(4, Kind::History, "Two."),
        passage(5, Kind::Query, "Why?"),
    ];
    assembly::Request { passages, now: 0 }
}

fn excerpt(passage: u32, start: u32, end: u32) -> assembly::Part {
    assembly::Part::Excerpt(assembly::Excerpt { passage, span: Span { start, end } })
}

fn words(literal: u32, anchor: assembly::Anchor) -> assembly::Part {
    assembly::Part::Words(assembly::Words { literal, anchor })
}

/// Whether a text of instruction, these parts and query is a plan, by a policy with two literals.
fn is_plan(between: &[assembly::Part]) -> bool {
    let mut parts = vec![excerpt(1, 0, 8)];
    parts.extend_from_slice(between);
    parts.push(excerpt(5, 0, 4));
    is_layout(assembly::Layout::Text(parts))
}

fn is_layout(layout: assembly::Layout) -> bool {
    assembly(2, &request(), &Ok(assembly::Plan { layout, digest: String::new() })).is_ok()
}

#[test]
fn a_plan_shows_only_what_there_is() {
    use assembly::Anchor;
    assert!(is_plan(&[]));
    assert!(is_plan(&[words(1, Anchor::Passage(2)), excerpt(2, 0, 3), excerpt(2, 4, 7)]));
    for broken in [
        words(2, Anchor::Always),
        words(0, Anchor::Passage(9)),
        assembly::Part::SaidOn(9),
        excerpt(9, 0, 1),
        excerpt(2, 0, 0),
        excerpt(2, 3, 2),
        excerpt(2, 0, 2),
        excerpt(2, 0, 99),
    ] {
        assert!(!is_plan(std::slice::from_ref(&broken)), "{broken:?}");
    }
    assert!(!is_plan(&vec![words(0, Anchor::Always); PARTS_MAX]));
}

#[test]
fn a_plan_shows_some_passages_whole_once_and_in_order() {
    assert!(is_plan(&[excerpt(3, 0, 4), excerpt(4, 0, 4)]));
    assert!(is_plan(&[excerpt(4, 0, 4)]));
    for broken in [
        vec![excerpt(4, 0, 4), excerpt(3, 0, 4)],
        vec![excerpt(3, 0, 2)],
        vec![excerpt(3, 0, 4), excerpt(3, 0, 4)],
        vec![excerpt(1, 0, 8)],
        vec![excerpt(5, 0, 4)],
    ] {
        assert!(!is_plan(&broken), "{broken:?}");
    }
    assert!(!is_layout(assembly::Layout::Text(vec![excerpt(1, 0, 8)])), "the query is missing");
}

#[test]
fn nothing_but_the_instruction_speaks_with_the_voice_of_the_operator() {
    let chat = |recalled: Role| {
        let message = |role, parts| assembly::Message { role, parts };
        is_layout(assembly::Layout::Chat(vec![
            message(Role::System, vec![excerpt(1, 0, 8)]),
            message(recalled, vec![excerpt(2, 0, 3)]),
            message(Role::User, vec![excerpt(5, 0, 4)]),
        ]))
    };
    assert!(chat(Role::User));
    assert!(!chat(Role::System));
}

#[test]
fn an_error_must_be_true() {
    let incomplete = Err(assembly::Error::IncompleteRequest);
    assert!(assembly(2, &request(), &incomplete).is_err());
    let mut silent = request();
    silent.passages.pop();
    assert!(assembly(2, &silent, &incomplete).is_ok());
    let failed = Err(assembly::Error::Failed(crate::bindings::policy::types::Failure::Trapped));
    assert_eq!(assembly(2, &request(), &failed), Err(ONLY_THE_HOST_FAILS));
}

#[test]
fn a_description_keeps_its_limits() {
    let good = assembly::Description {
        name: "a-policy-2".to_owned(),
        literals: vec!["x".repeat(1_024); 64],
        history: assembly::Window { turns: 64, block: 64, percent: 100 },
        digest: String::new(),
    };
    assert_eq!(check_description(&good), Ok(()));
    let window = |turns, block, percent| assembly::Description {
        history: assembly::Window { turns, block, percent },
        ..good.clone()
    };
    assert_eq!(check_description(&window(0, 1, 1)), Ok(()));
    for broken in [
        assembly::Description { name: String::new(), ..good.clone() },
        assembly::Description { name: "Not Kebab".to_owned(), ..good.clone() },
        assembly::Description { literals: vec![String::new(); 65], ..good.clone() },
        assembly::Description { literals: vec!["x".repeat(1_025)], ..good.clone() },
        assembly::Description { digest: "0".to_owned(), ..good.clone() },
        window(65, 1, 1),
        window(8, 9, 1),
        window(8, 0, 1),
        window(8, 8, 0),
        window(8, 8, 101),
    ] {
        assert!(check_description(&broken).is_err(), "{broken:?}");
    }
}

#[test]
fn lengths_add_up_and_labels_stand_with_their_texts() {
    use super::truncation::{Anchor, Content, Error, Excerpt, Item, Kept, Shortfall};
    let text = |passage, kind| Content::Excerpt(Excerpt { passage, kind });
    let items: Vec<Item> = [
        (text(1, Kind::Query), 5),
        (Content::Fixed(Anchor::Section(Kind::Memory)), 2),
        (text(2, Kind::Memory), 10),
    ]
    .map(|(content, tokens)| Item { content, tokens })
    .to_vec();
    let request = |budget| truncation::Request { items: items.clone(), budget };
    let is_answer = |budget, kept: &[(u32, u32)]| {
        let kept = kept.iter().map(|(first, count)| Kept { first: *first, count: *count });
        truncation(&request(budget), &Ok(kept.collect())).is_ok()
    };
    assert!(is_answer(17, &[(0, 5), (0, 2), (0, 10)]));
    assert!(is_answer(12, &[(0, 5), (0, 2), (0, 5)]));
    assert!(is_answer(12, &[(0, 5), (0, 2), (9, 1)]), "the order of cutting is the policy's");
    assert!(is_answer(12, &[(0, 5), (0, 0), (0, 0)]));
    for (budget, broken) in [
        (17, vec![(0, 5), (0, 2), (0, 9)]),
        (12, vec![(0, 5), (0, 2), (0, 6)]),
        (12, vec![(0, 4), (0, 2), (0, 5)]),
        (12, vec![(0, 5), (0, 0), (0, 5)]),
        (12, vec![(0, 5), (0, 2), (0, 0)]),
        (12, vec![(0, 5), (0, 2), (9, 2)]),
        (12, vec![(0, 5), (0, 2)]),
    ] {
        assert!(!is_answer(budget, &broken), "{broken:?} within {budget}");
    }
    let short = |budget, needed| {
        let shortfall = Shortfall { needed, budget };
        truncation(&request(budget), &Err(Error::DoesNotFit(shortfall))).is_ok()
    };
    assert!(short(4, 5));
    assert!(!short(4, 6) && !short(5, 5), "what must stay is 5 tokens long");
}

#[test]
fn choices_are_candidates_each_once_and_best_first() {
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
    let candidates = vec![candidate(1), candidate(2)];
    let request = ranking::Request { query: String::new(), now: 0, candidates, most: 2 };
    let is_answer = |choices: &[(u32, f32)]| {
        let choices = choices.iter().map(|(id, score)| ranking::Choice { id: *id, score: *score });
        ranking(&request, &Ok(choices.collect())).is_ok()
    };
    assert!(is_answer(&[]) && is_answer(&[(2, 1.0), (1, 1.0)]));
    assert!(!is_answer(&[(1, 0.0), (2, 1.0)]) && !is_answer(&[(1, 1.0), (1, 1.0)]));
    assert!(!is_answer(&[(3, 1.0)]) && !is_answer(&[(1, f32::NAN)]));
}

#[test]
fn spans_are_ordered_and_on_the_borders_of_characters() {
    let source =
        |tokens| condensation::Source { text: "Où est".to_owned(), tokens, tokens_max: 2 };
    let is_answer = |tokens, spans: &[(u32, u32)]| {
        let request = condensation::Request { query: String::new(), sources: vec![source(tokens)] };
        let spans = spans.iter().map(|(start, end)| Span { start: *start, end: *end });
        condensation(&request, &Ok(vec![spans.collect()])).is_ok()
    };
    assert!(is_answer(3, &[]) && is_answer(3, &[(0, 1), (1, 3)]) && is_answer(2, &[(0, 7)]));
    assert!(!is_answer(3, &[(0, 2)]) && !is_answer(3, &[(3, 4), (0, 1)]));
    assert!(!is_answer(3, &[(0, 8)]) && !is_answer(3, &[(1, 1)]) && !is_answer(2, &[(0, 1)]));
}
