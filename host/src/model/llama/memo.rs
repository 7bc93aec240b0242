//! The tokens of texts that were tokenized lately. A conversation's messages are measured and sent
//! again turn after turn; only the newest one is new.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use llama_cpp_2::token::LlamaToken;

/// Tokens of one text, shared.
pub type Tokens = Arc<[LlamaToken]>;

/// Texts that are kept in one generation, in bytes. Their tokens take up to four times as much.
const GENERATION_BYTES: usize = 2 * 1024 * 1024;
/// Shorter texts are tokenized as fast as they are found, in bytes.
const TEXT_BYTES_MIN: usize = 32;
/// Longer texts would push out too many others, in bytes.
const TEXT_BYTES_MAX: usize = 64 * 1024;

/// Two generations of texts: what is used moves to the younger; when that is full, it becomes the
/// older, and what was still in the older is forgotten.
#[derive(Default)]
pub struct Memo {
    generations: Mutex<Generations>,
}

#[derive(Default)]
struct Generations {
    young: HashMap<String, Tokens>,
    old: HashMap<String, Tokens>,
    young_bytes: usize,
}

impl Memo {
    /// The tokens of `text`: known ones, or those that `tokenize` finds.
    pub fn tokens(&self, text: &str, tokenize: impl FnOnce() -> Vec<LlamaToken>) -> Tokens {
        if !(TEXT_BYTES_MIN..=TEXT_BYTES_MAX).contains(&text.len()) {
            return tokenize().into();
        }
        if let Some(tokens) = self.lock().find(text) {
            return tokens;
        }
        // Not while holding the lock: others count meanwhile.
        let tokens: Tokens = tokenize().into();
        self.lock().keep(text, Arc::clone(&tokens));
        tokens
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Generations> {
        self.generations.lock().expect("nobody panics while holding it")
    }
}

impl Generations {
    fn find(&mut self, text: &str) -> Option<Tokens> {
        if let Some(tokens) = self.young.get(text) {
            return Some(Arc::clone(tokens));
        }
        let tokens = self.old.remove(text)?;
        self.keep(text, Arc::clone(&tokens));
        Some(tokens)
    }

    fn keep(&mut self, text: &str, tokens: Tokens) {
        if self.young_bytes + text.len() > GENERATION_BYTES {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        if self.young.insert(text.to_owned(), tokens).is_none() {
            self.young_bytes += text.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_used_stays_and_others_go() {
        let memo = Memo::default();
        let text = |n: usize| format!("{n:01000}");
        let asked = |n: usize| {
            let mut tokenized = false;
            let tokens = memo.tokens(&text(n), || {
                tokenized = true;
                vec![LlamaToken(n as i32)]
            });
            assert_eq!(*tokens, [LlamaToken(n as i32)]);
            tokenized
        };
        assert!(asked(0));
        let many = 4 * GENERATION_BYTES / 1_000;
        for n in 1..many {
            assert!(asked(n));
            assert!(!asked(0), "what is used is kept");
        }
        assert!(asked(1), "what is not used is forgotten");
        let generations = memo.lock();
        let kept: usize =
            generations.young.keys().chain(generations.old.keys()).map(String::len).sum();
        assert!(kept <= 2 * GENERATION_BYTES);
    }

    #[test]
    fn short_texts_are_not_kept() {
        let memo = Memo::default();
        memo.tokens("short", || vec![LlamaToken(1)]);
        assert_eq!(*memo.tokens("short", || vec![LlamaToken(2)]), [LlamaToken(2)]);
    }
}
