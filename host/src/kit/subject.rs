//! What is tried of every world in the same way.

use std::fmt::Debug;

use super::report::{FINDINGS_MAX, Finding, Limits, Part, Profile, Report};
use crate::bindings::policy::types::Failure;
use crate::slot::refusal::{case, limits, name};
use crate::slot::{Allowance, Call, Ended, Interface, Linked, Policy};

/// A request of the kit.
pub struct Case<R> {
    /// Where it belongs.
    pub part: Part,
    /// What is special about it.
    pub name: String,
    /// The request.
    pub request: R,
}

impl<R> Case<R> {
    /// A case with this name.
    pub fn new(part: Part, name: impl Into<String>, request: R) -> Self {
        Self { part, name: name.into(), request }
    }
}

/// An interface that the kit can try.
pub trait Subject: Interface<Answer: PartialEq, Request: Debug> {
    /// The requests beyond the trials of the interface.
    fn cases() -> Vec<Case<Self::Request>>;

    /// A request of [`super::timing::PASSAGES`] passages, as a turn makes it. None where no turn
    /// waits for the answer.
    fn usual() -> Option<Self::Request> {
        None
    }

    /// Checks what must hold between answers. Returns how many checks there were.
    fn relate(_: &Policy<Self>, _: &mut Report) -> usize {
        0
    }
}

/// What the kit measured of one call.
struct Measured {
    fuel: u64,
    request_bytes: usize,
    memory_bytes: usize,
}

/// Runs the kit for one world.
pub fn check<I: Subject>(linked: &Linked, allowance: &Allowance, report: &mut Report) {
    let policy = match Policy::<I>::open(linked, allowance) {
        Ok(policy) => policy,
        Err(refusal) => return report.fail_to_load(&refusal),
    };
    report.tried(Part::Load, 1);
    report.name = I::name(policy.facts()).map(str::to_owned);
    let trials = I::trials().into_iter().zip(0..);
    let trials = trials
        .map(|(request, index)| Case::new(Part::Trial, format!("trial {index}"), request))
        .collect();
    let mut measured = Vec::new();
    run(&policy, Part::Trial, trials, &mut measured, report);
    // What cannot do the easiest is not worth the time that the rest would take.
    if report.passed {
        let mut cases = I::cases();
        for part in [Part::Golden, Part::Random, Part::Hostile] {
            let (of_part, rest) = cases.into_iter().partition(|case| case.part == part);
            cases = rest;
            run(&policy, part, of_part, &mut measured, report);
        }
        let checks = I::relate(&policy, report);
        if checks > 0 {
            report.tried(Part::Relations, checks);
        }
    }
    report.profile = profile(measured, allowance);
}

fn run<I: Subject>(
    policy: &Policy<I>,
    part: Part,
    cases: Vec<Case<I::Request>>,
    measured: &mut Vec<Measured>,
    report: &mut Report,
) {
    if cases.is_empty() {
        return;
    }
    let (mut checks, mut failed) = (0, 0);
    for case in &cases {
        checks += 1;
        let call = policy.call_measured(&case.request);
        let again = || policy.call_measured(&case.request);
        let found = judge(&call, &policy.allowance(), again);
        if let Some((what, message)) = found {
            let input = format!("{:?}", case.request);
            report.find(Finding { part, what, message, case: case.name.clone(), input });
            failed += 1;
        } else {
            let Call { fuel, request_bytes, memory_bytes, .. } = call;
            measured.push(Measured { fuel, request_bytes, memory_bytes });
        }
        // Who computes without end does so again, and every call of it takes its time.
        let endless = matches!(what(&call.answer), Some("out-of-fuel" | "out-of-time"));
        if failed >= FINDINGS_MAX || endless {
            break;
        }
    }
    report.tried(part, checks);
}

/// What is wrong with an answer: its name, and what would be right. `again` asks once more.
fn judge<A: PartialEq>(
    call: &Call<A>,
    allowance: &Allowance,
    again: impl FnOnce() -> Call<A>,
) -> Option<(&'static str, String)> {
    match &call.answer {
        Err(Ended::Failed(failure)) => Some((
            case(*failure),
            format!(
                "the call ended as {}; it must answer {}{}",
                name(*failure),
                remedy(*failure),
                limits(*failure, allowance)
            ),
        )),
        Err(Ended::Broke(rule)) => Some(("broken-rule", format!("the rule is: {rule}"))),
        Ok(answer) => {
            let again = again();
            let same = again.answer.is_ok_and(|other| other == *answer) && again.fuel == call.fuel;
            (!same).then(|| {
                let message = "the same request was answered in two ways".to_owned();
                ("not-deterministic", message)
            })
        }
    }
}

fn what<A>(answer: &Result<A, Ended>) -> Option<&'static str> {
    match answer {
        Err(Ended::Failed(failure)) => Some(case(*failure)),
        _ => None,
    }
}

/// What to do about a failure.
fn remedy(failure: Failure) -> &'static str {
    match failure {
        Failure::Trapped => "every request, and never trap",
        Failure::OutOfFuel => "with fewer instructions, or be given more fuel",
        Failure::OutOfTime => "in less time",
        Failure::OutOfMemory => "with less memory and stack, or be given more memory",
        Failure::RequestTooLarge => "what its interface allows",
        Failure::InvalidAnswer => "within the limits of its interface",
    }
}

/// What the calls took, and what would be enough.
fn profile(mut measured: Vec<Measured>, allowance: &Allowance) -> Option<Profile> {
    measured.sort_by_key(|call| call.fuel);
    let least = measured.first()?;
    let base = least.fuel;
    let granted = |bytes: usize| allowance.fuel + allowance.fuel_per_byte * bytes as u64;
    let share = |call: &Measured| 100.0 * call.fuel as f64 / granted(call.request_bytes) as f64;
    // A small request says what a call costs anyway; a large one, what each byte adds.
    let small = measured.iter().filter(|call| call.request_bytes <= SMALL_BYTES);
    let fixed = small.map(|call| call.fuel).max().unwrap_or(base);
    let per_byte = measured
        .iter()
        .map(|call| call.fuel.saturating_sub(fixed).div_ceil(call.request_bytes.max(1) as u64))
        .max()
        .unwrap_or(0);
    let memory = measured.iter().map(|call| call.memory_bytes).max().unwrap_or(0);
    Some(Profile {
        calls: measured.len(),
        fuel_median: measured[measured.len() / 2].fuel,
        fuel_max: measured.last()?.fuel,
        fuel_percent: measured.iter().map(share).fold(0.0, f64::max),
        memory_bytes_max: memory,
        limits: Limits::from(allowance),
        suggested: Limits {
            fuel: HEADROOM * fixed,
            fuel_per_byte: HEADROOM * per_byte,
            memory_bytes: HEADROOM as usize * memory,
        },
    })
}

/// A request up to this size is small, in bytes.
const SMALL_BYTES: usize = 4_096;
/// By how much what is enough exceeds what was needed.
const HEADROOM: u64 = 2;
