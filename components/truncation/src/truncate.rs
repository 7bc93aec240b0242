//! What is cut, and from which end.
//!
//! Recent history loses its oldest tokens first, then memory its last ones, then documents theirs.
//! Read backwards this is an order of *keeping*: documents from their beginning, then memory from
//! its beginning, then history from its newest token back. Each token of that sequence costs itself
//! and, where it is the first of its section or passage, the fixed items that are anchored there.
//! So what is kept is the longest beginning of the sequence that the budget pays for. That it never
//! passes the budget, that a larger budget never keeps less, and that no label outlives its text,
//! follow from this form alone; and since a sequence is never taken up again where it once stopped,
//! room that a fallen label leaves behind is not filled from further down.

use std::collections::BTreeMap;

use crate::truncation::{Anchor, Content, Error, Excerpt, Item, Kept, Request, Shortfall};
use crate::types::Kind;

/// The kinds that can be cut, in the order in which they are kept.
const CUTTABLE: [Kind; 3] = [Kind::Document, Kind::Memory, Kind::History];

/// Decides what is kept of each item.
///
/// Fails with `does-not-fit` if what must stay exceeds the budget.
pub fn truncate(request: &Request) -> Result<Vec<Kept>, Error> {
    let mut anchors = Anchors::of(&request.items);
    // Nothing that can be cut is open yet, so what is held now is what must stay.
    let must: u64 = request.items.iter().filter(|item| anchors.holds(item)).map(cost).sum();
    let Some(room) = u64::from(request.budget).checked_sub(must) else {
        let needed = u32::try_from(must).unwrap_or(u32::MAX);
        return Err(Error::DoesNotFit(Shortfall { needed, budget: request.budget }));
    };

    let mut kept = vec![Kept { first: 0, count: 0 }; request.items.len()];
    keep_excerpts(&request.items, room, &mut anchors, &mut kept);
    for (item, kept) in request.items.iter().zip(&mut kept) {
        if anchors.holds(item) {
            kept.count = item.tokens;
        }
    }
    Ok(kept)
}

/// Keeps as much of what can be cut as there is room for, and marks what holds it.
fn keep_excerpts(items: &[Item], mut room: u64, anchors: &mut Anchors, kept: &mut [Kept]) {
    for kind in CUTTABLE {
        let from_its_end = kind == Kind::History;
        for place in 0..items.len() {
            let index = if from_its_end { items.len() - 1 - place } else { place };
            let Content::Excerpt(excerpt) = &items[index].content else {
                continue;
            };
            // An empty excerpt is no reason to show a label.
            if excerpt.kind != kind || items[index].tokens == 0 {
                continue;
            }
            let Some(left) = room.checked_sub(anchors.price(excerpt)).filter(|left| *left > 0)
            else {
                return;
            };
            anchors.open(excerpt);
            let tokens = items[index].tokens;
            let count = u32::try_from(left).unwrap_or(u32::MAX).min(tokens);
            kept[index] = Kept { first: if from_its_end { tokens - count } else { 0 }, count };
            room = left - u64::from(count);
            if count < tokens {
                return;
            }
        }
    }
}

/// What fixed items hang on.
#[derive(Default)]
struct Anchors {
    sections: [Held; 5],
    passages: BTreeMap<u32, Held>,
}

/// One thing that fixed items hang on.
#[derive(Clone, Copy, Default)]
struct Held {
    /// The tokens of the fixed items that hang here.
    tokens: u64,
    /// Whether any text of it is kept.
    open: bool,
}

impl Anchors {
    /// The anchors of these items, of which only those that must stay are open.
    fn of(items: &[Item]) -> Self {
        let mut anchors = Self::default();
        for item in items {
            match &item.content {
                Content::Fixed(Anchor::Always) => {}
                Content::Fixed(Anchor::Section(kind)) => {
                    anchors.sections[section(*kind)].tokens += cost(item);
                }
                Content::Fixed(Anchor::Passage(id)) => {
                    anchors.passages.entry(*id).or_default().tokens += cost(item);
                }
                Content::Excerpt(excerpt) if !CUTTABLE.contains(&excerpt.kind) => {
                    anchors.open(excerpt);
                }
                Content::Excerpt(_) => {}
            }
        }
        anchors
    }

    /// The tokens that the first text of this excerpt brings with it.
    fn price(&self, excerpt: &Excerpt) -> u64 {
        let section = self.sections[section(excerpt.kind)];
        let passage = self.passages.get(&excerpt.passage).copied().unwrap_or_default();
        [section, passage].iter().filter(|held| !held.open).map(|held| held.tokens).sum()
    }

    /// Notes that text of this excerpt is kept.
    fn open(&mut self, excerpt: &Excerpt) {
        self.sections[section(excerpt.kind)].open = true;
        self.passages.entry(excerpt.passage).or_default().open = true;
    }

    /// Whether this item stays whole as things are.
    fn holds(&self, item: &Item) -> bool {
        match &item.content {
            Content::Fixed(Anchor::Always) => true,
            Content::Fixed(Anchor::Section(kind)) => self.sections[section(*kind)].open,
            Content::Fixed(Anchor::Passage(id)) => {
                self.passages.get(id).is_some_and(|held| held.open)
            }
            Content::Excerpt(excerpt) => !CUTTABLE.contains(&excerpt.kind),
        }
    }
}

fn cost(item: &Item) -> u64 {
    u64::from(item.tokens)
}

/// The place of a kind's section.
fn section(kind: Kind) -> usize {
    match kind {
        Kind::Instruction => 0,
        Kind::Document => 1,
        Kind::Memory => 2,
        Kind::History => 3,
        Kind::Query => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(kind: Kind, passage: u32, tokens: u32) -> Item {
        Item { content: Content::Excerpt(Excerpt { passage, kind }), tokens }
    }

    fn fixed(anchor: Anchor, tokens: u32) -> Item {
        Item { content: Content::Fixed(anchor), tokens }
    }

    /// What is kept of each item: `(first, count)`.
    fn kept(items: &[Item], budget: u32) -> Vec<(u32, u32)> {
        let request = Request { items: items.to_vec(), budget };
        let kept = truncate(&request).expect("what must stay fits");
        kept.iter().map(|kept| (kept.first, kept.count)).collect()
    }

    /// One passage of each kind, 10 tokens each, in the order of the classic prompt.
    fn one_of_each() -> Vec<Item> {
        [Kind::Instruction, Kind::Document, Kind::Memory, Kind::History, Kind::Query]
            .iter()
            .zip(1..)
            .map(|(kind, passage)| text(*kind, passage, 10))
            .collect()
    }

    #[test]
    fn everything_is_kept_where_everything_fits() {
        assert_eq!(kept(&one_of_each(), 50), [(0, 10); 5]);
        assert_eq!(kept(&one_of_each(), u32::MAX), [(0, 10); 5]);
    }

    #[test]
    fn history_falls_from_its_beginning_then_memory_and_documents_from_their_end() {
        let items = one_of_each();
        let middle = |budget| kept(&items, budget)[1..4].to_vec();
        assert_eq!(middle(49), [(0, 10), (0, 10), (1, 9)]);
        assert_eq!(middle(40), [(0, 10), (0, 10), (0, 0)]);
        assert_eq!(middle(39), [(0, 10), (0, 9), (0, 0)]);
        assert_eq!(middle(29), [(0, 9), (0, 0), (0, 0)]);
        assert_eq!(middle(20), [(0, 0), (0, 0), (0, 0)]);
    }

    #[test]
    fn what_must_stay_and_does_not_fit_is_an_error_with_both_numbers() {
        let mut items = one_of_each();
        items.push(fixed(Anchor::Always, 3));
        items.push(fixed(Anchor::Section(Kind::Query), 2));
        items.push(fixed(Anchor::Passage(1), 1));
        let refused = |budget| truncate(&Request { items: items.clone(), budget });
        assert_eq!(refused(25), Err(Error::DoesNotFit(Shortfall { needed: 26, budget: 25 })));
        assert!(refused(26).is_ok());
    }

    #[test]
    fn a_heading_falls_with_the_last_text_below_it() {
        let items = [
            fixed(Anchor::Section(Kind::Document), 4),
            text(Kind::Document, 1, 5),
            text(Kind::Document, 2, 5),
        ];
        assert_eq!(kept(&items, 14), [(0, 4), (0, 5), (0, 5)]);
        assert_eq!(kept(&items, 5), [(0, 4), (0, 1), (0, 0)]);
        // Room for the heading, but for nothing below it.
        assert_eq!(kept(&items, 4), [(0, 0), (0, 0), (0, 0)]);
    }

    #[test]
    fn room_that_a_fallen_label_leaves_is_not_filled_from_further_down() {
        let items =
            [fixed(Anchor::Passage(1), 8), text(Kind::Memory, 1, 5), text(Kind::History, 2, 3)];
        assert_eq!(kept(&items, 8), [(0, 0), (0, 0), (0, 0)]);
        assert_eq!(kept(&items, 9), [(0, 8), (0, 1), (0, 0)]);
    }

    #[test]
    fn excerpts_of_one_passage_share_its_label() {
        let items = [
            fixed(Anchor::Passage(1), 2),
            text(Kind::Memory, 1, 5),
            fixed(Anchor::Passage(1), 1),
            text(Kind::Memory, 1, 5),
        ];
        assert_eq!(kept(&items, 9), [(0, 2), (0, 5), (0, 1), (0, 1)]);
        assert_eq!(kept(&items, 8), [(0, 2), (0, 5), (0, 1), (0, 0)]);
        assert_eq!(kept(&items, 4), [(0, 2), (0, 1), (0, 1), (0, 0)]);
        assert_eq!(kept(&items, 3), [(0, 0); 4]);
    }

    #[test]
    fn what_hangs_on_nothing_that_exists_falls() {
        let items = [
            fixed(Anchor::Passage(9), 1),
            fixed(Anchor::Section(Kind::History), 1),
            fixed(Anchor::Passage(3), 1),
            text(Kind::Memory, 3, 0),
        ];
        assert_eq!(kept(&items, 100), [(0, 0); 4]);
    }

    #[test]
    fn huge_lengths_neither_overflow_nor_wrap() {
        let items = [text(Kind::Document, 1, u32::MAX), text(Kind::History, 2, u32::MAX)];
        assert_eq!(kept(&items, u32::MAX), [(0, u32::MAX), (0, 0)]);
        let items = [text(Kind::Query, 1, u32::MAX), text(Kind::Instruction, 2, u32::MAX)];
        let refused = truncate(&Request { items: items.to_vec(), budget: 7 });
        assert_eq!(refused, Err(Error::DoesNotFit(Shortfall { needed: u32::MAX, budget: 7 })));
    }

    #[test]
    fn nothing_at_all_fits_in_nothing() {
        assert_eq!(kept(&[], 0), []);
    }
}
