//! One answer in the making, apart from the model that makes it.

use std::time::Instant;

use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;
use llguidance::Matcher;
use tokio::sync::{mpsc, oneshot};

use super::sampling::sampler;
use crate::model::assembler::{Assembler, Step};
use crate::model::{Finish, ModelError, Options, Outcome, Priority};

/// A request that was accepted.
pub struct Job {
    /// The whole prompt, at least one token, and with the answer no longer than the context.
    pub prompt: Vec<LlamaToken>,
    /// How to answer.
    pub options: Options,
    /// What the answer must look like, before its first token.
    pub constraint: Option<Matcher>,
    /// Where the text goes; closed when nobody wants it any more.
    pub pieces: mpsc::UnboundedSender<String>,
    /// Where it is told how it went.
    pub outcome: oneshot::Sender<Result<Outcome, ModelError>>,
    /// When it was accepted.
    pub arrived: Instant,
    /// When it has taken too long.
    pub deadline: Instant,
}

impl Job {
    /// Why this need not be worked on any more, if so.
    pub fn ended(&self, now: Instant) -> Option<ModelError> {
        if now >= self.deadline {
            return Some(ModelError::TimedOut);
        }
        // Nobody reads the outcome of what nobody wants.
        self.pieces.is_closed().then(|| ModelError::EngineFailed("cancelled".into()))
    }
}

/// Whether an answer goes on.
#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    /// It does: this token is to be evaluated next.
    Next,
    /// It is done.
    Done(Finish),
    /// Nobody wants it any more.
    Unwanted,
    /// It is not what its constraint asks for.
    Astray,
}

/// A job that has a slot.
pub struct Answer {
    /// What is being answered.
    pub job: Job,
    /// What is to be read before the next token is chosen: the prompt; after a rest, also what was
    /// said before it.
    pub text: Vec<LlamaToken>,
    /// How many tokens of `text` have been evaluated, in this call or an earlier one.
    pub read: usize,
    /// The last token of the answer: chosen, but not yet evaluated. None while the prompt is read.
    pub last: Option<LlamaToken>,
    /// The row of the current batch after which the next token is to be chosen.
    pub row: Option<i32>,
    /// Whether the first token has been chosen, be it the end.
    pub begun: bool,
    said: u32,
    /// The length of the prompt, and how much of it was evaluated in an earlier call.
    prompt: usize,
    cached: Option<usize>,
    sampler: LlamaSampler,
    assembler: Assembler,
}

impl Answer {
    /// Takes a job, for a model with this many tokens.
    pub fn new(mut job: Job, vocabulary: i32) -> Self {
        let assembler = Assembler::new(job.options.stop.clone());
        let text = std::mem::take(&mut job.prompt);
        let sampler = sampler(&job.options, job.constraint.as_ref(), vocabulary, &text);
        Self {
            job,
            prompt: text.len(),
            text,
            read: 0,
            cached: None,
            last: None,
            row: None,
            begun: false,
            said: 0,
            sampler,
            assembler,
        }
    }

    /// Begins, or goes on after a rest, where the first `kept` tokens of `text` are evaluated.
    pub fn begin(&mut self, kept: usize) {
        self.read = kept;
        self.cached.get_or_insert(kept);
    }

    /// Rests: of its text, and of what it said, `evaluated` was evaluated until now.
    pub fn rest(&mut self, evaluated: &[LlamaToken]) {
        self.row = None;
        if let Some(last) = self.last.take() {
            self.text.clear();
            self.text.extend_from_slice(evaluated);
            self.text.push(last);
        }
        self.read = 0;
    }

    /// Who goes first.
    pub fn priority(&self) -> Priority {
        self.job.options.priority
    }

    /// The tokens of the text that have yet to be evaluated.
    pub fn unread(&self) -> usize {
        self.text.len() - self.read
    }

    /// How the next token is chosen.
    pub fn sampler(&mut self) -> &mut LlamaSampler {
        &mut self.sampler
    }

    /// Takes a chosen token that stands for `bytes`; `is_end` if it ends answers; `is_full` if it
    /// is the last one for which the context has room.
    pub fn take(
        &mut self,
        token: LlamaToken,
        bytes: &[u8],
        is_end: bool,
        is_full: bool,
    ) -> Progress {
        if !self.is_allowed(token, is_end) {
            return Progress::Astray;
        }
        if is_end {
            return self.done(Finish::Stop);
        }
        self.said += 1;
        match self.assembler.push(bytes) {
            Step::Text(text) => {
                if !self.show(text) {
                    return Progress::Unwanted;
                }
            }
            Step::Stopped(text) => {
                self.show(text);
                return Progress::Done(Finish::Stop);
            }
        }
        if is_full || self.said >= self.job.options.reply_tokens_max {
            return self.done(Finish::Length);
        }
        self.last = Some(token);
        Progress::Next
    }

    /// Whether the constraint has this token next. Its mask sees to that, unless what it would have
    /// to work out passes a limit: then nothing is masked, and this tells.
    fn is_allowed(&mut self, token: LlamaToken, is_end: bool) -> bool {
        match &mut self.job.constraint {
            None => true,
            Some(matcher) if is_end => {
                matcher.is_stopped() || matcher.is_accepting().is_ok_and(|is| is)
            }
            Some(matcher) => matcher.consume_token(token.0.cast_unsigned()).is_ok(),
        }
    }

    fn done(&mut self, finish: Finish) -> Progress {
        let rest = self.assembler.finish();
        self.show(rest);
        Progress::Done(finish)
    }

    /// Whether anybody still wants it.
    fn show(&self, text: String) -> bool {
        if text.is_empty() {
            !self.job.pieces.is_closed()
        } else {
            self.job.pieces.send(text).is_ok()
        }
    }

    /// Tells how it went. The stream ends before the outcome comes, so that a reader who waits for
    /// both in turn sees all of the text.
    pub fn end(self, result: Result<Finish, ModelError>) {
        let outcome = result.map(|finish| Outcome {
            finish,
            prompt_tokens: self.prompt as u32,
            cached_tokens: self.cached.unwrap_or(0) as u32,
            reply_tokens: self.said,
        });
        drop(self.job.pieces);
        // Whoever asked may have left.
        drop(self.job.outcome.send(outcome));
    }
}
