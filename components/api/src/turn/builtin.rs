//! The default policies, linked into this component: they answer where a sandboxed one fails or is
//! overruled. They are the same code, so all there is to do is to say the same in their types.

use crate::bindings::policy::types::{Kind, Passage, Role, Span};
use crate::bindings::policy::{assembly, condensation, ranking, truncation};
use crate::http::error::ApiError;

/// Who the built-in assembly policy is.
pub fn describe() -> assembly::Description {
    use prompt_assembly as theirs;
    let it = theirs::describe();
    description(it.name, it.literals, [it.history.turns, it.history.block, it.history.percent])
}

/// Who the built-in policy for models without a usable chat template is.
pub fn describe_classic() -> assembly::Description {
    use prompt_assembly_classic as theirs;
    let it = theirs::describe();
    description(it.name, it.literals, [it.history.turns, it.history.block, it.history.percent])
}

fn description(name: String, literals: Vec<String>, window: [u32; 3]) -> assembly::Description {
    let [turns, block, percent] = window;
    let history = assembly::Window { turns, block, percent };
    assembly::Description { name, literals, history, digest: String::new() }
}

/// The conversions to and from the types of one assembly crate: each crate has its own.
macro_rules! assemble_with {
    ($theirs:ident, $request:expr) => {{
        use $theirs::{assembly as a, types as t};
        let request = $request;
        let kind = |kind: Kind| match kind {
            Kind::Instruction => t::Kind::Instruction,
            Kind::Document => t::Kind::Document,
            Kind::Memory => t::Kind::Memory,
            Kind::History => t::Kind::History,
            Kind::Query => t::Kind::Query,
        };
        let our_kind = |kind: t::Kind| match kind {
            t::Kind::Instruction => Kind::Instruction,
            t::Kind::Document => Kind::Document,
            t::Kind::Memory => Kind::Memory,
            t::Kind::History => Kind::History,
            t::Kind::Query => Kind::Query,
        };
        let passage = |it: &Passage| t::Passage {
            id: it.id,
            kind: kind(it.kind),
            role: match it.role {
                Role::System => t::Role::System,
                Role::User => t::Role::User,
                Role::Assistant => t::Role::Assistant,
            },
            turn: it.turn,
            score: it.score,
            said_at: it.said_at,
            tokens: it.tokens,
            text: it.text.clone(),
            kept: it.kept.iter().map(|s| t::Span { start: s.start, end: s.end }).collect(),
        };
        let part = |part: a::Part| match part {
            a::Part::Words(words) => assembly::Part::Words(assembly::Words {
                literal: words.literal,
                anchor: match words.anchor {
                    a::Anchor::Always => assembly::Anchor::Always,
                    a::Anchor::Section(kind) => assembly::Anchor::Section(our_kind(kind)),
                    a::Anchor::Passage(id) => assembly::Anchor::Passage(id),
                },
            }),
            a::Part::Excerpt(it) => assembly::Part::Excerpt(assembly::Excerpt {
                passage: it.passage,
                span: Span { start: it.span.start, end: it.span.end },
            }),
            a::Part::SaidOn(id) => assembly::Part::SaidOn(id),
        };
        let message = |it: a::Message| assembly::Message {
            role: match it.role {
                t::Role::System => Role::System,
                t::Role::User => Role::User,
                t::Role::Assistant => Role::Assistant,
            },
            parts: it.parts.into_iter().map(part).collect(),
        };
        let theirs = a::Request {
            passages: request.passages.iter().map(passage).collect(),
            now: request.now,
        };
        let plan = $theirs::assemble(&theirs).map_err(|error| {
            ApiError::internal("the prompt could not be laid out", format!("{error:?}"))
        })?;
        let layout = match plan.layout {
            a::Layout::Chat(list) => {
                assembly::Layout::Chat(list.into_iter().map(message).collect())
            }
            a::Layout::Text(list) => assembly::Layout::Text(list.into_iter().map(part).collect()),
        };
        Ok(assembly::Plan { layout, digest: String::new() })
    }};
}

/// The built-in layout: the model's chat template.
///
/// Fails with 500 if there is not exactly one instruction and one query.
pub fn assemble(request: &assembly::Request) -> Result<assembly::Plan, ApiError> {
    assemble_with!(prompt_assembly, request)
}

/// The layout for models without a usable chat template: plain text.
///
/// Fails as [`assemble`] does.
pub fn assemble_classic(request: &assembly::Request) -> Result<assembly::Plan, ApiError> {
    assemble_with!(prompt_assembly_classic, request)
}

/// The built-in cuts.
///
/// Fails with both numbers if what must stay does not fit.
pub fn truncate(
    request: &truncation::Request,
) -> Result<Vec<truncation::Kept>, truncation::Shortfall> {
    use ::truncation::truncation as t;
    let items = request.items.iter().map(|item| t::Item {
        content: match &item.content {
            truncation::Content::Excerpt(it) => t::Content::Excerpt(t::Excerpt {
                passage: it.passage,
                kind: truncation_kind(it.kind),
            }),
            truncation::Content::Fixed(anchor) => t::Content::Fixed(match anchor {
                truncation::Anchor::Always => t::Anchor::Always,
                truncation::Anchor::Section(kind) => t::Anchor::Section(truncation_kind(*kind)),
                truncation::Anchor::Passage(id) => t::Anchor::Passage(*id),
            }),
        },
        tokens: item.tokens,
    });
    let theirs = t::Request { items: items.collect(), budget: request.budget };
    match ::truncation::truncate(&theirs) {
        Ok(kept) => {
            let ours = |it: t::Kept| truncation::Kept { first: it.first, count: it.count };
            Ok(kept.into_iter().map(ours).collect())
        }
        Err(t::Error::DoesNotFit(it)) => {
            Err(truncation::Shortfall { needed: it.needed, budget: it.budget })
        }
        Err(t::Error::Failed(_)) => {
            unreachable!("only a host fails a call, and there is none here")
        }
    }
}

fn truncation_kind(kind: Kind) -> ::truncation::types::Kind {
    use ::truncation::types::Kind as Theirs;
    match kind {
        Kind::Instruction => Theirs::Instruction,
        Kind::Document => Theirs::Document,
        Kind::Memory => Theirs::Memory,
        Kind::History => Theirs::History,
        Kind::Query => Theirs::Query,
    }
}

/// The time that a question asks about, where that has two ends: its first second since 1970, and
/// one past its last.
pub fn asked_about(question: &str, now: u64) -> Option<(u64, u64)> {
    let period = ::ranking::period(question, now).filter(|period| period.is_bounded);
    period.map(|period| (period.from, period.until_told()))
}

/// The built-in choice.
pub fn rank(request: &ranking::Request) -> Vec<ranking::Choice> {
    use ::ranking::{ranking as r, types as t};
    let candidates = request.candidates.iter().map(|it| r::Candidate {
        id: it.id,
        kind: if it.kind == Kind::Document { t::Kind::Document } else { t::Kind::Memory },
        role: match it.role {
            Role::System => t::Role::System,
            Role::User => t::Role::User,
            Role::Assistant => t::Role::Assistant,
        },
        name: it.name.clone(),
        said_at: it.said_at,
        follows: it.follows,
        dense: it.dense,
        common: it.common,
        lexical: it.lexical,
        bytes: it.bytes,
        text: it.text.clone(),
    });
    let theirs = r::Request {
        query: request.query.clone(),
        now: request.now,
        candidates: candidates.collect(),
        most: request.most,
    };
    let choices = ::ranking::rank(&theirs).unwrap_or_default();
    choices.into_iter().map(|it| ranking::Choice { id: it.id, score: it.score }).collect()
}

/// The built-in condensation.
pub fn condense(request: &condensation::Request) -> Vec<Vec<Span>> {
    use ::condensation::condensation as c;
    let sources = request.sources.iter().map(|it| c::Source {
        text: it.text.clone(),
        tokens: it.tokens,
        tokens_max: it.tokens_max,
    });
    let theirs = c::Request { query: request.query.clone(), sources: sources.collect() };
    let kept = ::condensation::condense(&theirs).unwrap_or_default();
    let ours = kept.into_iter().map(|spans| {
        spans.into_iter().map(|span| Span { start: span.start, end: span.end }).collect()
    });
    ours.collect()
}
