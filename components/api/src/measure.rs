//! Measuring in tokens. What is the same in every turn is measured once per instance: literals,
//! the instruction, days, and the template around a conversation of a given shape.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::bindings::inference::models;
use crate::bindings::inference::tokenizer::{self, Side};
use crate::bindings::inference::types::{Error, Role};
use crate::limits;

/// Entries that are remembered before all are forgotten.
const KNOWN_MAX: usize = 512;

#[derive(Default)]
struct Known {
    digest: String,
    counts: HashMap<String, u32>,
    frames: HashMap<Vec<u8>, Vec<u32>>,
}

thread_local! {
    static KNOWN: RefCell<Known> = RefCell::default();
}

/// Counts the tokens of texts, in one call where their number allows it. An empty text has none.
///
/// Fails as the model does.
pub async fn count(texts: &[&str]) -> Result<Vec<u32>, Error> {
    let mut counts = vec![0; texts.len()];
    let asked: Vec<usize> = (0..texts.len()).filter(|at| !texts[*at].is_empty()).collect();
    for chunk in asked.chunks(limits::COUNT_TEXTS_MAX) {
        let batch = chunk.iter().map(|at| texts[*at].to_owned()).collect();
        let found = tokenizer::count(batch).await?;
        if found.len() != chunk.len() {
            return Err(Error::EngineFailed);
        }
        chunk.iter().zip(found).for_each(|(at, tokens)| counts[*at] = tokens);
    }
    Ok(counts)
}

/// Counts the tokens of texts that come back turn after turn. `digest` is the model's.
///
/// Fails as the model does, and with `model-changed` if it is not the one of `digest` any more.
pub async fn count_known(digest: &str, texts: &[&str]) -> Result<Vec<u32>, Error> {
    let known: Vec<Option<u32>> = KNOWN.with_borrow_mut(|known| {
        known.renew(digest);
        texts.iter().map(|text| known.counts.get(*text).copied()).collect()
    });
    let missing: Vec<&str> = texts
        .iter()
        .zip(&known)
        .filter(|(_, count)| count.is_none())
        .map(|(text, _)| *text)
        .collect();
    if missing.is_empty() {
        return Ok(known.into_iter().flatten().collect());
    }
    let counted = count(&missing).await?;
    by(digest).await?;
    let mut counted = counted.into_iter();
    KNOWN.with_borrow_mut(|store| {
        store.renew(digest);
        let counts = texts.iter().zip(known).map(|(text, found)| {
            found.unwrap_or_else(|| {
                let tokens = counted.next().unwrap_or_default();
                store.counts.insert((*text).to_owned(), tokens);
                tokens
            })
        });
        Ok(counts.collect())
    })
}

/// Counts what the chat template writes around messages with these roles, as `tokenizer.frame`.
///
/// Fails as the model does, and with `model-changed` if it is not the one of `digest` any more.
pub async fn frame(digest: &str, roles: &[Role]) -> Result<Vec<u32>, Error> {
    let key: Vec<u8> = roles.iter().map(|role| *role as u8).collect();
    let known = KNOWN.with_borrow_mut(|known| {
        known.renew(digest);
        known.frames.get(&key).cloned()
    });
    if let Some(frame) = known {
        return Ok(frame);
    }
    let frame = tokenizer::frame(roles.to_vec()).await?;
    if frame.len() != roles.len() + 1 {
        return Err(Error::EngineFailed);
    }
    by(digest).await?;
    KNOWN.with_borrow_mut(|known| known.frames.insert(key, frame.clone()));
    Ok(frame)
}

/// Whether what was measured just now was measured by the model with this digest: only then may it
/// be kept under its name. A model can be replaced at any time.
///
/// Fails with `model-changed` if it is another model.
pub async fn by(digest: &str) -> Result<(), Error> {
    match models::status().await.digest == digest {
        true => Ok(()),
        false => Err(Error::ModelChanged),
    }
}

/// The bytes of the longest beginning or end of a text that has at most `tokens_max` tokens.
///
/// Fails as the model does.
pub async fn clip(
    text: &str,
    tokens_max: u32,
    side: Side,
) -> Result<std::ops::Range<usize>, Error> {
    let span = tokenizer::clip(text.to_owned(), tokens_max, side).await?;
    let range = span.start as usize..span.end as usize;
    match text.get(range.clone()) {
        Some(_) => Ok(range),
        None => Err(Error::EngineFailed),
    }
}

impl Known {
    /// Forgets what another model measured, and everything when it is too much.
    fn renew(&mut self, digest: &str) {
        if self.digest != digest {
            *self = Self { digest: digest.to_owned(), ..Self::default() };
        }
        if self.counts.len() > KNOWN_MAX {
            self.counts.clear();
        }
        if self.frames.len() > KNOWN_MAX {
            self.frames.clear();
        }
    }
}
