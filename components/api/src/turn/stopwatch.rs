//! How long each stage of a turn takes.

use std::time::Instant;

use serde::{Serialize, Serializer};

/// Microseconds per stage of a turn.
pub struct Stopwatch {
    last: Instant,
    stages: Vec<(&'static str, u64)>,
}

impl Stopwatch {
    /// Starts now.
    pub fn start() -> Self {
        Self { last: Instant::now(), stages: Vec::new() }
    }

    /// Ends a stage.
    pub fn lap(&mut self, stage: &'static str) {
        let now = Instant::now();
        self.stages.push((stage, now.duration_since(self.last).as_micros() as u64));
        self.last = now;
    }
}

impl Serialize for Stopwatch {
    /// An object: the microseconds of each stage so far.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.stages.iter().copied())
    }
}
