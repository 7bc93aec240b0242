//! The warm instances, with a component that does what these tests need. The real one has tests of
//! its own.

use std::path::Path;

use tempfile::TempDir;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use super::*;
use crate::engine::Engines;
use crate::model::{ModelError, Purpose};

/// So many texts make the component trap.
const TRAP: usize = 13;
/// For so many texts it has one vector.
const TOO_FEW: usize = 14;

/// A component whose vectors tell how often the instance has been called.
fn component() -> Vec<u8> {
    let module = format!(
        r#"(module
            (memory (export "memory") 64)
            (data (i32.const 64) "counter")
            (data (i32.const 80) "digest-1")
            (global $free (mut i32) (i32.const 16384))
            (global $calls (mut f32) (f32.const 0))
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                (global.set $free
                    (i32.and (i32.add (global.get $free) (i32.const 15)) (i32.const -16)))
                (global.get $free)
                (global.set $free (i32.add (global.get $free) (local.get 3))))
            (func (export "loci:inference/embeddings@0.1.0#describe") (result i32)
                (i32.store8 (i32.const 0) (i32.const 0))
                (i32.store (i32.const 4) (i32.const 64))
                (i32.store (i32.const 8) (i32.const 7))
                (i32.store (i32.const 12) (i32.const 80))
                (i32.store (i32.const 16) (i32.const 8))
                (i32.store (i32.const 20) (i32.const 2))
                (i32.store (i32.const 24) (i32.const 256))
                (i32.const 0))
            (func (export "loci:inference/embeddings@0.1.0#embed")
                (param i32 i32 i32) (result i32)
                (local $place i32)
                (global.set $free (i32.const 16384))
                (if (i32.eq (local.get 1) (i32.const {TRAP})) (then (unreachable)))
                (if (i32.eq (local.get 1) (i32.const {TOO_FEW}))
                    (then (local.set 1 (i32.const 1))))
                (global.set $calls (f32.add (global.get $calls) (f32.const 1)))
                (f32.store (i32.const 32) (global.get $calls))
                (f32.store (i32.const 36) (f32.convert_i32_u (local.get 2)))
                (loop $next
                    (i32.store offset=4096
                        (i32.shl (local.get $place) (i32.const 3)) (i32.const 32))
                    (i32.store offset=4100
                        (i32.shl (local.get $place) (i32.const 3)) (i32.const 2))
                    (local.set $place (i32.add (local.get $place) (i32.const 1)))
                    (br_if $next (i32.lt_u (local.get $place) (local.get 1))))
                (i32.store8 (i32.const 0) (i32.const 0))
                (i32.store (i32.const 4) (i32.const 4096))
                (i32.store (i32.const 8) (local.get 1))
                (i32.const 0))
            (func (export "loci:inference/embeddings@0.1.0#count")
                (param i32 i32) (result i32)
                (if (i32.eq (local.get 1) (i32.const {TOO_FEW}))
                    (then (local.set 1 (i32.const 1))))
                (i32.store8 (i32.const 0) (i32.const 0))
                (i32.store (i32.const 4) (i32.const 4096))
                (i32.store (i32.const 8) (local.get 1))
                (i32.store (i32.const 4096) (i32.const 7))
                (i32.const 0)))"#
    );
    let mut module = wat::parse_str(module).expect("a module");
    let mut resolve = Resolve::default();
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit/inference");
    let (package, _) = resolve.push_dir(wit).expect("the package");
    let world = resolve.select_world(&[package], Some("text-embedding")).expect("the world");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .expect("a module that tells its world");
    let encoder = ComponentEncoder::default().module(&module).expect("a module of the world");
    encoder.validate(true).encode().expect("a component")
}

fn embedder() -> (StaticEmbedder, TempDir) {
    let cache = TempDir::new().expect("a folder");
    let engines = Engines::new(cache.path()).expect("engines");
    (StaticEmbedder::new(engines.guests(), &component()).expect("an embedder"), cache)
}

fn texts(count: usize) -> Vec<String> {
    vec!["text".to_owned(); count]
}

#[tokio::test]
async fn an_instance_is_kept_warm_until_it_traps() {
    let (embedder, _cache) = embedder();
    let embed = |count| embedder.embed(texts(count), Purpose::Query);
    // The first call was made when it was set up.
    assert_eq!(embed(1).await, Ok(vec![vec![2.0, 1.0]]));
    assert_eq!(embed(2).await, Ok(vec![vec![3.0, 1.0]; 2]));
    assert!(matches!(embed(TRAP).await, Err(ModelError::EngineFailed(_))));
    assert_eq!(embed(1).await, Ok(vec![vec![1.0, 1.0]]), "a fresh instance");
}

#[tokio::test]
async fn much_text_is_embedded_beside() {
    let (embedder, _cache) = embedder();
    let long = vec!["x".repeat(TEXT_BYTES_MAX); 8];
    assert_eq!(embedder.embed(long, Purpose::Passage).await, Ok(vec![vec![2.0, 0.0]; 8]));
}

#[tokio::test]
async fn vectors_that_were_not_asked_for_are_a_failure() {
    let (embedder, _cache) = embedder();
    let answer = embedder.embed(texts(TOO_FEW), Purpose::Query).await;
    assert!(matches!(answer, Err(ModelError::EngineFailed(_))));
}

#[test]
fn it_says_what_its_component_says() {
    let (embedder, _cache) = embedder();
    let model = embedder.describe().expect("a model");
    assert_eq!((model.name.as_str(), model.digest.as_str()), ("counter", "digest-1"));
    assert_eq!((model.dimensions, model.tokens_max), (2, 256));
}

#[test]
fn what_is_no_such_component_is_refused() {
    let cache = TempDir::new().expect("a folder");
    let engines = Engines::new(cache.path()).expect("engines");
    let component = wat::parse_str("(component)").expect("a component");
    let error = StaticEmbedder::new(engines.guests(), &component).err().expect("a refusal");
    assert!(error.to_string().contains("does not export `describe`"), "{error}");
}

#[tokio::test]
async fn every_text_is_counted() {
    let (embedder, _cache) = embedder();
    assert_eq!(embedder.count(texts(1)).await, Ok(vec![7]));
    let answer = embedder.count(texts(TOO_FEW)).await;
    assert!(matches!(answer, Err(ModelError::EngineFailed(_))), "{answer:?}");
}
