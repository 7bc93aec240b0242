//! How long each stage of a turn takes.

use std::time::Instant;

use serde_json::json;

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

    /// The stages so far, as a JSON object.
    pub fn to_json(&self) -> serde_json::Value {
        let stages = self.stages.iter();
        stages.map(|(stage, micros)| ((*stage).to_owned(), json!(micros))).collect()
    }
}
