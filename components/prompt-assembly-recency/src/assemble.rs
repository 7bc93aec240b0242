//! Fresh context first: as much of the recent turns as there is room for, and of what was recalled
//! the latest first, so that it is the oldest that is cut.

use std::cmp::Reverse;

use crate::assembly::{
    Anchor, Description, Error, Excerpt, Layout, Message, Part, Plan, Request, Window, Words,
};
use crate::types::{Kind, Passage, Role};

/// The most parts that a plan may have.
const PARTS_MAX: usize = 1_024;

/// The words that this policy uses. A literal's number is its place in `Literal::TEXTS`.
#[derive(Clone, Copy)]
enum Literal {
    Memories,
    Documents,
    Item,
    User,
    Assistant,
    Gap,
    LineEnd,
    Message,
}

impl Literal {
    const TEXTS: [&'static str; 8] = [
        "Said before, the latest first:\n",
        "From documents:\n",
        "- ",
        " user: ",
        " assistant: ",
        " … ",
        "\n",
        "Now:\n",
    ];

    fn words(self, anchor: Anchor) -> Part {
        Part::Words(Words { literal: self as u32, anchor })
    }
}

/// Who this policy is.
///
/// A window of 49 to 64 turns, twice as long as the default's, in steps of 16, and with up to three
/// quarters of the budget: who talks about what happens now needs what was said last in full.
pub fn describe() -> Description {
    Description {
        name: "prompt-assembly-recency".to_owned(),
        literals: Literal::TEXTS.map(str::to_owned).to_vec(),
        history: Window { turns: 64, block: 16, percent: 75 },
        digest: String::new(),
    }
}

/// Lays out a prompt: the instruction, the history verbatim, then one message of the user with what
/// was said before, what documents say, and the query.
///
/// Recalled passages that would pass the limit of parts are left out, the oldest first.
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
        messages.push(Message { role: said.role, parts: excerpts(said, None).collect() });
    }

    let fixed: usize = messages.iter().map(|message| message.parts.len()).sum();
    let mut room = PARTS_MAX.saturating_sub(fixed + query.kept.len() + 4);
    let mut afford = |passage: &&Passage| {
        // Each excerpt with the gap before it; dash, day and speaker; the end of the line.
        let needed = 2 * passage.kept.len() + 3;
        let fits = needed <= room;
        room = room.saturating_sub(needed);
        fits
    };
    let mut memories: Vec<&Passage> = of(Kind::Memory).collect();
    // Of one turn the answer is the later, and what was ranked first stands first.
    memories.sort_by_key(|passage| Reverse((passage.turn, passage.role == Role::Assistant)));
    let memories: Vec<&Passage> = memories.into_iter().filter(&mut afford).collect();
    let documents: Vec<&Passage> = of(Kind::Document).filter(&mut afford).collect();

    let mut parts = section(Literal::Memories, &memories);
    parts.extend(section(Literal::Documents, &documents));
    // Documents are cut last: where there are any, the line falls with them.
    let last = documents.first().or(memories.first());
    if let Some(last) = last {
        parts.push(Literal::Message.words(Anchor::Section(last.kind)));
    }
    parts.extend(excerpts(query, None));
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

/// A heading, and a line for each passage.
fn section(heading: Literal, passages: &[&Passage]) -> Vec<Part> {
    let heading = passages.first().map(|passage| heading.words(Anchor::Section(passage.kind)));
    let mut parts: Vec<Part> = heading.into_iter().collect();
    for passage in passages {
        let held = Anchor::Passage(passage.id);
        parts.push(Literal::Item.words(held));
        if passage.kind == Kind::Memory {
            parts.push(Part::SaidOn(passage.id));
            let by_assistant = passage.role == Role::Assistant;
            parts.push(if by_assistant { Literal::Assistant } else { Literal::User }.words(held));
        }
        parts.extend(excerpts(passage, Some(Literal::Gap)));
        parts.push(Literal::LineEnd.words(held));
    }
    parts
}

/// The kept spans of a passage, with a literal between two of them.
fn excerpts(passage: &Passage, gap: Option<Literal>) -> impl Iterator<Item = Part> + '_ {
    let held = Anchor::Passage(passage.id);
    passage.kept.iter().enumerate().flat_map(move |(index, span)| {
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

    /// The last message as text, with `@id` for the day of a passage.
    fn write(request: &Request) -> String {
        let plan = assemble(request).expect("a complete request");
        let Layout::Chat(messages) = plan.layout else { panic!("it lays out a chat") };
        let text = |part: &Part| match part {
            Part::Words(words) => Literal::TEXTS[words.literal as usize].to_owned(),
            Part::SaidOn(id) => format!("@{id}"),
            Part::Excerpt(excerpt) => {
                let said = request.passages.iter().find(|said| said.id == excerpt.passage);
                said.expect("a passage of the request").text.clone()
            }
        };
        messages.last().expect("a message").parts.iter().map(text).collect()
    }

    #[test]
    fn what_was_said_last_stands_first() {
        let request = ask(vec![
            passage(10, Kind::Document, Role::User, 0, "Rain falls."),
            passage(11, Kind::Memory, Role::User, 2, "I like rain."),
            passage(12, Kind::Memory, Role::User, 7, "I hate rain."),
            passage(13, Kind::Memory, Role::Assistant, 7, "Since when?"),
        ]);
        let expected = "Said before, the latest first:\n- @13 assistant: Since when?\n\
            - @12 user: I hate rain.\n- @11 user: I like rain.\n\
            From documents:\n- Rain falls.\nNow:\nWhy?";
        assert_eq!(write(&request), expected);
        assert_eq!(write(&ask(vec![])), "Why?");
    }

    #[test]
    fn the_limit_of_parts_costs_the_oldest() {
        let said = |id| passage(id, Kind::Memory, Role::User, id, "Rain, as always.");
        let mut request = ask((10..260).map(said).collect());
        let spans = vec![Span { start: 0, end: 4 }, Span { start: 6, end: 8 }];
        request.passages.iter_mut().skip(1).for_each(|passage| passage.kept.clone_from(&spans));
        let plan = assemble(&request).expect("a complete request");
        let Layout::Chat(messages) = plan.layout else { panic!("it lays out a chat") };
        let parts: Vec<&Part> = messages.iter().flat_map(|message| &message.parts).collect();
        assert!(parts.len() <= PARTS_MAX);
        let shown = |id: u32| {
            parts.iter().any(|part| matches!(part, Part::Excerpt(of) if of.passage == id))
        };
        assert!(shown(259) && !shown(10) && shown(2));
    }

    #[test]
    fn two_queries_are_refused() {
        let doubled = ask(vec![passage(3, Kind::Query, Role::User, 9, "How?")]);
        assert_eq!(assemble(&doubled), Err(Error::IncompleteRequest));
    }
}
