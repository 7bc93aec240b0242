//! Times, and what is right.

use std::fmt;
use std::time::Instant;

use anyhow::Result;

/// How often each query is asked. The best time of each counts: the machine may be busy.
pub const ROUNDS: usize = 5;

/// Times of single calls, in microseconds.
pub struct Times {
    sorted: Vec<f64>,
}

impl Times {
    /// Of these.
    pub fn of(mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        Self { sorted: times }
    }

    fn at(&self, share: f64) -> f64 {
        self.sorted[((self.sorted.len() - 1) as f64 * share) as usize]
    }
}

impl fmt::Display for Times {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "p50 {:8.1} µs  p99 {:8.1} µs", self.at(0.5), self.at(0.99))
    }
}

/// Runs something, and tells how many microseconds it took.
pub fn time<R>(run: impl FnOnce() -> R) -> (f64, R) {
    let began = Instant::now();
    let result = run();
    (began.elapsed().as_secs_f64() * 1e6, result)
}

/// Asks each query several times; returns the best times, and the answers.
pub fn each(
    queries: &[Vec<f32>],
    mut ask: impl FnMut(&[f32]) -> Result<Vec<u64>>,
) -> Result<(Times, Vec<Vec<u64>>)> {
    let mut times = vec![f64::INFINITY; queries.len()];
    let mut answers = Vec::new();
    for _ in 0..ROUNDS {
        answers.clear();
        for (query, best) in queries.iter().zip(&mut times) {
            let (time, answer) = time(|| ask(query));
            *best = best.min(time);
            answers.push(answer?);
        }
    }
    Ok((Times::of(times), answers))
}

/// The nearest of all vectors, whose ids are their places.
pub fn exact(passages: &[Vec<f32>], query: &[f32], most: usize) -> Vec<u64> {
    let all = passages.iter().enumerate();
    best(all.map(|(id, vector)| (id as u64, vector.as_slice())), query, most)
}

/// The nearest of some vectors, by 32-bit floats; equal ones in the order of their ids.
pub fn best<'a>(
    vectors: impl Iterator<Item = (u64, &'a [f32])>,
    query: &[f32],
    most: usize,
) -> Vec<u64> {
    let dot = |vector: &[f32]| vector.iter().zip(query).map(|(x, y)| x * y).sum::<f32>();
    let mut scored: Vec<(f32, u64)> = vectors.map(|(id, vector)| (dot(vector), id)).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    scored.into_iter().take(most).map(|(_, id)| id).collect()
}

/// What share of the right answers was found.
pub fn recall(truth: &[Vec<u64>], found: &[Vec<u64>]) -> f64 {
    let right = |(truth, found): (&Vec<u64>, &Vec<u64>)| {
        truth.iter().filter(|id| found.contains(id)).count()
    };
    let all: usize = truth.iter().map(Vec::len).sum();
    truth.iter().zip(found).map(right).sum::<usize>() as f64 / all as f64
}
