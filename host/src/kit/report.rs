//! What the kit tried and found, for people and as JSON.

use std::fmt;

use serde::Serialize;

use super::timing::Timing;

use crate::slot::refusal::case;
use crate::slot::{Allowance, Fuel, Refusal, SHORT_FUEL};

/// The findings of one part that are told. A policy that fails everything need not be told more.
pub const FINDINGS_MAX: usize = 8;

/// What of an input is shown, in bytes.
const INPUT_BYTES_SHOWN: usize = 4_096;

/// What the kit tries, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Compiling, linking, asking what it is.
    Load,
    /// Requests that every policy of the world can answer.
    Trial,
    /// The requests of the golden folders.
    Golden,
    /// Random requests, from small to large.
    Random,
    /// Requests at the limits of the interface, and texts that break programs.
    Hostile,
    /// What must hold between the answers to several requests.
    Relations,
}

impl Part {
    fn title(self) -> &'static str {
        match self {
            Self::Load => "it loads, and imports nothing that could tell it anything",
            Self::Trial => "requests that every policy of this world can answer",
            Self::Golden => "recorded requests",
            Self::Random => "random requests",
            Self::Hostile => "hostile requests",
            Self::Relations => "what must hold between answers",
        }
    }
}

/// How much of a part was tried.
#[derive(Clone, Debug, Serialize)]
pub struct Tried {
    /// The part.
    pub part: Part,
    /// How many checks it had.
    pub checks: usize,
    /// How many of them failed. After [`FINDINGS_MAX`] the rest of the part is not tried.
    pub failed: usize,
}

/// Something that does not keep the contract.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// Where it was found.
    pub part: Part,
    /// What it is, in kebab-case: a case of `failure` in WIT, or `broken-rule`, `not-loaded`,
    /// `too-large`, `not-deterministic`, `not-monotone`.
    pub what: &'static str,
    /// What failed and what would be right.
    pub message: String,
    /// The case, by its name.
    pub case: String,
    /// The input that showed it, in at most 4,096 bytes.
    pub input: String,
}

/// What the calls took.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Profile {
    /// The calls that were measured.
    pub calls: usize,
    /// The fuel of a call, at the median.
    pub fuel_median: u64,
    /// The most fuel of a call.
    pub fuel_max: u64,
    /// The most of its fuel that a call used, in percent of what it may.
    pub fuel_percent: f64,
    /// The most linear memory of a call, in bytes.
    pub memory_bytes_max: usize,
    /// What one call may use by the limits of this run.
    pub limits: Limits,
    /// What would be enough: twice what the calls needed, so that a request that the kit does not
    /// know has room.
    pub suggested: Limits,
}

/// What one call may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Units of fuel.
    pub fuel: u64,
    /// Units of fuel for each byte of the request, besides.
    pub fuel_per_byte: u64,
    /// Linear memory, in bytes.
    pub memory_bytes: usize,
}

impl From<&Allowance> for Limits {
    fn from(allowance: &Allowance) -> Self {
        Self {
            fuel: allowance.fuel,
            fuel_per_byte: allowance.fuel_per_byte,
            memory_bytes: allowance.memory_bytes,
        }
    }
}

/// What the kit tried and found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Whether nothing was found.
    pub passed: bool,
    /// The world, if the component is of one.
    pub world: Option<&'static str>,
    /// What the policy calls itself, where its world asks for that.
    pub name: Option<String>,
    /// The sha256 of the component, in lower-case hexadecimal.
    pub digest: String,
    /// Its size, in bytes.
    pub bytes: usize,
    /// What was tried.
    pub tried: Vec<Tried>,
    /// What failed.
    pub findings: Vec<Finding>,
    /// What the calls took; none where there was none.
    pub profile: Option<Profile>,
    /// What an operator can do for it, if anything.
    pub advice: Option<String>,
    /// How long usual calls took; none unless that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timing: Option<Timing>,
}

impl Report {
    /// A report of nothing yet.
    pub fn new(bytes: usize, digest: String) -> Self {
        Self {
            passed: true,
            world: None,
            name: None,
            digest,
            bytes,
            tried: Vec::new(),
            findings: Vec::new(),
            profile: None,
            advice: None,
            timing: None,
        }
    }

    /// The fuel that is enough for any call, if calls were measured. What is over in a few
    /// milliseconds is not worth an error.
    pub fn enough(&self) -> Option<Fuel> {
        let Limits { fuel, fuel_per_byte, .. } = self.profile.as_ref()?.suggested;
        Some(Fuel { fuel: fuel.max(SHORT_FUEL), fuel_per_byte })
    }

    /// Whether it failed for want of room, fuel, memory or time.
    pub fn is_short(&self) -> bool {
        let short = ["too-large", "out-of-fuel", "out-of-memory", "out-of-time"];
        self.findings.iter().any(|finding| short.contains(&finding.what))
    }

    /// The same report, which knows what came of it where policies may be large.
    pub fn beside(mut self, large: &Self) -> Self {
        if large.passed {
            self.advice = Some(
                "where policies may be large it passes: check it with `--policy-size large`, and \
                 start the server so"
                    .to_owned(),
            );
        }
        self
    }

    /// The first finding, or how much was tried: one line.
    pub fn summary(&self) -> String {
        match self.findings.first() {
            None => {
                let checks: usize = self.tried.iter().map(|tried| tried.checks).sum();
                format!("it passed {checks} checks")
            }
            Some(finding) if finding.case.is_empty() => {
                format!("{}: {}", finding.what, finding.message)
            }
            Some(finding) => {
                format!("{} in the case `{}`: {}", finding.what, finding.case, finding.message)
            }
        }
    }

    /// Notes that a part was tried.
    pub fn tried(&mut self, part: Part, checks: usize) {
        let failed = self.findings.iter().filter(|finding| finding.part == part).count();
        self.tried.push(Tried { part, checks, failed });
    }

    /// Notes a finding. The input is clipped.
    pub fn find(&mut self, mut finding: Finding) {
        if finding.input.len() > INPUT_BYTES_SHOWN {
            let all = finding.input.len();
            finding.input.truncate(finding.input.floor_char_boundary(INPUT_BYTES_SHOWN));
            finding.input += &format!("… ({all} bytes)");
        }
        self.passed = false;
        self.findings.push(finding);
    }

    /// Notes that the component is no policy.
    pub fn fail_to_load(&mut self, refusal: &Refusal) {
        let what = match refusal {
            Refusal::TooLarge { .. } => "too-large",
            Refusal::Start { failure, .. } | Refusal::Describe { failure, .. } => case(*failure),
            _ => "not-loaded",
        };
        self.fail(what, refusal.to_string());
    }

    /// Notes that the component is of no world, or not of this one.
    pub fn fail_without_world(&mut self, world: Option<&str>, exports: &[String], known: &[&str]) {
        let list = |names: &[&str]| {
            names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
        };
        let exports: Vec<&str> = exports.iter().map(String::as_str).collect();
        let exports = if exports.is_empty() { "nothing".to_owned() } else { list(&exports) };
        self.fail(
            "not-loaded",
            match world {
                Some(world) => format!("there is no world `{world}` of policies"),
                None => {
                    format!(
                        "the component exports {exports}; a policy exports one of {}",
                        list(known)
                    )
                }
            },
        );
    }

    fn fail(&mut self, what: &'static str, message: String) {
        let (case, input) = (String::new(), String::new());
        self.find(Finding { part: Part::Load, what, message, case, input });
        self.tried(Part::Load, 1);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.as_deref().unwrap_or("component");
        let world = self.world.unwrap_or("no world");
        writeln!(f, "{name}: {world}, {} bytes, sha256 {}", self.bytes, self.digest)?;
        for tried in &self.tried {
            let mark = if tried.failed == 0 { "ok    " } else { "FAILED" };
            let checks = match (tried.checks, tried.failed) {
                (1, _) => String::new(),
                (checks, 0) => format!(": {checks}"),
                (checks, failed) => format!(": {failed} of {checks}"),
            };
            writeln!(f, "  {mark} {}{checks}", tried.part.title())?;
        }
        if let Some(it) = &self.profile {
            writeln!(
                f,
                "  fuel   {} at the median, {} at most: {:.1} % of what a call may use\n  \
                 memory {} of {} bytes at most\n  \
                 enough {} of fuel and {} for each byte of the request, {} bytes of memory",
                it.fuel_median,
                it.fuel_max,
                it.fuel_percent,
                it.memory_bytes_max,
                it.limits.memory_bytes,
                it.suggested.fuel,
                it.suggested.fuel_per_byte,
                it.suggested.memory_bytes,
            )?;
        }
        if let Some(it) = &self.timing {
            writeln!(
                f,
                "  time   {:.1} us at the median of {} calls with {} passages, {:.1} us at the \
                 99th percentile",
                it.micros_median, it.calls, it.passages, it.micros_99
            )?;
        }
        for finding in &self.findings {
            writeln!(f, "\n{}: {}", finding.what, finding.message)?;
            if !finding.case.is_empty() {
                writeln!(f, "  in: {}\n  input: {}", finding.case, finding.input)?;
            }
        }
        if let Some(advice) = &self.advice {
            writeln!(f, "\n{advice}")?;
        }
        f.write_str(if self.passed { "passed" } else { "failed" })
    }
}
