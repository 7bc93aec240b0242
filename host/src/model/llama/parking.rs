//! The evaluated state of threads that have no slot at the moment, in memory, up to a limit.

use llama_cpp_2::SeqState;
use llama_cpp_2::token::LlamaToken;

/// State that is kept at most, in bytes.
const BYTES_MAX: usize = 256 * 1024 * 1024;

/// What is known of a thread without a slot.
pub struct Parked {
    /// The tokens that were evaluated.
    pub tokens: Vec<LlamaToken>,
    /// What came of them.
    pub state: SeqState,
}

/// Threads in the order in which they were parked, the oldest first. There are few: a linear search
/// costs nothing beside what it saves.
#[derive(Default)]
pub struct Parking {
    threads: Vec<(String, Parked)>,
    bytes: usize,
}

impl Parking {
    /// Keeps the state of a thread; the oldest ones make room for it. What is larger than the whole
    /// limit is not kept.
    pub fn put(&mut self, thread: String, parked: Parked) {
        self.take(&thread);
        let bytes = parked.state.byte_len();
        if bytes > BYTES_MAX {
            return;
        }
        while self.bytes + bytes > BYTES_MAX {
            let (_, oldest) = self.threads.remove(0);
            self.bytes -= oldest.state.byte_len();
        }
        self.bytes += bytes;
        self.threads.push((thread, parked));
    }

    /// Takes out the state of a thread, if there is any.
    pub fn take(&mut self, thread: &str) -> Option<Parked> {
        let index = self.threads.iter().position(|(name, _)| name == thread)?;
        let (_, parked) = self.threads.remove(index);
        self.bytes -= parked.state.byte_len();
        Some(parked)
    }
}
