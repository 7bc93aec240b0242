//! How long each stage of a turn takes.

use std::time::Instant;

use serde::{Serialize, Serializer};

/// Microseconds per stage of a turn.
pub struct Stopwatch {
    first: Instant,
    last: Instant,
    stages: Vec<(&'static str, u64)>,
}

impl Stopwatch {
    /// Starts now.
    pub fn start() -> Self {
        let now = Instant::now();
        Self { first: now, last: now, stages: Vec::new() }
    }

    /// Ends a stage.
    pub fn lap(&mut self, stage: &'static str) {
        let now = Instant::now();
        self.stages.push((stage, now.duration_since(self.last).as_micros() as u64));
        self.last = now;
    }
}

impl Stopwatch {
    /// The turn and its stages so far as the header `server-timing` has them: the whole first, then
    /// its parts in their order, in milliseconds. `by` tells who decided in a stage.
    pub fn server_timing(&self, by: impl Fn(&str) -> Option<String>) -> String {
        let mut told = format!("turn;dur={}", millis(self.first.elapsed().as_micros() as u64));
        for (stage, micros) in &self.stages {
            told.push_str(&format!(", {stage};dur={}", millis(*micros)));
            if let Some(by) = by(stage).filter(|by| !by.is_empty()) {
                told.push_str(&format!(";desc=\"{}\"", plain(&by)));
            }
        }
        told
    }
}

impl Serialize for Stopwatch {
    /// An object: the microseconds of each stage so far.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.stages.iter().copied())
    }
}

fn millis(micros: u64) -> f64 {
    micros as f64 / 1e3
}

/// A name without what has a meaning in a header.
fn plain(name: &str) -> String {
    let is_plain = |symbol: char| symbol.is_ascii_alphanumeric() || "-_.:/".contains(symbol);
    name.chars().map(|symbol| if is_plain(symbol) { symbol } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_told_in_milliseconds_with_those_who_decided() {
        let mut stopwatch = Stopwatch::start();
        stopwatch.stages = vec![("store", 958), ("generate", 2_000), ("truncate", 1)];
        let told = stopwatch.server_timing(|stage| match stage {
            "generate" => Some("A \"model\", é".to_owned()),
            "truncate" => Some(String::new()),
            _ => None,
        });
        let (whole, parts) = told.split_once(", ").unwrap();
        assert!(whole.starts_with("turn;dur="), "{whole}");
        let expected = "store;dur=0.958, generate;dur=2;desc=\"A__model____\", truncate;dur=0.001";
        assert_eq!(parts, expected);
    }
}
