//! For models with a small context: few words around what was said, few notes, short history.

use crate::assembly::{
    Anchor, Description, Error, Excerpt, Layout, Message, Part, Plan, Request, Window, Words,
};
use crate::types::{Kind, Passage, Role};

/// The most notes of each kind: those that answer best.
const NOTES_MAX: usize = 3;

/// The most parts of one note: what is kept of it beyond that is left out.
const EXCERPTS_MAX: usize = 8;

/// The words that this policy uses. A literal's number is its place in `Literal::TEXTS`.
#[derive(Clone, Copy)]
enum Literal {
    Notes,
    Document,
    User,
    Assistant,
    Gap,
    LineEnd,
}

impl Literal {
    const TEXTS: [&'static str; 6] = ["Notes:\n", "- ", "- I said: ", "- You said: ", "…", "\n"];

    fn words(self, anchor: Anchor) -> Part {
        Part::Words(Words { literal: self as u32, anchor })
    }
}

/// Who this policy is.
///
/// A window of 9 to 12 turns in steps of 4, with at most 40 % of the budget: in a small context a
/// note about what was said long ago is worth more than a long history.
pub fn describe() -> Description {
    Description {
        name: "prompt-assembly-compact".to_owned(),
        literals: Literal::TEXTS.map(str::to_owned).to_vec(),
        history: Window { turns: 12, block: 4, percent: 40 },
        digest: String::new(),
    }
}

/// Lays out a prompt: the instruction, the history verbatim, then one message of the user with the
/// best notes under one heading, and the query. Without notes the query stands alone.
///
/// Fails with `incomplete-request` if there is not exactly one instruction and one query.
pub fn assemble(request: &Request) -> Result<Plan, Error> {
    let instruction = only(request, Kind::Instruction)?;
    let query = only(request, Kind::Query)?;
    let of = |kind: Kind| {
        let said = move |passage: &&Passage| passage.kind == kind && !passage.kept.is_empty();
        request.passages.iter().filter(said)
    };
    let mut messages = Vec::new();
    for said in [instruction].into_iter().filter(|it| !it.kept.is_empty()).chain(of(Kind::History))
    {
        messages
            .push(Message { role: said.role, parts: excerpts(said, usize::MAX, None).collect() });
    }
    let mut parts = Vec::new();
    let documents: Vec<&Passage> = of(Kind::Document).take(NOTES_MAX).collect();
    let mut memories: Vec<&Passage> = of(Kind::Memory).take(NOTES_MAX).collect();
    // What was said later may correct what was said before; so the model reads it later.
    memories.sort_by_key(|passage| passage.turn);
    // Memories are cut before documents: the heading, and the blank line, fall with the last.
    if let Some(last) = documents.first().or(memories.first()) {
        parts.push(Literal::Notes.words(Anchor::Section(last.kind)));
        documents.iter().chain(&memories).for_each(|passage| note(&mut parts, passage));
        parts.push(Literal::LineEnd.words(Anchor::Section(last.kind)));
    }
    parts.extend(excerpts(query, usize::MAX, None));
    messages.push(Message { role: Role::User, parts });
    Ok(Plan { layout: Layout::Chat(messages), digest: String::new() })
}

/// The one passage of this kind.
fn only(request: &Request, kind: Kind) -> Result<&Passage, Error> {
    let mut found = request.passages.iter().filter(|passage| passage.kind == kind);
    match (found.next(), found.next()) {
        (Some(passage), None) => Ok(passage),
        _ => Err(Error::IncompleteRequest),
    }
}

/// One line of the notes.
fn note(parts: &mut Vec<Part>, passage: &Passage) {
    let held = Anchor::Passage(passage.id);
    let label = match (passage.kind, passage.role) {
        (Kind::Memory, Role::Assistant) => Literal::Assistant,
        (Kind::Memory, _) => Literal::User,
        _ => Literal::Document,
    };
    parts.push(label.words(held));
    parts.extend(excerpts(passage, EXCERPTS_MAX, Some(Literal::Gap)));
    parts.push(Literal::LineEnd.words(held));
}

/// At most so many kept spans of a passage, with a literal between two of them.
fn excerpts(
    passage: &Passage,
    most: usize,
    gap: Option<Literal>,
) -> impl Iterator<Item = Part> + '_ {
    let held = Anchor::Passage(passage.id);
    passage.kept.iter().take(most).enumerate().flat_map(move |(index, span)| {
        let between = gap.filter(|_| index > 0).map(|gap| gap.words(held));
        let excerpt = Part::Excerpt(Excerpt { passage: passage.id, span: *span });
        between.into_iter().chain([excerpt])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Span;

    fn passage(id: u32, kind: Kind, role: Role, turn: u32, text: &str) -> Passage {
        let end = u32::try_from(text.len()).expect("a short text");
        let (text, kept) = (text.to_owned(), vec![Span { start: 0, end }]);
        Passage { id, kind, role, turn, score: 0.0, said_at: Some(5), tokens: 1, text, kept }
    }

    fn ask(between: Vec<Passage>) -> Request {
        let mut passages = vec![passage(1, Kind::Instruction, Role::System, 0, "Be kind.")];
        passages.extend(between);
        passages.push(passage(2, Kind::Query, Role::User, 9, "Why?"));
        Request { passages, now: 0 }
    }

    /// The last message as text.
    fn write(request: &Request) -> String {
        let plan = assemble(request).expect("a complete request");
        let Layout::Chat(messages) = plan.layout else { panic!("it lays out a chat") };
        let text = |part: &Part| match part {
            Part::Words(words) => Literal::TEXTS[words.literal as usize].to_owned(),
            Part::SaidOn(_) => panic!("days cost tokens"),
            Part::Excerpt(excerpt) => {
                let said = request.passages.iter().find(|said| said.id == excerpt.passage);
                let range = excerpt.span.start as usize..excerpt.span.end as usize;
                said.expect("a passage of the request").text[range].to_owned()
            }
        };
        messages.last().expect("a message").parts.iter().map(text).collect()
    }

    #[test]
    fn the_three_best_of_each_kind_are_shown() {
        let memory = |id: u32| passage(id, Kind::Memory, Role::User, 20 - id, &format!("M{id}"));
        let mut between = vec![passage(5, Kind::Document, Role::User, 0, "Rain. Sun. Snow.")];
        between[0].kept = vec![Span { start: 0, end: 5 }, Span { start: 11, end: 16 }];
        between.extend((10..15).map(memory));
        between[1].role = Role::Assistant;
        let expected =
            "Notes:\n- Rain.…Snow.\n- I said: M12\n- I said: M11\n- You said: M10\n\nWhy?";
        assert_eq!(write(&ask(between)), expected);
        assert_eq!(write(&ask(vec![])), "Why?");
    }

    #[test]
    fn a_note_in_shreds_shows_its_first() {
        let mut shredded = passage(5, Kind::Document, Role::User, 0, &"ab".repeat(600));
        shredded.kept = (0..600).map(|at| Span { start: 2 * at, end: 2 * at + 1 }).collect();
        let expected = format!("Notes:\n- {}\n\nWhy?", ["a"; EXCERPTS_MAX].join("…"));
        assert_eq!(write(&ask(vec![shredded])), expected);
    }

    #[test]
    fn no_instruction_is_refused() {
        let mut request = ask(vec![]);
        request.passages.remove(0);
        assert_eq!(assemble(&request), Err(Error::IncompleteRequest));
    }
}
