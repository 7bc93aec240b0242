//! How long a call takes: a usual request, again and again. Fuel is the same on every machine, and
//! what a person waits for is not, so this is told beside it, and no policy is refused for it.

use std::time::Instant;

use serde::Serialize;

use super::subject::Subject;
use crate::slot::{Allowance, Linked, Policy};

/// The passages of a usual request: what a turn lays out whose recent turns fill their window.
pub const PASSAGES: u32 = 40;

/// The calls that are timed, after as many tenths that are not.
const CALLS: usize = 1_000;

/// How long calls took.
#[derive(Clone, Debug, Serialize)]
pub struct Timing {
    /// The passages, candidates or sources of the request.
    pub passages: u32,
    /// The calls.
    pub calls: usize,
    /// The fuel of each.
    pub fuel: u64,
    /// The time of a call at the median, in microseconds: a fresh store, the request in, the
    /// answer out and checked.
    pub micros_median: f64,
    /// The 99th percentile.
    pub micros_99: f64,
}

/// Times calls of a component. None where its world has no usual request, or where it fails that.
pub fn time<I: Subject>(linked: &Linked, allowance: &Allowance) -> Option<Timing> {
    let request = I::usual()?;
    let policy = Policy::<I>::open(linked, allowance).ok()?;
    let mut fuel = 0;
    let mut micros = Vec::with_capacity(CALLS);
    for call in 0..CALLS + CALLS / 10 {
        let began = Instant::now();
        let called = policy.call_measured(&request);
        let took = began.elapsed();
        called.answer.ok()?;
        fuel = called.fuel;
        if call >= CALLS / 10 {
            micros.push(took.as_secs_f64() * 1e6);
        }
    }
    micros.sort_by(f64::total_cmp);
    let at = |part: usize| micros[(CALLS - 1) * part / 100];
    let (micros_median, micros_99) = (at(50), at(99));
    Some(Timing { passages: PASSAGES, calls: CALLS, fuel, micros_median, micros_99 })
}
