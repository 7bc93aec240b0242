//! How a policy comes into use by degrees, and what becomes of one that fails: thresholds that it
//! must keep before it is put in use, a share of the sessions that it is tried on, and a budget of
//! errors that takes it back.

use std::sync::Arc;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tracing::warn;

use super::health::{Counts, Remedy};
use super::log::{Event, Tried, What};
use super::{Fault, Hook, Registry, Row, lock};

/// The hooks whose policies a turn chooses; the others have one policy for all: documents belong to
/// no session, and are read and cut once.
pub const CHOSEN: [&str; 4] = ["assembly", "truncation", "ranking", "condensation"];

/// The hooks whose policies can be tried on turns of the past. A receipt has the passages that were
/// laid out, and not what else was found, so it cannot tell what another choice would have been.
pub const TRIED: [&str; 2] = ["assembly", "truncation"];

/// The most failed calls that the budget of a candidate may allow.
pub const ERRORS_MAX: u32 = 1_000;

/// Why a candidate is taken back by itself.
const OVER: &str = "it failed more often than its budget allows";

/// What becomes of a turn whose policy fails.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// The policy that is built into the application answers, and the reply says so.
    #[default]
    BuiltIn,
    /// The turn fails.
    Closed,
    /// As `built-in`; and a policy that fails three times in a row is loaded anew and set aside for
    /// a second, and for twice as long each time, up to five minutes.
    Reload,
}

/// The share of the sessions that a candidate is given.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Canary {
    /// The candidate.
    pub digest: String,
    /// How many of a hundred sessions.
    pub percent: u32,
    /// The failed calls that it may have; with one more it is taken back.
    pub errors_max: u32,
}

impl Canary {
    /// Whether a session belongs to the share. It always does, or never: and whoever does still
    /// does when the share grows.
    fn has(&self, session: &str) -> bool {
        let mut hash = Sha256::new();
        hash.update(&self.digest);
        hash.update(session);
        let first: [u8; 8] = hash.finalize()[..8].try_into().expect("a SHA-256 has 32 bytes");
        u64::from_be_bytes(first) % 100 < u64::from(self.percent)
    }
}

/// Which policy a turn asks.
#[derive(Clone, Debug, PartialEq)]
pub struct Chosen {
    /// For which hook.
    pub interface: &'static str,
    /// The digest; none while it is set aside.
    pub digest: Option<String>,
    /// What becomes of the turn if it fails.
    pub on_failure: OnFailure,
}

/// What a candidate must have shown on turns of the past before it is put in use.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// On so many turns at least.
    turns_min: Option<u32>,
    /// So many of a hundred prompts may have become others.
    changed_percent_max: Option<u32>,
    /// So many turns may have been refused.
    refused_max: Option<u32>,
    /// So many tokens, of a hundred as they were, may the prompts have.
    tokens_percent_max: Option<u32>,
}

impl Thresholds {
    /// Fails with the threshold that is missed, if any.
    fn check(&self, tried: Option<&Tried>) -> Result<(), String> {
        if *self == Self::default() {
            return Ok(());
        }
        let Some(tried) = tried else {
            return Err("it was not tried on past turns yet, with `shadow`".to_owned());
        };
        let turns = u64::from(tried.turns);
        let percent = |part: u64, of: u64| (part * 100).div_ceil(of.max(1));
        for (name, found, most) in [
            (
                "changed_percent_max",
                percent(tried.changed.into(), turns.saturating_sub(tried.refused.into())),
                self.changed_percent_max,
            ),
            ("refused_max", tried.refused.into(), self.refused_max),
            (
                "tokens_percent_max",
                percent(tried.tokens_after, tried.tokens_before),
                self.tokens_percent_max,
            ),
        ] {
            if let Some(most) = most.filter(|most| found > u64::from(*most)) {
                return Err(format!("`{name}` is {most}, and it came to {found}"));
            }
        }
        match self.turns_min.filter(|least| tried.turns < *least) {
            Some(least) => Err(format!("`turns_min` is {least}, and it was tried on {turns}")),
            None => Ok(()),
        }
    }
}

impl Registry {
    /// Which policies a turn of this session asks.
    pub fn choose(&self, session: &str) -> Vec<Chosen> {
        let state = lock(&self.state);
        let watch = lock(&self.watch.0);
        let hooks = self.hooks.iter().filter(|hook| CHOSEN.contains(&hook.name()));
        let choose = |hook: &Hook| {
            let interface = hook.name();
            let share = state.shares.get(interface).filter(|share| share.canary.has(session));
            let digest = match share {
                Some(share) => share.canary.digest.clone(),
                None => hook.place.current().digest,
            };
            let on_failure = state.on_failure(interface);
            let aside = on_failure == OnFailure::Reload
                && watch.get(interface).is_some_and(|health| health.is_aside(&digest));
            Chosen { interface, digest: (!aside).then_some(digest), on_failure }
        };
        hooks.map(choose).collect()
    }

    /// Takes in how the policy of a turn did. What is to be done then is done beside the turn.
    pub fn tell(self: &Arc<Self>, interface: &'static str, digest: &str, failed: bool) {
        let remedy = {
            let state = lock(&self.state);
            let canary = state.shares.get(interface).map(|share| &share.canary);
            let reload = state.on_failure(interface) == OnFailure::Reload;
            let mut watch = lock(&self.watch.0);
            watch.entry(interface).or_default().take(digest, failed, canary, reload)
        };
        let (registry, digest) = (Arc::clone(self), digest.to_owned());
        let act: fn(&Self, &str, &str) -> Result<(), Fault> = match remedy {
            Remedy::Nothing => return,
            Remedy::Keep => |registry, interface, _| Ok(registry.keep_counts(interface)?),
            Remedy::TakeBack => {
                |registry, interface, digest| registry.end_canary(interface, digest, OVER)
            }
            Remedy::Reload => |registry, interface, digest| {
                warn!("The policy `{digest}` for {interface} fails: it is set aside for a while");
                let hook = registry.hook(interface)?;
                hook.place.renew(&registry.bytes(hook, digest)?)?;
                registry.limit(hook, digest);
                Ok(())
            },
        };
        tokio::task::spawn_blocking(move || {
            if let Err(fault) = act(&registry, interface, &digest) {
                warn!("The policy `{digest}` for {interface}: {fault}");
            }
        });
    }

    /// Gives a candidate a share of the sessions, in the place of any other of its hook. Blocks,
    /// for up to seconds.
    ///
    /// # Errors
    ///
    /// Fails if there is no such policy, if it is in use already, if its hook has one policy for
    /// all, or if it cannot be loaded any more.
    pub fn begin_canary(&self, digest: &str, percent: u32, errors_max: u32) -> Result<Row, Fault> {
        let mut log = lock(&self.log);
        let row = self.find(digest)?;
        let hook = self.chosen_hook(&row.interface)?;
        if row.state == "active" {
            return Err(Fault::InUse(row.digest));
        }
        self.load(hook, &row.digest)?;
        let canary = Canary { digest: row.digest.clone(), percent, errors_max };
        let event = Event::now(What::CanaryBegun, hook.name(), &row.digest);
        let event = event.named(row.name.as_deref()).noted(&format!("{percent} % of the sessions"));
        self.done(&mut log, Event { canary: Some(canary), ..event })?;
        lock(&self.watch.0).entry(hook.name()).or_default().candidate = Counts::default();
        self.find(&row.digest)
    }

    /// Takes a candidate back from its share of the sessions. Blocks.
    ///
    /// # Errors
    ///
    /// Fails if there is no such policy, or if it has no share.
    pub fn end_canary_of(&self, digest: &str) -> Result<Row, Fault> {
        let row = self.find(digest)?;
        self.end_canary(&row.interface, &row.digest, "by hand")?;
        self.find(&row.digest)
    }

    fn end_canary(&self, interface: &str, digest: &str, why: &str) -> Result<(), Fault> {
        let mut log = lock(&self.log);
        let hook = self.hook(interface)?;
        if lock(&self.state).candidate(interface) != Some(digest) {
            return Err(Fault::NoCanary(digest.to_owned()));
        }
        let event = Event::now(What::CanaryEnded, hook.name(), digest).noted(why);
        Ok(self.done(&mut log, event)?)
    }

    /// Says what becomes of a turn whose policy for this hook fails. Blocks.
    ///
    /// # Errors
    ///
    /// Fails if there is no such hook, or if it has one policy for all turns.
    pub fn set_on_failure(&self, interface: &str, on_failure: OnFailure) -> Result<(), Fault> {
        let mut log = lock(&self.log);
        let hook = self.chosen_hook(interface)?;
        let event = Event::now(What::OnFailure, hook.name(), "");
        Ok(self.done(&mut log, Event { on_failure: Some(on_failure), ..event })?)
    }

    /// Fails if a policy missed one of these thresholds when it was last tried.
    pub(super) fn check_thresholds(row: &Row, required: &Thresholds) -> Result<(), Fault> {
        let missed = |cause| Fault::Missed { digest: row.digest.clone(), cause };
        required.check(row.tried.as_ref()).map_err(missed)
    }

    /// Writes down what was asked of every candidate, so that a start goes on from there. Blocks.
    pub fn close(&self) {
        for hook in &self.hooks {
            if let Err(error) = self.keep_counts(hook.name()) {
                warn!("what was asked of the candidate for {} is lost: {error:#}", hook.name());
            }
        }
    }

    /// Writes down what was asked of the candidate of a hook, if it has one and there is news.
    fn keep_counts(&self, interface: &str) -> Result<()> {
        let mut log = lock(&self.log);
        let counts = lock(&self.watch.0).get(interface).map(|health| health.candidate);
        let event = {
            let state = lock(&self.state);
            let share = state.shares.get(interface);
            let Some((share, counts)) = share.zip(counts).filter(|(it, now)| it.counts != *now)
            else {
                return Ok(());
            };
            let event = Event::now(What::CanaryCounted, interface, &share.canary.digest);
            Event { counts: Some(counts), ..event }
        };
        self.done(&mut log, event)
    }

    /// Goes on counting where the last run ended. A candidate whose budget was used up in its last
    /// moments is taken back now, and so is one that cannot be loaded any more. Compiles: it blocks
    /// for up to seconds.
    pub(super) fn restore_counts(&self) {
        for hook in &self.hooks {
            let Some(share) = lock(&self.state).shares.get(hook.name()).cloned() else { continue };
            lock(&self.watch.0).entry(hook.name()).or_default().candidate = share.counts;
            let digest = &share.canary.digest;
            let why = match self.load(hook, digest) {
                _ if share.counts.is_over(&share.canary) => OVER.to_owned(),
                Ok(_) => continue,
                Err(fault) => fault.to_string(),
            };
            warn!("The candidate `{digest}` for {} is taken back: {why}", hook.name());
            if let Err(fault) = self.end_canary(hook.name(), digest, &why) {
                warn!("The candidate for {}: {fault}", hook.name());
            }
        }
    }

    fn chosen_hook(&self, interface: &str) -> Result<&Hook, Fault> {
        let hook = self.hook(interface)?;
        match CHOSEN.contains(&hook.name()) {
            true => Ok(hook),
            false => Err(Fault::NotChosen(hook.name())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canary(percent: u32) -> Canary {
        Canary { digest: "aa".to_owned(), percent, errors_max: 2 }
    }

    #[test]
    fn a_share_is_as_large_as_it_says_and_grows_around_what_it_has() {
        let sessions: Vec<String> = (0..2_000).map(|one| format!("session {one}")).collect();
        let of = |percent: u32| -> Vec<&String> {
            sessions.iter().filter(|one| canary(percent).has(one)).collect()
        };
        assert_eq!((of(0).len(), of(100).len()), (0, 2_000));
        let ten = of(10);
        assert!((150..250).contains(&ten.len()), "{}", ten.len());
        let thirty = of(30);
        assert!(ten.iter().all(|one| thirty.contains(one)));
    }

    #[test]
    fn a_threshold_that_is_missed_is_named_with_both_numbers() {
        let tried =
            Tried { turns: 10, changed: 3, refused: 1, tokens_before: 900, tokens_after: 1_000 };
        let check = |json: &str, tried: Option<&Tried>| {
            serde_json::from_str::<Thresholds>(json).expect("thresholds").check(tried)
        };
        assert_eq!(check("{}", None), Ok(()));
        assert!(check(r#"{"turns_min":1}"#, None).is_err());
        let kept = r#"{"turns_min":10,"changed_percent_max":34,"refused_max":1,
            "tokens_percent_max":112}"#;
        assert_eq!(check(kept, Some(&tried)), Ok(()));
        for (missed, found) in [
            (r#"{"turns_min":11}"#, "10"),
            (r#"{"changed_percent_max":33}"#, "34"),
            (r#"{"refused_max":0}"#, "1"),
            (r#"{"tokens_percent_max":111}"#, "112"),
        ] {
            let reason = check(missed, Some(&tried)).expect_err(missed);
            assert!(reason.contains(found), "{reason}");
        }
    }
}
