//! Random sequences of operations on words, against a model that is too simple to be wrong.

use std::collections::BTreeMap;

use bm25::{Posting, Statistics, bm25};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::vectors::{Entry, Error, Term, Text};
use crate::words::PLACES_MAX;
use crate::{Library, Limits};

const SCOPES: [&str; 3] = ["a", "b", "c"];
const TERMS: [&str; 5] = ["boat", "tide", "kite", "über", "oar"];
/// Times that make a term common in one text, or in two.
const TIMES: [u32; 5] = [1, 1, 2, PLACES_MAX / 2, PLACES_MAX];

#[derive(Clone, Debug)]
enum Operation {
    /// Words of new texts, by a caller who knows the mark, or who is behind.
    Insert(usize, Vec<Vec<(usize, u32)>>, bool),
    /// Words of texts that are known.
    Repeat(usize),
    /// A vector of a text, which its words do not need.
    Vector(usize, u64),
    Remove(usize, Vec<u64>),
    Drop(usize),
    Search(usize, Vec<usize>, u32),
}

fn operation() -> impl Strategy<Value = Operation> {
    let scope = || 0..SCOPES.len();
    let text = || vec((0..TERMS.len(), select(TIMES.to_vec())), 0..4);
    prop_oneof![
        5 => (scope(), vec(text(), 0..40), any::<bool>(), any::<bool>())
            .prop_map(|(scope, texts, a, b)| Operation::Insert(scope, texts, a && b)),
        1 => scope().prop_map(Operation::Repeat),
        1 => (scope(), 0..200_u64).prop_map(|(scope, id)| Operation::Vector(scope, id)),
        4 => (scope(), vec(0..200_u64, 0..80)).prop_map(|(scope, ids)| {
            Operation::Remove(scope, ids)
        }),
        1 => scope().prop_map(Operation::Drop),
        5 => (scope(), vec(0..TERMS.len(), 0..5), select(vec![0, 1, 3, 1_024]))
            .prop_map(|(scope, terms, most)| Operation::Search(scope, terms, most)),
    ]
}

/// The texts of one scope, in the order in which they came, which is that of their ids.
#[derive(Default)]
struct Held {
    mark: Option<u64>,
    texts: BTreeMap<u64, Text>,
}

struct Model {
    library: Library,
    scopes: [Held; 3],
    /// The next id: no text comes twice under another one.
    next: u64,
}

fn text(id: u64, terms: &[(usize, u32)]) -> Text {
    let counts: BTreeMap<usize, u32> = terms.iter().copied().collect();
    let terms: Vec<Term> = counts
        .into_iter()
        .map(|(term, times)| Term { text: TERMS[term].to_owned(), times })
        .collect();
    Text { id, length: terms.iter().map(|term| term.times).sum(), terms }
}

impl Model {
    fn new(limits: Limits) -> Self {
        let mut library = Library::new(limits);
        assert_eq!(library.open("m", 2), Ok(0));
        Self { library, scopes: Default::default(), next: 0 }
    }

    fn apply(&mut self, operation: &Operation) {
        match operation {
            Operation::Insert(scope, texts, is_behind) => {
                let new: Vec<Text> =
                    texts.iter().zip(self.next..).map(|(terms, id)| text(id, terms)).collect();
                self.next += new.len() as u64;
                let known = self.library.worded(0, SCOPES[*scope]);
                let after = if *is_behind { Some(u64::MAX) } else { known };
                let to = known.unwrap_or(0) + 1;
                let done = self.library.insert_words(0, SCOPES[*scope], &new, after, to);
                assert_eq!(done, Ok(!is_behind));
                if !is_behind {
                    let held = &mut self.scopes[*scope];
                    held.mark = Some(to);
                    held.texts.extend(new.into_iter().map(|text| (text.id, text)));
                }
            }
            Operation::Repeat(scope) => {
                let held = &self.scopes[*scope];
                let mut again: Vec<Text> = held.texts.values().cloned().collect();
                again.iter_mut().for_each(|text| text.length += 7);
                let Some(mark) = held.mark else { return };
                let done = self.library.insert_words(0, SCOPES[*scope], &again, Some(mark), mark);
                assert_eq!(done, Ok(true));
            }
            Operation::Vector(scope, id) => {
                let entry = Entry { id: *id, vector: vec![1.0, 0.5] };
                assert_eq!(self.library.insert(0, SCOPES[*scope], &[entry], 1), Ok(()));
            }
            Operation::Remove(scope, ids) => {
                self.library.remove(0, SCOPES[*scope], ids);
                self.scopes[*scope].texts.retain(|id, _| !ids.contains(id));
            }
            Operation::Drop(scope) => {
                self.library.drop_scope(0, SCOPES[*scope]);
                self.scopes[*scope] = Held::default();
            }
            Operation::Search(scope, terms, most) => self.search(*scope, terms, *most),
        }
        self.see_what_was_dropped();
    }

    /// What made room for others is gone as a whole.
    fn see_what_was_dropped(&mut self) {
        for (held, name) in self.scopes.iter_mut().zip(SCOPES) {
            match self.library.worded(0, name) {
                None => *held = Held::default(),
                mark => assert_eq!(mark, held.mark.or(mark)),
            }
        }
    }

    fn search(&mut self, scope: usize, terms: &[usize], most: u32) {
        let mut terms: Vec<usize> = terms.to_vec();
        terms.sort_unstable();
        terms.dedup();
        let terms: Vec<String> = terms.into_iter().map(|term| TERMS[term].to_owned()).collect();
        let held = &self.scopes[scope];
        let scores = expected(held, &terms);
        let found = self.library.search_words(0, SCOPES[scope], &terms, most).unwrap();
        assert_eq!(found.is_some(), held.mark.is_some());
        let found: Vec<(u64, f32)> =
            found.into_iter().flatten().map(|hit| (hit.id, hit.score)).collect();
        let mut best: Vec<(u64, f32)> = scores.iter().map(|(id, score)| (*id, *score)).collect();
        best.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        best.truncate(most as usize);
        assert_eq!(found, best);
        let ids: Vec<u64> = (0..self.next + 2).step_by(3).collect();
        let told = self.library.score_words(0, SCOPES[scope], &terms, &ids).unwrap();
        let known: Vec<Option<f32>> = ids.iter().map(|id| scores.get(id).copied()).collect();
        assert_eq!(told, known);
    }
}

/// What the formula says of all texts, from lists of places as the database has them.
fn expected(held: &Held, terms: &[String]) -> BTreeMap<u64, f32> {
    let length: u64 = held.texts.values().map(|text| u64::from(text.length)).sum();
    let statistics = Statistics { messages: held.texts.len() as u32, terms: length };
    let places = |term: &String| -> Vec<Posting> {
        let times = |text: &Text| {
            text.terms.iter().find(|one| one.text == *term).map_or(0, |one| one.times)
        };
        let each = held
            .texts
            .values()
            .flat_map(|text| std::iter::repeat_n((text.id, text.length), times(text) as usize));
        let mut found: Vec<Posting> = Vec::new();
        for (message, length) in each.take(PLACES_MAX as usize) {
            match found.last_mut().filter(|last| last.message == message) {
                Some(last) => last.frequency += 1,
                None => found.push(Posting { message, frequency: 1, length, in_messages: 0 }),
            }
        }
        let in_messages = found.len() as u32;
        found.iter_mut().for_each(|one| one.in_messages = in_messages);
        found
    };
    let found: Vec<Vec<Posting>> = terms.iter().map(places).collect();
    let is_common =
        |one: &Vec<Posting>| one.iter().map(|posting| posting.frequency).sum::<u32>() == PLACES_MAX;
    let all_common = found.iter().all(|one| one.is_empty() || is_common(one));
    let telling = found.into_iter().filter(|one| all_common || !is_common(one));
    bm25(telling.flatten().collect(), statistics).into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn words_are_found_as_the_model_says(operations in vec(operation(), 1..80)) {
        let mut model = Model::new(Limits::default());
        for operation in &operations {
            model.apply(operation);
        }
    }

    #[test]
    fn words_that_made_room_are_gone_as_a_whole(
        operations in vec(operation(), 1..80),
        limit in 3_000..20_000_usize,
    ) {
        let limits = Limits { library_bytes_max: limit, ..Limits::default() };
        let mut model = Model::new(limits);
        for operation in &operations {
            model.apply(operation);
        }
    }
}

#[test]
fn what_is_refused_changes_nothing() {
    let mut library = Library::new(Limits { scope_bytes_max: 4_000, ..Limits::default() });
    assert_eq!(library.open("m", 2), Ok(0));
    let good = text(1, &[(0, 1)]);
    let mut insert = |scope: &str, texts: &[Text]| library.insert_words(0, scope, texts, None, 1);
    assert_eq!(insert("", &[]), Err(Error::BadScope));
    assert_eq!(insert("s", &vec![good.clone(); 4_097]), Err(Error::TooMany(4_096)));
    let of = |term: &str, times| {
        let terms = vec![Term { text: term.to_owned(), times }];
        Text { id: 2, length: 1, terms }
    };
    for bad in [of("", 1), of("boat", 0), of(&"x".repeat(129), 1)] {
        assert_eq!(insert("s", &[good.clone(), bad]), Err(Error::BadText(1)));
    }
    let many: Vec<Text> = (0..200).map(|id| text(id, &[(0, 1)])).collect();
    assert_eq!(insert("s", &many), Err(Error::ScopeFull(4_000)));
    assert_eq!(insert("s", &[good]), Ok(true));
    let terms = ["boat".to_owned()];
    assert_eq!(library.worded(0, "s"), Some(1));
    assert_eq!(library.statistics(0).vectors, 0);
    assert_eq!(library.search_words(0, "s", &terms, 1_025), Err(Error::TooMany(1_024)));
    assert_eq!(library.search_words(0, "", &terms, 1), Err(Error::BadScope));
    let endless = vec![String::new(); 4_097];
    assert_eq!(library.search_words(0, "s", &endless, 1), Err(Error::TooMany(4_096)));
    assert_eq!(library.score_words(0, "s", &terms, &[0; 4_097]), Err(Error::TooMany(4_096)));
    assert_eq!(library.score_words(0, "t", &terms, &[1]), Ok(vec![None]));
}
