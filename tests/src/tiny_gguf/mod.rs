//! Writes small GGUF models of the llama architecture, so that tests run the real engine with
//! nothing to download. Weights are random (seeded) or set so that the model says a fixed text.

mod format;
mod vocabulary;

use std::io;
use std::path::Path;

pub use format::Precision;
use format::{Metadata, Writer};
pub use vocabulary::Vocabulary;

/// The ChatML template as models carry it.
pub const CHATML: &str = "{% for message in messages %}\
    {{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}\
    {% endfor %}\
    {% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/// What the weights make the model do.
#[derive(Clone, Debug)]
pub enum Weights {
    /// Noise: the same seed gives the same model.
    Random {
        /// The seed of all weights.
        seed: u64,
    },
    /// After a newline the model says these pieces, one token each, and ends its answer. Needs an
    /// `embedding` at least as large as the vocabulary; the pieces are added to the vocabulary.
    Says(Vec<String>),
}

/// A model to be written. Lengths are in numbers of weights, the context in tokens.
#[derive(Clone, Debug)]
pub struct TinyGguf {
    /// `general.name`.
    pub name: String,
    /// `general.architecture`; the tensors are always those of `llama`.
    pub architecture: String,
    /// How text becomes tokens.
    pub vocabulary: Vocabulary,
    /// `tokenizer.chat_template`, if it has one.
    pub template: Option<String>,
    /// What the weights do.
    pub weights: Weights,
    /// How matrices are stored.
    pub precision: Precision,
    /// The context that the model claims to be trained for.
    pub context: u32,
    /// The width of the residual stream: a multiple of 32.
    pub embedding: u32,
    /// The number of layers.
    pub layers: u32,
    /// Attention heads of 32 weights each.
    pub heads: u32,
    /// The width of a head.
    pub head_width: u32,
    /// The width of the feed-forward part: a multiple of 32.
    pub feed_forward: u32,
    /// Makes it an embedding model with this `pooling_type` (1 mean, 2 first, 3 last).
    pub pooling: Option<u32>,
    /// Whether noise never says a control token, so that each answer is as long as it may be.
    pub endless: bool,
}

impl TinyGguf {
    /// A few hundred kB of noise with one token per byte and the ChatML template.
    pub fn chat() -> Self {
        Self {
            name: "tiny".into(),
            architecture: "llama".into(),
            vocabulary: Vocabulary::bytes(),
            template: Some(CHATML.into()),
            weights: Weights::Random { seed: 1 },
            precision: Precision::F16,
            context: 16_384,
            embedding: 64,
            layers: 2,
            heads: 2,
            head_width: 32,
            feed_forward: 128,
            pooling: None,
            endless: false,
        }
    }

    /// Like `chat`, but it answers every prompt that ends in a newline (as ChatML's does) with
    /// `pieces`, whatever the sampling.
    pub fn says(pieces: &[&str]) -> Self {
        let mut vocabulary = Vocabulary::bytes();
        for piece in pieces {
            vocabulary.add_word(piece);
        }
        Self {
            name: "tiny-says".into(),
            embedding: (vocabulary.len() as u32).next_multiple_of(32),
            vocabulary,
            weights: Weights::Says(pieces.iter().map(|p| (*p).to_owned()).collect()),
            layers: 1,
            heads: 1,
            feed_forward: 32,
            ..Self::chat()
        }
    }

    /// Noise that embeds: vectors of 64, mean pooling, no causal mask.
    pub fn embedding() -> Self {
        Self {
            name: "tiny-embedding".into(),
            template: None,
            context: 512,
            pooling: Some(1),
            ..Self::chat()
        }
    }

    /// About 25 million weights of noise that never end an answer, to measure with.
    pub fn bench_25m() -> Self {
        Self {
            name: "random-25m".into(),
            vocabulary: Vocabulary::bytes().padded(8_192),
            precision: Precision::Q8,
            embedding: 512,
            layers: 6,
            heads: 8,
            head_width: 64,
            feed_forward: 1_376,
            endless: true,
            ..Self::chat()
        }
    }

    /// About 150 million weights of noise that never end an answer, to measure with.
    pub fn bench_150m() -> Self {
        Self {
            name: "random-150m".into(),
            vocabulary: Vocabulary::bytes().padded(32_000),
            embedding: 896,
            layers: 10,
            heads: 14,
            feed_forward: 2_432,
            ..Self::bench_25m()
        }
    }

    /// Writes the model to `path` and returns its size in bytes.
    ///
    /// # Errors
    /// If the file cannot be written.
    ///
    /// # Panics
    /// If the widths do not fit together.
    pub fn write(&self, path: &Path) -> io::Result<u64> {
        assert!(self.embedding.is_multiple_of(32) && self.feed_forward.is_multiple_of(32));
        let mut writer = Writer::new(self.metadata());
        self.add_tensors(&mut writer);
        writer.write(path)
    }

    fn metadata(&self) -> Metadata {
        let mut m = Metadata::default();
        m.string("general.architecture", &self.architecture);
        m.string("general.name", &self.name);
        m.u32("llama.context_length", self.context);
        m.u32("llama.embedding_length", self.embedding);
        m.u32("llama.block_count", self.layers);
        m.u32("llama.feed_forward_length", self.feed_forward);
        m.u32("llama.attention.head_count", self.heads);
        m.u32("llama.attention.head_count_kv", self.heads);
        m.u32("llama.attention.key_length", self.head_width);
        m.u32("llama.attention.value_length", self.head_width);
        m.f32("llama.attention.layer_norm_rms_epsilon", 1e-5);
        m.u32("llama.rope.dimension_count", self.head_width);
        m.u32("llama.vocab_size", self.vocabulary.len() as u32);
        if let Some(pooling) = self.pooling {
            m.u32("llama.pooling_type", pooling);
            m.bool("llama.attention.causal", false);
        }
        self.vocabulary.describe(&mut m);
        if let Some(template) = &self.template {
            m.string("tokenizer.chat_template", template);
        }
        m
    }

    fn add_tensors(&self, writer: &mut Writer) {
        let (d, ff) = (u64::from(self.embedding), u64::from(self.feed_forward));
        let attention = u64::from(self.heads * self.head_width);
        let vocabulary = self.vocabulary.len() as u64;
        let matrix = |writer: &mut Writer, name: String, columns: u64, rows: u64| {
            writer.tensor(&name, &[columns, rows], self.precision, self.fill(&name));
        };
        matrix(writer, "token_embd.weight".into(), d, vocabulary);
        writer.tensor("output_norm.weight", &[d], Precision::F32, ones());
        matrix(writer, "output.weight".into(), d, vocabulary);
        for layer in 0..self.layers {
            let name = |part: &str| format!("blk.{layer}.{part}.weight");
            writer.tensor(&name("attn_norm"), &[d], Precision::F32, ones());
            writer.tensor(&name("ffn_norm"), &[d], Precision::F32, ones());
            matrix(writer, name("attn_q"), d, attention);
            matrix(writer, name("attn_k"), d, attention);
            matrix(writer, name("attn_v"), d, attention);
            matrix(writer, name("attn_output"), attention, d);
            matrix(writer, name("ffn_gate"), d, ff);
            matrix(writer, name("ffn_up"), d, ff);
            matrix(writer, name("ffn_down"), ff, d);
        }
    }

    /// The value of each weight of a matrix, by row and column.
    fn fill(&self, name: &str) -> Box<dyn FnMut(u64, u64) -> f32> {
        match &self.weights {
            // Nothing is never the greatest among so many.
            Weights::Random { seed } if self.endless && name == "output.weight" => {
                let (mut noise, silent) = (random(*seed, name), self.vocabulary.controls());
                Box::new(move |row, column| {
                    let weight = noise(row, column);
                    if silent.contains(&row) { 0.0 } else { weight }
                })
            }
            Weights::Random { seed } => random(*seed, name),
            // Tokens are one-hot, nothing is added to them on the way, and the last matrix takes
            // each token to its successor.
            Weights::Says(_) if name == "token_embd.weight" => {
                Box::new(|row, column| f32::from(u8::from(row == column)))
            }
            Weights::Says(pieces) if name == "output.weight" => {
                let next = self.vocabulary.successors(pieces);
                Box::new(move |row, column| {
                    let is_next = next.get(column as usize) == Some(&(row as u32));
                    if is_next { 4.0 } else { 0.0 }
                })
            }
            Weights::Says(_) => Box::new(|_, _| 0.0),
        }
    }
}

fn ones() -> Box<dyn FnMut(u64, u64) -> f32> {
    Box::new(|_, _| 1.0)
}

/// Weights near the normal distribution, wide enough that texts do not look alike to the model.
fn random(seed: u64, name: &str) -> Box<dyn FnMut(u64, u64) -> f32> {
    let mut state = name.bytes().fold(seed ^ 0x9E37_79B9_7F4A_7C15, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    });
    let spread = if name.starts_with("output") { 0.4 } else { 0.08 };
    Box::new(move |_, _| {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        let sum: u64 = (0..4).map(|part| (z >> (16 * part)) & 0xFFFF).sum();
        (sum as f32 / 65_536.0 - 2.0) * spread
    })
}
