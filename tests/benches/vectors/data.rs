//! Real text as vectors: the sentences of conversations, and the questions about them.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use embedding_static::Model;
use serde_json::Value;

/// The numbers of a vector.
pub const DIMENSIONS: u32 = 256;
/// Shorter runs of text are no sentence, in bytes.
const SENTENCE_BYTES_MIN: usize = 20;

/// Vectors of length 1.
pub struct Data {
    /// Of sentences, each once.
    pub passages: Vec<Vec<f32>>,
    /// Of questions.
    pub queries: Vec<Vec<f32>>,
}

impl Data {
    /// Reads one conversation from each line, as JSON: `{"messages": [{"content"}], "questions":
    /// [{"question"}]}`.
    ///
    /// Fails if the file cannot be read, or is something else.
    pub fn read(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file)
            .with_context(|| format!("cannot read `{}`", file.display()))?;
        let (mut sentences, mut questions, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
        for line in text.lines() {
            let conversation: Value = serde_json::from_str(line)?;
            let strings = |list: &str, field: &str| -> Vec<String> {
                let items = conversation[list].as_array().into_iter().flatten();
                items.filter_map(|item| Some(item[field].as_str()?.to_owned())).collect()
            };
            for content in strings("messages", "content") {
                for sentence in content.split(['.', '?', '!', '\n']).map(str::trim) {
                    if sentence.len() >= SENTENCE_BYTES_MIN && seen.insert(sentence.to_owned()) {
                        sentences.push(sentence.to_owned());
                    }
                }
            }
            questions.extend(strings("questions", "question"));
        }
        let model = Model::bundled();
        Ok(Self { passages: embed(&model, &sentences)?, queries: embed(&model, &questions)? })
    }
}

fn embed(model: &Model, texts: &[String]) -> Result<Vec<Vec<f32>>> {
    let mut vectors = Vec::with_capacity(texts.len());
    for some in texts.chunks(16) {
        let some = model.embed(some).map_err(|error| anyhow!("{error:?}"))?;
        // What has no direction has no neighbours either.
        vectors.extend(some.into_iter().filter(|vector| vector.iter().any(|&x| x != 0.0)));
    }
    Ok(vectors)
}

/// Writes vectors as 32-bit floats, little-endian, side by side.
pub fn write(file: &Path, vectors: &[Vec<f32>]) -> Result<()> {
    let bytes: Vec<u8> = vectors.iter().flatten().flat_map(|x| x.to_le_bytes()).collect();
    fs::write(file, bytes).with_context(|| format!("cannot write `{}`", file.display()))
}
