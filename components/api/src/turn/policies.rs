//! Which policies a turn asks. They are chosen once, at its beginning, so that whatever is put in
//! use meanwhile, the turn ends with the policies that it began with.

use std::cell::Cell;

use serde_json::{Map, Value};

use super::degraded::Degraded;
use crate::bindings::policy::versions::{self, Choice, Fallback, Hook, Version};
use crate::db::Database;
use crate::db::ties::{self, Ties};
use crate::http::error::ApiError;

/// All hooks whose policies a turn chooses.
const HOOKS: [Hook; 4] = [Hook::Assembly, Hook::Truncation, Hook::Ranking, Hook::Condensation];

/// The policies of one turn.
#[derive(Debug, Default)]
pub struct Policies {
    choices: Vec<Choice>,
    /// The hooks whose policy was taken away: nobody is asked.
    gone: Vec<Hook>,
    /// Whether the host is told how they do: not where a turn of the past is laid out again.
    is_live: bool,
    /// The fuel that they have used.
    spent: Cell<u64>,
}

impl Policies {
    /// Those that a turn of this session asks: what it is tied to (hooks and digests, as JSON), and
    /// else what the host chooses.
    pub fn of_session(session_id: &str, tied: &str) -> Self {
        let mut choices = versions::choose(session_id);
        let tied: Ties = serde_json::from_str(tied).unwrap_or_default();
        let mut gone = Vec::new();
        for choice in &mut choices {
            if let Some(digest) = tied.get(name(choice.hook)) {
                choice.digest.clone_from(digest);
                if versions::find(digest).is_none_or(|it| it.hook != choice.hook) {
                    gone.push(choice.hook);
                }
            }
        }
        Self { choices, gone, is_live: true, spent: Cell::new(0) }
    }

    /// Those with these digests; an empty one stands for the built-in policy.
    pub fn with(digests: &[(Hook, &str)]) -> Self {
        let choice = |(hook, digest): &(Hook, &str)| Choice {
            hook: *hook,
            digest: (*digest).to_owned(),
            fallback: Fallback::BuiltIn,
        };
        Self { choices: digests.iter().map(choice).collect(), ..Self::default() }
    }

    /// The digest of the policy for a hook; empty where that is the built-in one, or where nobody
    /// knows it.
    pub fn digest(&self, hook: Hook) -> &str {
        self.choice(hook).map_or("", |choice| &choice.digest)
    }

    /// The digest of the policy that decided for a hook; empty where the built-in one stood in.
    pub fn answered(&self, hook: Hook, degraded: &[Degraded]) -> &str {
        match degraded.iter().any(|lost| lost.part == name(hook)) {
            true => "",
            false => self.digest(hook),
        }
    }

    /// Has the policy for a hook decide, which must not wait. The host is told how it did.
    ///
    /// Fails with the reason if there is nobody to ask, or as the question does.
    pub fn ask<T>(
        &self,
        hook: Hook,
        question: impl FnOnce() -> Result<T, String>,
    ) -> Result<T, String> {
        let answer = self.look_at(hook, question)?;
        self.tell(hook, answer.is_err());
        answer
    }

    /// Tells the host how the policy for a hook did.
    fn tell(&self, hook: Hook, failed: bool) {
        if let Some(choice) = self.choice(hook).filter(|_| self.is_live) {
            versions::tell(hook, &choice.digest, failed);
        }
    }

    /// Asks the policy for a hook about itself, which must not wait.
    ///
    /// Fails as [`Policies::ask`] does.
    pub fn ask_about<T>(
        &self,
        hook: Hook,
        question: impl FnOnce() -> Result<T, String>,
    ) -> Result<T, String> {
        self.look_at(hook, question)?
    }

    fn look_at<T>(&self, hook: Hook, question: impl FnOnce() -> T) -> Result<T, String> {
        if self.choice(hook).is_some_and(|choice| choice.digest.is_empty()) {
            return Err("it failed too often, and is set aside for a while".to_owned());
        }
        let gone = || "it is not there any more".to_owned();
        if self.gone.contains(&hook) {
            return Err(gone());
        }
        if !versions::select(hook, self.digest(hook)) {
            // A candidate that cannot be loaded must not have its share for ever.
            self.tell(hook, true);
            return Err(gone());
        }
        let before = versions::spent();
        let answer = question();
        self.spent.set(self.spent.get() + versions::spent().saturating_sub(before));
        Ok(answer)
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
        let lost = Degraded::new(part, reason);
        if !degraded.contains(&lost) {
            degraded.push(lost);
        }
        Ok(())
    }

    fn choice(&self, hook: Hook) -> Option<&Choice> {
        self.choices.iter().find(|choice| choice.hook == hook)
    }
}

/// The policy with this digest, or the only one whose digest begins so.
///
/// Fails with 404 if there is none, and with 501 where policies cannot be replaced.
pub fn version(digest: &str) -> Result<Version, ApiError> {
    if versions::choose("").is_empty() {
        let message = "policies cannot be replaced here: that needs Loci's own host";
        return Err(ApiError::new(501, "needs_loci_host", message));
    }
    versions::find(digest).ok_or_else(|| {
        let shown: String = digest.chars().take(64).collect();
        let message = format!(
            "no policy that a turn chooses has the digest `{shown}`: those for `extraction` and \
             `chunking` are one for all, since documents belong to no session"
        );
        ApiError::new(404, "policy_not_found", message)
    })
}

/// Ties a session to policies, or unties it: `null` for each hook that is named so.
///
/// Fails with 400 for a field that is no hook, or a policy for another hook, and as [`version`]
/// does. Nothing has changed then.
pub async fn tie(
    database: &Database,
    session_id: &str,
    fields: &Map<String, Value>,
) -> Result<Ties, ApiError> {
    let mut wanted = Vec::new();
    for (field, value) in fields {
        let Some(hook) = HOOKS.into_iter().find(|hook| name(*hook) == field) else {
            let shown: String = field.chars().take(64).collect();
            let known = HOOKS.map(|hook| format!("`{}`", name(hook))).join(", ");
            let message = format!("there is no hook `{shown}` that a session chooses, but {known}");
            return Err(ApiError::new(400, "invalid_value", message));
        };
        let wrong = |message: String| ApiError::invalid(name(hook), message);
        let digest = match value {
            Value::Null => None,
            Value::String(digest) => Some(version(digest)?),
            _ => return Err(wrong(format!("`{field}` must be a digest, or null"))),
        };
        if digest.as_ref().is_some_and(|it| it.hook != hook) {
            return Err(wrong(format!("this policy is not one for `{field}`")));
        }
        wanted.push((hook, digest));
    }
    for (hook, version) in wanted {
        let digest = version.as_ref().map(|it| it.digest.as_str());
        ties::set(database, session_id, name(hook), digest).await?;
    }
    ties::list(database, session_id).await
}

/// The hook, as people call it.
pub fn name(hook: Hook) -> &'static str {
    match hook {
        Hook::Assembly => "assembly",
        Hook::Truncation => "truncation",
        Hook::Ranking => "ranking",
        Hook::Condensation => "condensation",
    }
}
