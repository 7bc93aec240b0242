//! Vocabularies that llama.cpp's tokenizers read: one token per byte, byte pairs merged as GPT-2
//! does it, and SentencePiece.

use std::collections::HashMap;

use super::format::Metadata;

/// What merges are learned from.
const SAMPLE: &str = "The person asked the model about the weather in the city and the model \
    answered that there was nothing in the notes about the weather there. Then the person told \
    the model another thing: that the meeting with the other people from the company would be on \
    the following Thursday, in the morning, and that everyone was asked to bring something for \
    the others. The model said that it would remember this. When the person asked again later \
    what had been said about the meeting, the model repeated the day, the time and what everyone \
    should bring with them. This is how a conversation with a memory should be: simple, exact and \
    without anything that nobody has ever said before.";

const NORMAL: i32 = 1;
const UNKNOWN: i32 = 2;
const CONTROL: i32 = 3;
const BYTE: i32 = 6;

#[derive(Clone, Debug)]
struct Token {
    text: String,
    kind: i32,
    score: f32,
}

/// Tokens, and how text is cut into them.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    sentencepiece: bool,
    tokens: Vec<Token>,
    merges: Vec<String>,
    bos: u32,
    eos: u32,
}

impl Vocabulary {
    /// One token per byte, and the control tokens `<|endoftext|>`, `<|im_start|>`, `<|im_end|>`.
    pub fn bytes() -> Self {
        let mut vocabulary = Self {
            sentencepiece: false,
            tokens: (0..=255).map(|byte| token(gpt2(byte).to_string(), NORMAL)).collect(),
            merges: Vec::new(),
            bos: 256,
            eos: 258,
        };
        for control in ["<|endoftext|>", "<|im_start|>", "<|im_end|>"] {
            vocabulary.tokens.push(token(control.into(), CONTROL));
        }
        vocabulary
    }

    /// As `bytes`, with `merges` pairs of bytes merged as GPT-2 does it (fewer if there are not
    /// that many to learn).
    pub fn merged(merges: usize) -> Self {
        let mut vocabulary = Self::bytes();
        let words = SAMPLE.split_inclusive(' ').map(|word| word.trim_end());
        let words = words.map(|word| format!(" {word}").bytes().map(gpt2).collect::<String>());
        for (left, right) in learn(words, merges) {
            vocabulary.tokens.push(token(format!("{left}{right}"), NORMAL));
            vocabulary.merges.push(format!("{left} {right}"));
        }
        vocabulary
    }

    /// SentencePiece with byte fallback, as Llama 2 and Mistral have it: texts begin with `<s>`
    /// and a space.
    pub fn sentencepiece(merges: usize) -> Self {
        let mut tokens = vec![
            token("<unk>".into(), UNKNOWN),
            token("<s>".into(), CONTROL),
            token("</s>".into(), CONTROL),
        ];
        tokens.extend((0..=255).map(|byte| token(format!("<0x{byte:02X}>"), BYTE)));
        let text = SAMPLE.replace(' ', "\u{2581}");
        let mut letters: Vec<char> = text.chars().collect();
        letters.sort_unstable();
        letters.dedup();
        let words = SAMPLE.split(' ').map(|word| format!("\u{2581}{word}"));
        let pieces = learn(words, merges).into_iter().map(|(left, right)| left + &right);
        let letters: Vec<String> = letters.into_iter().map(String::from).collect();
        for (rank, text) in pieces.chain(letters).enumerate() {
            tokens.push(Token { text, kind: NORMAL, score: -(rank as f32) });
        }
        for control in ["<|im_start|>", "<|im_end|>", "[INST]", "[/INST]"] {
            tokens.push(token(control.into(), CONTROL));
        }
        Self { sentencepiece: true, tokens, merges: Vec::new(), bos: 1, eos: 2 }
    }

    /// Adds tokens that no text contains until there are `length` of them.
    pub fn padded(mut self, length: usize) -> Self {
        for index in self.tokens.len()..length {
            // Four letters each, so that answers of noise have a length like that of answers.
            let letters = (0..4).map(|place| (b'a' + (index >> (4 * place) & 15) as u8) as char);
            self.tokens.push(token(letters.chain(index.to_string().chars()).collect(), NORMAL));
        }
        self
    }

    /// Adds a token that only the model itself writes, never the tokenizer; what is a token
    /// already stays as it is.
    pub fn add_word(&mut self, text: &str) {
        if self.find(text).is_none() {
            self.tokens.push(token(text.bytes().map(gpt2).collect(), NORMAL));
        }
    }

    fn find(&self, text: &str) -> Option<usize> {
        let text: String = text.bytes().map(gpt2).collect();
        self.tokens.iter().position(|token| token.text == text)
    }

    /// Adds a token of llama.cpp's kind `user-defined`, which text matches even as data.
    pub fn add_user_defined(&mut self, text: &str) {
        self.tokens.push(token(text.into(), 4));
    }

    /// The number of tokens; never 0.
    #[expect(clippy::len_without_is_empty, reason = "no vocabulary is empty")]
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// The control tokens.
    pub(super) fn controls(&self) -> Vec<u64> {
        let tokens = (0..).zip(&self.tokens);
        tokens.filter(|(_, token)| token.kind == CONTROL).map(|(index, _)| index).collect()
    }

    pub(super) fn describe(&self, m: &mut Metadata) {
        let model = if self.sentencepiece { "llama" } else { "gpt2" };
        m.string("tokenizer.ggml.model", model);
        m.strings("tokenizer.ggml.tokens", self.tokens.iter().map(|t| t.text.as_str()));
        m.i32s("tokenizer.ggml.token_type", self.tokens.iter().map(|t| t.kind));
        if self.sentencepiece {
            m.f32s("tokenizer.ggml.scores", self.tokens.iter().map(|t| t.score));
        } else {
            m.string("tokenizer.ggml.pre", "gpt-2");
            m.strings("tokenizer.ggml.merges", self.merges.iter().map(String::as_str));
        }
        m.u32("tokenizer.ggml.bos_token_id", self.bos);
        m.u32("tokenizer.ggml.eos_token_id", self.eos);
        m.bool("tokenizer.ggml.add_bos_token", self.sentencepiece);
    }

    /// The token that follows each token when the model says `pieces`: a newline begins them, each
    /// leads to the next, the last to the end; so does everything else.
    ///
    /// # Panics
    /// If a piece is no token, or comes twice.
    pub(super) fn successors(&self, pieces: &[String]) -> Vec<u32> {
        let mut next = vec![self.eos; self.tokens.len()];
        let mut from = usize::from(b'\n');
        for piece in pieces {
            let to = self.find(piece).expect("pieces are added to the vocabulary");
            assert_eq!(next[from], self.eos, "a piece leads to one other piece");
            next[from] = to as u32;
            from = to;
        }
        next
    }
}

fn token(text: String, kind: i32) -> Token {
    Token { text, kind, score: 0.0 }
}

/// The character that stands for a byte in the vocabularies of GPT-2.
fn gpt2(byte: u8) -> char {
    let code = match byte {
        b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF => u32::from(byte),
        0..=b' ' => 256 + u32::from(byte),
        0x7F..=0xA0 => 256 + 33 + u32::from(byte - 0x7F),
        0xAD => 256 + 67,
    };
    char::from_u32(code).expect("the codes are below 512")
}

/// The pairs that byte pair encoding merges first in these words.
fn learn(words: impl Iterator<Item = String>, merges: usize) -> Vec<(String, String)> {
    let mut words: Vec<Vec<String>> =
        words.map(|word| word.chars().map(String::from).collect()).collect();
    let mut learned = Vec::new();
    while learned.len() < merges {
        let mut counts: HashMap<(&str, &str), usize> = HashMap::new();
        for pair in words.iter().flat_map(|word| word.windows(2)) {
            *counts.entry((&pair[0], &pair[1])).or_default() += 1;
        }
        // The text breaks ties, since the order of a map differs from run to run.
        let Some((pair, _)) = counts.into_iter().max_by_key(|(pair, n)| (*n, *pair)) else {
            break;
        };
        let pair = (pair.0.to_owned(), pair.1.to_owned());
        for word in &mut words {
            merge(word, &pair);
        }
        learned.push(pair);
    }
    learned
}

fn merge(word: &mut Vec<String>, pair: &(String, String)) {
    let mut at = 0;
    while at + 1 < word.len() {
        if word[at] == pair.0 && word[at + 1] == pair.1 {
            let right = word.remove(at + 1);
            word[at].push_str(&right);
        }
        at += 1;
    }
}
