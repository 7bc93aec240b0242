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

/// The rule that every interface has.
pub const ONLY_THE_HOST_FAILS: &str = "only the host says `failed`";

/// Whether a rule is kept.
pub type Checked = Result<(), &'static str>;

/// Fails with the rule unless it is kept.
///
/// # Errors
///
/// Fails with `rule`.
pub fn must(kept: bool, rule: &'static str) -> Checked {
    if kept { Ok(()) } else { Err(rule) }
}

/// Checks a plan for this request, by a policy with so many literals.
///
/// # Errors
///
/// Fails with the rule that is broken.
pub fn assembly(
    literals: usize,
    request: &assembly::Request,
    answer: &Result<assembly::Plan, assembly::Error>,
) -> Checked {
    let complete = [Kind::Instruction, Kind::Query]
        .iter()
        .all(|kind| request.passages.iter().filter(|passage| passage.kind == *kind).count() == 1);
    let plan = match answer {
        Ok(plan) => plan,
        Err(assembly::Error::IncompleteRequest) => {
            return must(!complete, "a request with one instruction and one query is complete");
        }
        Err(assembly::Error::Failed(_)) => return Err(ONLY_THE_HOST_FAILS),
    };
    must(complete, "a request without one instruction and one query is `incomplete-request`")?;
    let parts: Vec<(Option<Role>, &assembly::Part)> = match &plan.layout {
        assembly::Layout::Chat(messages) => messages
            .iter()
            .flat_map(|message| message.parts.iter().map(|part| (Some(message.role), part)))
            .collect(),
        assembly::Layout::Text(parts) => parts.iter().map(|part| (None, part)).collect(),
    };
    let passages: BTreeMap<u32, &Passage> =
        request.passages.iter().map(|passage| (passage.id, passage)).collect();
    must(plan.digest.is_empty(), "`digest` is empty: a policy cannot vouch for itself")?;
    must(parts.len() <= PARTS_MAX, "a plan has at most 1024 parts")?;
    for (role, part) in &parts {
        check_part(*role, part, literals, &passages)?;
    }
    whole_passages_are_whole(request, &parts)
}

fn check_part(
    role: Option<Role>,
    part: &assembly::Part,
    literals: usize,
    passages: &BTreeMap<u32, &Passage>,
) -> Checked {
    let known =
        |id: u32| passages.get(&id).ok_or("a plan names only ids of passages that it was given");
    match part {
        assembly::Part::Words(words) => {
            if let assembly::Anchor::Passage(id) = words.anchor {
                known(id)?;
            }
            must((words.literal as usize) < literals, "a plan names only literals that it declared")
        }
        assembly::Part::SaidOn(id) => known(*id).map(|_| ()),
        assembly::Part::Excerpt(excerpt) => {
            let passage = known(excerpt.passage)?;
            let span = excerpt.span;
            // What was recalled or uploaded never speaks with the operator's voice.
            let rises = role == Some(Role::System) && passage.kind != Kind::Instruction;
            let kept = |kept: &Span| kept.start <= span.start && span.end <= kept.end;
            must(!rises, "only the instruction stands under `system`")?;
            must(
                is_span_of(span, &passage.text),
                "a span is not empty, lies in its text, and ends on characters",
            )?;
            must(passage.kept.iter().any(kept), "an excerpt lies within a span that was kept")
        }
    }
}

/// Checks that instruction and query appear once and whole, and history whole or not at all and in
/// the order of its turns.
fn whole_passages_are_whole(
    request: &assembly::Request,
    parts: &[(Option<Role>, &assembly::Part)],
) -> Checked {
    let mut shown: BTreeMap<u32, Vec<Span>> = BTreeMap::new();
    let mut order: Vec<u32> = Vec::new();
    for (_, part) in parts {
        if let assembly::Part::Excerpt(excerpt) = part {
            shown.entry(excerpt.passage).or_default().push(excerpt.span);
            order.push(excerpt.passage);
        }
    }
    for passage in &request.passages {
        match passage.kind {
            Kind::Instruction | Kind::Query => must(
                shown.get(&passage.id).map_or(&[][..], Vec::as_slice) == passage.kept,
                "instruction and query appear once each and whole",
            )?,
            Kind::History => must(
                shown.get(&passage.id).is_none_or(|spans| *spans == passage.kept),
                "a history passage appears whole and once, or not at all",
            )?,
            Kind::Document | Kind::Memory => {}
        }
    }
    let history: BTreeMap<u32, usize> = request
        .passages
        .iter()
        .enumerate()
        .filter(|(_, passage)| passage.kind == Kind::History)
        .map(|(place, passage)| (passage.id, place))
        .collect();
    let places = order.iter().filter_map(|id| history.get(id));
    must(places.is_sorted(), "history appears in the order of its turns")
}

/// Checks the lengths to keep for this request.
///
/// # Errors
///
/// Fails with the rule that is broken.
pub fn truncation(
    request: &truncation::Request,
    answer: &Result<Vec<truncation::Kept>, truncation::Error>,
) -> Checked {
    use truncation::Error;
    let kept = match answer {
        Ok(kept) => kept,
        Err(Error::DoesNotFit(shortfall)) => {
            let needed = must_stay(request);
            must(needed > u64::from(request.budget), "what fits is not `does-not-fit`")?;
            return must(
                shortfall.needed == u32::try_from(needed).unwrap_or(u32::MAX)
                    && shortfall.budget == request.budget,
                "`does-not-fit` tells what must stay, and the budget",
            );
        }
        Err(Error::Failed(_)) => return Err(ONLY_THE_HOST_FAILS),
    };
    must(kept.len() == request.items.len(), "there is one `kept` for each item")?;
    let total: u64 = kept.iter().map(|kept| u64::from(kept.count)).sum();
    must(total <= u64::from(request.budget), "what is kept is never over the budget")?;
    let all: u64 = request.items.iter().map(|item| u64::from(item.tokens)).sum();
    let fits = all <= u64::from(request.budget);
    let (sections, passages) = open(request, |index| kept[index].count > 0);
    let held = |anchor: &truncation::Anchor| match anchor {
        truncation::Anchor::Always => true,
        truncation::Anchor::Section(kind) => sections.contains(&section(*kind)),
        truncation::Anchor::Passage(id) => passages.contains(id),
    };
    let mut pairs = request.items.iter().zip(kept);
    pairs.try_for_each(|(item, kept)| check_kept(item, *kept, fits, held))
}

/// Checks what is kept of one item, where `held` tells whether an anchor stands.
fn check_kept(
    item: &truncation::Item,
    kept: truncation::Kept,
    fits: bool,
    held: impl Fn(&truncation::Anchor) -> bool,
) -> Checked {
    use truncation::Content;
    let whole = kept.count == item.tokens;
    let end = u64::from(kept.first) + u64::from(kept.count);
    must(end <= u64::from(item.tokens), "no token is kept that an item does not have")?;
    match &item.content {
        Content::Excerpt(excerpt) => {
            must(whole || is_cuttable(excerpt.kind), "instruction and query are whole")?;
            must(whole || !fits, "where everything fits, everything is kept")
        }
        Content::Fixed(anchor) if held(anchor) => {
            must(whole, "fixed words stand whole as long as their anchor stands")
        }
        Content::Fixed(_) => must(kept.count == 0, "fixed words fall with their anchor"),
    }
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

/// Checks the choices among the candidates of this request.
///
/// # Errors
///
/// Fails with the rule that is broken.
pub fn ranking(
    request: &ranking::Request,
    answer: &Result<Vec<ranking::Choice>, ranking::Error>,
) -> Checked {
    let choices = answer.as_ref().map_err(|_| ONLY_THE_HOST_FAILS)?;
    let mut ids: BTreeSet<u32> = request.candidates.iter().map(|candidate| candidate.id).collect();
    must(choices.len() <= request.most as usize, "at most `most` are chosen")?;
    for choice in choices {
        must(choice.score.is_finite(), "a score is a finite number")?;
        must(ids.remove(&choice.id), "each choice is a candidate that was given, once")?;
    }
    must(choices.is_sorted_by(|one, two| one.score >= two.score), "choices stand best first")
}

/// Checks the spans of the sources of this request.
///
/// # Errors
///
/// Fails with the rule that is broken.
pub fn condensation(
    request: &condensation::Request,
    answer: &Result<Vec<Vec<Span>>, condensation::Error>,
) -> Checked {
    let kept = answer.as_ref().map_err(|_| ONLY_THE_HOST_FAILS)?;
    must(kept.len() == request.sources.len(), "there is one list of spans for each source")?;
    for (source, spans) in request.sources.iter().zip(kept) {
        let covers =
            spans.len() == 1 && spans[0].start == 0 && spans[0].end as usize == source.text.len();
        let short = source.tokens <= source.tokens_max;
        must(
            spans.iter().all(|span| is_span_of(*span, &source.text)),
            "a span is not empty, lies in its text, and ends on characters",
        )?;
        must(
            spans.is_sorted_by(|one, two| one.end <= two.start),
            "spans are in order and do not overlap",
        )?;
        must(
            !short || covers || source.text.is_empty(),
            "a source that is short enough is kept whole, as one span",
        )?;
    }
    Ok(())
}

/// Whether a span is one of this text: not empty, inside, and on the borders of characters.
fn is_span_of(span: Span, text: &str) -> bool {
    let (start, end) = (span.start as usize, span.end as usize);
    start < end && text.is_char_boundary(start) && text.is_char_boundary(end)
}

#[cfg(test)]
mod tests;
