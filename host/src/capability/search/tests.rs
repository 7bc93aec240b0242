//! The shards, with a component that does what these tests need. The real one has tests of its own.

use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use super::*;
use crate::bindings::search::vectors::{HostIndex, Term, Text};
use crate::engine::Engines;

const SHARDS: usize = 4;
/// A mark that makes an insert trap.
const TRAP: u64 = 666;
/// A number of hits that makes a search answer with a scope that it was not asked for.
const WRONG_SCOPE: u32 = 7;

/// One candidate: the count, as its id and its score. One comparison, whatever is compared: the
/// count, and how many entries are typical. And graphs: one is wanted for `LARGE`
/// entries, is made of a snapshot of one part, and comes in one part.
const CANDIDATES_AND_GRAPHS: &str = r#"
            (func (export "loci:search/vectors@0.1.0#[method]index.candidates")
                (param i32 i32 i32 i32 i32 i32) (result i32)
                (global.set $free (i32.const 4096))
                (i32.store8 (i32.const 0) (i32.const 0))
                (i32.store (i32.const 8) (i32.const 32))
                (i32.store (i32.const 12) (i32.const 1))
                (i32.store (i32.const 32) (i32.const 0))
                (i64.store (i32.const 40) (global.get $count))
                (f32.store (i32.const 48) (f32.convert_i64_u (global.get $count)))
                (f32.store (i32.const 52) (f32.const 1.5))
                (i32.const 0))
            (func (export "loci:search/vectors@0.1.0#[method]index.compare")
                (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
                (global.set $free (i32.const 4096))
                (i32.store8 (i32.const 0) (i32.const 0))
                (i32.store (i32.const 8) (i32.const 32))
                (i32.store (i32.const 12) (i32.const 1))
                (i32.store8 (i32.const 32) (i32.const 1))
                (f32.store (i32.const 36) (f32.convert_i64_u (global.get $count)))
                (f32.store (i32.const 40) (f32.convert_i32_u (local.get 8)))
                (i32.const 0))
            (func (export "loci:search/vectors@0.1.0#[method]index.snapshot")
                (param i32 i32 i32 i32) (result i32)
                (global.set $free (i32.const 4096))
                (i32.store8 (i32.const 0) (i32.eqz (local.get 3)))
                (i32.store (i32.const 4) (i32.const 64))
                (i32.store (i32.const 8) (i32.const 8))
                (i64.store (i32.const 64) (global.get $count))
                (i32.const 0))
            (func (export "loci:search/vectors@0.1.0#[method]index.restore")
                (param i32 i32 i32 i32 i32) (result i32)
                (global.set $restored (i64.load (local.get 3)))
                (global.set $free (i32.const 4096))
                (i32.store8 (i32.const 0) (i32.const 0))
                (i32.const 0))
            (func (export "loci:search/graphs@0.1.0#wanted")
                (param i32 i32 i32) (result i32)
                (global.set $free (i32.const 4096))
                (i32.and
                    (i64.ge_u (global.get $count) (i64.const 1000))
                    (i64.eqz (global.get $restored))))
            (func (export "loci:search/graphs@0.1.0#build")
                (param i32 i32) (result i32)
                (local $part i32)
                (local.set $part (i32.load (local.get 0)))
                (i64.store (local.get $part)
                    (i64.add (i64.load (local.get $part)) (i64.const 1)))
                (i32.store8 (i32.const 0) (i64.eq (i64.load (local.get $part)) (i64.const 1667)))
                (i32.store8 (i32.const 8) (i32.const 5))
                (if (i32.eqz (i32.load8_u (i32.const 0))) (then
                    (i32.store (i32.const 8) (local.get 0))
                    (i32.store (i32.const 12) (local.get 1))))
                (i32.const 0))"#;
/// From so many entries on a graph is wanted.
const LARGE: u64 = 1_000;
/// Words: so many texts were taken in last, whatever their terms. A search by words finds one, even
/// where none is wanted, and one is scored, whatever is asked.
const WORDS: &str = r#"
            (global $texts (mut i64) (i64.const 0))
            (global $worded (mut i64) (i64.const 0))
            (func (export "loci:search/vectors@0.1.0#[method]index.worded")
                (param i32 i32 i32) (result i32)
                (global.set $free (i32.const 4096))
                (i32.store8 (i32.const 0) (i64.ne (global.get $worded) (i64.const 0)))
                (i64.store (i32.const 8) (global.get $worded))
                (i32.const 0))
            (func (export "loci:search/vectors@0.1.0#[method]index.insert-words")
                (param i32 i32 i32 i32 i32 i32 i64 i64) (result i32)
                (global.set $free (i32.const 4096))
                (i32.store8 (i32.const 0) (i32.const 0))
                (i32.store8 (i32.const 8) (i64.eq (global.get $worded) (local.get 6)))
                (global.set $texts (i64.extend_i32_u (local.get 4)))
                (global.set $worded (local.get 7))
                (i32.const 0))
            (func (export "loci:search/vectors@0.1.0#[method]index.search-words")
                (param i32 i32 i32 i32 i32 i32) (result i32)
                (global.set $free (i32.const 4096))
                (i32.store8 (i32.const 0) (i32.const 0))
                (i32.store8 (i32.const 8) (i64.ne (global.get $worded) (i64.const 0)))
                (i32.store (i32.const 12) (i32.const 32))
                (i32.store (i32.const 16) (i32.const 1))
                (i32.store (i32.const 32) (i32.const 0))
                (i64.store (i32.const 40) (global.get $texts))
                (f32.store (i32.const 48) (f32.convert_i32_u (local.get 4)))
                (i32.const 0))
            (func (export "loci:search/vectors@0.1.0#[method]index.score-words")
                (param i32 i32 i32 i32 i32 i32 i32) (result i32)
                (global.set $free (i32.const 4096))
                (i32.store8 (i32.const 0) (i32.const 0))
                (i32.store (i32.const 8) (i32.const 32))
                (i32.store (i32.const 12) (i32.const 1))
                (i32.store8 (i32.const 32) (i32.const 1))
                (f32.store (i32.const 36) (f32.convert_i64_u (global.get $texts)))
                (i32.const 0))"#;
/// Longer than a busy machine needs for what is waited for.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// So many make a snapshot that no graph can be made of.
const UNFIT: u64 = 1_666;

/// A component that counts the entries of all scopes together. A search finds one hit in the first
/// scope, whose id and score are that count, and one such candidate with a slack of 1.5. Its
/// statistics say `version` bytes, and for scopes what the last graph says.
fn component(version: u32) -> Vec<u8> {
    let module = format!(
        r#"(module
            (import "[export]loci:search/vectors@0.1.0" "[resource-new]index"
                (func $new (param i32) (result i32)))
            (memory (export "memory") 64)
            (global $free (mut i32) (i32.const 4096))
            (global $count (mut i64) (i64.const 0))
            (global $marked (mut i32) (i32.const 0))
            (global $mark (mut i64) (i64.const 0))
            (global $restored (mut i64) (i64.const 0))
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                (global.set $free
                    (i32.and (i32.add (global.get $free) (i32.const 15)) (i32.const -16)))
                (global.get $free)
                (global.set $free (i32.add (global.get $free) (local.get 3))))
            (func (export "loci:search/vectors@0.1.0#[static]index.open")
                (param i32 i32 i32) (result i32)
                (i32.store8 (i32.const 0) (i32.const 0))
                (i32.store (i32.const 8) (call $new (i32.const 1)))
                (i32.const 0))
            (func (export "loci:search/vectors@0.1.0#[method]index.mark")
                (param i32 i32 i32) (result i32)
                (i32.store8 (i32.const 0) (global.get $marked))
                (i64.store (i32.const 8) (global.get $mark))
                (i32.const 0))
            (func (export "loci:search/vectors@0.1.0#[method]index.insert")
                (param i32 i32 i32 i32 i32 i64) (result i32)
                (if (i64.eq (local.get 5) (i64.const {TRAP})) (then (unreachable)))
                (global.set $free (i32.const 4096))
                (global.set $count
                    (i64.add (global.get $count) (i64.extend_i32_u (local.get 4))))
                (global.set $marked (i32.const 1))
                (global.set $mark (local.get 5))
                (i32.store8 (i32.const 0) (i32.const 0))
                (i32.const 0))
            (func (export "loci:search/vectors@0.1.0#[method]index.remove")
                (param i32 i32 i32 i32 i32) (result i32)
                (global.set $free (i32.const 4096))
                (local.get 4))
            (func (export "loci:search/vectors@0.1.0#[method]index.drop-scope")
                (param i32 i32 i32)
                (global.set $count (i64.const 0)))
            (func (export "loci:search/vectors@0.1.0#[method]index.search")
                (param i32 i32 i32 i32 i32 i32) (result i32)
                (global.set $free (i32.const 4096))
                (i32.store8 (i32.const 0) (i32.const 0))
                (i32.store (i32.const 8) (i32.const 32))
                (i32.store (i32.const 12) (i32.const 1))
                (i32.store (i32.const 32)
                    (if (result i32) (i32.eq (local.get 5) (i32.const {WRONG_SCOPE}))
                        (then (local.get 2)) (else (i32.const 0))))
                (i64.store (i32.const 40) (global.get $count))
                (f32.store (i32.const 48) (f32.convert_i64_u (global.get $count)))
                (i32.const 0))
            {CANDIDATES_AND_GRAPHS}
            {WORDS}
            (func (export "loci:search/vectors@0.1.0#[method]index.statistics")
                (param i32) (result i32)
                (i64.store (i32.const 0) (global.get $restored))
                (i64.store (i32.const 8) (global.get $count))
                (i64.store (i32.const 16) (i64.const {version}))
                (i32.const 0)))"#
    );
    encode(&module)
}

/// A module, as a component of the world of vector search.
fn encode(module: &str) -> Vec<u8> {
    let mut module = wat::parse_str(module).expect("a module");
    let mut resolve = Resolve::default();
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit/search");
    let (package, _) = resolve.push_dir(wit).expect("the package");
    let world = resolve.select_world(&[package], Some("vector-search")).expect("the world");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .expect("a module that tells its world");
    let encoder = ComponentEncoder::default().module(&module).expect("a module of the world");
    encoder.validate(true).encode().expect("a component")
}

struct Fixture {
    ctx: Ctx,
    index: u32,
    _cache: TempDir,
}

impl Fixture {
    async fn new() -> Self {
        let cache = TempDir::new().expect("a folder");
        let engines = Engines::new(cache.path()).expect("engines");
        let mut ctx = Ctx::with_shards(engines.guests(), &component(1), SHARDS).expect("shards");
        let opened = ctx.view().open("model".to_owned(), 2).await.expect("no trap");
        Self { index: opened.expect("an index").rep(), ctx, _cache: cache }
    }

    fn index(&self) -> Resource<Index> {
        Resource::new_own(self.index)
    }

    async fn insert(&mut self, scope: &str, count: u64, mark: u64) -> Result<(), Error> {
        let entry = |id| Entry { id, vector: vec![1.0, 0.0] };
        let (index, entries) = (self.index(), (0..count).map(entry).collect());
        let mut view = self.ctx.view();
        view.insert(index, scope.to_owned(), entries, mark).await.expect("no trap")
    }

    async fn mark(&mut self, scope: &str) -> Option<u64> {
        let index = self.index();
        self.ctx.view().mark(index, scope.to_owned()).await.expect("no trap")
    }

    async fn search(&mut self, scopes: &[String], most: u32) -> Result<Vec<Hit>, Error> {
        let index = self.index();
        let query = vec![1.0, 0.0];
        self.ctx.view().search(index, scopes.to_vec(), query, most).await.expect("no trap")
    }

    async fn compare(&mut self, scope: &str, ids: Vec<u64>) -> Result<Vec<(f32, f32)>, Error> {
        let (index, query) = (self.index(), vec![1.0, 0.0]);
        let told = self.ctx.view().compare(index, scope.to_owned(), query, ids, vec![7, 8]).await;
        let told = told.expect("no trap")?;
        Ok(told.into_iter().flatten().map(|one| (one.score, one.common)).collect())
    }

    async fn statistics(&mut self) -> Statistics {
        let index = self.index();
        self.ctx.view().statistics(index).await.expect("no trap")
    }

    /// A scope of each shard, by the places of the shards.
    fn scopes(&self) -> Vec<String> {
        let names = || (0..).map(|number| format!("scope {number}"));
        let of = |place| {
            let mut names = names();
            names.find(|name| self.ctx.shared.place_of(name) == place).expect("endless names")
        };
        (0..SHARDS).map(of).collect()
    }
}

#[tokio::test]
async fn a_trap_loses_one_shard_which_begins_anew() {
    let mut fixture = Fixture::new().await;
    let scopes = fixture.scopes();
    for (scope, count) in scopes.iter().zip(1..) {
        assert_eq!(fixture.insert(scope, count, 10).await, Ok(()));
    }
    assert_eq!(fixture.statistics().await.vectors, 1 + 2 + 3 + 4);
    assert_eq!(fixture.insert(&scopes[1], 1, TRAP).await, Err(Error::Failed));
    assert_eq!(fixture.statistics().await.vectors, 1 + 3 + 4);
    assert_eq!(fixture.mark(&scopes[1]).await, None);
    assert_eq!(fixture.mark(&scopes[2]).await, Some(10));
    assert_eq!(fixture.insert(&scopes[1], 5, 11).await, Ok(()));
    assert_eq!(fixture.mark(&scopes[1]).await, Some(11));
}

#[tokio::test]
async fn hits_of_several_shards_are_in_one_order() {
    let mut fixture = Fixture::new().await;
    let scopes = fixture.scopes();
    for (scope, count) in scopes.iter().zip([2, 9, 4, 9]) {
        assert_eq!(fixture.insert(scope, count, 1).await, Ok(()));
    }
    let hits = fixture.search(&scopes, 3).await.expect("hits");
    let found: Vec<_> = hits.iter().map(|hit| (hit.scope, hit.id, hit.score)).collect();
    assert_eq!(found, [(1, 9, 9.0), (3, 9, 9.0), (2, 4, 4.0)]);
    // Scopes keep the numbers that the caller knows them by.
    let reversed: Vec<_> = scopes.into_iter().rev().collect();
    let hits = fixture.search(&reversed, 2).await.expect("hits");
    assert_eq!(hits.iter().map(|hit| hit.scope).collect::<Vec<_>>(), [0, 2]);
}

#[tokio::test]
async fn candidates_are_those_of_all_shards_together() {
    let mut fixture = Fixture::new().await;
    let scopes = fixture.scopes();
    for (scope, count) in scopes.iter().zip([2, 9, 4, 7]) {
        assert_eq!(fixture.insert(scope, count, 1).await, Ok(()));
    }
    let mut found = async |most| {
        let index = fixture.index();
        let query = vec![1.0, 0.0];
        let found = fixture.ctx.view().candidates(index, scopes.clone(), query, most).await;
        let found = found.expect("no trap").expect("candidates");
        found.iter().map(|one| (one.scope, one.id)).collect::<Vec<_>>()
    };
    // The 9 may be as little as 7.5, and the 7 as much as 8.5, but 4 is at most 5.5.
    assert_eq!(found(1).await, [(1, 9), (3, 7)]);
    assert_eq!(found(2).await, [(1, 9), (3, 7), (2, 4)]);
    assert_eq!(found(9).await, [(1, 9), (3, 7), (2, 4), (0, 2)]);
}

#[tokio::test]
async fn each_entry_is_compared_where_its_scope_is() {
    let mut fixture = Fixture::new().await;
    let scopes = fixture.scopes();
    for (scope, count) in scopes.iter().zip([2, 9]) {
        assert_eq!(fixture.insert(scope, count, 1).await, Ok(()));
    }
    assert_eq!(fixture.compare(&scopes[1], vec![1]).await, Ok(vec![(9.0, 2.0)]));
    assert_eq!(fixture.compare(&scopes[0], vec![1]).await, Ok(vec![(2.0, 2.0)]));
    // An answer about another number of entries is none.
    assert_eq!(fixture.compare(&scopes[1], vec![1, 2]).await, Err(Error::Failed));
}

#[tokio::test]
async fn words_are_where_their_scope_is() {
    let mut fixture = Fixture::new().await;
    let [scope, other] = [&fixture.scopes()[1], &fixture.scopes()[2]].map(String::clone);
    let text = |id| Text { id, length: 1, terms: vec![Term { text: "boat".into(), times: 1 }] };
    let index = || Resource::new_own(fixture.index);
    let mut view = fixture.ctx.view();
    assert_eq!(view.worded(index(), scope.clone()).await.expect("no trap"), None);
    for (count, after, is_new) in [(3, None, true), (2, Some(9), false)] {
        let texts = (0..count).map(text).collect();
        let taken = view.insert_words(index(), scope.clone(), texts, after, 5).await;
        assert_eq!(taken.expect("no trap"), Ok(is_new));
    }
    assert_eq!(view.worded(index(), scope.clone()).await.expect("no trap"), Some(5));
    let terms = || vec!["boat".to_owned(), "tide".to_owned()];
    let found = view.search_words(index(), scope.clone(), terms(), 1).await.expect("no trap");
    assert_eq!(found, Ok(Some(vec![Hit { scope: 0, id: 2, score: 2.0 }])));
    let found = view.search_words(index(), other, terms(), 1).await.expect("no trap");
    assert_eq!(found, Ok(None));
    // More than was asked for, and an answer about another number of texts, is none.
    let found = view.search_words(index(), scope.clone(), terms(), 0).await.expect("no trap");
    assert_eq!(found, Err(Error::Failed));
    let told = view.score_words(index(), scope.clone(), terms(), vec![7]).await;
    assert_eq!(told.expect("no trap"), Ok(vec![Some(2.0)]));
    let told = view.score_words(index(), scope.clone(), terms(), vec![7, 8]).await;
    assert_eq!(told.expect("no trap"), Err(Error::Failed));
    let many = view.score_words(index(), scope.clone(), vec![String::new(); 4_097], vec![7]).await;
    assert_eq!(many.expect("no trap"), Err(Error::TooMany(4_096)));
    let many = view.insert_words(index(), scope, vec![text(1); 4_097], None, 5).await;
    assert_eq!(many.expect("no trap"), Err(Error::TooMany(ENTRIES_MAX)));
}

#[tokio::test]
async fn a_large_scope_gets_a_graph_in_the_background() {
    let mut fixture = Fixture::new().await;
    let scope = fixture.scopes().remove(0);
    assert_eq!(fixture.insert(&scope, LARGE - 1, 1).await, Ok(()));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(fixture.statistics().await.scopes, 0);
    assert_eq!(fixture.insert(&scope, 1, 2).await, Ok(()));
    // The graph of this component is the snapshot, and one more.
    let made = async {
        while fixture.statistics().await.scopes != LARGE + 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(WAIT_MAX, made).await.expect("a graph");
    assert_eq!(fixture.mark(&scope).await, Some(2));
}

#[tokio::test]
async fn a_scope_of_which_no_graph_can_be_made_is_not_tried_again() {
    let mut fixture = Fixture::new().await;
    let scope = fixture.scopes().remove(0);
    assert_eq!(fixture.insert(&scope, UNFIT, 1).await, Ok(()));
    let failed = |fixture: &Fixture| fixture.ctx.shared.graphs.failed();
    let tried = async {
        while failed(&fixture) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(WAIT_MAX, tried).await.expect("a failure");
    assert_eq!(fixture.insert(&scope, 1, 2).await, Ok(()));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!((fixture.statistics().await.scopes, failed(&fixture)), (0, 1));
}

#[tokio::test]
async fn a_hit_of_another_scope_is_a_failure() {
    let mut fixture = Fixture::new().await;
    let scope = fixture.scopes().remove(0);
    assert_eq!(fixture.search(&[scope], WRONG_SCOPE).await, Err(Error::Failed));
}

#[tokio::test]
async fn another_component_begins_empty() {
    let mut fixture = Fixture::new().await;
    let scope = fixture.scopes().remove(0);
    assert_eq!(fixture.insert(&scope, 3, 10).await, Ok(()));
    assert!(fixture.ctx.load(b"no component").is_err());
    assert_eq!(fixture.mark(&scope).await, Some(10));
    fixture.ctx.load(&component(2)).expect("another component");
    assert_eq!(fixture.mark(&scope).await, None);
    let statistics = fixture.statistics().await;
    assert_eq!((statistics.vectors, statistics.bytes), (0, 2 * SHARDS as u64));
}

#[tokio::test]
async fn an_index_is_shared_by_all_who_open_its_name() {
    let mut fixture = Fixture::new().await;
    let mut other = fixture.ctx.clone();
    let mut open = async |name: &str, dimensions| {
        let opened = other.view().open(name.to_owned(), dimensions).await.expect("no trap");
        opened.map(|index| index.rep())
    };
    assert_eq!(open("model", 2).await, Ok(fixture.index));
    assert_eq!(open("model", 3).await, Err(Error::Dimensions(2)));
    assert_eq!(open("other", 0).await, Err(Error::Dimensions(0)));
    assert_eq!(open("other", 4_097).await, Err(Error::Dimensions(4_097)));
    assert_eq!(open("", 2).await, Err(Error::BadScope));
    assert_eq!(open(&"x".repeat(129), 2).await, Err(Error::BadScope));
    for number in 1..INDEXES_MAX {
        assert_eq!(open(&number.to_string(), 2).await, Ok(number));
    }
    assert_eq!(open("one more", 2).await, Err(Error::TooMany(INDEXES_MAX)));
    assert_eq!(fixture.statistics().await.vectors, 0);
}

#[tokio::test]
async fn limits_are_errors() {
    let mut fixture = Fixture::new().await;
    assert_eq!(fixture.insert("", 0, 1).await, Err(Error::BadScope));
    assert_eq!(fixture.insert("s", 4_097, 1).await, Err(Error::TooMany(ENTRIES_MAX)));
    let many = vec!["s".to_owned(); 257];
    assert_eq!(fixture.search(&many, 1).await, Err(Error::TooMany(SCOPES_MAX)));
    assert_eq!(fixture.search(&many[..1], 1_025).await, Err(Error::TooMany(HITS_MAX)));
    assert_eq!(fixture.search(&[String::new()], 1).await, Err(Error::BadScope));
    assert_eq!(fixture.compare("", vec![1]).await, Err(Error::BadScope));
    assert_eq!(fixture.compare("s", vec![1; 4_097]).await, Err(Error::TooMany(4_096)));
    let index = fixture.index();
    let long = fixture.ctx.view().search(index, Vec::new(), vec![1.0; 3], 1).await;
    assert_eq!(long.expect("no trap"), Err(Error::BadVector(0)));
    // What is removed has no limit, only a number of calls.
    let (index, ids) = (fixture.index(), vec![0; IDS_PER_CALL + 1]);
    let removed = fixture.ctx.view().remove(index, "s".to_owned(), ids).await;
    assert_eq!(removed.expect("no trap"), IDS_PER_CALL as u32 + 1);
}

#[test]
fn what_is_no_such_component_is_refused() {
    let cache = TempDir::new().expect("a folder");
    let engines = Engines::new(cache.path()).expect("engines");
    let refusal = |text: &str| {
        let component = wat::parse_str(text).expect("a component");
        let error = Ctx::new(engines.guests(), &component).err().expect("a refusal");
        format!("{error:#}")
    };
    assert!(refusal("(component)").contains("does not export `loci:search/vectors@0.1.0`"));
    let curious = refusal("(component (import \"wasi:cli/environment@0.2.0\" (instance)))");
    assert!(curious.contains("wasi:cli/environment"), "{curious}");
}
