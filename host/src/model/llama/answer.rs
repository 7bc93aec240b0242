//! One answer in the making, apart from the model that makes it.

use std::time::Instant;

use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;
use tokio::sync::{mpsc, oneshot};

use crate::model::assembler::{Assembler, Step};
use crate::model::{Finish, ModelError, Options, Outcome};

/// A request that was accepted.
pub struct Job {
    /// The whole prompt, at least one token, and with the answer no longer than the context.
    pub prompt: Vec<LlamaToken>,
    /// How to answer.
    pub options: Options,
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
}

/// A job that has a slot.
pub struct Answer {
    /// What is being answered.
    pub job: Job,
    /// How many tokens of the prompt have been evaluated, in this call or an earlier one.
    pub read: usize,
    /// How many of them in an earlier one.
    pub cached: usize,
    /// The last token of the answer: chosen, but not yet evaluated. None while the prompt is read.
    pub last: Option<LlamaToken>,
    /// The row of the current batch after which the next token is to be chosen.
    pub row: Option<i32>,
    /// Whether the first token has been chosen, be it the end.
    pub begun: bool,
    said: u32,
    sampler: LlamaSampler,
    assembler: Assembler,
}

impl Answer {
    /// Begins with a job of whose prompt `cached` tokens are evaluated already.
    pub fn new(job: Job, cached: usize, sampler: LlamaSampler) -> Self {
        let assembler = Assembler::new(job.options.stop.clone());
        Self {
            job,
            read: cached,
            cached,
            last: None,
            row: None,
            begun: false,
            said: 0,
            sampler,
            assembler,
        }
    }

    /// The tokens of the prompt that have yet to be evaluated.
    pub fn unread(&self) -> usize {
        self.job.prompt.len() - self.read
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
            prompt_tokens: self.job.prompt.len() as u32,
            cached_tokens: self.cached as u32,
            reply_tokens: self.said,
        });
        drop(self.job.pieces);
        // Whoever asked may have left.
        drop(self.job.outcome.send(outcome));
    }
}
