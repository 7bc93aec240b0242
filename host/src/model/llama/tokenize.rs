//! Text to tokens and back. Needs the vocabulary only, so any thread may count while others decode.

use std::sync::Arc;

use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::token_type::LlamaTokenAttr;

use super::memo::{Memo, Tokens};
use crate::model::clip::Counter;

/// The tokenizer of a loaded model.
pub struct Tokenizer {
    model: Arc<LlamaModel>,
    /// The tokens of a newline, if the vocabulary (SentencePiece) puts a space before every text.
    /// Texts are then tokenized behind a newline whose tokens are taken off again: a piece in the
    /// middle of a prompt must not gain a space.
    lead: Option<Vec<LlamaToken>>,
    /// Tokens that llama.cpp recognizes even in data, although the chat template writes them. They
    /// should be control tokens; many files say otherwise.
    guarded: Vec<String>,
    memo: Memo,
}

impl Tokenizer {
    /// The tokenizer of `model`, whose chat template has this source.
    pub fn new(model: Arc<LlamaModel>, template: &str) -> Self {
        let guarded = guarded(&model, template);
        let mut tokenizer = Self { model, lead: None, guarded, memo: Memo::default() };
        let probe = tokenizer.run("a", false);
        if probe.first().is_some_and(|token| tokenizer.bytes(*token).starts_with(b" ")) {
            tokenizer.lead = Some(tokenizer.run("\n", false));
        }
        tokenizer
    }

    /// The tokens of a text that is data: nothing in it is a control token. Remembered for a while.
    pub fn data(&self, text: &str) -> Tokens {
        self.memo.tokens(text, || self.data_anew(text))
    }

    fn data_anew(&self, text: &str) -> Vec<LlamaToken> {
        let mut rest = text;
        let mut tokens = Vec::new();
        while let Some((start, length)) = self.guarded_in(rest) {
            // A token's text that is cut after its first character is no token's text any more.
            let (before, after) = rest.split_at(start + length);
            tokens.extend(self.inner(before, false));
            rest = after;
        }
        if tokens.is_empty() {
            return self.inner(rest, false);
        }
        tokens.extend(self.inner(rest, false));
        tokens
    }

    /// The tokens of a text that the chat template wrote, control tokens included. `first` tells
    /// that nothing stands before it.
    pub fn literal(&self, text: &str, first: bool) -> Vec<LlamaToken> {
        if first { self.run(text, true) } else { self.inner(text, true) }
    }

    /// The number of tokens that there are.
    pub fn vocabulary(&self) -> i32 {
        self.model.vocab().n_tokens()
    }

    /// The token that texts begin with, if the model wants one.
    pub fn beginning(&self) -> Option<LlamaToken> {
        let vocabulary = self.model.vocab();
        let begins = vocabulary.should_add_bos() && vocabulary.bos().0 >= 0;
        begins.then(|| vocabulary.bos())
    }

    /// Whether the answer ends with this token.
    pub fn is_end(&self, token: LlamaToken) -> bool {
        self.model.vocab().is_eog(token)
    }

    /// The bytes that a token stands for; none for a control token.
    pub fn bytes(&self, token: LlamaToken) -> Vec<u8> {
        self.model.vocab().token_to_piece(token, false, None)
    }

    fn guarded_in(&self, text: &str) -> Option<(usize, usize)> {
        let found = self.guarded.iter().filter_map(|token| {
            let first = token.chars().next().map_or(0, char::len_utf8);
            text.find(token.as_str()).map(|start| (start, first))
        });
        found.min()
    }

    fn inner(&self, text: &str, special: bool) -> Vec<LlamaToken> {
        let Some(lead) = &self.lead else {
            return self.run(text, special);
        };
        if text.is_empty() {
            return Vec::new();
        }
        let mut tokens = self.run(&format!("\n{text}"), special);
        if tokens.starts_with(lead) {
            tokens.drain(..lead.len());
            return tokens;
        }
        self.run(text, special)
    }

    fn run(&self, text: &str, special: bool) -> Vec<LlamaToken> {
        // No text has more tokens than bytes, but for markers.
        let mut tokens = Vec::with_capacity(text.len() + 8);
        self.model.vocab().tokenize_into(text.as_bytes(), &mut tokens, false, special);
        tokens
    }
}

/// The tokens of kind `user-defined` whose text stands in the template.
fn guarded(model: &LlamaModel, template: &str) -> Vec<String> {
    let vocabulary = model.vocab();
    vocabulary
        .tokens()
        .filter(|token| vocabulary.attr(*token).contains(LlamaTokenAttr::UserDefined))
        .filter_map(|token| Some(vocabulary.text(token)?.to_str().ok()?.to_owned()))
        .filter(|text| text.chars().count() > 1 && !text.trim().is_empty())
        .filter(|text| template.contains(text.as_str()))
        .collect()
}

impl Counter for Tokenizer {
    fn lengths(&self, text: &str) -> Vec<usize> {
        self.data(text).iter().map(|token| self.bytes(*token).len()).collect()
    }

    fn count(&self, text: &str) -> usize {
        // Parts of a text that nobody asks for again.
        self.data_anew(text).len()
    }
}
