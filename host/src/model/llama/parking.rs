//! The evaluated state of threads that have no slot at the moment: in memory up to a limit, then on
//! disk.

use llama_cpp_2::token::LlamaToken;

use super::shelf::Shelf;

/// State that is kept in memory at most, in bytes, unless it is set.
const BYTES_MAX: usize = 256 * 1024 * 1024;

/// What is known of a thread without a slot.
#[derive(Clone, Debug, PartialEq)]
pub struct Parked {
    /// The tokens that were evaluated.
    pub tokens: Vec<LlamaToken>,
    /// What came of them, as llama.cpp writes it.
    pub state: Vec<u8>,
}

/// Threads in the order in which they were parked, the oldest first. There are few: a linear search
/// costs nothing beside what it saves.
pub struct Parking {
    threads: Vec<(String, Parked)>,
    bytes: usize,
    bytes_max: usize,
    shelf: Option<Shelf>,
}

impl Parking {
    /// Room for so many bytes in memory, and then on a shelf if there is one.
    pub fn new(bytes_max: Option<usize>, shelf: Option<Shelf>) -> Self {
        Self { threads: Vec::new(), bytes: 0, bytes_max: bytes_max.unwrap_or(BYTES_MAX), shelf }
    }

    /// Keeps the state of a thread. The oldest ones make room for it.
    pub fn put(&mut self, thread: String, parked: Parked) {
        self.forget(&thread);
        let bytes = parked.state.len();
        if bytes > self.bytes_max {
            return self.shelve(&thread, parked);
        }
        while self.bytes + bytes > self.bytes_max {
            let (thread, oldest) = self.threads.remove(0);
            self.bytes -= oldest.state.len();
            self.shelve(&thread, oldest);
        }
        self.bytes += bytes;
        self.threads.push((thread, parked));
    }

    /// Takes out the state of a thread, if there is any.
    pub fn take(&mut self, thread: &str) -> Option<Parked> {
        let in_memory = self.threads.iter().position(|(name, _)| name == thread);
        let Some(index) = in_memory else { return self.shelf.as_mut()?.take(thread) };
        let (_, parked) = self.threads.remove(index);
        self.bytes -= parked.state.len();
        Some(parked)
    }

    /// Forgets the state of a thread, wherever it is.
    pub fn forget(&mut self, thread: &str) {
        if let Some(index) = self.threads.iter().position(|(name, _)| name == thread) {
            self.bytes -= self.threads.remove(index).1.state.len();
        }
        if let Some(shelf) = &mut self.shelf {
            shelf.forget(thread);
        }
    }

    fn shelve(&mut self, thread: &str, parked: Parked) {
        if let Some(shelf) = &mut self.shelf {
            shelf.put(thread, parked);
        }
    }
}
