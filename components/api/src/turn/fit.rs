//! Making the prompt fit: the plan becomes measured items, the truncation policy says how much of
//! each stays, and what stays becomes the pieces that the model reads.

use super::assemble::Assembled;
use super::condense::slice;
use super::degraded::{Degraded, reason};
use super::passages::Source;
use super::policies::Policies;
use super::prompt::{Line, Origin, Piece, Prompt, Words};
use super::scale::Scale;
use super::{builtin, check};
use crate::bindings::inference::tokenizer::Side;
use crate::bindings::inference::types::{Error as ModelError, Role as ChatRole};
use crate::bindings::policy::assembly::{self, Layout, Message, Part};
use crate::bindings::policy::truncation::{self, Anchor, Content, Excerpt, Item, Kept};
use crate::bindings::policy::types::{Kind, Role, Span};
use crate::bindings::policy::versions::Hook;
use crate::http::error::ApiError;
use crate::time;

/// One item of the plan, and the text behind it.
struct Slot {
    item: Item,
    /// The message of the layout that it belongs to; 0 for plain text.
    line: usize,
    /// None for the template around a message.
    text: Option<(String, Origin)>,
}

/// Makes the prompt fit into `budget` tokens on this scale. Returns it, and whether the built-in
/// policy cut it.
///
/// Fails with 400 (`context_length_exceeded`) if what must stay does not fit, and as the scale
/// does. A policy that fails or breaks a rule is replaced by the built-in one, and noted, unless
/// the turn is to fail with it.
pub async fn fit(
    assembled: &Assembled,
    sources: &[Source],
    budget: u32,
    scale: &mut Scale<'_>,
    policies: &Policies,
    degraded: &mut Vec<Degraded>,
) -> Result<(Prompt, bool), ApiError> {
    let of_model = |error: ModelError| ApiError::of_model(&error);
    let slots = slots(assembled, sources, scale).await.map_err(of_model)?;
    let request =
        truncation::Request { items: slots.iter().map(|slot| slot.item).collect(), budget };
    let (kept, by_builtin) = truncate(&request, policies, degraded)?;
    let cut = kept.iter().zip(&request.items).any(|(kept, item)| kept.count != item.tokens);
    let lines = apply(assembled, slots, &kept, scale).await.map_err(of_model)?;
    let is_chat = matches!(assembled.plan.layout, Layout::Chat(_));
    Ok((finish(lines, is_chat, cut, budget, scale).await?, by_builtin))
}

/// Measures every part of a plan. Returns the items in the order of the prompt.
async fn slots(
    assembled: &Assembled,
    sources: &[Source],
    scale: &mut Scale<'_>,
) -> Result<Vec<Slot>, ModelError> {
    let mut slots = Vec::new();
    let words = Words { literals: &assembled.policy.literals, sources };
    match &assembled.plan.layout {
        Layout::Text(parts) => {
            let markers = first(scale.frame(&[]).await?)?;
            slots.push(template(Anchor::Always, markers, 0));
            slots.extend(parts.iter().map(|part| slot(part, 0, &words)));
        }
        Layout::Chat(messages) => {
            let roles: Vec<ChatRole> = messages.iter().map(|message| chat(message.role)).collect();
            let frame = scale.frame(&roles).await?;
            for (line, message) in messages.iter().enumerate() {
                slots.push(template(anchor_of(message, sources), frame[line], line));
                slots.extend(message.parts.iter().map(|part| slot(part, line, &words)));
            }
            let last = messages.len().saturating_sub(1);
            slots.push(template(Anchor::Always, frame[messages.len()], last));
        }
    }
    measure_texts(&mut slots, sources, scale).await?;
    Ok(slots)
}

/// Fills in the tokens of what was not measured before: words, days, and parts of kept spans.
async fn measure_texts(
    slots: &mut [Slot],
    sources: &[Source],
    scale: &mut Scale<'_>,
) -> Result<(), ModelError> {
    let mut fixed = Vec::new();
    let mut excerpts = Vec::new();
    for (at, slot) in slots.iter_mut().enumerate() {
        match &slot.text {
            None => {}
            Some((_, Origin::Words)) => fixed.push(at),
            Some((_, Origin::Passage { source, span })) => {
                let source = &sources[*source];
                match source.passage.kept.iter().position(|kept| kept == span) {
                    Some(place) => slot.item.tokens = source.span_tokens[place],
                    None => excerpts.push(at),
                }
            }
        }
    }
    let text = |at: &usize| slots[*at].text.as_ref().map_or("", |(text, _)| text.as_str());
    let fixed_tokens = scale.count_known(&fixed.iter().map(text).collect::<Vec<_>>()).await?;
    let excerpt_tokens = scale.count(&excerpts.iter().map(text).collect::<Vec<_>>()).await?;
    let all = fixed.into_iter().zip(fixed_tokens).chain(excerpts.into_iter().zip(excerpt_tokens));
    all.for_each(|(at, tokens)| slots[at].item.tokens = tokens);
    Ok(())
}

fn template(anchor: Anchor, tokens: u32, line: usize) -> Slot {
    Slot { item: Item { content: Content::Fixed(anchor), tokens }, line, text: None }
}

fn slot(part: &Part, line: usize, words: &Words<'_>) -> Slot {
    let (content, text, origin) = match part {
        Part::Words(part) => {
            let anchor = match part.anchor {
                assembly::Anchor::Always => Anchor::Always,
                assembly::Anchor::Section(kind) => Anchor::Section(kind),
                assembly::Anchor::Passage(id) => Anchor::Passage(id),
            };
            let text = words.literals[part.literal as usize].clone();
            (Content::Fixed(anchor), text, Origin::Words)
        }
        Part::SaidOn(id) => {
            let said = words.sources[*id as usize].passage.said_at;
            (
                Content::Fixed(Anchor::Passage(*id)),
                said.map_or_else(String::new, time::day),
                Origin::Words,
            )
        }
        Part::Excerpt(part) => {
            let passage = &words.sources[part.passage as usize].passage;
            let content = Content::Excerpt(Excerpt { passage: part.passage, kind: passage.kind });
            let origin = Origin::Passage { source: part.passage as usize, span: part.span };
            (content, slice(&passage.text, part.span).to_owned(), origin)
        }
    };
    Slot { item: Item { content, tokens: 0 }, line, text: Some((text, origin)) }
}

/// What holds the template around a message: the one passage, or the one section, that all of its
/// parts hang on.
fn anchor_of(message: &Message, sources: &[Source]) -> Anchor {
    let kind_of = |id: u32| sources[id as usize].passage.kind;
    let holders: Option<Vec<(Option<u32>, Kind)>> = message
        .parts
        .iter()
        .map(|part| match part {
            Part::Excerpt(part) => Some((Some(part.passage), kind_of(part.passage))),
            Part::SaidOn(id) => Some((Some(*id), kind_of(*id))),
            Part::Words(words) => match words.anchor {
                assembly::Anchor::Always => None,
                assembly::Anchor::Section(kind) => Some((None, kind)),
                assembly::Anchor::Passage(id) => Some((Some(id), kind_of(id))),
            },
        })
        .collect();
    let Some([(passage, kind), rest @ ..]) = holders.as_deref() else { return Anchor::Always };
    match passage {
        Some(id) if rest.iter().all(|(other, _)| other == passage) => Anchor::Passage(*id),
        _ if rest.iter().all(|(_, other)| other == kind) => Anchor::Section(*kind),
        _ => Anchor::Always,
    }
}

/// Has the policy decide what is cut; the built-in one does where it fails or breaks a rule.
/// Returns whether it did.
fn truncate(
    request: &truncation::Request,
    policies: &Policies,
    degraded: &mut Vec<Degraded>,
) -> Result<(Vec<Kept>, bool), ApiError> {
    // Whether it fits is a question of arithmetic: the built-in policy answers it either way.
    let does_not_fit = || builtin::truncate(request).is_err();
    let answer = policies
        .ask(Hook::Truncation, || judge(request, truncation::truncate(request), does_not_fit));
    let reason = match answer {
        Ok(Some(kept)) => return Ok((kept, false)),
        // It is right that it does not fit, and has not failed.
        Ok(None) => String::new(),
        Err(reason) => reason,
    };
    match builtin::truncate(request) {
        Ok(kept) => {
            policies.failed(Hook::Truncation, reason, degraded)?;
            Ok((kept, true))
        }
        Err(short) => Err(ApiError::context_exceeded(short.needed.into(), short.budget.into())),
    }
}

/// What a policy answered: what is kept, or nothing where it is right that nothing fits.
///
/// Fails with the reason if it failed, breaks a rule or is wrong.
fn judge(
    request: &truncation::Request,
    answer: Result<Vec<Kept>, truncation::Error>,
    does_not_fit: impl FnOnce() -> bool,
) -> Result<Option<Vec<Kept>>, String> {
    match answer {
        Ok(kept) => check::truncation(request, &kept).map(|()| Some(kept)),
        Err(truncation::Error::DoesNotFit(_)) if does_not_fit() => Ok(None),
        Err(truncation::Error::DoesNotFit(_)) => Err("it says that what fits does not".to_owned()),
        Err(truncation::Error::Failed(failure)) => Err(reason(failure)),
    }
}

/// Leaves out what was dropped, and cuts what was cut: history keeps its end, all else its
/// beginning.
async fn apply(
    assembled: &Assembled,
    slots: Vec<Slot>,
    kept: &[Kept],
    scale: &mut Scale<'_>,
) -> Result<Vec<Line>, ModelError> {
    let mut lines: Vec<Line> = match &assembled.plan.layout {
        Layout::Chat(messages) => messages.iter().map(|message| Line::new(message.role)).collect(),
        Layout::Text(_) => vec![Line::new(Role::User)],
    };
    for (slot, kept) in slots.into_iter().zip(kept) {
        let Some((text, origin)) = slot.text else { continue };
        if kept.count == 0 && slot.item.tokens > 0 || text.is_empty() {
            continue;
        }
        let piece = Piece { text, tokens: slot.item.tokens, origin };
        if kept.count == slot.item.tokens {
            lines[slot.line].pieces.push(piece);
        } else if let Some(piece) = clip(piece, *kept, scale).await? {
            lines[slot.line].pieces.push(piece);
        }
    }
    Ok(lines)
}

/// Cuts one excerpt to the tokens that are kept of it.
async fn clip(
    piece: Piece,
    kept: Kept,
    scale: &mut Scale<'_>,
) -> Result<Option<Piece>, ModelError> {
    let end = kept.first + kept.count;
    let mut range = 0..piece.text.len();
    if end < piece.tokens {
        range = scale.clip(&piece.text, end, Side::Beginning).await?;
    }
    if kept.first > 0 {
        let tail = scale.clip(&piece.text[range.clone()], kept.count, Side::End).await?;
        range = range.start + tail.start..range.start + tail.end;
    }
    let Origin::Passage { source, span } = piece.origin else { return Ok(None) };
    if range.is_empty() {
        return Ok(None);
    }
    let text = piece.text[range.clone()].to_owned();
    let tokens = first(scale.count(&[&text]).await?)?;
    let span = Span { start: span.start + range.start as u32, end: span.start + range.end as u32 };
    Ok(Some(Piece { text, tokens, origin: Origin::Passage { source, span } }))
}

/// Puts the prompt together and measures it as the model will read it.
async fn finish(
    mut lines: Vec<Line>,
    is_chat: bool,
    cut: bool,
    budget: u32,
    scale: &mut Scale<'_>,
) -> Result<Prompt, ApiError> {
    lines.retain(|line| !line.pieces.is_empty());
    let template_tokens = loop {
        let roles: Vec<ChatRole> =
            if is_chat { lines.iter().map(|line| chat(line.role)).collect() } else { Vec::new() };
        match scale.frame(&roles).await {
            Ok(frame) => break frame.iter().sum::<u32>(),
            // Its message fell, and the template refuses an answer to nothing.
            Err(ModelError::InvalidRequest) if cut && drop_orphan(&mut lines) => {}
            Err(error) => return Err(ApiError::of_model(&error)),
        }
    };
    let pieces = lines.iter().flat_map(|line| &line.pieces);
    let tokens = template_tokens + pieces.map(|piece| piece.tokens).sum::<u32>();
    if tokens > budget {
        return Err(ApiError::context_exceeded(tokens.into(), budget.into()));
    }
    Ok(Prompt { lines, is_chat, tokens, template_tokens })
}

/// Drops the oldest answer if nothing of its question is left. Returns whether there was one.
fn drop_orphan(lines: &mut Vec<Line>) -> bool {
    let first = lines.iter().position(|line| line.role != Role::System);
    match first.filter(|at| lines[*at].role == Role::Assistant) {
        Some(at) => {
            lines.remove(at);
            true
        }
        None => false,
    }
}

fn first(counts: Vec<u32>) -> Result<u32, ModelError> {
    counts.first().copied().ok_or(ModelError::EngineFailed)
}

/// The same role, as models know it.
pub fn chat(role: Role) -> ChatRole {
    match role {
        Role::System => ChatRole::System,
        Role::User => ChatRole::User,
        Role::Assistant => ChatRole::Assistant,
    }
}

#[cfg(test)]
mod tests;
