//! The engine that embeds.

use std::thread;

use super::super::embed::LlamaEmbedder;
use super::*;
use crate::model::{Embedder, Purpose};

fn embedder(gguf: &TinyGguf) -> (TempDir, Result<LlamaEmbedder, ModelError>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.gguf");
    gguf.write(&path).expect("it can be written");
    let embedder = LlamaEmbedder::load(path, Setup::default());
    loop {
        match embedder.describe() {
            Err(ModelError::Loading(_)) => thread::sleep(Duration::from_millis(2)),
            Err(error) => return (folder, Err(error)),
            Ok(_) => return (folder, Ok(embedder)),
        }
    }
}

fn cosine(left: &[f32], right: &[f32]) -> f32 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}

#[test]
fn texts_are_embedded_each_by_itself_in_order() {
    for pooling in [1, 2, 3] {
        let (_folder, embedder) =
            embedder(&TinyGguf { pooling: Some(pooling), ..TinyGguf::embedding() });
        let embedder = embedder.expect("it is loaded");
        let model = embedder.describe().expect("it is loaded");
        assert_eq!((model.dimensions, model.tokens_max), (64, 256));
        let texts: Vec<String> =
            (0..50).map(|n| format!("text {n} {}", "x".repeat(n * 7))).collect();
        let embed = |texts| run(embedder.embed(texts, Purpose::Passage)).expect("it goes well");
        let together = embed(texts.clone());
        assert_eq!(together.len(), texts.len());
        for (text, vector) in texts.into_iter().zip(&together) {
            assert!((cosine(vector, vector) - 1.0).abs() < 1e-4);
            let alone = embed(vec![text]);
            assert!(cosine(&alone[0], vector) > 0.999, "pooling {pooling}");
        }
        assert!(cosine(&together[0], &together[30]) < 0.999);
    }
}

#[test]
fn of_a_long_text_the_beginning_counts_and_an_empty_one_is_zero() {
    let (_folder, embedder) = embedder(&TinyGguf::embedding());
    let embedder = embedder.expect("it is loaded");
    let long = "the beginning ".repeat(80);
    let other = format!("{long}{}", "quite another end! ".repeat(40));
    let inside = format!("{}quite another end!", "the beginning ".repeat(2));
    let texts = vec![String::new(), long, other, inside];
    let vectors = run(embedder.embed(texts, Purpose::Query)).expect("it goes well");
    assert!(vectors[0].iter().all(|value| *value == 0.0));
    assert!((cosine(&vectors[1], &vectors[1]) - 1.0).abs() < 1e-4);
    assert!(cosine(&vectors[1], &vectors[2]) > 0.9999);
    assert!(cosine(&vectors[1], &vectors[3]) < 0.9999);
}

#[test]
fn texts_are_counted_by_the_model_s_own_tokenizer() {
    let (_folder, embedder) = embedder(&TinyGguf::embedding());
    let embedder = embedder.expect("it is loaded");
    let texts = [String::new(), "abc ".to_owned(), "abc abc ".to_owned()];
    let counts = run(embedder.count(texts.to_vec())).expect("it goes well");
    assert_eq!(counts[0], 0);
    assert!(counts[1] > 0 && counts[2] == 2 * counts[1], "{counts:?}");
}

#[test]
fn a_chat_model_is_no_embedding_model() {
    let (_folder, embedder) = embedder(&TinyGguf::chat());
    assert_eq!(embedder.err(), Some(ModelError::LoadFailed));
}
