//! What people are shown of the hooks, and what is being done at the moment.

use serde::Serialize;
use serde_json::{Value, json};

use super::rollout::{CHOSEN, TRIED};
use super::state::Choice;
use super::{Hook, Registry, lock, log};

/// What is being done with a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// It is compiled, and asked what the conformance kit asks.
    Checking,
    /// It is compiled, linked and tried, before it can be asked.
    Loading,
}

/// Something that is being done at the moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Work {
    digest: String,
    step: Step,
    since: String,
}

/// Ends what it stands for when it is dropped.
pub struct Working<'a> {
    registry: &'a Registry,
    work: Work,
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        let mut all = lock(&self.registry.work);
        if let Some(at) = all.iter().position(|one| *one == self.work) {
            all.remove(at);
        }
    }
}

impl Registry {
    /// Shows that something is done with a policy until this is dropped.
    pub(super) fn begin(&self, digest: &str, step: Step) -> Working<'_> {
        let work = Work { digest: digest.to_owned(), step, since: log::now() };
        lock(&self.work).push(work.clone());
        Working { registry: self, work }
    }

    /// What is being done at the moment, the latest last.
    pub fn under_way(&self) -> Value {
        json!(*lock(&self.work))
    }

    /// The hooks, with what is in use, what was before, what was asked of whom, and what a call
    /// may take.
    pub fn hooks(&self) -> Vec<Value> {
        self.hooks.iter().map(|hook| self.shown(hook)).collect()
    }

    fn shown(&self, hook: &Hook) -> Value {
        let state = lock(&self.state);
        let watch = lock(&self.watch.0);
        let health = watch.get(hook.name());
        let previous = state.previous(hook.name()).map(|choice| match choice {
            Choice::Shipped => hook.shipped.digest.clone(),
            Choice::Kept(digest) => digest,
        });
        let active = hook.place.current().digest;
        let canary = state.shares.get(hook.name()).map(|share| {
            let counts = health.map(|health| health.candidate).unwrap_or_default();
            json!({
                "digest": share.canary.digest,
                "percent": share.canary.percent,
                "since": share.since,
                "calls": counts.calls,
                "errors": counts.errors,
                "errors_max": share.canary.errors_max,
            })
        });
        let limits = hook.place.allowance();
        json!({
            "interface": hook.name(),
            "active": active,
            "canary": canary,
            "on_failure": state.on_failure(hook.name()),
            "per_session": CHOSEN.contains(&hook.name()),
            "shadow": TRIED.contains(&hook.name()),
            "set_aside": health.is_some_and(|health| health.is_aside(&active)),
            "asked": health.map(|health| &health.asked),
            "previous": previous,
            "shipped": hook.shipped.digest,
            "limits": {
                "fuel": limits.fuel,
                "fuel_per_byte": limits.fuel_per_byte,
                "time_ms": limits.ticks * crate::engine::TICK.as_millis() as u64,
                "memory_bytes": limits.memory_bytes,
                "stack_bytes": limits.stack_bytes,
                "request_bytes": limits.request_bytes,
                "answer_bytes": limits.answer_bytes,
                "table_elements": limits.table_elements,
                "component_bytes": limits.component_bytes,
            },
        })
    }
}
