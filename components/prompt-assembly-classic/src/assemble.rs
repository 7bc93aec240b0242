//! The classic layout: one plain text under headings, documents first, recent history last.
//!
//! The text is that of the format's first implementation, byte for byte, where nothing is cut.
//! Where something is, a heading stays as long as anything below it does, and a speaker's name as
//! long as anything that he said.

use crate::assembly::{
    Anchor, Description, Error, Excerpt, Layout, Part, Plan, Request, Window, Words,
};
use crate::types::{Kind, Passage, Role};

/// The most parts that a plan may have.
const PARTS_MAX: usize = 1_024;

/// The words that this policy uses. A literal's number is its place in `Literal::TEXTS`.
#[derive(Clone, Copy)]
enum Literal {
    Instruction,
    Documents,
    Memories,
    History,
    Query,
    Response,
    Separator,
    LineEnd,
    Gap,
    User,
    Assistant,
}

impl Literal {
    const TEXTS: [&'static str; 11] = [
        "### INSTRUCTION:\n",
        "\n### RETRIEVED DOCUMENT CONTEXT (Summarized):\n",
        "\n### RELEVANT PAST CONVERSATION (Summarized):\n",
        "\n### RECENT CHAT HISTORY:\n",
        "\n### USER QUERY:\n",
        "\n### RESPONSE:",
        "\n---\n",
        "\n",
        " … ",
        "User: ",
        "Assistant: ",
    ];

    fn words(self, anchor: Anchor) -> Part {
        Part::Words(Words { literal: self as u32, anchor })
    }

    fn speaker(role: Role) -> Self {
        match role {
            Role::Assistant => Self::Assistant,
            Role::System | Role::User => Self::User,
        }
    }
}

/// Who this policy is: one that shows the last turns, each of which pushes the oldest out.
pub fn describe() -> Description {
    Description {
        name: "prompt-assembly-classic".to_owned(),
        literals: Literal::TEXTS.map(str::to_owned).to_vec(),
        history: Window { turns: 5, block: 1, percent: 100 },
        digest: String::new(),
    }
}

/// Lays out a prompt under the classic headings.
///
/// Recalled passages that would pass the limit of parts are left out, the least relevant first.
/// Fails with `incomplete-request` if there is not exactly one instruction and one query.
pub fn assemble(request: &Request) -> Result<Plan, Error> {
    let instruction = only(request, Kind::Instruction)?;
    let query = only(request, Kind::Query)?;
    let of = |kind: Kind| {
        let said = move |passage: &&Passage| passage.kind == kind && !passage.kept.is_empty();
        request.passages.iter().filter(said)
    };
    let history: Vec<&Passage> = of(Kind::History).collect();
    let fixed = 6 + instruction.kept.len() + query.kept.len();
    let said: usize = history.iter().map(|passage| passage.kept.len() + 2).sum();
    let mut room = PARTS_MAX.saturating_sub(fixed + said);
    let mut afford = |passage: &&Passage| {
        // Each excerpt with the gap before it, separator and speaker.
        let needed = 2 * passage.kept.len() + 2;
        let fits = needed <= room;
        room = room.saturating_sub(needed);
        fits
    };
    let documents: Vec<&Passage> = of(Kind::Document).filter(&mut afford).collect();
    let memories: Vec<&Passage> = of(Kind::Memory).filter(&mut afford).collect();

    let mut parts = vec![Literal::Instruction.words(Anchor::Always)];
    excerpts(&mut parts, instruction, None);
    recalled(&mut parts, Literal::Documents, &documents);
    recalled(&mut parts, Literal::Memories, &memories);
    recent(&mut parts, &history);
    parts.push(Literal::Query.words(Anchor::Always));
    excerpts(&mut parts, query, None);
    parts.push(Literal::Response.words(Anchor::Always));
    Ok(Plan { layout: Layout::Text(parts), digest: String::new() })
}

/// The one passage of this kind.
fn only(request: &Request, kind: Kind) -> Result<&Passage, Error> {
    let mut found = request.passages.iter().filter(|passage| passage.kind == kind);
    match (found.next(), found.next()) {
        (Some(passage), None) => Ok(passage),
        _ => Err(Error::IncompleteRequest),
    }
}

/// A section of recalled passages. They are cut from the end, so a separator falls with the passage
/// below it.
fn recalled(parts: &mut Vec<Part>, heading: Literal, passages: &[&Passage]) {
    for (index, passage) in passages.iter().enumerate() {
        let held = Anchor::Passage(passage.id);
        parts.push(match index {
            0 => heading.words(Anchor::Section(passage.kind)),
            _ => Literal::Separator.words(held),
        });
        if passage.kind == Kind::Memory {
            parts.push(Literal::speaker(passage.role).words(held));
        }
        excerpts(parts, passage, Some(Literal::Gap));
    }
}

/// The recent turns. They are cut from the beginning, so a line's end falls with the line.
fn recent(parts: &mut Vec<Part>, history: &[&Passage]) {
    if !history.is_empty() {
        parts.push(Literal::History.words(Anchor::Section(Kind::History)));
    }
    for (index, passage) in history.iter().enumerate() {
        let held = Anchor::Passage(passage.id);
        parts.push(Literal::speaker(passage.role).words(held));
        excerpts(parts, passage, None);
        if index + 1 < history.len() {
            parts.push(Literal::LineEnd.words(held));
        }
    }
}

/// The kept spans of a passage, with a literal between two of them.
fn excerpts(parts: &mut Vec<Part>, passage: &Passage, gap: Option<Literal>) {
    for (index, span) in passage.kept.iter().enumerate() {
        if let Some(gap) = gap.filter(|_| index > 0) {
            parts.push(gap.words(Anchor::Passage(passage.id)));
        }
        parts.push(Part::Excerpt(Excerpt { passage: passage.id, span: *span }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Span;

    fn passage(id: u32, kind: Kind, role: Role, text: &str) -> Passage {
        let end = u32::try_from(text.len()).expect("a short text");
        let (text, kept) = (text.to_owned(), vec![Span { start: 0, end }]);
        Passage { id, kind, role, turn: 0, score: 0.0, said_at: None, tokens: 1, text, kept }
    }

    fn ask(between: Vec<Passage>) -> Request {
        let mut passages = vec![passage(1, Kind::Instruction, Role::System, "Be kind.")];
        passages.extend(between);
        passages.push(passage(2, Kind::Query, Role::User, "Why?"));
        Request { passages, now: 0 }
    }

    fn parts(request: &Request) -> Vec<Part> {
        let plan = assemble(request).expect("a complete request");
        let Layout::Text(parts) = plan.layout else { panic!("classic lays out text") };
        parts
    }

    fn write(request: &Request) -> String {
        let text = |part: &Part| match part {
            Part::Words(words) => Literal::TEXTS[words.literal as usize],
            Part::SaidOn(_) => panic!("classic knows no days"),
            Part::Excerpt(excerpt) => {
                let said = request.passages.iter().find(|said| said.id == excerpt.passage);
                let range = excerpt.span.start as usize..excerpt.span.end as usize;
                &said.expect("a passage of the request").text[range]
            }
        };
        parts(request).iter().map(text).collect()
    }

    #[test]
    fn every_section_has_its_heading() {
        let request = ask(vec![
            passage(10, Kind::Document, Role::User, "D1"),
            passage(11, Kind::Document, Role::User, "D2"),
            passage(12, Kind::Memory, Role::User, "M1"),
            passage(13, Kind::Memory, Role::Assistant, "M2"),
            passage(14, Kind::History, Role::User, "H1"),
            passage(15, Kind::History, Role::Assistant, "H2"),
        ]);
        let expected = "### INSTRUCTION:\nBe kind.\n\
            ### RETRIEVED DOCUMENT CONTEXT (Summarized):\nD1\n---\nD2\n\
            ### RELEVANT PAST CONVERSATION (Summarized):\nUser: M1\n---\nAssistant: M2\n\
            ### RECENT CHAT HISTORY:\nUser: H1\nAssistant: H2\n\
            ### USER QUERY:\nWhy?\n\
            ### RESPONSE:";
        assert_eq!(write(&request), expected);
    }

    #[test]
    fn a_section_without_passages_has_no_heading() {
        let expected = "### INSTRUCTION:\nBe kind.\n### USER QUERY:\nWhy?\n### RESPONSE:";
        assert_eq!(write(&ask(vec![])), expected);
    }

    #[test]
    fn a_line_end_falls_with_the_line_above_it() {
        let history = |id| passage(id, Kind::History, Role::User, "H");
        let words = |part: &Part| match part {
            Part::Words(words) if words.literal == Literal::LineEnd as u32 => Some(words.anchor),
            _ => None,
        };
        let request = ask((10..13).map(history).collect());
        let anchors: Vec<Anchor> = parts(&request).iter().filter_map(words).collect();
        assert_eq!(anchors, [Anchor::Passage(10), Anchor::Passage(11)]);
    }

    #[test]
    fn the_limit_of_parts_costs_the_least_relevant() {
        let document = |id| passage(id, Kind::Document, Role::User, "Rain.");
        let mut request = ask((10..260).map(document).collect());
        let spans: Vec<Span> = (0..3).map(|start| Span { start, end: start + 1 }).collect();
        request.passages.iter_mut().skip(1).for_each(|passage| passage.kept.clone_from(&spans));
        let parts = parts(&request);
        assert!(parts.len() <= PARTS_MAX);
        let shown = |id: u32| {
            parts.iter().any(|part| matches!(part, Part::Excerpt(of) if of.passage == id))
        };
        assert!(shown(10) && shown(100) && !shown(259) && shown(2));
    }

    #[test]
    fn no_instruction_is_refused() {
        let mut request = ask(vec![]);
        request.passages.remove(0);
        assert_eq!(assemble(&request), Err(Error::IncompleteRequest));
    }
}
