//! Requests to cut a prompt.

use super::golden;
use super::input::Random;
use super::report::{FINDINGS_MAX, Finding, Part, Report};
use super::subject::{Case, Subject};
use super::timing::PASSAGES;
use crate::bindings::policy::truncation::{Anchor, Content, Error, Excerpt, Item, Request};
use crate::bindings::policy::types::Kind;
use crate::capability::policy::Truncation;
use crate::slot::Policy;

/// How many random prompts there are, and those of them that are cut to every budget.
const RANDOM: usize = 128;
const SWEPT: usize = 24;
/// The items of the largest request.
const ITEMS_MAX: u32 = 4_096;

const KINDS: [Kind; 5] =
    [Kind::Instruction, Kind::Document, Kind::Memory, Kind::History, Kind::Query];

impl Subject for Truncation {
    fn cases() -> Vec<Case<Request>> {
        let mut cases = golden::truncation();
        let random = |index: usize| {
            Case::new(Part::Random, format!("random lengths {index}"), random(index))
        };
        cases.extend((0..RANDOM).map(random));
        cases.extend(hostile());
        cases
    }

    /// Each passage with its label, and room for half of it.
    fn usual() -> Option<Request> {
        let of = |id: u32| {
            let label = fixed(Anchor::Passage(id), 4);
            [label, text(id, KINDS[1 + id as usize % 3], 50)]
        };
        let mut items = vec![text(0, Kind::Instruction, 50)];
        items.extend((1..PASSAGES - 1).flat_map(of));
        items.push(text(PASSAGES - 1, Kind::Query, 50));
        Some(Request { items, budget: PASSAGES * 25 })
    }

    /// A larger budget never keeps less of any item, and never fails where a smaller one does not.
    fn relate(policy: &Policy<Self>, report: &mut Report) -> usize {
        let (mut checks, mut failed) = (0, 0);
        for index in 0..SWEPT {
            let items = random(index).items;
            let all: u64 = items.iter().map(|item| u64::from(item.tokens)).sum();
            let all = u32::try_from(all).unwrap_or(4_000).min(4_000);
            let mut before: Option<(u32, Vec<u32>)> = None;
            // Every budget of a short prompt, some of a long one.
            for budget in (0..=all + 1).step_by(1 + all as usize / 64) {
                checks += 1;
                let request = Request { items: items.clone(), budget };
                // What does not answer, or breaks a rule, was found before.
                let now = match policy.call(&request) {
                    Ok(Ok(kept)) => Some(kept.iter().map(|kept| kept.count).collect::<Vec<_>>()),
                    Ok(Err(Error::DoesNotFit(_) | Error::Failed(_))) | Err(_) => None,
                };
                let less = before
                    .as_ref()
                    .and_then(|(smaller, then)| less(*smaller, then, budget, now.as_deref()));
                if let Some(message) = less {
                    let case = format!("random lengths {index}");
                    let (part, what) = (Part::Relations, "not-monotone");
                    let input = format!("{request:?}");
                    report.find(Finding { part, what, message, case, input });
                    failed += 1;
                    break;
                }
                before = now.map(|now| (budget, now)).or(before);
            }
            if failed >= FINDINGS_MAX {
                break;
            }
        }
        checks
    }
}

/// What is kept less of with a larger budget.
fn less(smaller: u32, then: &[u32], budget: u32, now: Option<&[u32]>) -> Option<String> {
    let Some(now) = now else {
        return Some(format!("budget {smaller} is enough, and {budget} is not"));
    };
    let (place, (then, now)) =
        then.iter().zip(now).enumerate().find(|(_, (then, now))| now < then)?;
    Some(format!(
        "of item {place} budget {smaller} keeps {then} tokens, and {budget} only {now}; more \
         budget never keeps less"
    ))
}

fn text(passage: u32, kind: Kind, tokens: u32) -> Item {
    Item { content: Content::Excerpt(Excerpt { passage, kind }), tokens }
}

fn fixed(anchor: Anchor, tokens: u32) -> Item {
    Item { content: Content::Fixed(anchor), tokens }
}

/// Random lengths. Early ones are few, so that what fails first is easy to read.
fn random(index: usize) -> Request {
    let mut random = Random::new(index as u64);
    let passages = 2 + index as u32 / 4;
    let items: Vec<Item> = (0..random.below(3 + index / 2))
        .map(|_| {
            let most = if random.once_in(8) { 500 } else { 40 };
            let tokens = random.number(most);
            let passage = random.number(passages);
            match random.below(5) {
                0 => fixed(Anchor::Passage(passage), tokens / 4),
                1 => fixed(Anchor::Section(random.pick(&KINDS)), tokens / 4),
                2 if random.once_in(4) => fixed(Anchor::Always, tokens / 4),
                // Passages have one kind each.
                _ => text(passage, KINDS[passage as usize % KINDS.len()], tokens),
            }
        })
        .collect();
    let all: u32 = items.iter().map(|item| item.tokens).sum();
    Request { items, budget: random.number(all + all / 4 + 2) }
}

/// Lengths at a limit.
fn hostile() -> Vec<Case<Request>> {
    let case = |name: &str, items: Vec<Item>, budget| {
        Case::new(Part::Hostile, name, Request { items, budget })
    };
    let usual = || {
        vec![
            text(1, Kind::Instruction, 10),
            fixed(Anchor::Section(Kind::Memory), 2),
            text(2, Kind::Memory, 20),
            text(3, Kind::History, 20),
            text(4, Kind::Query, 5),
        ]
    };
    let many = |tokens| {
        let kind = |place: u32| KINDS[1 + place as usize % 3];
        (0..ITEMS_MAX).map(|place| text(place, kind(place), tokens)).collect::<Vec<Item>>()
    };
    vec![
        case("no budget", usual(), 0),
        case("one token short of what must stay", usual(), 14),
        case("just what must stay", usual(), 15),
        case("all the budget there is", usual(), u32::MAX),
        case("nothing in nothing", vec![], 0),
        case("items of no tokens", vec![text(1, Kind::Query, 0), text(2, Kind::Memory, 0)], 0),
        case("words that hang on nothing", vec![fixed(Anchor::Passage(77), 3)], 9),
        case("the most tokens", vec![text(1, Kind::Memory, u32::MAX); 3], u32::MAX),
        case("the most tokens that must stay", vec![text(1, Kind::Query, u32::MAX); 3], 5),
        case("the most items, and half of the room", many(10), 20_480),
        case("the most items, and no room", many(10), 0),
        case("the most items, all of it fitting", many(1), ITEMS_MAX),
    ]
}
