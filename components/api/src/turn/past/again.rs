//! Putting the prompt of a past turn together again.

use serde_json::{Value, json};

use super::difference::difference;
use super::{By, Past};
use crate::bindings::policy::versions::{self, Hook};
use crate::http::error::ApiError;
use crate::turn::degraded::Degraded;
use crate::turn::passages::Source;
use crate::turn::policies::Policies;
use crate::turn::prompt::Prompt;
use crate::turn::scale::Scale;
use crate::turn::{assemble, fit, lines, replay};

/// A prompt that was put together again.
pub struct Again {
    /// The prompt.
    pub prompt: Prompt,
    /// Its lines, as a receipt has them.
    pub lines: Value,
    /// Where a policy that was asked did not answer as it should have.
    pub degraded: Vec<Degraded>,
    /// The fuel that the policies used.
    pub fuel: u64,
}

impl Past {
    /// Puts passages together as this turn did, by these policies.
    ///
    /// Fails as [`fit::fit`] does.
    pub async fn put_together(
        &self,
        sources: &[Source],
        by: &By,
        scale: &mut Scale<'_>,
    ) -> Result<Again, ApiError> {
        let now = self.record.now;
        // Where policies are composed into the application, they have no digest but do have a name.
        let composed = versions::choose("").is_empty();
        let policies = match composed {
            true => Policies::default(),
            false => Policies::with(&[
                (Hook::Assembly, &by.assembly),
                (Hook::Truncation, &by.truncation),
            ]),
        };
        let mut degraded = Vec::new();
        let is_composed = composed && assemble::policy(&policies, &mut Vec::new())?.name == by.name;
        let assembled = match by.assembly.is_empty() && !is_composed {
            true => assemble::built_in(&by.name, sources, now)?,
            false => assemble::assemble(sources, now, &policies, &mut degraded)?,
        };
        let budget = self.stored["budget"].as_u64().and_then(|it| u32::try_from(it).ok());
        let mut cut = Vec::new();
        let (prompt, _) =
            fit::fit(&assembled, sources, budget.unwrap_or(0), scale, &policies, &mut cut).await?;
        // Where the built-in policy is asked for, that it answers is no failure.
        if !by.truncation.is_empty() {
            degraded.append(&mut cut);
        }
        let lines = lines::lines_of(&prompt, sources);
        Ok(Again { prompt, lines, degraded, fuel: policies.spent() })
    }
}

/// Puts a prompt together again from nothing but what was written down, and says whether it is the
/// same, bit for bit.
///
/// Fails with 409 if a policy or a text of it is gone.
pub async fn replay(past: &Past) -> Result<Value, ApiError> {
    let by = past.by();
    by.check()?;
    let sources = past.sources()?;
    let mut scale = Scale::Tape(past.record.tape.clone().into());
    let stored = &past.stored;
    let told = |identical: bool, reason: Option<String>, hunks: Value| {
        json!({
            "identical": identical,
            "reason": reason,
            "difference": hunks,
            "policies": stored["policies"],
            "prompt_tokens": stored["prompt_tokens"],
            "prompt_sha256": stored["prompt_sha256"],
        })
    };
    let again = match past.put_together(&sources, &by, &mut scale).await {
        Ok(again) => again,
        // It came to a text that was not measured then.
        Err(error) => return Ok(told(false, Some(error.message), json!([]))),
    };
    let prompt = &again.prompt;
    let identical = again.lines == stored["lines"]
        && stored["layout"] == if prompt.is_chat { "chat" } else { "text" }
        && stored["template_tokens"] == prompt.template_tokens
        && stored["prompt_tokens"] == prompt.tokens
        && stored["prompt_sha256"] == prompt.sha256()
        && scale.tape().is_empty();
    let after = replay::prompt(&again.lines, prompt.is_chat, &past.texts);
    let reason = again.degraded.first().map(|it| format!("{}: {}", it.part, it.reason));
    let reason = reason.or_else(|| (!identical).then(|| "the prompt is another".to_owned()));
    Ok(told(identical, reason, json!(difference(&past.prompt(), &after))))
}
