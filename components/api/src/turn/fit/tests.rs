use super::*;
use crate::bindings::policy::assembly::Words as LaidWords;
use crate::bindings::policy::types::Passage;
use crate::turn::passages::whole;

fn source(id: u32, kind: Kind) -> Source {
    let text = "one two".to_owned();
    let kept = whole(&text, 2);
    Source {
        passage: Passage {
            id,
            kind,
            role: Role::User,
            turn: 1,
            score: 0.0,
            said_at: Some(1_773_310_272),
            tokens: 2,
            text,
            kept: kept.iter().map(|(span, _)| *span).collect(),
        },
        message: Some(7),
        found: None,
        span_tokens: vec![2],
    }
}

fn sources() -> Vec<Source> {
    vec![
        source(0, Kind::Instruction),
        source(1, Kind::Memory),
        source(2, Kind::Memory),
        source(3, Kind::History),
        source(4, Kind::Query),
    ]
}

fn excerpt(passage: u32) -> Part {
    Part::Excerpt(assembly::Excerpt { passage, span: Span { start: 0, end: 7 } })
}

fn words(anchor: assembly::Anchor) -> Part {
    Part::Words(LaidWords { literal: 0, anchor })
}

fn anchor(parts: Vec<Part>) -> Anchor {
    anchor_of(&Message { role: Role::User, parts }, &sources())
}

#[test]
fn the_template_around_a_message_falls_with_what_is_in_it() {
    assert_eq!(anchor(vec![excerpt(3)]), Anchor::Passage(3));
    let dated = vec![Part::SaidOn(1), words(assembly::Anchor::Passage(1)), excerpt(1)];
    assert_eq!(anchor(dated), Anchor::Passage(1));
    let section = vec![
        words(assembly::Anchor::Section(Kind::Memory)),
        excerpt(1),
        Part::SaidOn(2),
        excerpt(2),
    ];
    assert_eq!(anchor(section), Anchor::Section(Kind::Memory));
    assert_eq!(anchor(vec![excerpt(1), excerpt(4)]), Anchor::Always);
    assert_eq!(anchor(vec![words(assembly::Anchor::Always), excerpt(3)]), Anchor::Always);
    assert_eq!(anchor(Vec::new()), Anchor::Always);
}

#[test]
fn each_part_becomes_an_item_with_its_text() {
    let sources = sources();
    let literals = ["Said: ".to_owned()];
    let laid = Words { literals: &literals, sources: &sources };
    let of = |part: &Part| {
        let slot = slot(part, 5, &laid);
        assert_eq!(slot.line, 5);
        (slot.item.content, slot.text.expect("parts have texts").0)
    };
    assert_eq!(
        of(&words(assembly::Anchor::Section(Kind::Memory))),
        (Content::Fixed(Anchor::Section(Kind::Memory)), "Said: ".to_owned())
    );
    assert_eq!(
        of(&Part::SaidOn(1)),
        (Content::Fixed(Anchor::Passage(1)), "12 March 2026".to_owned())
    );
    assert_eq!(
        of(&excerpt(2)),
        (Content::Excerpt(Excerpt { passage: 2, kind: Kind::Memory }), "one two".to_owned())
    );
}

#[test]
fn who_is_right_that_it_does_not_fit_has_not_failed() {
    let excerpt = Excerpt { passage: 4, kind: Kind::Query };
    let items = vec![Item { content: Content::Excerpt(excerpt), tokens: 5 }];
    let judged = |budget: u32, answer| {
        let request = truncation::Request { items: items.clone(), budget };
        judge(&request, answer, || builtin::truncate(&request).is_err())
    };
    let short =
        |budget| Err(truncation::Error::DoesNotFit(truncation::Shortfall { needed: 5, budget }));
    assert_eq!(judged(4, short(4)).map(|kept| kept.is_none()), Ok(true));
    assert!(judged(5, short(5)).is_err_and(|reason| reason.contains("what fits")));
    let whole = vec![Kept { first: 0, count: 5 }];
    assert_eq!(judged(5, Ok(whole)).map(|kept| kept.is_some()), Ok(true));
    assert!(judged(5, Ok(Vec::new())).is_err());
}

fn line(role: Role) -> Line {
    let piece = Piece { text: "x".to_owned(), tokens: 1, origin: Origin::Words };
    Line { role, pieces: vec![piece] }
}

#[test]
fn an_answer_whose_question_fell_can_be_dropped() {
    let mut lines = vec![line(Role::System), line(Role::Assistant), line(Role::User)];
    assert!(drop_orphan(&mut lines));
    assert_eq!(lines.len(), 2);
    assert!(!drop_orphan(&mut lines), "the question is there");
    assert_eq!(lines.len(), 2);
}
