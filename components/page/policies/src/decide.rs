//! The policies, asked in the shapes of JavaScript. Each crate has types of its own for the same
//! WIT, so all there is to do is to say the same in theirs.

use crate::shapes::{
    Anchor, Choice, Content, Description, Error, Excerpt, Kept, Kind, Layout, Lengths, Message,
    Part, Plan, Prompt, Role, Search, Shortfall, Sources, Span, Window, Words,
};

/// A shipped layout.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Assembly {
    /// `prompt-assembly`: the model's chat template.
    Default,
    /// `prompt-assembly-classic`: plain text.
    Classic,
    /// `prompt-assembly-compact`: few words of its own.
    Compact,
    /// `prompt-assembly-recency`: fresh context first.
    Recency,
}

impl Assembly {
    /// The layout that people know by this name, if it is one that ships.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "prompt-assembly" => Some(Self::Default),
            "prompt-assembly-classic" => Some(Self::Classic),
            "prompt-assembly-compact" => Some(Self::Compact),
            "prompt-assembly-recency" => Some(Self::Recency),
            _ => None,
        }
    }

    /// `assembly.describe`.
    pub fn describe(self) -> Description {
        macro_rules! describe {
            ($theirs:ident) => {{
                let it = $theirs::describe();
                let (turns, block) = (it.history.turns, it.history.block);
                let history = Window { turns, block, percent: it.history.percent };
                Description { name: it.name, literals: it.literals, history, digest: it.digest }
            }};
        }
        match self {
            Self::Default => describe!(prompt_assembly),
            Self::Classic => describe!(prompt_assembly_classic),
            Self::Compact => describe!(prompt_assembly_compact),
            Self::Recency => describe!(prompt_assembly_recency),
        }
    }

    /// `assembly.assemble`.
    pub fn assemble(self, request: Prompt) -> Result<Plan, Error> {
        match self {
            Self::Default => default::assemble(request),
            Self::Classic => classic::assemble(request),
            Self::Compact => compact::assemble(request),
            Self::Recency => recency::assemble(request),
        }
    }
}

/// A kind, as the types of one crate have it.
macro_rules! kind {
    ($types:path, $kind:expr) => {{
        use $types as types;
        match $kind {
            Kind::Instruction => types::Kind::Instruction,
            Kind::Document => types::Kind::Document,
            Kind::Memory => types::Kind::Memory,
            Kind::History => types::Kind::History,
            Kind::Query => types::Kind::Query,
        }
    }};
}

/// A role, as the types of one crate have it.
macro_rules! role {
    ($types:path, $role:expr) => {{
        use $types as types;
        match $role {
            Role::System => types::Role::System,
            Role::User => types::Role::User,
            Role::Assistant => types::Role::Assistant,
        }
    }};
}

/// `assemble` of one crate.
macro_rules! assembly {
    ($module:ident, $theirs:ident) => {
        mod $module {
            use $theirs::{assembly as a, types as t};

            use super::*;

            pub fn assemble(request: Prompt) -> Result<Plan, Error> {
                let passages = request.passages.into_iter().map(passage).collect();
                let plan = $theirs::assemble(&a::Request { passages, now: request.now });
                // The only other error is one that a host makes.
                let plan = plan.map_err(|_| Error::IncompleteRequest)?;
                let layout = match plan.layout {
                    a::Layout::Chat(list) => Layout::Chat(list.into_iter().map(message).collect()),
                    a::Layout::Text(list) => Layout::Text(list.into_iter().map(part).collect()),
                };
                Ok(Plan { layout, digest: plan.digest })
            }

            fn passage(it: crate::shapes::Passage) -> t::Passage {
                let span = |it: Span| t::Span { start: it.start, end: it.end };
                t::Passage {
                    id: it.id,
                    kind: kind!($theirs::types, it.kind),
                    role: role!($theirs::types, it.role),
                    turn: it.turn,
                    score: it.score,
                    said_at: it.said_at,
                    tokens: it.tokens,
                    text: it.text,
                    kept: it.kept.into_iter().map(span).collect(),
                }
            }

            fn message(it: a::Message) -> Message {
                let role = match it.role {
                    t::Role::System => Role::System,
                    t::Role::User => Role::User,
                    t::Role::Assistant => Role::Assistant,
                };
                Message { role, parts: it.parts.into_iter().map(part).collect() }
            }

            fn part(it: a::Part) -> Part {
                match it {
                    a::Part::Words(it) => {
                        Part::Words(Words { literal: it.literal, anchor: anchor(it.anchor) })
                    }
                    a::Part::Excerpt(it) => Part::Excerpt(Excerpt {
                        passage: it.passage,
                        span: Span { start: it.span.start, end: it.span.end },
                    }),
                    a::Part::SaidOn(id) => Part::SaidOn(id),
                }
            }

            fn anchor(it: a::Anchor) -> Anchor {
                let kind = |kind| match kind {
                    t::Kind::Instruction => Kind::Instruction,
                    t::Kind::Document => Kind::Document,
                    t::Kind::Memory => Kind::Memory,
                    t::Kind::History => Kind::History,
                    t::Kind::Query => Kind::Query,
                };
                match it {
                    a::Anchor::Always => Anchor::Always,
                    a::Anchor::Section(of) => Anchor::Section(kind(of)),
                    a::Anchor::Passage(id) => Anchor::Passage(id),
                }
            }
        }
    };
}

assembly!(default, prompt_assembly);
assembly!(classic, prompt_assembly_classic);
assembly!(compact, prompt_assembly_compact);
assembly!(recency, prompt_assembly_recency);

/// `truncation.truncate`.
pub fn truncate(request: &Lengths) -> Result<Vec<Kept>, Error> {
    use ::truncation::truncation as t;
    let anchor = |it: Anchor| match it {
        Anchor::Always => t::Anchor::Always,
        Anchor::Section(of) => t::Anchor::Section(kind!(::truncation::types, of)),
        Anchor::Passage(id) => t::Anchor::Passage(id),
    };
    let items = request.items.iter().map(|it| t::Item {
        content: match it.content {
            Content::Fixed(to) => t::Content::Fixed(anchor(to)),
            Content::Excerpt(of) => t::Content::Excerpt(t::Excerpt {
                passage: of.passage,
                kind: kind!(::truncation::types, of.kind),
            }),
        },
        tokens: it.tokens,
    });
    let theirs = t::Request { items: items.collect(), budget: request.budget };
    match ::truncation::truncate(&theirs) {
        Ok(kept) => {
            Ok(kept.into_iter().map(|it| Kept { first: it.first, count: it.count }).collect())
        }
        Err(t::Error::DoesNotFit(it)) => {
            Err(Error::DoesNotFit(Shortfall { needed: it.needed, budget: it.budget }))
        }
        Err(t::Error::Failed(_)) => {
            unreachable!("only a host fails a call, and there is none here")
        }
    }
}

/// `ranking.rank`.
pub fn rank(request: Search) -> Vec<Choice> {
    use ::ranking::ranking as r;
    let candidates = request.candidates.into_iter().map(|it| r::Candidate {
        id: it.id,
        kind: kind!(::ranking::types, it.kind),
        role: role!(::ranking::types, it.role),
        name: it.name,
        said_at: it.said_at,
        follows: it.follows,
        dense: it.dense,
        common: it.common,
        lexical: it.lexical,
        bytes: it.bytes,
        text: it.text,
    });
    let theirs = r::Request {
        query: request.query,
        now: request.now,
        candidates: candidates.collect(),
        most: request.most,
    };
    // Its only error is one that a host makes.
    let choices = ::ranking::rank(&theirs).unwrap_or_default();
    choices.into_iter().map(|it| Choice { id: it.id, score: it.score }).collect()
}

/// `condensation.condense`.
pub fn condense(request: Sources) -> Vec<Vec<Span>> {
    use ::condensation::condensation as c;
    let sources = request.sources.into_iter().map(|it| c::Source {
        text: it.text,
        tokens: it.tokens,
        tokens_max: it.tokens_max,
    });
    let theirs = c::Request { query: request.query, sources: sources.collect() };
    // Its only error is one that a host makes.
    let kept = ::condensation::condense(&theirs).unwrap_or_default();
    let span = |it: ::condensation::types::Span| Span { start: it.start, end: it.end };
    kept.into_iter().map(|spans| spans.into_iter().map(span).collect()).collect()
}
