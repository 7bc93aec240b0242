//! What holds for every input.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::component::{condensation, ranking};
use super::model::{Anchor, Content, Item, Kind, Lengths, Part, Passage, Prompt, Role};
use super::{component, native, write};

const KINDS: [Kind; 5] =
    [Kind::Instruction, Kind::Document, Kind::Memory, Kind::History, Kind::Query];
/// In the order in which they are kept.
const CUTTABLE: [Kind; 3] = [Kind::Document, Kind::Memory, Kind::History];

/// Items whose passages have one kind each; the kind of passage `n` is the `n`th, again and again.
pub(super) fn lengths() -> impl Strategy<Value = Lengths> {
    let passage = 0..12_u32;
    let anchor = prop_oneof![
        Just(Anchor::Always),
        select(&KINDS[..]).prop_map(Anchor::Section),
        passage.clone().prop_map(Anchor::Passage),
    ];
    let content = prop_oneof![
        3 => passage.prop_map(|passage| {
            Content::Excerpt { passage, kind: KINDS[passage as usize % KINDS.len()] }
        }),
        2 => anchor.prop_map(Content::Fixed),
    ];
    let tokens = prop_oneof![20 => 0..40_u32, 1 => Just(u32::MAX)];
    let item = (content, tokens).prop_map(|(content, tokens)| Item { content, tokens });
    (vec(item, 0..40), 0..800_u32).prop_map(|(items, budget)| Lengths { budget, items })
}

/// The tokens that are kept of each item, where the rest fits.
fn counts(lengths: &Lengths) -> Option<Vec<u32>> {
    let kept = native::truncate(lengths).ok()?;
    Some(kept.iter().map(|(_, count)| *count).collect())
}

/// Whether text of what this anchor names is kept. Text that cannot be cut always is.
fn is_open(lengths: &Lengths, counts: &[u32], anchor: Anchor) -> bool {
    lengths.items.iter().zip(counts).any(|(item, count)| match (item.content, anchor) {
        (_, Anchor::Always) => true,
        (Content::Excerpt { passage, kind }, anchor) => {
            let named = match anchor {
                Anchor::Section(section) => kind == section,
                Anchor::Passage(id) => passage == id,
                Anchor::Always => true,
            };
            named && (*count > 0 || !CUTTABLE.contains(&kind))
        }
        (Content::Fixed(_), _) => false,
    })
}

/// The seed's arithmetic: how many tokens of history, memory and documents are kept.
fn seed(history: u64, memory: u64, documents: u64, room: u64) -> [u64; 3] {
    let mut overflow = (history + memory + documents).saturating_sub(room);
    [history, memory, documents].map(|tokens| {
        let cut = overflow.min(tokens);
        overflow -= cut;
        tokens - cut
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_kept_fits_and_every_label_stands_with_its_text(lengths in lengths()) {
        let answer = native::truncate(&lengths);
        prop_assert_eq!(&answer, &native::truncate(&lengths));
        prop_assert_eq!(&answer, &component::truncate(&lengths));
        let Ok(kept) = answer else { return Ok(()) };
        let counts: Vec<u32> = kept.iter().map(|(_, count)| *count).collect();
        let total: u64 = counts.iter().map(|count| u64::from(*count)).sum();
        prop_assert!(total <= u64::from(lengths.budget));
        for (item, (first, count)) in lengths.items.iter().zip(&kept) {
            match item.content {
                Content::Fixed(anchor) if is_open(&lengths, &counts, anchor) => {
                    prop_assert_eq!((*first, *count), (0, item.tokens));
                }
                Content::Fixed(_) => prop_assert_eq!((*first, *count), (0, 0)),
                Content::Excerpt { kind: Kind::History, .. } => {
                    prop_assert!(*count == 0 || first + count == item.tokens);
                }
                Content::Excerpt { kind: Kind::Document | Kind::Memory, .. } => {
                    prop_assert_eq!(*first, 0);
                }
                Content::Excerpt { .. } => prop_assert_eq!((*first, *count), (0, item.tokens)),
            }
        }
    }

    #[test]
    fn more_budget_never_keeps_less(lengths in lengths(), more in 1..50_u32) {
        let larger = Lengths { budget: lengths.budget + more, ..lengths.clone() };
        if let Some(counts_then) = counts(&lengths) {
            let counts_now = counts(&larger).expect("what fitted fits still");
            for (then, now) in counts_then.iter().zip(counts_now) {
                prop_assert!(*then <= now);
            }
        }
    }

    #[test]
    fn what_cannot_fit_is_told_exactly(lengths in lengths()) {
        if let Err(needed) = native::truncate(&lengths) {
            prop_assert!(needed > lengths.budget || needed == u32::MAX);
            if needed < u32::MAX {
                let enough = Lengths { budget: needed, ..lengths.clone() };
                prop_assert!(native::truncate(&enough).is_ok());
                let short = Lengths { budget: needed - 1, ..lengths };
                prop_assert_eq!(native::truncate(&short), Err(needed));
            }
        }
    }

    /// One more token of what comes next, with the labels that it would bring, would not fit.
    #[test]
    fn no_room_is_wasted(lengths in lengths()) {
        let Some(counts) = counts(&lengths) else { return Ok(()) };
        let total: u64 = counts.iter().map(|count| u64::from(*count)).sum();
        let in_order = CUTTABLE.iter().flat_map(|kind| {
            let all = 0..lengths.items.len();
            let of_kind = |index: &usize| {
                let content = lengths.items[*index].content;
                matches!(content, Content::Excerpt { kind: of, .. } if of == *kind)
            };
            let mut places: Vec<usize> = all.filter(of_kind).collect();
            if *kind == Kind::History {
                places.reverse();
            }
            places
        });
        let mut rest = in_order.skip_while(|index| counts[*index] == lengths.items[*index].tokens);
        let Some(next) = rest.next() else { return Ok(()) };
        for later in rest {
            prop_assert_eq!(counts[later], 0, "what comes later is not kept");
        }
        let mut then = counts.clone();
        then[next] += 1;
        let label = |(item, count): (&Item, &u32)| match item.content {
            Content::Fixed(anchor) if *count == 0 && is_open(&lengths, &then, anchor) => {
                u64::from(item.tokens)
            }
            _ => 0,
        };
        let labels: u64 = lengths.items.iter().zip(&counts).map(label).sum();
        prop_assert!(total + labels + 1 > u64::from(lengths.budget));
    }

    #[test]
    fn without_labels_it_is_the_arithmetic_of_the_seed(
        tokens in vec((select(&CUTTABLE[..]), 0..60_u32), 0..12),
        fixed in 0..100_u32,
        budget in 0..500_u32,
    ) {
        let texts = tokens.iter().zip(0..).map(|((kind, tokens), passage)| Item {
            content: Content::Excerpt { passage, kind: *kind },
            tokens: *tokens,
        });
        let query = Content::Excerpt { passage: 99, kind: Kind::Query };
        let items = texts.chain([Item { content: query, tokens: fixed }]).collect();
        let Some(counts) = counts(&Lengths { budget, items }) else { return Ok(()) };
        let sum = |of: Kind, count: fn((&u32, &u32)) -> u32| -> u64 {
            tokens.iter().zip(&counts).filter(|((kind, _), _)| *kind == of)
                .map(|((_, tokens), kept)| u64::from(count((tokens, kept)))).sum()
        };
        let [history, memory, documents] =
            [Kind::History, Kind::Memory, Kind::Document].map(|kind| sum(kind, |(all, _)| *all));
        let kept =
            [Kind::History, Kind::Memory, Kind::Document].map(|kind| sum(kind, |(_, kept)| *kept));
        prop_assert_eq!(kept, seed(history, memory, documents, u64::from(budget - fixed)));
    }
}

/// A text, and where it may be cut.
fn text() -> impl Strategy<Value = (String, Vec<Index>)> {
    ("[a-zé犬 .\n]{0,60}", vec(any::<Index>(), 0..6))
}

/// A prompt with one instruction and one query.
pub(super) fn prompt() -> impl Strategy<Value = Prompt> {
    let between =
        vec((select(&CUTTABLE[..]), any::<bool>(), of(0..2_000_000_000_u64), text()), 0..30);
    let policy = select(&["prompt-assembly", "prompt-assembly-classic"][..]);
    let words = "[a-zé犬 ]{1,40}";
    (policy, words, words, between, 0..900_u32).prop_map(
        |(policy, told, asked, between, budget)| {
            let whole = |id, kind, role, text| Passage {
                id,
                kind,
                role,
                turn: 0,
                said_at: None,
                text,
                kept: None,
            };
            let mut passages = vec![whole(0, Kind::Instruction, Role::System, told)];
            for ((kind, by_user, said_at, (text, cuts)), id) in between.into_iter().zip(1..) {
                let role = if by_user { Role::User } else { Role::Assistant };
                let kept = (kind != Kind::History).then(|| spans(&text, &cuts));
                passages.push(Passage { id, kind, role, turn: 100 - id, said_at, text, kept });
            }
            passages.push(whole(200, Kind::Query, Role::User, asked));
            Prompt { policy: policy.to_owned(), budget, passages }
        },
    )
}

/// Disjoint spans between these places of a text.
fn spans(text: &str, cuts: &[Index]) -> Vec<(u32, u32)> {
    let borders: Vec<usize> = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).collect();
    let mut places: Vec<u32> = cuts
        .iter()
        .map(|cut| u32::try_from(borders[cut.index(borders.len())]).expect("a short text"))
        .collect();
    places.sort_unstable();
    places.dedup();
    places.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_shows_what_must_be_whole_and_nothing_that_is_not_there(prompt in prompt()) {
        let layout = component::assemble(&prompt).expect("a complete request");
        let natively = match prompt.policy.as_str() {
            "prompt-assembly" => native::default::assemble(&prompt),
            _ => native::classic::assemble(&prompt),
        };
        prop_assert_eq!(Some(&layout), natively.as_ref());
        let literals = component::literals(&prompt.policy);
        let mut shown: Vec<(u32, (u32, u32))> = Vec::new();
        for (role, parts) in &layout {
            for part in parts {
                match part {
                    Part::Words { literal, .. } => prop_assert!(*literal < literals.len()),
                    Part::SaidOn(id) => {
                        prop_assert!(write::passage(&prompt, *id).said_at.is_some());
                    }
                    Part::Excerpt { passage, span } => {
                        let of = write::passage(&prompt, *passage);
                        prop_assert!(of.spans().contains(span));
                        prop_assert!(*role != Some(Role::System) || of.kind == Kind::Instruction);
                        shown.push((*passage, *span));
                    }
                }
            }
        }
        let spoken = |kind: fn(Kind) -> bool| {
            let said = prompt.passages.iter().filter(move |passage| kind(passage.kind));
            said.flat_map(|passage| passage.spans().into_iter().map(|span| (passage.id, span)))
        };
        let shown_of = |kind: fn(Kind) -> bool| -> Vec<_> {
            let of_kind = |id: &u32| kind(write::passage(&prompt, *id).kind);
            shown.iter().copied().filter(|(id, _)| of_kind(id)).collect()
        };
        let whole = |kind| matches!(kind, Kind::Instruction | Kind::History | Kind::Query);
        prop_assert_eq!(shown_of(whole), spoken(whole).collect::<Vec<_>>());
        let cut = |kind| matches!(kind, Kind::Document | Kind::Memory);
        let mut recalled = shown_of(cut);
        recalled.sort_unstable();
        let mut expected: Vec<_> = spoken(cut).collect();
        expected.sort_unstable();
        prop_assert_eq!(recalled, expected);
    }

    #[test]
    fn a_prompt_never_passes_its_budget_and_always_says_instruction_and_query(prompt in prompt()) {
        let layout = component::assemble(&prompt).expect("a complete request");
        let pieces = write::pieces(&prompt, &layout, &component::literals(&prompt.policy));
        let kept = component::truncate(&write::lengths(&pieces, prompt.budget));
        let text = write::prompt(&pieces, &kept);
        if kept.is_ok() {
            let tokens: u32 = kept.iter().flatten().map(|(_, count)| *count).sum();
            prop_assert!(tokens <= prompt.budget);
            for kind in [Kind::Instruction, Kind::Query] {
                let said = prompt.passages.iter().find(|passage| passage.kind == kind);
                prop_assert!(text.contains(&said.expect("there is one").text));
            }
        }
    }

    #[test]
    fn choices_are_candidates_and_finite(
        found in vec(
            (any::<[bool; 2]>(), of(any::<f32>()), of(any::<f32>()), "[a-c ]{0,9}"),
            0..40,
        ),
        query in "[a-z ?]{0,30}",
        most in 0..50_u32,
    ) {
        use super::component::types;
        type Found = ([bool; 2], Option<f32>, Option<f32>, String);
        let candidate = |(([memory, user], dense, lexical, text), id): (Found, u32)| {
            ranking::Candidate {
                id,
                kind: if memory { types::Kind::Memory } else { types::Kind::Document },
                role: if user { types::Role::User } else { types::Role::Assistant },
                name: memory.then(|| text.clone()),
                said_at: None,
                // Also what is no order: itself, what is not there, and each other.
                follows: Some(id ^ text.len() as u32),
                dense,
                common: dense,
                lexical,
                bytes: text.len() as u32,
                text,
            }
        };
        let candidates: Vec<_> = found.into_iter().zip(0..).map(candidate).collect();
        let count = candidates.len();
        let request = ranking::Request { query, now: 0, candidates, most };
        let choices = component::rank(&request);
        prop_assert!(choices.len() <= count.min(most as usize));
        prop_assert!(choices.iter().all(|choice| choice.score.is_finite()));
        prop_assert!(choices.is_sorted_by(|one, two| one.score >= two.score));
        let mut ids: Vec<u32> = choices.iter().map(|choice| choice.id).collect();
        ids.sort_unstable();
        ids.dedup();
        prop_assert_eq!(ids.len(), choices.len());
        prop_assert!(ids.iter().all(|id| (*id as usize) < count));
    }

    #[test]
    fn what_is_condensed_is_ordered_disjoint_and_on_borders(
        texts in vec(("[a-zA-Zé犬。`\n .!?]{0,300}", 0..80_u32, 1..80_u32), 0..6),
        query in "[a-zé犬 ?]{0,30}",
    ) {
        let source = |(text, tokens, tokens_max): &(String, u32, u32)| condensation::Source {
            text: text.clone(), tokens: *tokens, tokens_max: *tokens_max,
        };
        let sources: Vec<_> = texts.iter().map(source).collect();
        let kept = component::condense(&condensation::Request { query, sources });
        prop_assert_eq!(kept.len(), texts.len());
        for ((text, tokens, tokens_max), spans) in texts.iter().zip(kept) {
            prop_assert!(spans.is_sorted_by(|one, two| one.1 <= two.0));
            for (start, end) in &spans {
                prop_assert!(start < end && text.get(*start as usize..*end as usize).is_some());
            }
            if tokens <= tokens_max && !text.is_empty() {
                prop_assert_eq!(spans, vec![(0, u32::try_from(text.len()).expect("short"))]);
            }
        }
    }
}
