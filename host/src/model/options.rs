//! The limits of a request, and what an answer is made with when it does not say.

use std::time::Duration;

use super::{Constraint, ModelError, Options, Prompt};

/// The most messages of one prompt.
pub const MESSAGES_MAX: usize = 1_024;
/// The most text of one prompt, all pieces together, in bytes.
pub const PROMPT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The most pieces of one prompt.
pub const PIECES_MAX: usize = 65_536;
/// The most stop texts.
pub const STOPS_MAX: usize = 8;
/// The length of a stop text, in bytes.
pub const STOP_BYTES_MAX: usize = 128;
/// The length of the name of a thread, in bytes.
pub const THREAD_BYTES_MAX: usize = 256;
/// The length of a constraint, in bytes.
pub const CONSTRAINT_BYTES_MAX: usize = 65_536;
/// How long an answer may take from its acceptance to its end, in milliseconds.
pub const TIME_MS_MAX: u32 = 600_000;

/// How tokens are chosen where a request does not say: the defaults of llama.cpp's own server.
pub struct Sampling {
    /// See `Options::temperature`.
    pub temperature: f32,
    /// See `Options::top_p`.
    pub top_p: f32,
    /// See `Options::top_k`.
    pub top_k: u32,
    /// See `Options::min_p`.
    pub min_p: f32,
    /// See `Options::repeat_penalty`.
    pub repeat_penalty: f32,
}

impl Sampling {
    /// What `options` say, and the defaults for the rest.
    pub fn of(options: &Options) -> Self {
        Self {
            temperature: options.temperature.unwrap_or(0.8),
            top_p: options.top_p.unwrap_or(0.95),
            top_k: options.top_k.unwrap_or(40),
            min_p: options.min_p.unwrap_or(0.05),
            repeat_penalty: options.repeat_penalty.unwrap_or(1.0),
        }
    }
}

impl Options {
    /// How long the answer may take.
    pub fn time(&self) -> Duration {
        Duration::from_millis(self.time_ms_max.unwrap_or(TIME_MS_MAX).into())
    }

    /// Fails with `InvalidRequest` if a value is out of its range.
    pub fn check(&self) -> Result<(), ModelError> {
        let sampling = Sampling::of(self);
        let rules = [
            (self.reply_tokens_max >= 1, "`reply-tokens-max` is at least 1"),
            ((0.0..=2.0).contains(&sampling.temperature), "`temperature` is 0 to 2"),
            (sampling.top_p > 0.0 && sampling.top_p <= 1.0, "`top-p` is above 0 and at most 1"),
            (sampling.top_k <= i32::MAX as u32, "`top-k` is at most 2147483647"),
            ((0.0..=1.0).contains(&sampling.min_p), "`min-p` is 0 to 1"),
            ((1.0..=2.0).contains(&sampling.repeat_penalty), "`repeat-penalty` is 1 to 2"),
            (self.stop.len() <= STOPS_MAX, "there are at most 8 stop texts"),
            (
                self.stop.iter().all(|stop| (1..=STOP_BYTES_MAX).contains(&stop.len())),
                "a stop text has 1 to 128 bytes",
            ),
            (self.thread.len() <= THREAD_BYTES_MAX, "`thread` has at most 256 bytes"),
            (
                self.time_ms_max.is_none_or(|time| (1..=TIME_MS_MAX).contains(&time)),
                "`time-ms-max` is 1 to 600,000",
            ),
        ];
        check(&rules)?;
        match &self.constraint {
            Some(Constraint::JsonSchema(text) | Constraint::Grammar(text))
                if text.len() > CONSTRAINT_BYTES_MAX =>
            {
                let why = format!("it has {} bytes, at most 65,536 may be", text.len());
                Err(ModelError::ConstraintRefused(why))
            }
            _ => Ok(()),
        }
    }
}

impl Prompt {
    /// How much text there is, in bytes.
    pub fn bytes(&self) -> usize {
        self.pieces().iter().map(|piece| piece.len()).sum()
    }

    fn pieces(&self) -> Vec<&String> {
        match self {
            Self::Messages(messages) => messages.iter().flat_map(|m| &m.pieces).collect(),
            Self::Text(pieces) => pieces.iter().collect(),
        }
    }

    /// Fails with `InvalidRequest` if there is too much of something, or nothing at all.
    pub fn check(&self) -> Result<(), ModelError> {
        let messages = match self {
            Self::Messages(messages) => messages.len(),
            Self::Text(_) => 1,
        };
        check(&[
            ((1..=MESSAGES_MAX).contains(&messages), "a prompt has 1 to 1,024 messages"),
            (self.pieces().len() <= PIECES_MAX, "a prompt has at most 65,536 pieces"),
            (self.bytes() <= PROMPT_BYTES_MAX, "a prompt has at most 4 MiB of text"),
        ])
    }
}

fn check(rules: &[(bool, &str)]) -> Result<(), ModelError> {
    match rules.iter().find(|(kept, _)| !kept) {
        Some((_, rule)) => Err(ModelError::InvalidRequest((*rule).to_owned())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Change = fn(&mut Options);

    #[test]
    fn what_is_out_of_range_is_refused_and_its_range_is_told() {
        assert_eq!(Options::new(1).check(), Ok(()));
        let wrong: [(Change, &str); 8] = [
            (|o| o.reply_tokens_max = 0, "`reply-tokens-max`"),
            (|o| o.temperature = Some(f32::NAN), "`temperature`"),
            (|o| o.top_p = Some(0.0), "`top-p`"),
            (|o| o.min_p = Some(1.5), "`min-p`"),
            (|o| o.repeat_penalty = Some(0.5), "`repeat-penalty`"),
            (|o| o.stop = vec![String::new()], "1 to 128 bytes"),
            (|o| o.stop = vec!["x".into(); 9], "at most 8"),
            (|o| o.time_ms_max = Some(0), "`time-ms-max`"),
        ];
        for (change, told) in wrong {
            let mut options = Options::new(1);
            change(&mut options);
            let Err(ModelError::InvalidRequest(why)) = options.check() else {
                panic!("{told} was accepted");
            };
            assert!(why.contains(told), "{why}");
        }
    }

    #[test]
    fn a_constraint_that_is_too_long_is_refused() {
        let with = |length| {
            let constraint = Some(Constraint::Grammar("x".repeat(length)));
            Options { constraint, ..Options::new(1) }.check()
        };
        assert_eq!(with(CONSTRAINT_BYTES_MAX), Ok(()));
        assert!(matches!(with(CONSTRAINT_BYTES_MAX + 1), Err(ModelError::ConstraintRefused(_))));
    }

    #[test]
    fn a_prompt_without_messages_or_with_too_much_text_is_refused() {
        assert!(Prompt::Messages(Vec::new()).check().is_err());
        assert!(Prompt::Text(vec!["x".repeat(PROMPT_BYTES_MAX)]).check().is_ok());
        assert!(Prompt::Text(vec!["x".repeat(PROMPT_BYTES_MAX), "x".into()]).check().is_err());
    }
}
