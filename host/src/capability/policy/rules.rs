//! The rules of the policy interfaces that an answer is checked against before anyone uses it.

use std::collections::{BTreeMap, BTreeSet};

use crate::bindings::policy::types::{Kind, Passage, Role, Span};
use crate::bindings::policy::{assembly, condensation, ranking, truncation};

/// The length of a policy's name and of one literal, in bytes, and the number of literals.
const NAME_BYTES_MAX: usize = 64;
const LITERAL_BYTES_MAX: usize = 1_024;
const LITERALS_MAX: usize = 64;
/// The most turns of history that a policy may ask for.
const TURNS_MAX: u32 = 64;
/// The parts of one prompt.
const PARTS_MAX: usize = 1_024;

/// Checks what a policy says of itself.
///
/// # Errors
///
/// Fails with the rule that is broken.
pub fn check_description(description: &assembly::Description) -> Result<(), &'static str> {
    let name = &description.name;
    let kebab =
        |symbol: u8| symbol.is_ascii_lowercase() || symbol.is_ascii_digit() || symbol == b'-';
    let window = description.history;
    let literals = &description.literals;
    let rules = [
        (!name.is_empty() && name.len() <= NAME_BYTES_MAX, "`name` has 1 to 64 bytes"),
        (name.bytes().all(kebab), "`name` is in kebab-case"),
        (literals.len() <= LITERALS_MAX, "there are at most 64 `literals`"),
        (
            literals.iter().all(|literal| literal.len() <= LITERAL_BYTES_MAX),
            "each of the `literals` has at most 1024 bytes",
        ),
        (window.turns <= TURNS_MAX, "`turns` is at most 64"),
        (
            window.block >= 1 && window.block <= window.turns.max(1),
            "`block` is at least 1 and at most `turns`",
        ),
        (matches!(window.percent, 1..=100), "`percent` is from 1 to 100"),
        (description.digest.is_empty(), "`digest` is empty: a policy cannot vouch for itself"),
    ];
    rules.iter().find(|(kept, _)| !kept).map_or(Ok(()), |(_, rule)| Err(*rule))
}

/// Whether this is a plan for this request, by a policy with so many literals.
pub fn assembly(
    literals: usize,
    request: &assembly::Request,
    answer: &Result<assembly::Plan, assembly::Error>,
) -> bool {
    let complete = [Kind::Instruction, Kind::Query]
        .iter()
        .all(|kind| request.passages.iter().filter(|passage| passage.kind == *kind).count() == 1);
    let plan = match answer {
        Ok(plan) if complete => plan,
        Err(assembly::Error::IncompleteRequest) => return !complete,
        Ok(_) | Err(assembly::Error::Failed(_)) => return false,
    };
    let parts: Vec<(Option<Role>, &assembly::Part)> = match &plan.layout {
        assembly::Layout::Chat(messages) => messages
            .iter()
            .flat_map(|message| message.parts.iter().map(|part| (Some(message.role), part)))
            .collect(),
        assembly::Layout::Text(parts) => parts.iter().map(|part| (None, part)).collect(),
    };
    let passages: BTreeMap<u32, &Passage> =
        request.passages.iter().map(|passage| (passage.id, passage)).collect();
    plan.digest.is_empty()
        && parts.len() <= PARTS_MAX
        && parts.iter().all(|(role, part)| part_is_valid(*role, part, literals, &passages))
        && whole_passages_are_whole(request, &parts)
}

fn part_is_valid(
    role: Option<Role>,
    part: &assembly::Part,
    literals: usize,
    passages: &BTreeMap<u32, &Passage>,
) -> bool {
    match part {
        assembly::Part::Words(words) => {
            let anchored = match words.anchor {
                assembly::Anchor::Passage(id) => passages.contains_key(&id),
                assembly::Anchor::Always | assembly::Anchor::Section(_) => true,
            };
            anchored && (words.literal as usize) < literals
        }
        assembly::Part::SaidOn(id) => passages.contains_key(id),
        assembly::Part::Excerpt(excerpt) => passages.get(&excerpt.passage).is_some_and(|passage| {
            let span = excerpt.span;
            // What was recalled or uploaded never speaks with the operator's voice.
            let rises = role == Some(Role::System) && passage.kind != Kind::Instruction;
            let kept = |kept: &Span| kept.start <= span.start && span.end <= kept.end;
            !rises && is_span_of(span, &passage.text) && passage.kept.iter().any(kept)
        }),
    }
}

/// Whether instruction and query appear once and whole, and history whole or not at all and in the
/// order of its turns.
fn whole_passages_are_whole(
    request: &assembly::Request,
    parts: &[(Option<Role>, &assembly::Part)],
) -> bool {
    let mut shown: BTreeMap<u32, Vec<Span>> = BTreeMap::new();
    let mut order: Vec<u32> = Vec::new();
    for (_, part) in parts {
        if let assembly::Part::Excerpt(excerpt) = part {
            shown.entry(excerpt.passage).or_default().push(excerpt.span);
            order.push(excerpt.passage);
        }
    }
    let whole = request.passages.iter().all(|passage| match passage.kind {
        Kind::Instruction | Kind::Query => {
            shown.get(&passage.id).map_or(&[][..], Vec::as_slice) == passage.kept
        }
        Kind::History => shown.get(&passage.id).is_none_or(|spans| *spans == passage.kept),
        Kind::Document | Kind::Memory => true,
    });
    let history: BTreeMap<u32, usize> = request
        .passages
        .iter()
        .enumerate()
        .filter(|(_, passage)| passage.kind == Kind::History)
        .map(|(place, passage)| (passage.id, place))
        .collect();
    let places = order.iter().filter_map(|id| history.get(id));
    whole && places.is_sorted()
}

/// Whether these are the lengths to keep for this request.
pub fn truncation(
    request: &truncation::Request,
    answer: &Result<Vec<truncation::Kept>, truncation::Error>,
) -> bool {
    use truncation::{Anchor, Content, Error};
    let kept = match answer {
        Ok(kept) => kept,
        Err(Error::DoesNotFit(shortfall)) => {
            let needed = must_stay(request);
            return needed > u64::from(request.budget)
                && shortfall.needed == u32::try_from(needed).unwrap_or(u32::MAX)
                && shortfall.budget == request.budget;
        }
        Err(Error::Failed(_)) => return false,
    };
    if kept.len() != request.items.len() {
        return false;
    }
    let pairs = || request.items.iter().zip(kept);
    let (sections, passages) = open(request, |index| kept[index].count > 0);
    let total: u64 = kept.iter().map(|kept| u64::from(kept.count)).sum();
    let all: u64 = request.items.iter().map(|item| u64::from(item.tokens)).sum();
    let budget = u64::from(request.budget);
    total <= budget
        && pairs().all(|(item, kept)| {
            let whole = kept.count == item.tokens;
            let inside = u64::from(kept.first) + u64::from(kept.count) <= u64::from(item.tokens);
            let right = match &item.content {
                Content::Excerpt(excerpt) => whole || (all > budget && is_cuttable(excerpt.kind)),
                Content::Fixed(anchor) => {
                    let held = match anchor {
                        Anchor::Always => true,
                        Anchor::Section(kind) => sections.contains(&section(*kind)),
                        Anchor::Passage(id) => passages.contains(id),
                    };
                    if held { whole } else { kept.count == 0 }
                }
            };
            inside && right
        })
}

/// The tokens of what stays however much is cut.
fn must_stay(request: &truncation::Request) -> u64 {
    use truncation::{Anchor, Content};
    let (sections, passages) = open(request, |_| false);
    let stays = |content: &Content| match content {
        Content::Excerpt(excerpt) => !is_cuttable(excerpt.kind),
        Content::Fixed(Anchor::Always) => true,
        Content::Fixed(Anchor::Section(kind)) => sections.contains(&section(*kind)),
        Content::Fixed(Anchor::Passage(id)) => passages.contains(id),
    };
    let items = request.items.iter().filter(|item| stays(&item.content));
    items.map(|item| u64::from(item.tokens)).sum()
}

/// The kinds and passages of which text is kept, where `is_kept` tells it of an item. Text that
/// cannot be cut is always kept.
fn open(
    request: &truncation::Request,
    is_kept: impl Fn(usize) -> bool,
) -> (BTreeSet<u8>, BTreeSet<u32>) {
    let texts = request.items.iter().enumerate().filter_map(|(index, item)| match &item.content {
        truncation::Content::Excerpt(excerpt) => {
            (!is_cuttable(excerpt.kind) || is_kept(index)).then_some(excerpt)
        }
        truncation::Content::Fixed(_) => None,
    });
    texts.map(|excerpt| (section(excerpt.kind), excerpt.passage)).unzip()
}

fn is_cuttable(kind: Kind) -> bool {
    !matches!(kind, Kind::Instruction | Kind::Query)
}

/// A number for a kind.
fn section(kind: Kind) -> u8 {
    kind as u8
}

/// Whether these are choices among the candidates of this request.
pub fn ranking(
    request: &ranking::Request,
    answer: &Result<Vec<ranking::Choice>, ranking::Error>,
) -> bool {
    let Ok(choices) = answer else { return false };
    let mut ids: BTreeSet<u32> = request.candidates.iter().map(|candidate| candidate.id).collect();
    choices.len() <= request.most as usize
        && choices.iter().all(|choice| choice.score.is_finite() && ids.remove(&choice.id))
        && choices.is_sorted_by(|one, two| one.score >= two.score)
}

/// Whether these are spans of the sources of this request.
pub fn condensation(
    request: &condensation::Request,
    answer: &Result<Vec<Vec<Span>>, condensation::Error>,
) -> bool {
    let Ok(kept) = answer else { return false };
    kept.len() == request.sources.len()
        && request.sources.iter().zip(kept).all(|(source, spans)| {
            let valid = spans.iter().all(|span| is_span_of(*span, &source.text));
            let ordered = spans.is_sorted_by(|one, two| one.end <= two.start);
            let covers = spans.first().is_some_and(|span| span.start == 0)
                && spans.len() == 1
                && spans[0].end as usize == source.text.len();
            let short = source.tokens <= source.tokens_max;
            valid && ordered && (!short || covers || source.text.is_empty())
        })
}

/// Whether a span is one of this text: not empty, inside, and on the borders of characters.
fn is_span_of(span: Span, text: &str) -> bool {
    let (start, end) = (span.start as usize, span.end as usize);
    start < end && text.is_char_boundary(start) && text.is_char_boundary(end)
}

#[cfg(test)]
mod tests;
