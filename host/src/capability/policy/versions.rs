//! `loci:policy/versions@0.1.0`: policies by their digests.

use std::sync::Arc;

use super::View;
use super::interfaces::{Assembly, Condensation, Ranking, Truncation};
use crate::bindings::policy::types::Failure;
use crate::bindings::policy::versions::{self, Choice, Fallback, Hook, Trial, Version};
use crate::policies::{Chosen, OnFailure, Row, Tried};
use crate::slot::{Interface, Policy, Slot};

/// What one instance has selected, hook by hook; none for what is in use.
#[derive(Clone, Default)]
pub struct Selected {
    assembly: Option<Arc<Policy<Assembly>>>,
    truncation: Option<Arc<Policy<Truncation>>>,
    ranking: Option<Arc<Policy<Ranking>>>,
    condensation: Option<Arc<Policy<Condensation>>>,
    /// The fuel that its policies have used.
    spent: u64,
}

impl View<'_> {
    /// The policy that lays out.
    pub(super) fn assembly(&self) -> Arc<Policy<Assembly>> {
        let selected = self.ctx.selected.assembly.clone();
        selected.unwrap_or_else(|| self.ctx.assembly.current())
    }

    /// The policy that cuts.
    pub(super) fn truncation(&self) -> Arc<Policy<Truncation>> {
        let selected = self.ctx.selected.truncation.clone();
        selected.unwrap_or_else(|| self.ctx.truncation.current())
    }

    /// The policy that chooses among what was found.
    pub(super) fn ranking(&self) -> Arc<Policy<Ranking>> {
        let selected = self.ctx.selected.ranking.clone();
        selected.unwrap_or_else(|| self.ctx.ranking.current())
    }

    /// The policy that shortens.
    pub(super) fn condensation(&self) -> Arc<Policy<Condensation>> {
        let selected = self.ctx.selected.condensation.clone();
        selected.unwrap_or_else(|| self.ctx.condensation.current())
    }

    /// Counts the fuel of a call.
    pub(super) fn count<T>(
        &mut self,
        (answer, spent): (Result<T, Failure>, u64),
    ) -> Result<T, Failure> {
        self.ctx.selected.spent = self.ctx.selected.spent.saturating_add(spent);
        answer
    }

    /// Whether the policy with this digest is ready to be asked. It may have to be compiled.
    async fn is_ready(&self, hook: Hook, digest: &str) -> bool {
        let known = match hook {
            Hook::Assembly => self.ctx.assembly.find(digest).is_some(),
            Hook::Truncation => self.ctx.truncation.find(digest).is_some(),
            Hook::Ranking => self.ctx.ranking.find(digest).is_some(),
            Hook::Condensation => self.ctx.condensation.find(digest).is_some(),
        };
        let Some(registry) = self.ctx.registry.clone().filter(|_| !known) else { return known };
        let digest = digest.to_owned();
        let loading =
            tokio::task::spawn_blocking(move || registry.make_ready(short_name(hook), &digest));
        loading.await.unwrap_or(false)
    }
}

/// The hook, as the registry calls it.
fn short_name(hook: Hook) -> &'static str {
    match hook {
        Hook::Assembly => "assembly",
        Hook::Truncation => "truncation",
        Hook::Ranking => "ranking",
        Hook::Condensation => "condensation",
    }
}

/// Selects a policy of a slot; an empty digest selects the one that is in use. Returns whether it
/// is there, and changes nothing otherwise.
fn pick<I: Interface>(slot: &Slot<I>, selected: &mut Option<Arc<Policy<I>>>, digest: &str) -> bool {
    let found = slot.find(digest);
    let is_there = digest.is_empty() || found.is_some();
    if is_there {
        *selected = found;
    }
    is_there
}

fn hook(name: &str) -> Option<Hook> {
    match name {
        "assembly" => Some(Hook::Assembly),
        "truncation" => Some(Hook::Truncation),
        "ranking" => Some(Hook::Ranking),
        "condensation" => Some(Hook::Condensation),
        _ => None,
    }
}

impl versions::Host for View<'_> {
    async fn choose(&mut self, session: String) -> wasmtime::Result<Vec<Choice>> {
        let Some(registry) = &self.ctx.registry else { return Ok(Vec::new()) };
        let chosen = registry.choose(&session).into_iter();
        let choice = |chosen: Chosen| {
            let fallback = match chosen.on_failure {
                OnFailure::Closed => Fallback::None,
                OnFailure::BuiltIn | OnFailure::Reload => Fallback::BuiltIn,
            };
            let digest = chosen.digest.unwrap_or_default();
            Some(Choice { hook: hook(chosen.interface)?, digest, fallback })
        };
        Ok(chosen.filter_map(choice).collect())
    }

    async fn find(&mut self, digest: String) -> wasmtime::Result<Option<Version>> {
        let row = self.ctx.registry.as_ref().and_then(|registry| registry.find(&digest).ok());
        let version =
            |row: Row| hook(&row.interface).map(|hook| Version { digest: row.digest, hook });
        Ok(row.and_then(version))
    }

    async fn select(&mut self, hook: Hook, digest: String) -> wasmtime::Result<bool> {
        if !digest.is_empty() && !self.is_ready(hook, &digest).await {
            return Ok(false);
        }
        let ctx = &mut *self.ctx;
        let selected = &mut ctx.selected;
        Ok(match hook {
            Hook::Assembly => pick(&ctx.assembly, &mut selected.assembly, &digest),
            Hook::Truncation => pick(&ctx.truncation, &mut selected.truncation, &digest),
            Hook::Ranking => pick(&ctx.ranking, &mut selected.ranking, &digest),
            Hook::Condensation => pick(&ctx.condensation, &mut selected.condensation, &digest),
        })
    }

    async fn tell(&mut self, hook: Hook, digest: String, failed: bool) -> wasmtime::Result<()> {
        if let Some(registry) = &self.ctx.registry {
            registry.tell(short_name(hook), &digest, failed);
        }
        Ok(())
    }

    async fn spent(&mut self) -> wasmtime::Result<u64> {
        Ok(self.ctx.selected.spent)
    }

    async fn note(&mut self, trial: Trial) -> wasmtime::Result<()> {
        let Some(registry) = self.ctx.registry.clone() else { return Ok(()) };
        let noting = tokio::task::spawn_blocking(move || {
            let tried = Tried {
                turns: trial.turns,
                changed: trial.changed,
                refused: trial.refused,
                tokens_before: trial.tokens_before,
                tokens_after: trial.tokens_after,
            };
            registry.note(&trial.digest, tried)
        });
        if let Ok(Err(fault)) = noting.await {
            tracing::warn!("how a candidate did could not be kept: {fault}");
        }
        Ok(())
    }
}
