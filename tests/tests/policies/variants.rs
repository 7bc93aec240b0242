//! The page that shows one turn as each shipped layout writes it: made of what the components
//! answer, so that it cannot tell anything else. `BLESS=1` writes it.

use std::fmt::Write as _;

use loci_tests::server::repository;

use super::component;
use super::model::{Kind, Passage, Prompt, Role};
use super::write;

/// Where the page stands.
const PAGE: &str = "components/prompt-assembly/VARIANTS.md";

/// The turn that is laid out.
const TURN: u32 = 100;

/// The budget, in tokens of the tests: everything fits.
const BUDGET: u32 = 4_000;

/// What was said long ago and bears on the query: turn, who, when, what. Best first.
const RECALLED: [(u32, Role, u64, &str); 3] = [
    (3, Role::User, 1_767_571_200, "My sister Oriane keeps her violin in the blue cupboard."),
    (61, Role::User, 1_772_323_200, "The blue cupboard is sold; the violin is in the hall now."),
    (3, Role::Assistant, 1_767_571_260, "Then it is safe there. Blue suits a violin."),
];

const DOCUMENT: &str = "A violin rests best at 45 to 55 % humidity, away from radiators.";

const INTRODUCTION: &str = "\
# One turn, four layouts

Four policies that lay out prompts come with Loci, and any may be put in use at any time: \
`loci policy add target/components/NAME.wasm --activate`. This page shows turn 100 of a \
conversation as each of them writes it. A test makes the page from what the components answer.

Recall found three messages and a passage of a document. A message that stands in the history \
anyway is not recalled. Where the history is long, its middle is left out here, not there. What \
stands in `<…>` is written by the chat template of the model.
";

/// The policies, and whom each is for.
const VARIANTS: [(&str, &str); 4] = [
    (
        "prompt-assembly",
        "The default. History comes before the notes, and its window moves in steps of 8 turns: so \
         the beginning of the prompt stays the same for several turns, and the model does not read \
         it again. Notes stand in the order in which they were said, each with its day, since what \
         was said later may correct what was said before.",
    ),
    (
        "prompt-assembly-classic",
        "The format that Loci began with, heading for heading: one plain text, documents and \
         memory before the last five turns. For models without a chat template, and for comparing. \
         Only the instruction is the same in two turns, so the model reads each prompt anew.",
    ),
    (
        "prompt-assembly-recency",
        "Fresh context first: for work that goes on now (a game, a text in the making), where the \
         last turns count word for word. Its window is twice as long. The latest notes stand \
         first, so that it is the oldest that are cut.",
    ),
    (
        "prompt-assembly-compact",
        "For models with a small context, of 2,000 tokens or so. At most twelve turns, the three \
         best notes of each kind, hardly a word around them, no days.",
    ),
];

fn question(turn: u32) -> String {
    format!("How far are we with the move on day {turn}?")
}

fn answer(turn: u32) -> String {
    format!("On day {turn} you packed {} boxes.", 3 + turn % 7)
}

fn said(id: u32, kind: Kind, role: Role, text: &str) -> Passage {
    Passage { id, kind, role, turn: 0, said_at: None, text: text.to_owned(), kept: None }
}

/// What Loci would give to a policy whose history begins with this turn.
fn request(policy: &str, from_turn: u32) -> Prompt {
    let instruction = "You are a helpful AI assistant.";
    let mut passages = vec![said(0, Kind::Instruction, Role::System, instruction)];
    passages.push(said(1, Kind::Document, Role::User, DOCUMENT));
    for (id, (turn, role, said_at, text)) in (2..).zip(RECALLED) {
        let memory = said(id, Kind::Memory, role, text);
        if turn < from_turn {
            passages.push(Passage { turn, said_at: Some(said_at), ..memory });
        }
    }
    for turn in from_turn..TURN {
        let (user, reply) = (question(turn), answer(turn));
        let user = said(1_000 + 2 * turn, Kind::History, Role::User, &user);
        let reply = said(1_001 + 2 * turn, Kind::History, Role::Assistant, &reply);
        passages.extend([user, reply].map(|passage| Passage { turn, ..passage }));
    }
    passages.push(said(9_999, Kind::Query, Role::User, "Where is the violin?"));
    Prompt { policy: policy.to_owned(), budget: BUDGET, passages }
}

/// The first turn of a window, as `window` in WIT says.
fn window_start(turns: u32, block: u32) -> u32 {
    let first = (TURN - 1).saturating_sub(turns - 1).max(1);
    (first - 1).div_ceil(block) * block + 1
}

/// Leaves out what stands between the first turn of a history and its last.
fn elided(text: &str, from_turn: u32) -> String {
    let (first, last) = (answer(from_turn), question(TURN - 1));
    let start = text.find(&first).expect("the first turn stands there") + first.len();
    let end = text.find(&last).expect("the last turn stands there");
    let line = text[..end].rfind('\n').map_or(0, |at| at + 1);
    // The template around the last question belongs to it.
    let end = text[..line].strip_suffix("<user>\n").map_or(line, str::len);
    let between = TURN - 1 - from_turn - 1;
    format!("{}\n\n[… {between} turns …]\n\n{}", &text[..start], &text[end..])
}

#[test]
fn the_page_shows_what_the_components_answer() {
    let mut page = INTRODUCTION.to_owned();
    for (name, about) in VARIANTS {
        let history = component::describe(name).history;
        let from_turn = window_start(history.turns, history.block);
        let prompt = request(name, from_turn);
        let layout = component::assemble(&prompt).expect("a complete request");
        let pieces = write::pieces(&prompt, &layout, &component::literals(name));
        let text = write::prompt(&pieces, &component::truncate(&write::lengths(&pieces, BUDGET)));
        let text = elided(&text, from_turn);
        write!(
            page,
            "\n## {name}\n\n{about}\n\nHistory: at most {} turns, in steps of {}, with at most {} \
             % of the budget.\n\n```text\n{}\n```\n",
            history.turns,
            history.block,
            history.percent,
            text.trim_end()
        )
        .expect("a string takes everything");
    }
    let path = repository().join(PAGE);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &page).expect("it can be written");
    }
    let stands = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        stands == page,
        "`{PAGE}` is not what the components answer; BLESS=1 writes it:\n{page}"
    );
}
