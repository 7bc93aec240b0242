//! What is chosen, and in which order.

use super::*;
use crate::types::Role;

fn memory(id: u32, role: Role, dense: Option<f32>, lexical: Option<f32>) -> Candidate {
    Candidate {
        id,
        kind: Kind::Memory,
        role,
        name: None,
        said_at: None,
        follows: None,
        dense,
        common: None,
        lexical,
        bytes: 1_000,
        text: format!("what number {id} says"),
    }
}

fn ids(query: &str, most: u32, candidates: Vec<Candidate>) -> Vec<u32> {
    let request = Request { query: query.to_owned(), now: 0, candidates, most };
    let choices = rank(&request).expect("ranking has no error of its own");
    assert!(choices.iter().all(|choice| choice.score.is_finite()));
    assert!(choices.windows(2).all(|pair| pair[0].score >= pair[1].score));
    choices.iter().map(|choice| choice.id).collect()
}

#[test]
fn one_clear_candidate_is_chosen() {
    let dense = memory(1, Role::User, Some(0.6), None);
    assert_eq!(ids("Where?", 5, vec![dense]), [1]);
    let lexical = memory(1, Role::Assistant, None, Some(1e-6));
    assert_eq!(ids("Where?", 5, vec![lexical]), [1]);
}

#[test]
fn nothing_is_better_than_what_no_search_speaks_for() {
    let noise = vec![
        memory(1, Role::User, Some(0.1), None),
        memory(2, Role::User, Some(-0.5), None),
        memory(3, Role::User, None, None),
        memory(4, Role::User, Some(f32::NAN), Some(f32::INFINITY)),
    ];
    assert_eq!(ids("Where?", 5, noise), []);
    assert_eq!(ids("Where?", 5, vec![]), []);
    assert_eq!(ids("Where?", 0, vec![memory(1, Role::User, Some(0.9), None)]), []);
}

#[test]
fn of_two_the_nearer_comes_first_whoever_said_it() {
    let two = vec![
        memory(1, Role::User, Some(0.25), None),
        memory(2, Role::Assistant, Some(0.75), Some(4.0)),
    ];
    assert_eq!(ids("Where?", 5, two), [2, 1]);
}

#[test]
fn a_candidate_of_one_search_may_win() {
    let mut many: Vec<Candidate> =
        (2..20).map(|id| memory(id, Role::User, Some(0.3), None)).collect();
    many.push(memory(1, Role::User, None, Some(7.0)));
    assert_eq!(ids("Where?", 1, many.clone()), [1]);
    many.push(memory(20, Role::User, Some(0.9), None));
    assert_eq!(ids("Where?", 2, many), [20, 1]);
}

#[test]
fn what_the_person_said_counts_for_more_unless_the_assistant_is_asked() {
    let near = |id, role| memory(id, role, Some(0.5), None);
    let both = vec![near(1, Role::Assistant), near(2, Role::User)];
    assert_eq!(ids("What is my dog's name?", 2, both.clone()), [2, 1]);
    assert_eq!(ids("What did you recommend?", 2, both), [1, 2]);
}

#[test]
fn what_repeats_a_better_one_is_left_out() {
    let mut again = memory(1, Role::User, Some(0.5), None);
    let mut first = memory(2, Role::User, Some(0.5), None);
    again.text = "My dog is Rex.".to_owned();
    first.text = "my dog is Rex".to_owned();
    again.said_at = Some(7);
    first.said_at = Some(3);
    assert_eq!(ids("What is my dog's name?", 5, vec![first, again]), [1]);
}

#[test]
fn documents_do_not_compete_with_memories_on_one_scale() {
    let document = |id, dense, lexical| Candidate {
        kind: Kind::Document,
        ..memory(id, Role::User, Some(dense), Some(lexical))
    };
    let mixed = vec![
        document(1, 0.9, 90.0),
        document(2, 0.8, 80.0),
        memory(3, Role::User, Some(0.5), Some(0.002)),
        memory(4, Role::User, Some(0.3), Some(0.001)),
    ];
    assert_eq!(ids("Where?", 2, mixed).iter().filter(|id| **id < 3).count(), 1);
}

#[test]
fn a_message_shares_in_what_speaks_for_its_neighbours() {
    let short = |id, dense, follows| {
        let one = memory(id, Role::User, Some(dense), None);
        Candidate { bytes: 80, follows, ..one }
    };
    let row = vec![
        short(1, 0.1, None),
        short(2, 0.7, Some(1)),
        short(3, 0.1, Some(2)),
        short(4, 0.1, Some(3)),
        short(5, 0.1, None),
    ];
    // The neighbours come with it, the nearer ones first; what is farther away has nothing.
    assert_eq!(ids("Where?", 5, row.clone()), [2, 1, 3]);
    // A long one is about much else.
    let long = |one: Candidate| Candidate { bytes: if one.id == 2 { 20_000 } else { 80 }, ..one };
    let mut other = row;
    other.push(short(6, 0.2, None));
    assert_eq!(ids("Where?", 2, other.clone()), [2, 1]);
    assert_eq!(ids("Where?", 2, other.into_iter().map(long).collect()), [2, 6]);
}

#[test]
fn a_reply_speaks_for_its_question_however_long_it_is() {
    let mut reply = memory(2, Role::Assistant, Some(0.8), None);
    (reply.follows, reply.bytes) = (Some(1), 20_000);
    let alone = memory(3, Role::User, Some(0.35), None);
    let question = memory(1, Role::User, Some(0.3), None);
    let all = vec![alone, question, reply];
    assert_eq!(ids("What did the plan say?", 2, all), [1, 3]);
}

#[test]
fn who_is_named_counts_for_more_and_a_person_is_no_model() {
    let said = |id, role, name: &str| {
        let one = memory(id, role, Some(0.5), None);
        Candidate { name: Some(name.to_owned()), ..one }
    };
    let two = vec![said(1, Role::User, "Ann"), said(2, Role::Assistant, "Ben Oak")];
    assert_eq!(ids("What is Ben's dog called?", 2, two.clone()), [2, 1]);
    assert_eq!(ids("What is ann's dog called?", 2, two.clone()), [1, 2]);
    let scores = |query: &str| {
        let request = Request { query: query.to_owned(), now: 0, candidates: two.clone(), most: 2 };
        rank(&request).expect("a ranking").iter().map(|it| it.score).collect::<Vec<_>>()
    };
    let equal = scores("What is the dog called?");
    assert_eq!(equal[0], equal[1]);
}

#[test]
fn what_all_have_in_common_counts_for_less() {
    let near = |id, dense, common| Candidate {
        common: Some(common),
        ..memory(id, Role::User, Some(dense), None)
    };
    let both = vec![near(1, 0.6, 0.7), near(2, 0.55, 0.2)];
    assert_eq!(ids("Where?", 2, both), [2, 1]);
}

#[test]
fn what_was_said_at_the_time_that_is_asked_about_comes_first() {
    // 10 March 2024, and noon of 15 May 2024.
    let (march, now) = (1_710_028_800, 1_715_774_400);
    let said = |id, said_at, dense| {
        let one = memory(id, Role::User, dense, None);
        Candidate { said_at: Some(said_at), ..one }
    };
    let all = vec![
        said(1, now - 40_000, Some(0.45)),
        said(2, march, Some(0.4)),
        said(3, march + 5, None),
        said(4, march - 200 * 86_400, Some(0.1)),
    ];
    let ids = |query: &str| {
        let candidates = all.clone();
        let request = Request { query: query.to_owned(), now, candidates, most: 5 };
        let choices = rank(&request).expect("a ranking");
        choices.iter().map(|choice| choice.id).collect::<Vec<_>>()
    };
    assert_eq!(ids("What did I say?"), [1, 2]);
    // That day speaks even for what no search found.
    assert_eq!(ids("What did I say last March?"), [2, 1, 3]);
    assert_eq!(ids("What did I say before May 2024?"), [2, 1]);
}
