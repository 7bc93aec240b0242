//! The default layout: the model's own chat template, and what changes every turn after what does
//! not, so that the engine evaluates again only what is new.

use crate::assembly::{
    Anchor, Description, Error, Excerpt, Layout, Message, Part, Plan, Request, Window, Words,
};
use crate::types::{Kind, Passage, Role};

/// The most parts that a plan may have.
const PARTS_MAX: usize = 1_024;

/// The words that this policy uses. A literal's number is its place in `Literal::TEXTS`.
#[derive(Clone, Copy)]
enum Literal {
    DocumentsHeading,
    MemoriesHeading,
    Item,
    UserSaid,
    AssistantSaid,
    UserSaidThen,
    AssistantSaidThen,
    Gap,
    ItemEnd,
    Message,
    NoNotes,
}

impl Literal {
    const TEXTS: [&'static str; 11] = [
        "Notes from documents:\n",
        "Notes from earlier in this conversation:\n",
        "- ",
        "- user said: ",
        "- assistant said: ",
        ", user said: ",
        ", assistant said: ",
        " … ",
        "\n",
        "Message:\n",
        "Notes: none.\n\nMessage:\n",
    ];

    fn words(self, anchor: Anchor) -> Part {
        Part::Words(Words { literal: self as u32, anchor })
    }
}

/// Who this policy is.
///
/// A window of 25 to 32 turns: enough that recall need not repeat what was just said, and in steps
/// of 8, so that seven turns out of eight only add to the end of what the engine has evaluated.
/// Half of the budget at most, so that there is room for notes.
pub fn describe() -> Description {
    Description {
        name: "prompt-assembly".to_owned(),
        literals: Literal::TEXTS.map(str::to_owned).to_vec(),
        history: Window { turns: 32, block: 8, percent: 50 },
        digest: String::new(),
    }
}

/// Lays out a prompt: the instruction, then the history verbatim, then one message of the user with
/// the notes and the query.
///
/// Recalled passages that would pass the limit of parts are left out, the least relevant first.
/// Fails with `incomplete-request` if there is not exactly one instruction and one query.
pub fn assemble(request: &Request) -> Result<Plan, Error> {
    let instruction = only(request, Kind::Instruction)?;
    let query = only(request, Kind::Query)?;
    let mut messages = Vec::new();
    push_message(&mut messages, Role::System, instruction);
    for turn in request.passages.iter().filter(|passage| passage.kind == Kind::History) {
        push_message(&mut messages, turn.role, turn);
    }

    let fixed =
        messages.iter().map(|message| message.parts.len()).sum::<usize>() + query.kept.len();
    let notes = choose(request, PARTS_MAX.saturating_sub(fixed));
    let mut parts = notes_parts(&notes);
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

/// Adds a message that says this passage. An empty text makes no message: there would be nothing
/// that holds it in the prompt.
fn push_message(messages: &mut Vec<Message>, role: Role, passage: &Passage) {
    if !passage.kept.is_empty() {
        messages.push(Message { role, parts: excerpts(passage, None).collect() });
    }
}

/// The recalled passages for which there is room, in the order of their relevance.
fn choose(request: &Request, parts_max: usize) -> Vec<&Passage> {
    // Two headings, and the words before the query with the line above them.
    let mut room = parts_max.saturating_sub(4);
    let mut recalled: Vec<&Passage> = request
        .passages
        .iter()
        .filter(|passage| matches!(passage.kind, Kind::Document | Kind::Memory))
        .filter(|passage| !passage.kept.is_empty())
        .collect();
    recalled.retain(|passage| {
        // Each excerpt with the gap before it; dash, day and speaker; the end of the line.
        let needed = 2 * passage.kept.len() + 3;
        let fits = needed <= room;
        room = room.saturating_sub(needed);
        fits
    });
    recalled
}

/// The notes, and the words that introduce the query.
fn notes_parts(notes: &[&Passage]) -> Vec<Part> {
    let of = |kind: Kind| notes.iter().copied().filter(move |passage| passage.kind == kind);
    let documents: Vec<&Passage> = of(Kind::Document).collect();
    let mut memories: Vec<&Passage> = of(Kind::Memory).collect();
    // What was said later may correct what was said before; so the model reads it later.
    memories.sort_by_key(|passage| passage.turn);

    let mut parts = Vec::new();
    let mut last_section = None;
    for (kind, heading, passages) in [
        (Kind::Document, Literal::DocumentsHeading, documents),
        (Kind::Memory, Literal::MemoriesHeading, memories),
    ] {
        if passages.is_empty() {
            continue;
        }
        parts.push(heading.words(Anchor::Section(kind)));
        passages.into_iter().for_each(|passage| note(&mut parts, passage));
        // Memories are cut before documents: the blank line falls with what is cut last.
        last_section = last_section.or(Some(kind));
    }
    match last_section {
        Some(kind) => {
            parts.push(Literal::ItemEnd.words(Anchor::Section(kind)));
            parts.push(Literal::Message.words(Anchor::Always));
        }
        None => parts.push(Literal::NoNotes.words(Anchor::Always)),
    }
    parts
}

/// One line of the notes.
fn note(parts: &mut Vec<Part>, passage: &Passage) {
    let held = Anchor::Passage(passage.id);
    let by_assistant = passage.role == Role::Assistant;
    match (passage.kind, passage.said_at) {
        (Kind::Memory, Some(_)) => {
            parts.push(Literal::Item.words(held));
            parts.push(Part::SaidOn(passage.id));
            let said =
                if by_assistant { Literal::AssistantSaidThen } else { Literal::UserSaidThen };
            parts.push(said.words(held));
        }
        (Kind::Memory, None) => {
            let said = if by_assistant { Literal::AssistantSaid } else { Literal::UserSaid };
            parts.push(said.words(held));
        }
        _ => parts.push(Literal::Item.words(held)),
    }
    parts.extend(excerpts(passage, Some(Literal::Gap)));
    parts.push(Literal::ItemEnd.words(held));
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
        let kept = if text.is_empty() { vec![] } else { vec![Span { start: 0, end }] };
        let text = text.to_owned();
        Passage { id, kind, role, turn, score: 0.0, said_at: None, tokens: 1, text, kept }
    }

    fn ask(between: Vec<Passage>) -> Request {
        let mut passages = vec![passage(1, Kind::Instruction, Role::System, 0, "Be kind.")];
        passages.extend(between);
        passages.push(passage(2, Kind::Query, Role::User, 9, "Why?"));
        Request { passages, now: 0 }
    }

    /// The messages as text, with `@id` for the day of a passage.
    fn write(request: &Request) -> Vec<(Role, String)> {
        let plan = assemble(request).expect("a complete request");
        let Layout::Chat(messages) = plan.layout else { panic!("the default lays out a chat") };
        let text = |part: &Part| match part {
            Part::Words(words) => Literal::TEXTS[words.literal as usize].to_owned(),
            Part::SaidOn(id) => format!("@{id}"),
            Part::Excerpt(excerpt) => {
                let said = request.passages.iter().find(|said| said.id == excerpt.passage);
                let range = excerpt.span.start as usize..excerpt.span.end as usize;
                said.expect("a passage of the request").text[range].to_owned()
            }
        };
        messages.iter().map(|said| (said.role, said.parts.iter().map(text).collect())).collect()
    }

    #[test]
    fn without_notes_it_says_so() {
        let expected = [
            (Role::System, "Be kind.".to_owned()),
            (Role::User, "Notes: none.\n\nMessage:\nWhy?".to_owned()),
        ];
        assert_eq!(write(&ask(vec![])), expected);
    }

    #[test]
    fn memories_stand_in_the_order_in_which_they_were_said() {
        let mut early = passage(11, Kind::Memory, Role::Assistant, 2, "It rains. Not here. Often.");
        early.kept = vec![Span { start: 0, end: 9 }, Span { start: 20, end: 26 }];
        early.said_at = Some(5);
        let late = passage(10, Kind::Memory, Role::User, 7, "I like rain.");
        let notes = "Notes from earlier in this conversation:\n\
            - @11, assistant said: It rains. … Often.\n\
            - user said: I like rain.\n\
            \n\
            Message:\nWhy?";
        assert_eq!(write(&ask(vec![late, early])).pop(), Some((Role::User, notes.to_owned())));
    }

    #[test]
    fn two_instructions_or_no_query_are_refused() {
        let doubled = ask(vec![passage(3, Kind::Instruction, Role::System, 0, "Be rude.")]);
        assert_eq!(assemble(&doubled), Err(Error::IncompleteRequest));
        let mut silent = ask(vec![]);
        silent.passages.pop();
        assert_eq!(assemble(&silent), Err(Error::IncompleteRequest));
    }

    #[test]
    fn the_limit_of_parts_costs_the_least_relevant() {
        let all = |id| passage(id, Kind::Document, Role::User, 0, "Rain.");
        let mut request = ask((10..260).map(all).collect());
        let spans = vec![Span { start: 0, end: 1 }, Span { start: 2, end: 3 }];
        request.passages.iter_mut().skip(1).for_each(|passage| passage.kept.clone_from(&spans));
        let plan = assemble(&request).expect("a complete request");
        let Layout::Chat(messages) = plan.layout else { panic!("the default lays out a chat") };
        assert!(messages.iter().map(|message| message.parts.len()).sum::<usize>() <= PARTS_MAX);
        let shown = |id: u32| {
            let excerpt = |part: &Part| matches!(part, Part::Excerpt(of) if of.passage == id);
            messages.iter().flat_map(|message| &message.parts).any(excerpt)
        };
        assert!(shown(10) && shown(100) && !shown(259) && shown(2));
    }

    #[test]
    fn the_description_keeps_the_limits_of_the_interface() {
        let described = describe();
        assert!(described.literals.len() <= 64);
        assert!(described.literals.iter().all(|literal| literal.len() <= 1_024));
        assert_eq!(described.literals[Literal::NoNotes as usize], "Notes: none.\n\nMessage:\n");
        assert!(described.history.block <= described.history.turns);
    }
}
