//! What a slot must know of each policy interface: its limits, and requests to try a policy with.

use super::rules;
use crate::bindings::policy::types::{Failure, Kind, Passage, Role, Span};
use crate::bindings::policy::{assembly, condensation, ranking, truncation};
use crate::slot::{Allowance, Interface, OF_A_TURN, Probe, Refusal};

/// The length of one text, in bytes.
const TEXT_BYTES_MAX: usize = 65_536;
/// The passages of one prompt.
const PASSAGES_MAX: usize = 256;
/// The kept spans of one passage.
const SPANS_MAX: usize = 1_024;
/// The items of one prompt.
const ITEMS_MAX: usize = 4_096;
/// The candidates of one search.
const CANDIDATES_MAX: usize = 512;
/// The sources that are condensed at once.
const SOURCES_MAX: usize = 128;
/// What an element of a list counts for, in bytes, beyond its text.
const ELEMENT_BYTES: usize = 64;

/// `loci:policy/assembly`.
pub struct Assembly;
/// `loci:policy/truncation`.
pub struct Truncation;
/// `loci:policy/ranking`.
pub struct Ranking;
/// `loci:policy/condensation`.
pub struct Condensation;

/// The size of a list of elements with these texts.
fn measure<'a>(
    count_max: usize,
    texts: impl ExactSizeIterator<Item = &'a str>,
) -> Result<usize, Failure> {
    if texts.len() > count_max {
        return Err(Failure::RequestTooLarge);
    }
    texts.map(measure_text).sum()
}

fn measure_text(text: &str) -> Result<usize, Failure> {
    match text.len() {
        0..=TEXT_BYTES_MAX => Ok(ELEMENT_BYTES + text.len()),
        _ => Err(Failure::RequestTooLarge),
    }
}

impl Interface for Assembly {
    const NAME: &'static str = "loci:policy/assembly@0.1.0";
    const FUNCTION: &'static str = "assemble";
    type Request = assembly::Request;
    type Answer = Result<assembly::Plan, assembly::Error>;
    type Facts = assembly::Description;

    fn name(facts: &Self::Facts) -> Option<&str> {
        Some(&facts.name)
    }

    fn describe(probe: &Probe<'_, Self>) -> Result<Self::Facts, Refusal> {
        let mut description: assembly::Description = probe.ask("describe")?;
        rules::check_description(&description).map_err(Refusal::Description)?;
        description.digest = probe.digest().to_owned();
        Ok(description)
    }

    fn measure(request: &Self::Request) -> Result<usize, Failure> {
        if request.passages.iter().any(|passage| passage.kept.len() > SPANS_MAX) {
            return Err(Failure::RequestTooLarge);
        }
        let spans: usize = request.passages.iter().map(|passage| passage.kept.len()).sum();
        let texts = request.passages.iter().map(|passage| passage.text.as_str());
        Ok(measure(PASSAGES_MAX, texts)? + spans * size_of::<Span>())
    }

    fn check(
        facts: &Self::Facts,
        request: &Self::Request,
        answer: &Self::Answer,
    ) -> Result<(), &'static str> {
        rules::assembly(facts.literals.len(), request, answer)
    }

    fn trials() -> Vec<Self::Request> {
        let full = [
            passage(0, Kind::Instruction, Role::System, "Be brief."),
            passage(1, Kind::Document, Role::User, "Tea is grown in the hills."),
            passage(2, Kind::Memory, Role::Assistant, "You asked for tea."),
            passage(3, Kind::History, Role::User, "Good morning."),
            passage(4, Kind::History, Role::Assistant, "Good morning to you."),
            passage(5, Kind::Query, Role::User, "Where does tea grow?"),
        ];
        let bare = [full[0].clone(), full[5].clone()];
        let incomplete = [full[0].clone()];
        [full.to_vec(), bare.to_vec(), incomplete.to_vec()]
            .map(|passages| assembly::Request { passages, now: 1_767_225_600 })
            .to_vec()
    }
}

/// A passage that is kept whole.
fn passage(id: u32, kind: Kind, role: Role, text: &str) -> Passage {
    let end = u32::try_from(text.len()).unwrap_or(u32::MAX);
    Passage {
        id,
        kind,
        role,
        turn: id,
        score: 0.0,
        said_at: Some(1_767_225_600),
        tokens: end / 4,
        text: text.to_owned(),
        kept: vec![Span { start: 0, end }],
    }
}

impl Interface for Truncation {
    const NAME: &'static str = "loci:policy/truncation@0.1.0";
    const FUNCTION: &'static str = "truncate";
    type Request = truncation::Request;
    type Answer = Result<Vec<truncation::Kept>, truncation::Error>;
    type Facts = ();

    fn describe(_: &Probe<'_, Self>) -> Result<Self::Facts, Refusal> {
        Ok(())
    }

    fn measure(request: &Self::Request) -> Result<usize, Failure> {
        measure(ITEMS_MAX, request.items.iter().map(|_| ""))
    }

    fn check(
        (): &Self::Facts,
        request: &Self::Request,
        answer: &Self::Answer,
    ) -> Result<(), &'static str> {
        rules::truncation(request, answer)
    }

    fn trials() -> Vec<Self::Request> {
        use truncation::{Anchor, Content, Excerpt, Item};
        let text = |passage, kind| Content::Excerpt(Excerpt { passage, kind });
        let items: Vec<Item> = [
            (text(1, Kind::Instruction), 10),
            (Content::Fixed(Anchor::Section(Kind::Document)), 4),
            (text(2, Kind::Document), 20),
            (Content::Fixed(Anchor::Passage(3)), 2),
            (text(3, Kind::History), 20),
            (text(4, Kind::Query), 10),
            (Content::Fixed(Anchor::Always), 3),
        ]
        .map(|(content, tokens)| Item { content, tokens })
        .to_vec();
        [100, 69, 50, 30, 23, 22, 0]
            .map(|budget| truncation::Request { items: items.clone(), budget })
            .to_vec()
    }
}

impl Interface for Ranking {
    const NAME: &'static str = "loci:policy/ranking@0.1.0";
    const FUNCTION: &'static str = "rank";
    type Request = ranking::Request;
    type Answer = Result<Vec<ranking::Choice>, ranking::Error>;
    type Facts = ();

    fn describe(_: &Probe<'_, Self>) -> Result<Self::Facts, Refusal> {
        Ok(())
    }

    fn measure(request: &Self::Request) -> Result<usize, Failure> {
        let texts = request.candidates.iter().map(|candidate| candidate.text.as_str());
        let names = request.candidates.iter().map(|it| it.name.as_deref().unwrap_or_default());
        let names = measure(CANDIDATES_MAX, names)?;
        Ok(measure_text(&request.query)? + names + measure(CANDIDATES_MAX, texts)?)
    }

    fn check(
        (): &Self::Facts,
        request: &Self::Request,
        answer: &Self::Answer,
    ) -> Result<(), &'static str> {
        rules::ranking(request, answer)
    }

    fn trials() -> Vec<Self::Request> {
        let candidate = |id, dense, lexical, text: &str| ranking::Candidate {
            id,
            kind: Kind::Memory,
            role: Role::User,
            name: None,
            said_at: None,
            follows: (id > 1).then_some(id - 1),
            dense,
            common: dense.map(|dense| dense / 2.0),
            lexical,
            bytes: text.len() as u32,
            text: text.to_owned(),
        };
        let candidates = vec![
            candidate(1, Some(0.7), Some(3.5), "My dog is called Rex."),
            candidate(2, Some(0.1), None, "It rained."),
            candidate(3, None, Some(0.5), "Dogs are fine."),
        ];
        [(vec![], 5), (candidates.clone(), 5), (candidates.clone(), 1), (candidates, 0)]
            .map(|(candidates, most)| ranking::Request {
                query: "What is my dog called?".to_owned(),
                now: 1_767_225_600,
                candidates,
                most,
            })
            .to_vec()
    }
}

impl Interface for Condensation {
    const NAME: &'static str = "loci:policy/condensation@0.1.0";
    const FUNCTION: &'static str = "condense";
    /// It reads every word: a text of nothing but matches costs 700 for each byte.
    const ALLOWANCE: Allowance = Allowance { fuel_per_byte: 1_400, ..OF_A_TURN };
    type Request = condensation::Request;
    type Answer = Result<Vec<Vec<Span>>, condensation::Error>;
    type Facts = ();

    fn describe(_: &Probe<'_, Self>) -> Result<Self::Facts, Refusal> {
        Ok(())
    }

    fn measure(request: &Self::Request) -> Result<usize, Failure> {
        let texts = request.sources.iter().map(|source| source.text.as_str());
        Ok(measure_text(&request.query)? + measure(SOURCES_MAX, texts)?)
    }

    fn check(
        (): &Self::Facts,
        request: &Self::Request,
        answer: &Self::Answer,
    ) -> Result<(), &'static str> {
        rules::condensation(request, answer)
    }

    fn trials() -> Vec<Self::Request> {
        let source = |text: &str, tokens_max| condensation::Source {
            text: text.to_owned(),
            tokens: 16,
            tokens_max,
        };
        let text = "It rained for days. My dog is called Rex. Où est-il ?";
        [vec![], vec![source(text, 16), source(text, 6), source("", 16), source("", 1)]]
            .map(|sources| condensation::Request { query: "dog".to_owned(), sources })
            .to_vec()
    }
}
