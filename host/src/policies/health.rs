//! How the policies of each hook do: what they were asked and where they failed, the budget of a
//! candidate, and pauses for a policy that fails again and again.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::POLICIES_MAX;
use super::rollout::Canary;

/// Failed calls, one after the other, for which a policy is set aside.
const FAILURES_MAX: u32 = 3;

/// For how long, at first and at most; twice as long each time.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(300);

/// The calls of a candidate after which its counts are written down, besides after each that fails:
/// a crash forgets fewer than so many that went well, and none that failed.
const KEEP_EVERY: u64 = 100;

/// The policies of a hook whose calls are counted: those that are there, and the shipped one.
const COUNTED_MAX: usize = POLICIES_MAX + 1;

/// What was asked of a policy, and where it failed.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// All calls.
    pub calls: u64,
    /// Those that failed, or whose answer broke a rule.
    pub errors: u64,
}

impl Counts {
    fn add(&mut self, failed: bool) {
        self.calls += 1;
        self.errors += u64::from(failed);
    }

    /// Whether a candidate has used its budget up.
    pub fn is_over(self, canary: &Canary) -> bool {
        self.errors > u64::from(canary.errors_max)
    }
}

/// How the policies of each hook do.
#[derive(Default)]
pub struct Watch(pub Mutex<HashMap<&'static str, Health>>);

/// How the policies of one hook do.
#[derive(Default)]
pub struct Health {
    /// What was asked since this start, by digest.
    pub asked: HashMap<String, Counts>,
    /// What was asked of the candidate since it has its share.
    pub candidate: Counts,
    /// The policies that failed when they were asked last, by digest: a session that is tied to
    /// another one says nothing of them.
    troubles: HashMap<String, Trouble>,
}

/// How a policy failed since it last did well.
#[derive(Default)]
struct Trouble {
    /// How often.
    failures: u32,
    /// How often it was set aside for that, and until when it is.
    pauses: u32,
    until: Option<Instant>,
}

/// What is to be done about a call.
#[derive(Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Nothing.
    Nothing,
    /// What was asked of the candidate is to be written down.
    Keep,
    /// The candidate has used its budget up.
    TakeBack,
    /// The policy was set aside, and is to be loaded anew.
    Reload,
}

impl Health {
    /// Takes in how a policy did. `canary`: whoever has a share for this hook; `reload`: whether a
    /// policy that fails again and again is set aside.
    pub fn take(
        &mut self,
        digest: &str,
        failed: bool,
        canary: Option<&Canary>,
        reload: bool,
    ) -> Remedy {
        self.count(digest, failed);
        if let Some(canary) = canary.filter(|canary| canary.digest == digest) {
            return self.take_of_candidate(canary, failed);
        }
        if !failed || !reload {
            self.troubles.remove(digest);
            return Remedy::Nothing;
        }
        // What was removed while a turn asked it needs no place.
        if self.troubles.len() >= COUNTED_MAX && !self.troubles.contains_key(digest) {
            return Remedy::Nothing;
        }
        let trouble = self.troubles.entry(digest.to_owned()).or_default();
        trouble.failures += 1;
        // Once it was set aside, a single failure more is enough.
        if trouble.failures < FAILURES_MAX && trouble.pauses == 0 {
            return Remedy::Nothing;
        }
        let pause = PAUSE_MIN.saturating_mul(1 << trouble.pauses.min(16)).min(PAUSE_MAX);
        trouble.until = Some(Instant::now() + pause);
        trouble.pauses += 1;
        Remedy::Reload
    }

    fn take_of_candidate(&mut self, canary: &Canary, failed: bool) -> Remedy {
        let was_over = self.candidate.is_over(canary);
        self.candidate.add(failed);
        match self.candidate.is_over(canary) {
            // Somebody is at it already.
            true if was_over => Remedy::Nothing,
            true => Remedy::TakeBack,
            false if failed || self.candidate.calls.is_multiple_of(KEEP_EVERY) => Remedy::Keep,
            false => Remedy::Nothing,
        }
    }

    fn count(&mut self, digest: &str, failed: bool) {
        // What was removed while a turn asked it needs no place.
        if self.asked.len() < COUNTED_MAX || self.asked.contains_key(digest) {
            self.asked.entry(digest.to_owned()).or_default().add(failed);
        }
    }

    /// Whether this policy is set aside.
    pub fn is_aside(&self, digest: &str) -> bool {
        let until = self.troubles.get(digest).and_then(|trouble| trouble.until);
        until.is_some_and(|until| Instant::now() < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_candidate_is_taken_back_with_the_first_error_beyond_its_budget() {
        let mut health = Health::default();
        let canary = Canary { digest: "aa".to_owned(), percent: 10, errors_max: 2 };
        let mut take = |digest, failed| health.take(digest, failed, Some(&canary), false);
        assert_eq!(take("aa", true), Remedy::Keep);
        assert_eq!(take("aa", false), Remedy::Nothing);
        assert_eq!(take("bb", true), Remedy::Nothing);
        assert_eq!(take("aa", true), Remedy::Keep);
        assert_eq!(take("aa", true), Remedy::TakeBack);
        assert_eq!(take("aa", true), Remedy::Nothing);
        assert_eq!(health.candidate, Counts { calls: 5, errors: 4 });
        assert_eq!(health.asked["bb"], Counts { calls: 1, errors: 1 });
    }

    #[test]
    fn what_went_well_is_written_down_once_in_many_calls() {
        let mut health = Health::default();
        let canary = Canary { digest: "aa".to_owned(), percent: 10, errors_max: 0 };
        let mut take = || health.take("aa", false, Some(&canary), false);
        let kept = (0..3 * KEEP_EVERY).filter(|_| take() == Remedy::Keep).count();
        assert_eq!(kept, 3);
    }

    #[test]
    fn a_session_tied_to_another_policy_hides_no_failure() {
        let mut health = Health::default();
        let mut take = |digest, failed| health.take(digest, failed, None, true);
        for _ in 0..2 {
            assert_eq!(take("aa", true), Remedy::Nothing);
            assert_eq!(take("tied", false), Remedy::Nothing);
            assert_eq!(take("broken", true), Remedy::Nothing);
        }
        assert_eq!(take("aa", true), Remedy::Reload);
        assert_eq!(take("tied", false), Remedy::Nothing);
        assert!(health.is_aside("aa") && !health.is_aside("tied") && !health.is_aside("broken"));
    }

    #[test]
    fn a_policy_that_fails_again_and_again_is_set_aside_for_longer_each_time() {
        let mut health = Health::default();
        let mut remedies = Vec::new();
        for _ in 0..4 {
            remedies.push(health.take("aa", true, None, true));
        }
        assert_eq!(&remedies[..2], [Remedy::Nothing, Remedy::Nothing]);
        assert_eq!(&remedies[2..], [Remedy::Reload, Remedy::Reload]);
        assert!(health.is_aside("aa") && !health.is_aside("bb"));
        let left = health.troubles["aa"].until.map(|until| until - Instant::now());
        let left = left.expect("set aside");
        assert!(left > PAUSE_MIN, "{left:?}");
        assert_eq!(health.take("aa", false, None, true), Remedy::Nothing);
        assert!(!health.is_aside("aa"));
        assert_eq!(health.take("aa", true, None, true), Remedy::Nothing);
        // Nobody is set aside where nobody asked for that.
        let mut health = Health::default();
        assert!((0..9).all(|_| health.take("aa", true, None, false) == Remedy::Nothing));
        assert!(!health.is_aside("aa"));
    }
}
