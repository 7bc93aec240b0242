//! The requests of the golden folders, which are part of the program.
//!
//! What stands beside them is what the shipped policies answer. Another policy may answer
//! otherwise; what it answers keeps the rules.

use serde::Deserialize;

use super::report::Part;
use super::subject::Case;
use crate::bindings::policy::types::{Kind, Passage, Role, Span};
use crate::bindings::policy::{assembly, truncation};

/// The inputs of the golden folders of a kind, each with its name.
macro_rules! folders {
    ($kind:literal: $($name:literal),* $(,)?) => {
        [$((
            $name,
            include_str!(concat!("../../../tests/goldens/", $kind, "/", $name, "/input.json")),
        )),*]
    };
}

const ASSEMBLY: [(&str, &str); 21] = folders![
    "assembly":
    "recalled-text-stays-data-whatever-it-looks-like",
    "the-classic-documents-lose-their-end-last",
    "the-classic-format-cuts-between-characters-of-every-script",
    "the-classic-format-heading-for-heading",
    "the-classic-format-refuses-a-request-without-an-instruction",
    "the-classic-format-refuses-what-cannot-fit",
    "the-classic-format-without-anything-recalled",
    "the-classic-heading-of-the-history-stays-while-its-oldest-turn-falls",
    "the-classic-history-falls-with-its-heading-before-memory-is-cut",
    "the-default-cuts-documents-last",
    "the-default-cuts-memory-from-its-end-once-history-is-gone",
    "the-default-cuts-the-oldest-history-first",
    "the-default-joins-the-kept-spans-of-a-document",
    "the-default-lists-memories-oldest-first-and-dates-them",
    "the-default-puts-what-changes-every-turn-last",
    "the-default-refuses-a-request-without-a-query",
    "the-default-refuses-two-instructions",
    "the-default-refuses-what-cannot-fit",
    "the-default-says-when-there-are-no-notes",
    "the-default-shows-instruction-and-query-alone-where-only-they-fit",
    "the-default-shows-no-passage-of-which-nothing-was-kept",
];

const TRUNCATION: [(&str, &str); 16] = folders![
    "truncation":
    "a-document-that-is-gone-takes-its-label-along",
    "a-heading-for-which-there-is-room-falls-where-no-text-fits-below-it",
    "a-prompt-without-items-fits-even-in-nothing",
    "a-turn-falls-with-its-speaker-before-the-next-turn-is-cut",
    "an-anchor-to-nothing-holds-nothing",
    "an-item-of-no-tokens-brings-no-label",
    "documents-lose-their-end-once-memory-is-gone",
    "everything-is-kept-where-everything-fits",
    "excerpts-of-one-passage-share-its-label",
    "lengths-beyond-all-measure-are-an-error-that-says-so",
    "memory-loses-its-end-once-history-is-gone",
    "one-token-of-the-newest-turn-brings-its-heading-and-its-speaker",
    "one-token-too-many-costs-the-oldest-token-of-the-history",
    "what-hangs-on-the-query-stays-with-it",
    "what-must-stay-and-does-not-fit-is-an-error",
    "what-must-stay-is-all-that-stays-where-nothing-else-fits",
];

#[derive(Deserialize)]
struct Prompt {
    passages: Vec<Said>,
}

#[derive(Deserialize)]
struct Said {
    id: u32,
    kind: Of,
    role: By,
    #[serde(default)]
    turn: u32,
    said_at: Option<u64>,
    text: String,
    kept: Option<Vec<(u32, u32)>>,
}

#[derive(Deserialize)]
struct Lengths {
    budget: u32,
    items: Vec<Length>,
}

#[derive(Deserialize)]
struct Length {
    #[serde(flatten)]
    content: Content,
    tokens: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Content {
    Excerpt { passage: u32, kind: Of },
    Fixed(Anchor),
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Anchor {
    Always,
    Section(Of),
    Passage(u32),
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Of {
    Instruction,
    Document,
    Memory,
    History,
    Query,
}

impl From<Of> for Kind {
    fn from(of: Of) -> Self {
        match of {
            Of::Instruction => Self::Instruction,
            Of::Document => Self::Document,
            Of::Memory => Self::Memory,
            Of::History => Self::History,
            Of::Query => Self::Query,
        }
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum By {
    System,
    User,
    Assistant,
}

/// Prompts to lay out.
pub fn assembly() -> Vec<Case<assembly::Request>> {
    let case = |(name, json): &(&str, &str)| {
        let prompt: Prompt = serde_json::from_str(json).expect("a test reads all of them");
        let passages = prompt.passages.into_iter().map(passage).collect();
        Case::new(Part::Golden, *name, assembly::Request { passages, now: 0 })
    };
    ASSEMBLY.iter().map(case).collect()
}

fn passage(said: Said) -> Passage {
    let end = said.text.len() as u32;
    let whole = if end == 0 { vec![] } else { vec![(0, end)] };
    Passage {
        id: said.id,
        kind: said.kind.into(),
        role: match said.role {
            By::System => Role::System,
            By::User => Role::User,
            By::Assistant => Role::Assistant,
        },
        turn: said.turn,
        score: 0.0,
        said_at: said.said_at,
        tokens: end.div_ceil(4),
        text: said.text,
        kept: said
            .kept
            .unwrap_or(whole)
            .into_iter()
            .map(|(start, end)| Span { start, end })
            .collect(),
    }
}

/// Lengths to cut.
pub fn truncation() -> Vec<Case<truncation::Request>> {
    let case = |(name, json): &(&str, &str)| {
        let lengths: Lengths = serde_json::from_str(json).expect("a test reads all of them");
        let items = lengths.items.into_iter().map(item).collect();
        let request = truncation::Request { items, budget: lengths.budget };
        Case::new(Part::Golden, *name, request)
    };
    TRUNCATION.iter().map(case).collect()
}

fn item(length: Length) -> truncation::Item {
    let content = match length.content {
        Content::Excerpt { passage, kind } => {
            truncation::Content::Excerpt(truncation::Excerpt { passage, kind: kind.into() })
        }
        Content::Fixed(Anchor::Always) => truncation::Content::Fixed(truncation::Anchor::Always),
        Content::Fixed(Anchor::Section(kind)) => {
            truncation::Content::Fixed(truncation::Anchor::Section(kind.into()))
        }
        Content::Fixed(Anchor::Passage(id)) => {
            truncation::Content::Fixed(truncation::Anchor::Passage(id))
        }
    };
    truncation::Item { content, tokens: length.tokens }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_golden_folder_is_part_of_the_kit_and_can_be_read() {
        assert!(assembly().len() == ASSEMBLY.len() && truncation().len() == TRUNCATION.len());
        let goldens = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/goldens");
        for (kind, names) in [("assembly", &ASSEMBLY[..]), ("truncation", &TRUNCATION[..])] {
            for folder in std::fs::read_dir(goldens.join(kind)).expect("a folder of goldens") {
                let name = folder.expect("it can be listed").file_name();
                let known = names.iter().any(|(known, _)| *known == name);
                assert!(known, "`{kind}/{}` is not in the kit", name.display());
            }
        }
    }
}
