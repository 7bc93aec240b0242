//! What a policy's answer must be. One that is not is overruled for this turn.

use std::collections::HashSet;

use super::passages::Source;
use crate::bindings::policy::assembly::{
    Anchor, Description, Excerpt, Layout, Message, Part, Plan,
};
use crate::bindings::policy::truncation::{self, Content, Item, Kept};
use crate::bindings::policy::types::{Kind, Role, Span};
use crate::bindings::policy::{condensation, ranking};
use crate::limits;

/// Which rule an answer breaks; fine otherwise.
pub type Checked = Result<(), String>;

/// Checks what an assembly policy says of itself.
pub fn description(description: &Description) -> Checked {
    let window = &description.history;
    must(description.literals.len() <= limits::LITERALS_MAX, "it declares too many literals")?;
    let short = |text: &String| text.len() <= limits::LITERAL_BYTES_MAX;
    must(description.literals.iter().all(short), "a literal is too long")?;
    must(window.turns <= limits::WINDOW_TURNS_MAX, "its window has too many turns")?;
    let block = window.turns == 0 || (1..=window.turns).contains(&window.block);
    must(block, "the block of its window is out of range")?;
    must((1..=100).contains(&window.percent), "the percent of its window is out of range")
}

/// Checks a plan: only passages and literals that are there; instruction and query once and whole;
/// history whole and in order; spans within what was kept; nothing but the instruction as `system`.
pub fn plan(plan: &Plan, sources: &[Source], literals: usize) -> Checked {
    let parts = parts(plan);
    must(parts.len() <= limits::PARTS_MAX, "it has too many parts")?;
    for part in &parts {
        known(part, sources, literals)?;
    }
    if let Layout::Chat(messages) = &plan.layout {
        messages.iter().try_for_each(|message| system(message, sources))?;
    }
    let excerpts: Vec<Excerpt> = parts
        .iter()
        .filter_map(|part| match part {
            Part::Excerpt(excerpt) => Some(*excerpt),
            _ => None,
        })
        .collect();
    for (id, source) in sources.iter().enumerate() {
        let spans: Vec<Span> =
            excerpts.iter().filter(|e| e.passage == id as u32).map(|e| e.span).collect();
        let kind = source.passage.kind;
        if stays(kind) {
            must(spans == source.passage.kept, "instruction or query is not there once and whole")?;
        }
        if kind == Kind::History && !spans.is_empty() {
            must(spans == source.passage.kept, "a message of the history is not whole")?;
        }
    }
    let history: Vec<u32> = excerpts
        .iter()
        .map(|excerpt| excerpt.passage)
        .filter(|id| sources[*id as usize].passage.kind == Kind::History)
        .collect();
    must(history.is_sorted(), "the history is not in the order of its turns")
}

/// All parts of a plan, in order.
pub fn parts(plan: &Plan) -> Vec<&Part> {
    match &plan.layout {
        Layout::Chat(messages) => messages.iter().flat_map(|message| &message.parts).collect(),
        Layout::Text(parts) => parts.iter().collect(),
    }
}

fn known(part: &Part, sources: &[Source], literals: usize) -> Checked {
    let passage = |id: u32| must((id as usize) < sources.len(), "it names an unknown passage");
    match part {
        Part::Words(words) => {
            must((words.literal as usize) < literals, "it names an unknown literal")?;
            match words.anchor {
                Anchor::Passage(id) => passage(id),
                Anchor::Always | Anchor::Section(_) => Ok(()),
            }
        }
        Part::SaidOn(id) => passage(*id),
        Part::Excerpt(excerpt) => {
            passage(excerpt.passage)?;
            let source = &sources[excerpt.passage as usize].passage;
            span(excerpt.span, &source.text)?;
            let within =
                |kept: &Span| kept.start <= excerpt.span.start && excerpt.span.end <= kept.end;
            must(source.kept.iter().any(within), "a span is not within what was kept")
        }
    }
}

fn system(message: &Message, sources: &[Source]) -> Checked {
    if message.role != Role::System {
        return Ok(());
    }
    let allowed = message.parts.iter().all(|part| match part {
        Part::Words(_) => true,
        Part::Excerpt(excerpt) => {
            sources[excerpt.passage as usize].passage.kind == Kind::Instruction
        }
        Part::SaidOn(_) => false,
    });
    must(allowed, "something other than the instruction stands under `system`")
}

fn span(span: Span, text: &str) -> Checked {
    let there = text.get(span.start as usize..span.end as usize);
    must(there.is_some_and(|text| !text.is_empty()), "a span is empty or cuts a character")
}

/// Checks what a truncation policy keeps: one answer for each item; within the budget; instruction
/// and query whole; fixed items whole or not at all, and as their anchors say; everything where
/// everything fits.
pub fn truncation(request: &truncation::Request, kept: &[Kept]) -> Checked {
    let items = &request.items;
    must(kept.len() == items.len(), "it does not answer for each item")?;
    let total: u64 = kept.iter().map(|kept| u64::from(kept.count)).sum();
    must(total <= u64::from(request.budget), "it keeps more than the budget")?;
    let needed: u64 = items.iter().map(|item| u64::from(item.tokens)).sum();
    must(total == needed || needed > u64::from(request.budget), "it cuts what fits")?;
    let alive = alive(items, kept);
    for (item, kept) in items.iter().zip(kept) {
        let end = u64::from(kept.first) + u64::from(kept.count);
        must(end <= u64::from(item.tokens), "it keeps tokens that are not there")?;
        let is_whole = kept.count == item.tokens;
        let held = match &item.content {
            Content::Excerpt(excerpt) if stays(excerpt.kind) => true,
            Content::Excerpt(_) => continue,
            Content::Fixed(truncation::Anchor::Always) => true,
            Content::Fixed(truncation::Anchor::Section(kind)) => {
                alive.kinds.contains(&(*kind as u8))
            }
            Content::Fixed(truncation::Anchor::Passage(id)) => alive.passages.contains(id),
        };
        must(is_whole || kept.count == 0, "something that is whole or nothing is cut")?;
        must(held == is_whole || item.tokens == 0, "something does not follow its anchor")?;
    }
    Ok(())
}

struct Alive {
    kinds: HashSet<u8>,
    passages: HashSet<u32>,
}

/// The kinds and passages of which some text stays.
fn alive(items: &[Item], kept: &[Kept]) -> Alive {
    let mut alive = Alive { kinds: HashSet::new(), passages: HashSet::new() };
    for (item, kept) in items.iter().zip(kept) {
        if let Content::Excerpt(excerpt) = &item.content
            && (kept.count > 0 || stays(excerpt.kind))
        {
            alive.kinds.insert(excerpt.kind as u8);
            alive.passages.insert(excerpt.passage);
        }
    }
    alive
}

/// Whether text of this kind is never cut.
fn stays(kind: Kind) -> bool {
    matches!(kind, Kind::Instruction | Kind::Query)
}

/// Checks what a ranking policy chose: known candidates, each once, no more than asked for, with
/// finite scores.
pub fn ranking(request: &ranking::Request, choices: &[ranking::Choice]) -> Checked {
    must(choices.len() <= request.most as usize, "it chose more than asked for")?;
    let mut seen = HashSet::new();
    for choice in choices {
        let there = request.candidates.iter().any(|candidate| candidate.id == choice.id);
        must(there, "it chose an unknown candidate")?;
        must(seen.insert(choice.id), "it chose a candidate twice")?;
        must(choice.score.is_finite(), "a score is not finite")?;
    }
    Ok(())
}

/// Checks what a condensation policy kept: one list for each source, of ordered, disjoint spans.
pub fn condensation(request: &condensation::Request, answer: &[Vec<Span>]) -> Checked {
    must(answer.len() == request.sources.len(), "it does not answer for each source")?;
    for (source, spans) in request.sources.iter().zip(answer) {
        let mut end = 0;
        for one in spans {
            span(*one, &source.text)?;
            must(one.start >= end, "its spans are not in order")?;
            end = one.end;
        }
    }
    Ok(())
}

fn must(holds: bool, otherwise: &str) -> Checked {
    if holds { Ok(()) } else { Err(otherwise.to_owned()) }
}

#[cfg(test)]
mod tests;
