//! What the events of the log add up to.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::health::Counts;
use super::log::{Event, Tried, What};
use super::rollout::{Canary, OnFailure};
use crate::slot::Fuel;

/// The events that are kept at hand, the latest last.
const EVENTS_MAX: usize = 1_000;

/// How far back a hook can be rolled.
const STEPS_MAX: usize = 64;

/// What is known of a policy on the shelf.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// The hook that it is for, as in `assembly`.
    pub interface: String,
    /// What people call it.
    pub name: Option<String>,
    /// When it was added.
    pub added_at: String,
    /// The fuel that is enough for a call of it, if that was measured.
    pub enough: Option<Fuel>,
}

/// A policy that was put in use: by its digest, or the one that comes with the application.
#[derive(Clone, Debug, PartialEq)]
pub enum Choice {
    /// The one that comes with the application.
    Shipped,
    /// One of the shelf.
    Kept(String),
}

/// A candidate that has a share of the sessions.
#[derive(Clone, Debug, PartialEq)]
pub struct Share {
    /// Which, and how large a share.
    pub canary: Canary,
    /// Since when.
    pub since: String,
    /// What was asked of it since then, as far as it is written down.
    pub counts: Counts,
}

/// What is there, and what is in use.
#[derive(Default)]
pub struct State {
    /// The policies of the shelf, by their digests.
    pub known: BTreeMap<String, Known>,
    /// When a policy was last put in use, by its digest.
    pub activated_at: HashMap<String, String>,
    /// How a policy did when it was last tried, by its digest.
    pub tried: HashMap<String, Tried>,
    /// The candidates that have a share of the sessions, hook by hook.
    pub shares: HashMap<String, Share>,
    on_failure: HashMap<String, OnFailure>,
    /// What was put in use, hook by hook, the latest last. Nothing: what is shipped.
    chosen: HashMap<String, Vec<Choice>>,
    events: VecDeque<Event>,
}

impl State {
    /// Takes in what was done.
    pub fn apply(&mut self, event: Event) {
        self.change(&event);
        // Nobody did that.
        if event.what == What::CanaryCounted {
            return;
        }
        self.events.push_back(event);
        if self.events.len() > EVENTS_MAX {
            self.events.pop_front();
        }
    }

    fn change(&mut self, event: &Event) {
        match event.what {
            What::Added => {
                let known = Known {
                    interface: event.interface.clone(),
                    name: event.name.clone(),
                    added_at: event.at.clone(),
                    enough: event.enough,
                };
                self.known.insert(event.digest.clone(), known);
            }
            What::Removed => {
                self.known.remove(&event.digest);
                self.activated_at.remove(&event.digest);
                self.tried.remove(&event.digest);
            }
            What::Activated | What::Lost => {
                let choice = match event.shipped {
                    true => Choice::Shipped,
                    false => Choice::Kept(event.digest.clone()),
                };
                let steps = self.chosen.entry(event.interface.clone()).or_default();
                steps.push(choice);
                if steps.len() > STEPS_MAX {
                    steps.remove(0);
                }
                self.activated_at.insert(event.digest.clone(), event.at.clone());
            }
            What::RolledBack => {
                if let Some(steps) = self.chosen.get_mut(&event.interface) {
                    steps.pop();
                }
                self.activated_at.insert(event.digest.clone(), event.at.clone());
            }
            What::Tried => {
                if let Some(tried) = event.tried {
                    self.tried.insert(event.digest.clone(), tried);
                }
            }
            What::CanaryBegun => {
                if let Some(canary) = event.canary.clone() {
                    let share =
                        Share { canary, since: event.at.clone(), counts: Counts::default() };
                    self.shares.insert(event.interface.clone(), share);
                }
            }
            What::CanaryCounted => {
                let share = self.shares.get_mut(&event.interface);
                if let Some((share, counts)) = share.zip(event.counts) {
                    share.counts = counts;
                }
            }
            What::CanaryEnded => drop(self.shares.remove(&event.interface)),
            What::OnFailure => {
                if let Some(on_failure) = event.on_failure {
                    self.on_failure.insert(event.interface.clone(), on_failure);
                }
            }
            What::Refused => {}
        }
        // Who is in use for all needs no share.
        if matches!(event.what, What::Activated | What::RolledBack) {
            self.shares.retain(|_, share| share.canary.digest != event.digest);
        }
    }

    /// What becomes of a turn whose policy for this hook fails.
    pub fn on_failure(&self, interface: &str) -> OnFailure {
        self.on_failure.get(interface).copied().unwrap_or_default()
    }

    /// The digest of the candidate of a hook, if one has a share of the sessions.
    pub fn candidate(&self, interface: &str) -> Option<&str> {
        self.shares.get(interface).map(|share| share.canary.digest.as_str())
    }

    /// What is in use for a hook.
    pub fn current(&self, interface: &str) -> Choice {
        let steps = self.chosen.get(interface);
        steps.and_then(|steps| steps.last()).cloned().unwrap_or(Choice::Shipped)
    }

    /// What was in use before that; none if nothing was ever replaced.
    pub fn previous(&self, interface: &str) -> Option<Choice> {
        let steps = self.chosen.get(interface)?;
        let before = steps.len().checked_sub(1)?;
        Some(before.checked_sub(1).map_or(Choice::Shipped, |at| steps[at].clone()))
    }

    /// The latest events, the latest first: at most `most`.
    pub fn latest(&self, most: usize) -> impl Iterator<Item = &Event> {
        self.events.iter().rev().take(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(what: What, digest: &str) -> Event {
        Event { shipped: digest == "shipped", ..Event::now(what, "assembly", digest) }
    }

    fn kept(digest: &str) -> Choice {
        Choice::Kept(digest.to_owned())
    }

    #[test]
    fn rolling_back_goes_through_what_was_in_use() {
        let mut state = State::default();
        assert_eq!(
            (state.current("assembly"), state.previous("assembly")),
            (Choice::Shipped, None)
        );
        for digest in ["a", "b", "shipped"] {
            state.apply(done(What::Activated, digest));
        }
        for (current, previous) in [
            (Choice::Shipped, Some(kept("b"))),
            (kept("b"), Some(kept("a"))),
            (kept("a"), Some(Choice::Shipped)),
            (Choice::Shipped, None),
        ] {
            assert_eq!(
                (state.current("assembly"), state.previous("assembly")),
                (current, previous)
            );
            state.apply(done(What::RolledBack, "x"));
        }
        assert_eq!(state.current("truncation"), Choice::Shipped);
    }

    #[test]
    fn what_was_removed_is_not_known() {
        let mut state = State::default();
        state.apply(done(What::Added, "a").named(Some("calm")));
        assert_eq!(state.known["a"].name.as_deref(), Some("calm"));
        state.apply(done(What::Removed, "a"));
        assert!(state.known.is_empty());
        assert_eq!(state.latest(1).next().map(|event| event.what), Some(What::Removed));
    }

    #[test]
    fn what_is_kept_at_hand_is_bounded() {
        let mut state = State::default();
        for _ in 0..EVENTS_MAX + 5 {
            state.apply(done(What::Activated, "a"));
        }
        assert_eq!(state.events.len(), EVENTS_MAX);
        assert_eq!(state.chosen["assembly"].len(), STEPS_MAX);
    }
}
