//! Which policies a turn asks. They are chosen once, at its beginning, so that whatever is put in
//! use meanwhile, the turn ends with the policies that it began with.

use std::cell::Cell;

use super::degraded::Degraded;
use crate::bindings::policy::versions::{self, Choice, Fallback, Hook};
use crate::http::error::ApiError;

/// The policies of one turn.
#[derive(Debug, Default)]
pub struct Policies {
    choices: Vec<Choice>,
    /// The fuel that they have used.
    spent: Cell<u64>,
}

impl Policies {
    /// Those that a turn of this session asks.
    pub fn of_session(session_id: &str) -> Self {
        Self { choices: versions::choose(session_id), spent: Cell::new(0) }
    }

    /// Those with these digests; an empty one stands for the built-in policy.
    pub fn with(digests: &[(Hook, &str)]) -> Self {
        let choice = |(hook, digest): &(Hook, &str)| Choice {
            hook: *hook,
            digest: (*digest).to_owned(),
            fallback: Fallback::BuiltIn,
        };
        Self { choices: digests.iter().map(choice).collect(), spent: Cell::new(0) }
    }

    /// The digest of the policy for a hook; empty where that is the built-in one, or where nobody
    /// knows it.
    pub fn digest(&self, hook: Hook) -> &str {
        self.choice(hook).map_or("", |choice| &choice.digest)
    }

    /// Asks the policy for a hook, which must not wait.
    ///
    /// Fails with the reason if there is nobody to ask, or as the question does.
    pub fn ask<T>(
        &self,
        hook: Hook,
        question: impl FnOnce() -> Result<T, String>,
    ) -> Result<T, String> {
        if self.choice(hook).is_some_and(|choice| choice.digest.is_empty()) {
            return Err("it failed too often, and is set aside for a while".to_owned());
        }
        if !versions::select(hook, self.digest(hook)) {
            return Err("it is not there any more".to_owned());
        }
        let before = versions::spent();
        let answer = question();
        self.spent.set(self.spent.get() + versions::spent().saturating_sub(before));
        answer
    }

    /// The fuel that the policies of this turn have used; 0 where nobody counts.
    pub fn spent(&self) -> u64 {
        self.spent.get()
    }

    /// Notes that the policy for a hook failed, and that the built-in one answers instead.
    ///
    /// Fails with 503 if the turn is to fail then.
    pub fn failed(
        &self,
        hook: Hook,
        reason: String,
        degraded: &mut Vec<Degraded>,
    ) -> Result<(), ApiError> {
        let part = name(hook);
        if self.choice(hook).is_some_and(|choice| choice.fallback == Fallback::None) {
            let message = format!("the policy for {part} failed, and none stands in: {reason}");
            return Err(ApiError::new(503, "policy_failed", message));
        }
        degraded.push(Degraded::new(part, reason));
        Ok(())
    }

    fn choice(&self, hook: Hook) -> Option<&Choice> {
        self.choices.iter().find(|choice| choice.hook == hook)
    }
}

/// The hook, as people call it.
pub fn name(hook: Hook) -> &'static str {
    match hook {
        Hook::Assembly => "assembly",
        Hook::Truncation => "truncation",
    }
}
