//! The sequences of the context: who has which, and what of its state can be used again.

use std::cmp::Reverse;

use llama_cpp_2::LlamaStateSeqFlags;
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::token::LlamaToken;

use super::answer::Answer;
use super::parking::{Parked, Parking};
use crate::model::Priority;

/// A thread with fewer evaluated tokens is not worth parking: reading them again is as fast.
const PARK_TOKENS_MIN: usize = 32;

/// One sequence of the context. Its number is its index.
#[derive(Default)]
pub struct Slot {
    /// The tokens that have been evaluated in this sequence, by position.
    pub tokens: Vec<LlamaToken>,
    /// Whose they are; empty for nobody's, and then they are of no further use.
    pub thread: String,
    /// The answer that is being made in it.
    pub answer: Option<Answer>,
    used: u64,
}

/// All sequences, and the threads that have none at the moment.
pub struct Slots {
    slots: Vec<Slot>,
    parking: Parking,
    clock: u64,
}

impl Slots {
    /// `count` empty sequences.
    pub fn new(count: u32, parking: Parking) -> Self {
        let slots = (0..count).map(|_| Slot::default()).collect();
        Self { slots, parking, clock: 0 }
    }

    /// All slots, by number.
    pub fn all(&mut self) -> &mut [Slot] {
        &mut self.slots
    }

    /// The priority of the most urgent answer; none if there are no answers.
    pub fn urgent(&self) -> Option<Priority> {
        self.slots.iter().filter_map(|slot| Some(slot.answer.as_ref()?.priority())).max()
    }

    /// Takes the least urgent answer out of its slot, if it is less urgent than `priority`: of
    /// several, the one that came last. What can be kept of its state is kept.
    pub fn suspend(&mut self, ctx: &mut LlamaContext<'_>, priority: Priority) -> Option<Answer> {
        let answers = self.slots.iter().enumerate();
        let answers = answers.filter_map(|(index, slot)| Some((index, slot.answer.as_ref()?)));
        let less = answers.filter(|(_, answer)| answer.priority() < priority);
        let (index, _) =
            less.min_by_key(|(_, answer)| (answer.priority(), Reverse(answer.job.arrived)))?;
        let slot = &mut self.slots[index];
        let mut answer = slot.answer.take()?;
        answer.rest(&slot.tokens);
        self.evict(ctx, index);
        Some(answer)
    }

    /// How many answers are being made.
    pub fn active(&self) -> usize {
        self.slots.iter().filter(|slot| slot.answer.is_some()).count()
    }

    /// A free slot for a prompt of this thread, with what the slot holds of the prompt already:
    /// never all of it, since the next token is chosen after evaluating the last one. None if all
    /// slots are taken.
    pub fn claim(
        &mut self,
        ctx: &mut LlamaContext<'_>,
        thread: &str,
        prompt: &[LlamaToken],
    ) -> Option<(usize, usize)> {
        // A thread that is being answered right now has no state to share; a second answer in it
        // is like one without a thread.
        let own = self.slots.iter().position(|slot| !thread.is_empty() && slot.thread == thread);
        let (own, thread) = match own {
            Some(index) if self.slots[index].answer.is_some() => (None, ""),
            other => (other, thread),
        };
        let index = match own {
            Some(index) => index,
            None => {
                let index = self.vacant()?;
                self.evict(ctx, index);
                self.restore(ctx, index, thread);
                index
            }
        };
        self.clock += 1;
        let slot = &mut self.slots[index];
        slot.thread = thread.to_owned();
        slot.used = self.clock;
        let same = slot.tokens.iter().zip(prompt).take_while(|(have, want)| have == want).count();
        let same = same.min(prompt.len() - 1);
        Some((index, slot.keep(ctx, index, same)))
    }

    /// Ends the answer of a slot. Without a thread, its state is of no further use.
    pub fn release(&mut self, ctx: &mut LlamaContext<'_>, index: usize) -> Option<Answer> {
        let slot = &mut self.slots[index];
        let answer = slot.answer.take();
        if slot.thread.is_empty() {
            slot.keep(ctx, index, 0);
        }
        answer
    }

    /// Forgets a thread. An answer that is being made in it goes on, and is forgotten at its end.
    pub fn forget(&mut self, ctx: &mut LlamaContext<'_>, thread: &str) {
        self.parking.forget(thread);
        for (index, slot) in self.slots.iter_mut().enumerate() {
            if !thread.is_empty() && slot.thread == thread {
                slot.thread.clear();
                if slot.answer.is_none() {
                    slot.keep(ctx, index, 0);
                }
            }
        }
    }

    /// The free slot that was used longest ago, those without a thread first.
    fn vacant(&self) -> Option<usize> {
        let free = self.slots.iter().enumerate().filter(|(_, slot)| slot.answer.is_none());
        free.min_by_key(|(_, slot)| (!slot.thread.is_empty(), slot.used)).map(|(index, _)| index)
    }

    fn evict(&mut self, ctx: &mut LlamaContext<'_>, index: usize) {
        let slot = &mut self.slots[index];
        let thread = std::mem::take(&mut slot.thread);
        if !thread.is_empty() && slot.tokens.len() >= PARK_TOKENS_MIN {
            match state(ctx, index) {
                Some(state) => {
                    let tokens = std::mem::take(&mut slot.tokens);
                    self.parking.put(thread, Parked { tokens, state });
                }
                None => tracing::warn!("the state of a session was not kept"),
            }
        }
        slot.keep(ctx, index, 0);
    }

    fn restore(&mut self, ctx: &mut LlamaContext<'_>, index: usize, thread: &str) {
        let Some(parked) = self.parking.take(thread) else { return };
        let slot = &mut self.slots[index];
        let flags = LlamaStateSeqFlags::empty();
        // SAFETY: these are the bytes that `state` got from a context of the same model: they never
        // left this process, or came back from the disk with the checksum that they left with.
        if unsafe { ctx.state_seq_set_data_ext(&parked.state, index as i32, flags) } {
            slot.tokens = parked.tokens;
        } else {
            tracing::warn!("the state of a session was not restored");
            slot.keep(ctx, index, 0);
        }
    }
}

/// What has been evaluated in a sequence, as llama.cpp writes it.
fn state(ctx: &LlamaContext<'_>, index: usize) -> Option<Vec<u8>> {
    let flags = LlamaStateSeqFlags::empty();
    let mut bytes = vec![0; ctx.state_seq_get_size_ext(index as i32, flags)];
    // SAFETY: there are as many bytes as llama.cpp says that it will write.
    let written = unsafe { ctx.state_seq_get_data_ext(bytes.as_mut_ptr(), index as i32, flags) };
    (written > 0 && written == bytes.len()).then_some(bytes)
}

impl Slot {
    /// Whether there is an answer here that is as urgent as this.
    pub fn is_up(&self, urgent: Option<Priority>) -> bool {
        self.answer.as_ref().is_some_and(|answer| Some(answer.priority()) == urgent)
    }

    /// Drops the state of all but the first `count` tokens, and returns how many are left: none if
    /// the model's state cannot be cut (a recurrent one's).
    pub fn keep(&mut self, ctx: &mut LlamaContext<'_>, index: usize, count: usize) -> usize {
        if count > 0 && count == self.tokens.len() {
            return count;
        }
        let cut = ctx.clear_kv_cache_seq(Some(index as u32), Some(count as u32), None);
        if cut == Ok(true) {
            self.tokens.truncate(count);
            return count;
        }
        drop(ctx.clear_kv_cache_seq(Some(index as u32), None, None));
        self.tokens.clear();
        0
    }
}
