//! What measures a prompt: the model, which is written down, or what was written down then. A
//! receipt holds what the model's tokenizer said, so a prompt can be put together again where that
//! model is not.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::bindings::inference::tokenizer::Side;
use crate::bindings::inference::types::{Error, Role};
use crate::measure;

/// One answer of a tokenizer: counts, or the two ends of a range. None: it refused these roles.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Entry(Option<Vec<u32>>);

impl Entry {
    /// What was counted, or where the range ends.
    pub fn numbers(&self) -> &[u32] {
        self.0.as_deref().unwrap_or_default()
    }
}

/// What measures.
#[derive(Debug)]
pub enum Scale<'a> {
    /// The model with this digest. What it says is written down.
    Model(&'a str, Vec<Entry>),
    /// What was written down, first to last.
    Tape(VecDeque<Entry>),
}

impl<'a> Scale<'a> {
    /// The model with this digest.
    pub fn of_model(digest: &'a str) -> Self {
        Self::Model(digest, Vec::new())
    }

    /// What was written down.
    pub fn tape(self) -> Vec<Entry> {
        match self {
            Self::Model(_, tape) => tape,
            Self::Tape(left) => left.into(),
        }
    }

    /// As [`measure::frame`].
    ///
    /// Fails as the model does, and with `engine-failed` if something else was written down. So do
    /// all of these.
    pub async fn frame(&mut self, roles: &[Role]) -> Result<Vec<u32>, Error> {
        let answer = match self {
            Self::Model(digest, _) => measure::frame(digest, roles).await,
            Self::Tape(left) => left.pop_front().ok_or(Error::EngineFailed)?.into(),
        };
        self.note(&answer);
        answer.and_then(|frame| of_length(frame, roles.len() + 1))
    }

    /// As [`measure::count_known`].
    pub async fn count_known(&mut self, texts: &[&str]) -> Result<Vec<u32>, Error> {
        let answer = match self {
            Self::Model(digest, _) => measure::count_known(digest, texts).await,
            Self::Tape(left) => left.pop_front().ok_or(Error::EngineFailed)?.into(),
        };
        self.note(&answer);
        answer.and_then(|counts| of_length(counts, texts.len()))
    }

    /// As [`measure::count`].
    pub async fn count(&mut self, texts: &[&str]) -> Result<Vec<u32>, Error> {
        let answer = match self {
            Self::Model(..) => measure::count(texts).await,
            Self::Tape(left) => left.pop_front().ok_or(Error::EngineFailed)?.into(),
        };
        self.note(&answer);
        answer.and_then(|counts| of_length(counts, texts.len()))
    }

    /// As [`measure::clip`].
    pub async fn clip(
        &mut self,
        text: &str,
        tokens_max: u32,
        side: Side,
    ) -> Result<std::ops::Range<usize>, Error> {
        let answer = match self {
            Self::Model(..) => measure::clip(text, tokens_max, side)
                .await
                .map(|range| vec![range.start as u32, range.end as u32]),
            Self::Tape(left) => left.pop_front().ok_or(Error::EngineFailed)?.into(),
        };
        self.note(&answer);
        let ends = answer.and_then(|ends| of_length(ends, 2))?;
        let range = ends[0] as usize..ends[1] as usize;
        text.get(range.clone()).map(|_| range).ok_or(Error::EngineFailed)
    }

    fn note(&mut self, answer: &Result<Vec<u32>, Error>) {
        if let Self::Model(_, tape) = self {
            match answer {
                Ok(numbers) => tape.push(Entry(Some(numbers.clone()))),
                Err(Error::InvalidRequest) => tape.push(Entry(None)),
                // The turn ends here, or begins anew.
                Err(_) => {}
            }
        }
    }
}

impl From<Entry> for Result<Vec<u32>, Error> {
    fn from(entry: Entry) -> Self {
        entry.0.ok_or(Error::InvalidRequest)
    }
}

fn of_length(numbers: Vec<u32>, length: usize) -> Result<Vec<u32>, Error> {
    if numbers.len() == length { Ok(numbers) } else { Err(Error::EngineFailed) }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;

    fn tape(json: &str) -> Scale<'static> {
        Scale::Tape(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn a_tape_says_again_what_was_said() {
        let mut scale = tape("[[3,4,5],null,[2],[0,4]]");
        assert_eq!(block_on(scale.frame(&[Role::System, Role::User])), Ok(vec![3, 4, 5]));
        assert_eq!(block_on(scale.frame(&[Role::Assistant])), Err(Error::InvalidRequest));
        assert_eq!(block_on(scale.count(&["tea"])), Ok(vec![2]));
        assert_eq!(block_on(scale.clip("tea and milk", 1, Side::Beginning)), Ok(0..4));
        assert_eq!(block_on(scale.count(&["tea"])), Err(Error::EngineFailed));
    }

    #[test]
    fn a_tape_of_another_prompt_is_noticed() {
        assert_eq!(block_on(tape("[[1,2]]").count(&["tea"])), Err(Error::EngineFailed));
        let clipped = block_on(tape("[[1,2]]").clip("é", 1, Side::Beginning));
        assert_eq!(clipped, Err(Error::EngineFailed), "a character would be cut");
    }
}
