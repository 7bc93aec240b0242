//! Finds the nearest vectors within scopes.
//!
//! From the outside in: `library` holds the scopes of all indexes and makes room for new ones;
//! `scope` is what one key holds: the `store` has its vectors, and a `graph` leads through those of
//! a large one, which `build` makes; `part` is what either is outside of the memory of an index.
//! `vector` turns numbers into the form that is stored and compares them; `best` keeps the nearest.
//! `words` is what a scope holds beside vectors: where terms stand.

mod best;
mod build;
mod graph;
mod library;
mod part;
mod scope;
mod store;
mod vector;
mod words;

#[cfg(test)]
mod lexicon;
#[cfg(test)]
mod model;
#[cfg(test)]
mod recovery;
#[cfg(test)]
mod snapshots;

pub use bindings::exports::loci::search::{graphs, vectors};
pub use build::build;
pub use library::{Library, Limits};

/// The types of the world, which the index speaks in, natively too.
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit/search",
        world: "vector-search",
        additional_derives: [PartialEq],
        pub_export_macro: true,
        // What links this crate natively, or as a library, must not inherit its world.
        disable_custom_section_link_helpers: true,
    });
}

/// The component: one library for as long as its instance lives.
#[cfg(all(target_family = "wasm", target_os = "unknown", feature = "component"))]
mod component {
    use std::cell::RefCell;

    use super::graphs;
    use super::vectors::{
        Candidate, Entry, Error, Guest, GuestIndex, Hit, Index, IndexBorrow, Likeness, Statistics,
        Text,
    };
    use super::{Library, Limits, bindings};

    thread_local! {
        static LIBRARY: RefCell<Library> = RefCell::new(Library::new(Limits::default()));
    }

    struct Search;

    /// The place of an index in the library.
    struct Handle(usize);

    impl Guest for Search {
        type Index = Handle;
    }

    impl graphs::Guest for Search {
        fn wanted(index: IndexBorrow<'_>, scope: String) -> bool {
            let index = index.get::<Handle>().0;
            LIBRARY.with_borrow(|library| library.wants_graph(index, &scope))
        }

        fn build(parts: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, Error> {
            super::build(&parts)
        }
    }

    impl GuestIndex for Handle {
        fn open(name: String, dimensions: u32) -> Result<Index, Error> {
            let index = LIBRARY.with_borrow_mut(|library| library.open(&name, dimensions))?;
            Ok(Index::new(Self(index)))
        }

        fn mark(&self, scope: String) -> Option<u64> {
            LIBRARY.with_borrow(|library| library.mark(self.0, &scope))
        }

        fn insert(&self, scope: String, entries: Vec<Entry>, mark: u64) -> Result<(), Error> {
            LIBRARY.with_borrow_mut(|library| library.insert(self.0, &scope, &entries, mark))
        }

        fn remove(&self, scope: String, ids: Vec<u64>) -> u32 {
            LIBRARY.with_borrow_mut(|library| library.remove(self.0, &scope, &ids))
        }

        fn drop_scope(&self, scope: String) {
            LIBRARY.with_borrow_mut(|library| library.drop_scope(self.0, &scope));
        }

        fn search(
            &self,
            scopes: Vec<String>,
            query: Vec<f32>,
            most: u32,
        ) -> Result<Vec<Hit>, Error> {
            LIBRARY.with_borrow_mut(|library| library.search(self.0, &scopes, &query, most))
        }

        fn candidates(
            &self,
            scopes: Vec<String>,
            query: Vec<f32>,
            most: u32,
        ) -> Result<Vec<Candidate>, Error> {
            LIBRARY.with_borrow_mut(|library| library.candidates(self.0, &scopes, &query, most))
        }

        fn compare(
            &self,
            scope: String,
            query: Vec<f32>,
            ids: Vec<u64>,
            typical: Vec<u64>,
        ) -> Result<Vec<Option<Likeness>>, Error> {
            LIBRARY
                .with_borrow_mut(|library| library.compare(self.0, &scope, &query, &ids, &typical))
        }

        fn worded(&self, scope: String) -> Option<u64> {
            LIBRARY.with_borrow(|library| library.worded(self.0, &scope))
        }

        fn insert_words(
            &self,
            scope: String,
            texts: Vec<Text>,
            after: Option<u64>,
            mark: u64,
        ) -> Result<bool, Error> {
            LIBRARY.with_borrow_mut(|library| {
                library.insert_words(self.0, &scope, &texts, after, mark)
            })
        }

        fn search_words(
            &self,
            scope: String,
            terms: Vec<String>,
            most: u32,
        ) -> Result<Option<Vec<Hit>>, Error> {
            LIBRARY.with_borrow_mut(|library| library.search_words(self.0, &scope, &terms, most))
        }

        fn score_words(
            &self,
            scope: String,
            terms: Vec<String>,
            ids: Vec<u64>,
        ) -> Result<Vec<Option<f32>>, Error> {
            LIBRARY.with_borrow_mut(|library| library.score_words(self.0, &scope, &terms, &ids))
        }

        fn snapshot(&self, scope: String, part: u32) -> Option<Vec<u8>> {
            LIBRARY.with_borrow(|library| library.snapshot(self.0, &scope, part))
        }

        fn restore(&self, scope: String, part: Vec<u8>) -> Result<(), Error> {
            LIBRARY.with_borrow_mut(|library| library.restore(self.0, &scope, &part))
        }

        fn statistics(&self) -> Statistics {
            LIBRARY.with_borrow(|library| library.statistics(self.0))
        }
    }

    bindings::export!(Search with_types_in bindings);
}
