//! From a plan to the prompt: measuring its parts, cutting, and writing what is left.

use super::model::{
    Anchor, Content, Item, Kept, Kind, Layout, Lengths, Part, Passage, Prompt, Role,
};

/// A part, measured.
pub struct Piece {
    pub item: Item,
    pub text: String,
}

/// The tokens of the tests: words, and everything between them character by character.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word = rest.find(|symbol: char| !symbol.is_alphanumeric()).unwrap_or(rest.len());
        let (token, after) = rest.split_at(word.max(if word == 0 { first.len_utf8() } else { 0 }));
        tokens.push(token);
        rest = after;
    }
    tokens
}

pub fn count(text: &str) -> u32 {
    u32::try_from(tokens(text).len()).expect("a text of less than 4 GB")
}

/// The pieces of a prompt in order, with the template around messages.
pub fn pieces(prompt: &Prompt, layout: &Layout, literals: &[String]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (role, parts) in layout {
        if let Some(role) = role {
            let template = format!("<{}>\n", name(*role));
            pieces.push(piece(Content::Fixed(holds(prompt, parts)), template));
        }
        for part in parts {
            pieces.extend(piece_of(prompt, part, literals));
        }
        if role.is_some() {
            pieces.push(piece(Content::Fixed(holds(prompt, parts)), "\n".to_owned()));
        }
    }
    pieces
}

fn piece(content: Content, text: String) -> Piece {
    Piece { item: Item { content, tokens: count(&text) }, text }
}

fn piece_of(prompt: &Prompt, part: &Part, literals: &[String]) -> Option<Piece> {
    Some(match part {
        Part::Words { literal, anchor } => {
            piece(Content::Fixed(*anchor), literals[*literal].clone())
        }
        Part::SaidOn(id) => {
            let day = day(passage(prompt, *id).said_at?);
            piece(Content::Fixed(Anchor::Passage(*id)), day)
        }
        Part::Excerpt { passage: id, span } => {
            let passage = passage(prompt, *id);
            let text = passage.text[span.0 as usize..span.1 as usize].to_owned();
            piece(Content::Excerpt { passage: *id, kind: passage.kind }, text)
        }
    })
}

/// What holds the template of a message: the one passage that it says, or else nothing that falls.
fn holds(prompt: &Prompt, parts: &[Part]) -> Anchor {
    match parts {
        [Part::Excerpt { passage: id, .. }] => match passage(prompt, *id).kind {
            Kind::History => Anchor::Passage(*id),
            _ => Anchor::Always,
        },
        _ => Anchor::Always,
    }
}

pub fn passage(prompt: &Prompt, id: u32) -> &Passage {
    prompt.passages.iter().find(|passage| passage.id == id).expect("a passage of the request")
}

pub fn lengths(pieces: &[Piece], budget: u32) -> Lengths {
    Lengths { budget, items: pieces.iter().map(|piece| piece.item).collect() }
}

/// What is left of the pieces.
pub fn prompt(pieces: &[Piece], kept: &Kept) -> String {
    let kept = match kept {
        Ok(kept) => kept,
        Err(needed) => return format!("does-not-fit: {needed} tokens must stay\n"),
    };
    let left = |(piece, (first, count)): (&Piece, &(u32, u32))| {
        let (first, count) = (*first as usize, *count as usize);
        tokens(&piece.text)[first..first + count].concat()
    };
    pieces.iter().zip(kept).map(left).collect()
}

/// A plan as people read it.
pub fn plan(layout: &Layout, literals: &[String]) -> String {
    let mut lines = String::new();
    for (role, parts) in layout {
        lines += role.map_or("text", name);
        lines += "\n";
        for part in parts {
            lines += &match part {
                Part::Words { literal, anchor } => {
                    format!("  words {:?} {}\n", literals[*literal], holder(*anchor))
                }
                Part::Excerpt { passage, span: (start, end) } => {
                    format!("  excerpt of passage {passage}, bytes {start}..{end}\n")
                }
                Part::SaidOn(id) => format!("  day of passage {id}\n"),
            };
        }
    }
    lines
}

pub fn holder(anchor: Anchor) -> String {
    match anchor {
        Anchor::Always => "always".to_owned(),
        Anchor::Section(kind) => format!("with any {}", format!("{kind:?}").to_lowercase()),
        Anchor::Passage(id) => format!("with passage {id}"),
    }
}

fn name(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    }
}

/// The day of a time, as the interface writes it. (Howard Hinnant's `civil_from_days`.)
fn day(seconds: u64) -> String {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let days = seconds / 86_400 + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month_number = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + u64::from(month_number <= 2);
    let name = MONTHS[usize::try_from(month_number - 1).expect("a month")];
    format!("{day} {name} {year}")
}
