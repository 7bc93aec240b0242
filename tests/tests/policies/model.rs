//! Requests and answers of the policies in a form of their own, which the types that are generated
//! for components and those that are generated for native code both convert to.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Instruction,
    Document,
    Memory,
    History,
    Query,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    System,
    User,
    Assistant,
}

/// `[start, end)`, in bytes.
pub type Span = (u32, u32);

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Passage {
    pub id: u32,
    pub kind: Kind,
    pub role: Role,
    #[serde(default)]
    pub turn: u32,
    pub said_at: Option<u64>,
    pub text: String,
    /// The whole text, if nothing is said.
    pub kept: Option<Vec<Span>>,
}

impl Passage {
    pub fn spans(&self) -> Vec<Span> {
        let end = u32::try_from(self.text.len()).expect("a text of less than 4 GB");
        self.kept.clone().unwrap_or_else(|| if end == 0 { vec![] } else { vec![(0, end)] })
    }
}

/// What the passages of a prompt are laid out as, and what of it may stay.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Prompt {
    /// The name of the component.
    pub policy: String,
    /// Tokens.
    pub budget: u32,
    pub passages: Vec<Passage>,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Anchor {
    Always,
    Section(Kind),
    Passage(u32),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    Words { literal: usize, anchor: Anchor },
    Excerpt { passage: u32, span: Span },
    SaidOn(u32),
}

/// Messages, or one text without a role.
pub type Layout = Vec<(Option<Role>, Vec<Part>)>;

#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Content {
    Excerpt { passage: u32, kind: Kind },
    Fixed(Anchor),
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Item {
    #[serde(flatten)]
    pub content: Content,
    pub tokens: u32,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Lengths {
    pub budget: u32,
    pub items: Vec<Item>,
}

/// `(first, count)` of each item, or what was needed.
pub type Kept = Result<Vec<(u32, u32)>, u32>;

/// Conversions from and to the types that are generated in these modules: the same text for the
/// types of components and for native ones.
macro_rules! conversions {
    (types $types:path, assembly $assembly:path) => {
        use $assembly as assembly;
        pub use $types as types;

        fn kind(kind: model::Kind) -> types::Kind {
            match kind {
                model::Kind::Instruction => types::Kind::Instruction,
                model::Kind::Document => types::Kind::Document,
                model::Kind::Memory => types::Kind::Memory,
                model::Kind::History => types::Kind::History,
                model::Kind::Query => types::Kind::Query,
            }
        }

        fn assembly_request(prompt: &model::Prompt) -> assembly::Request {
            let passage = |passage: &model::Passage| types::Passage {
                id: passage.id,
                kind: kind(passage.kind),
                role: match passage.role {
                    model::Role::System => types::Role::System,
                    model::Role::User => types::Role::User,
                    model::Role::Assistant => types::Role::Assistant,
                },
                turn: passage.turn,
                score: 0.0,
                said_at: passage.said_at,
                tokens: 0,
                text: passage.text.clone(),
                kept: passage
                    .spans()
                    .into_iter()
                    .map(|(start, end)| types::Span { start, end })
                    .collect(),
            };
            assembly::Request { passages: prompt.passages.iter().map(passage).collect(), now: 0 }
        }

        fn layout(answer: Result<assembly::Plan, assembly::Error>) -> Option<model::Layout> {
            let plan = match answer {
                Ok(plan) => plan,
                Err(assembly::Error::IncompleteRequest) => return None,
                Err(assembly::Error::Failed(_)) => panic!("only a host says `failed`"),
            };
            let anchor = |anchor| match anchor {
                assembly::Anchor::Always => model::Anchor::Always,
                assembly::Anchor::Passage(id) => model::Anchor::Passage(id),
                assembly::Anchor::Section(kind) => model::Anchor::Section(match kind {
                    types::Kind::Instruction => model::Kind::Instruction,
                    types::Kind::Document => model::Kind::Document,
                    types::Kind::Memory => model::Kind::Memory,
                    types::Kind::History => model::Kind::History,
                    types::Kind::Query => model::Kind::Query,
                }),
            };
            let part = |part| match part {
                assembly::Part::Words(words) => model::Part::Words {
                    literal: words.literal as usize,
                    anchor: anchor(words.anchor),
                },
                assembly::Part::Excerpt(of) => {
                    model::Part::Excerpt { passage: of.passage, span: (of.span.start, of.span.end) }
                }
                assembly::Part::SaidOn(id) => model::Part::SaidOn(id),
            };
            let parts = |parts: Vec<assembly::Part>| parts.into_iter().map(part).collect();
            let role = |role| match role {
                types::Role::System => model::Role::System,
                types::Role::User => model::Role::User,
                types::Role::Assistant => model::Role::Assistant,
            };
            Some(match plan.layout {
                assembly::Layout::Text(text) => vec![(None, parts(text))],
                assembly::Layout::Chat(messages) => messages
                    .into_iter()
                    .map(|message| (Some(role(message.role)), parts(message.parts)))
                    .collect(),
            })
        }
    };
    (types $types:path, truncation $truncation:path) => {
        use $truncation as truncation;

        fn truncation_request(lengths: &model::Lengths) -> truncation::Request {
            use $types as types;
            let kind = |kind| match kind {
                model::Kind::Instruction => types::Kind::Instruction,
                model::Kind::Document => types::Kind::Document,
                model::Kind::Memory => types::Kind::Memory,
                model::Kind::History => types::Kind::History,
                model::Kind::Query => types::Kind::Query,
            };
            let anchor = |anchor| match anchor {
                model::Anchor::Always => truncation::Anchor::Always,
                model::Anchor::Section(section) => truncation::Anchor::Section(kind(section)),
                model::Anchor::Passage(id) => truncation::Anchor::Passage(id),
            };
            let item = |item: &model::Item| truncation::Item {
                content: match item.content {
                    model::Content::Fixed(to) => truncation::Content::Fixed(anchor(to)),
                    model::Content::Excerpt { passage, kind: of } => {
                        truncation::Content::Excerpt(truncation::Excerpt {
                            passage,
                            kind: kind(of),
                        })
                    }
                },
                tokens: item.tokens,
            };
            truncation::Request {
                items: lengths.items.iter().map(item).collect(),
                budget: lengths.budget,
            }
        }

        fn kept(
            lengths: &model::Lengths,
            answer: Result<Vec<truncation::Kept>, truncation::Error>,
        ) -> model::Kept {
            match answer {
                Ok(kept) => Ok(kept.iter().map(|kept| (kept.first, kept.count)).collect()),
                Err(truncation::Error::DoesNotFit(shortfall)) => {
                    assert_eq!(shortfall.budget, lengths.budget);
                    Err(shortfall.needed)
                }
                Err(truncation::Error::Failed(_)) => panic!("only a host says `failed`"),
            }
        }
    };
}
pub(super) use conversions;
