//! The thread that evaluates: one context, many sequences, one batch after another. Requests join
//! and leave between batches, and long prompts are read in parts, so nobody waits for anybody's
//! whole answer.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Instant;

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::llama_batch::LlamaBatch;

use super::answer::{Answer, Job, Progress};
use super::load::Sizes;
use super::parking::Parking;
use super::slots::Slots;
use super::tokenize::Tokenizer;
use crate::model::{Finish, ModelError};

/// Tokens that are evaluated at once, at most.
pub const BATCH_TOKENS: u32 = 512;
/// How long reading a prompt may hold up those who are being answered, per batch. Where more wait
/// for their first token than for their next one, it is as many times as long: parts of prompts
/// beside answers take up to twice the time, which all of them wait for.
const STALL_SECONDS: f32 = 0.05;
/// Tokens of prompts in a batch even if they hold up others for longer: else nobody gets on.
const PROMPT_TOKENS_MIN: usize = 32;

/// What the thread is told.
pub enum Command {
    /// Answer this.
    Generate(Box<Job>),
    /// Forget this thread.
    Forget(String),
}

/// What everybody may know of the thread.
#[derive(Default)]
pub struct Gauges {
    /// Requests that wait for their first token.
    pub queued: AtomicU32,
    /// Requests that are past it.
    pub active: AtomicU32,
    /// How long a request took lately, from its acceptance to its end, in milliseconds.
    pub request_ms: AtomicU32,
}

/// The state of the thread.
pub struct Engine<'m> {
    ctx: LlamaContext<'m>,
    tokenizer: &'m Tokenizer,
    vocabulary: i32,
    context_tokens: usize,
    batch: LlamaBatch<'static>,
    slots: Slots,
    /// Those without a slot, in the order in which they are to have one.
    waiting: VecDeque<Answer>,
    gauges: Arc<Gauges>,
    /// How fast prompts are read, in tokens per second, those that are said meanwhile included.
    pace: f32,
}

impl<'m> Engine<'m> {
    /// An engine on `ctx`, which has these sizes.
    pub fn new(
        ctx: LlamaContext<'m>,
        tokenizer: &'m Tokenizer,
        sizes: &Sizes,
        parking: Parking,
        gauges: Arc<Gauges>,
    ) -> Self {
        Self {
            ctx,
            tokenizer,
            vocabulary: tokenizer.vocabulary(),
            context_tokens: sizes.context_tokens as usize,
            batch: LlamaBatch::new(BATCH_TOKENS as usize, 1),
            slots: Slots::new(sizes.slots, parking),
            waiting: VecDeque::new(),
            gauges,
            pace: 1_000.0,
        }
    }

    /// Works until nobody can ask any more and all is answered.
    pub fn run(mut self, commands: &Receiver<Command>) {
        while self.listen(commands) {
            self.drop_ended();
            self.admit();
            self.step();
        }
    }

    /// Takes what was asked since the last batch; waits if there is nothing else to do. False if
    /// nothing can come any more and nothing is left.
    fn listen(&mut self, commands: &Receiver<Command>) -> bool {
        if self.waiting.is_empty() && self.slots.active() == 0 {
            match commands.recv() {
                Ok(command) => self.obey(command),
                Err(_) => return false,
            }
        }
        loop {
            match commands.try_recv() {
                Ok(command) => self.obey(command),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return true,
            }
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Generate(job) => self.wait(Answer::new(*job, self.vocabulary), false),
            Command::Forget(thread) => {
                for answer in &mut self.waiting {
                    if answer.job.options.thread == thread {
                        answer.job.options.thread.clear();
                    }
                }
                self.slots.forget(&mut self.ctx, &thread);
            }
        }
    }

    /// Has an answer wait: behind what is as urgent, or `first` among it.
    fn wait(&mut self, answer: Answer, first: bool) {
        let (queue, priority) = (&self.waiting, answer.priority());
        let is_before = |other: &Answer| {
            other.priority() > priority || (!first && other.priority() == priority)
        };
        let at = queue.iter().rposition(is_before).map_or(0, |index| index + 1);
        self.waiting.insert(at, answer);
    }

    /// Lets go of what nobody wants any more or what took too long.
    fn drop_ended(&mut self) {
        let now = Instant::now();
        for _ in 0..self.waiting.len() {
            let Some(answer) = self.waiting.pop_front() else { break };
            match answer.job.ended(now) {
                Some(error) => self.finish(answer, Err(error)),
                None => self.waiting.push_back(answer),
            }
        }
        for index in 0..self.slots.all().len() {
            let answer = self.slots.all()[index].answer.as_ref();
            if let Some(error) = answer.and_then(|answer| answer.job.ended(now)) {
                self.end(index, Err(error));
            }
        }
    }

    /// Gives free slots to those who wait: the most urgent first, then first come, first served. If
    /// there is none, what is less urgent than all that wait gives its own up, and rests.
    fn admit(&mut self) {
        while let Some(mut answer) = self.waiting.pop_front() {
            let thread = &answer.job.options.thread;
            let mut claim = self.slots.claim(&mut self.ctx, thread, &answer.text);
            if claim.is_none()
                && let Some(resting) = self.slots.suspend(&mut self.ctx, answer.priority())
            {
                claim = self.slots.claim(&mut self.ctx, thread, &answer.text);
                self.wait(resting, true);
            }
            let Some((index, kept)) = claim else {
                return self.waiting.push_front(answer);
            };
            answer.begin(kept);
            self.slots.all()[index].answer = Some(answer);
        }
    }

    /// Evaluates one batch and takes each answer a token further.
    fn step(&mut self) {
        let prompt_tokens = self.fill();
        if self.batch.n_tokens() == 0 {
            return;
        }
        let begun = Instant::now();
        if let Err(error) = self.ctx.decode(&mut self.batch) {
            return self.fail(&error.to_string());
        }
        // Waits for the result, so that the time is that of the work.
        self.ctx.synchronize();
        if prompt_tokens >= PROMPT_TOKENS_MIN {
            // What is said takes its part of the time too.
            let tokens = self.batch.n_tokens() as f32;
            let pace = tokens / begun.elapsed().as_secs_f32().max(1e-6);
            self.pace += (pace - self.pace) * 0.3;
        }
        for index in 0..self.slots.all().len() {
            self.advance(index);
        }
    }

    /// Puts a batch together and returns how many tokens of prompts are in it. Only the most urgent
    /// answers take part: the others rest for as long as there are such.
    fn fill(&mut self) -> usize {
        self.batch.clear();
        let room = BATCH_TOKENS as usize;
        let urgent = self.slots.urgent();
        let mut readers = 0;
        for (index, slot) in self.slots.all().iter_mut().enumerate() {
            let is_up = slot.is_up(urgent);
            let Some(answer) = slot.answer.as_mut().filter(|_| is_up) else { continue };
            answer.row = None;
            match answer.last {
                Some(token) => {
                    answer.row = Some(self.batch.n_tokens());
                    add(&mut self.batch, token, slot.tokens.len(), index, true);
                    slot.tokens.push(token);
                }
                None => readers += 1,
            }
        }
        let speakers = self.batch.n_tokens() as usize;
        let mut budget = room - speakers;
        if speakers > 0 {
            budget = budget.min(patience(self.pace, readers, speakers));
        }
        let mut total = 0;
        for (index, slot) in self.slots.all().iter_mut().enumerate() {
            let is_up = slot.is_up(urgent);
            let Some(answer) = slot.answer.as_mut().filter(|_| is_up) else { continue };
            if answer.last.is_some() || budget == 0 {
                continue;
            }
            // Prompts share the batch, so that a short one is not behind a long one.
            let part = answer.unread().min(budget.div_ceil(readers));
            readers -= 1;
            budget -= part;
            total += part;
            for _ in 0..part {
                let token = answer.text[answer.read];
                answer.read += 1;
                let is_last = answer.unread() == 0;
                if is_last {
                    answer.row = Some(self.batch.n_tokens());
                }
                add(&mut self.batch, token, slot.tokens.len(), index, is_last);
                slot.tokens.push(token);
            }
        }
        total
    }

    /// Chooses the next token of a slot's answer, if the batch told enough for it.
    fn advance(&mut self, index: usize) {
        let slot = &mut self.slots.all()[index];
        let is_full = slot.tokens.len() + 1 >= self.context_tokens;
        let Some(answer) = &mut slot.answer else { return };
        let Some(row) = answer.row.take() else { return };
        if !answer.begun {
            answer.begun = true;
            self.gauges.queued.fetch_sub(1, Ordering::Relaxed);
            self.gauges.active.fetch_add(1, Ordering::Relaxed);
        }
        let token = answer.sampler().sample(&self.ctx, row);
        let is_end = self.tokenizer.is_end(token);
        let bytes = self.tokenizer.bytes(token);
        match answer.take(token, &bytes, is_end, is_full) {
            Progress::Next => {}
            Progress::Done(finish) => self.end(index, Ok(finish)),
            Progress::Unwanted => {
                self.end(index, Err(ModelError::EngineFailed("cancelled".into())))
            }
            Progress::Astray => {
                let how = "the answer left its constraint, which is too much to work out";
                self.end(index, Err(ModelError::EngineFailed(how.into())));
            }
        }
    }

    fn end(&mut self, index: usize, result: Result<Finish, ModelError>) {
        if let Some(answer) = self.slots.release(&mut self.ctx, index) {
            self.finish(answer, result);
        }
    }

    fn finish(&mut self, answer: Answer, result: Result<Finish, ModelError>) {
        let gauge = if answer.begun { &self.gauges.active } else { &self.gauges.queued };
        gauge.fetch_sub(1, Ordering::Relaxed);
        let ms = answer.job.arrived.elapsed().as_millis().min(u128::from(u32::MAX)) as u32;
        let before = self.gauges.request_ms.load(Ordering::Relaxed);
        self.gauges.request_ms.store(before / 4 * 3 + ms / 4, Ordering::Relaxed);
        answer.end(result);
    }

    /// A batch could not be evaluated: what was in it is lost, and so is the state that it changed.
    fn fail(&mut self, error: &str) {
        tracing::error!("llama.cpp could not evaluate a batch: {error}");
        for index in 0..self.slots.all().len() {
            let slot = &mut self.slots.all()[index];
            if slot.answer.is_some() {
                slot.thread.clear();
                self.end(index, Err(ModelError::EngineFailed(error.to_owned())));
            }
        }
    }
}

/// How many tokens of prompts a batch may have beside answers, where tokens are evaluated at this
/// pace per second, by how many wait for their first token and how many for their next.
fn patience(pace: f32, readers: usize, speakers: usize) -> usize {
    let seconds = STALL_SECONDS * (readers as f32 / speakers as f32).max(1.0);
    ((pace * seconds) as usize).max(PROMPT_TOKENS_MIN)
}

fn add(
    batch: &mut LlamaBatch<'_>,
    token: llama_cpp_2::token::LlamaToken,
    position: usize,
    sequence: usize,
    choose: bool,
) {
    batch
        .add(token, position as i32, &[sequence as i32], choose)
        .expect("`fill` adds at most as many tokens as the batch has room for");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_answered_waits_longer_where_more_wait_for_an_answer() {
        assert_eq!(patience(1_000.0, 1, 1), 50);
        assert_eq!(patience(1_000.0, 1, 15), 50);
        assert_eq!(patience(1_000.0, 3, 1), 150);
        assert_eq!(patience(10.0, 1, 1), PROMPT_TOKENS_MIN);
    }
}
