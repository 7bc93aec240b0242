//! What was found, counted.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

/// After how many places it is counted what was found.
pub const DEPTHS: [usize; 4] = [5, 10, 25, 50];

/// How much of what tells the answers was found.
#[derive(Default)]
pub struct Scores {
    kinds: BTreeMap<String, Sum>,
    all: Sum,
    times: Vec<Duration>,
}

/// What was found for some questions.
#[derive(Default)]
struct Sum {
    questions: usize,
    found: [f64; DEPTHS.len()],
}

impl Sum {
    fn add(&mut self, found: [f64; DEPTHS.len()]) {
        self.questions += 1;
        self.found.iter_mut().zip(found).for_each(|(sum, found)| *sum += found);
    }

    /// The mean over all questions, in percent.
    fn recall(&self) -> [f64; DEPTHS.len()] {
        self.found.map(|sum| 100.0 * sum / self.questions.max(1) as f64)
    }

    fn to_json(&self) -> Value {
        let recall = DEPTHS.iter().zip(self.recall());
        let recall: serde_json::Map<String, Value> =
            recall.map(|(depth, value)| (depth.to_string(), json!(value))).collect();
        json!({ "questions": self.questions, "recall": recall })
    }
}

impl Scores {
    /// Counts a question: how much of its evidence stands among the first of what was found.
    pub fn add(&mut self, kind: &str, evidence: &[u64], found: &[u64], time: Duration) {
        let part = DEPTHS.map(|depth| {
            let first = &found[..depth.min(found.len())];
            let hits = evidence.iter().filter(|id| first.contains(id)).count();
            hits as f64 / evidence.len().max(1) as f64
        });
        self.kinds.entry(kind.to_owned()).or_default().add(part);
        self.all.add(part);
        self.times.push(time);
    }

    /// The time that this part of the queries took at most, in milliseconds.
    fn millis(&self, part: f64) -> f64 {
        let mut times = self.times.clone();
        times.sort_unstable();
        let at = (part * times.len() as f64) as usize;
        times.get(at.min(times.len().saturating_sub(1))).map_or(0.0, |t| t.as_secs_f64() * 1e3)
    }

    /// A table for people.
    pub fn table(&self) -> String {
        let title = "recall in percent";
        let width = self.kinds.keys().map(String::len).max().unwrap_or(0).max(title.len());
        let mut lines = vec![format!("{title:width$} {:>9}", "questions")];
        DEPTHS.iter().for_each(|depth| lines[0] += &format!(" {:>6}", format!("@{depth}")));
        let kinds = self.kinds.iter().map(|(kind, sum)| (kind.as_str(), sum));
        for (kind, sum) in kinds.chain([("all", &self.all)]) {
            let mut line = format!("{kind:width$} {:>9}", sum.questions);
            sum.recall().iter().for_each(|value| line += &format!(" {value:>6.1}"));
            lines.push(line);
        }
        let (half, most) = (self.millis(0.5), self.millis(0.95));
        lines.push(format!("time per query: {half:.2} ms (median), {most:.2} ms (95 in 100)"));
        lines.join("\n")
    }

    /// The same for programs.
    pub fn to_json(&self) -> Value {
        let kinds: serde_json::Map<String, Value> =
            self.kinds.iter().map(|(kind, sum)| (kind.clone(), sum.to_json())).collect();
        let mut all = self.all.to_json();
        all["kinds"] = Value::Object(kinds);
        all["query_ms"] = json!({ "p50": self.millis(0.5), "p95": self.millis(0.95) });
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recall_is_the_part_of_the_evidence_among_the_first() {
        let mut scores = Scores::default();
        let found: Vec<u64> = (1..=50).collect();
        scores.add("one", &[3, 7, 30, 99], &found, Duration::from_millis(2));
        scores.add("two", &[1], &[], Duration::from_millis(4));
        let json = scores.to_json();
        assert_eq!(json["kinds"]["one"]["recall"]["5"], 25.0);
        assert_eq!(json["kinds"]["one"]["recall"]["10"], 50.0);
        assert_eq!(json["recall"]["50"], 37.5);
        assert_eq!((&json["questions"], &json["query_ms"]["p95"]), (&json!(2), &json!(4.0)));
        let table = scores.table();
        let row = table.lines().find(|line| line.starts_with("one")).expect("a row");
        let numbers: Vec<&str> = row.split_whitespace().skip(1).collect();
        assert_eq!(numbers, ["1", "25.0", "50.0", "50.0", "75.0"]);
        assert!(table.contains("4.00 ms"), "{table}");
    }
}
