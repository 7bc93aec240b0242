//! Turns of the past: what their prompts were put together from, and putting them together again,
//! as they were, by another policy, without something, or elsewhere.

mod again;
pub mod answer;
mod difference;
mod export;
mod shadow;
mod what_if;

use serde::Deserialize;
use serde_json::Value;

use super::passages::Source;
use super::record::{Record, Texts, restore};
use super::replay;
use crate::bindings::policy::versions::{self, Hook, Version};
use crate::db::{Database, messages, passages};
use crate::http::error::ApiError;

/// A turn of the past, with all that its prompt was put together from.
pub struct Past {
    /// The receipt, as it is stored.
    pub stored: Value,
    /// What the prompt was put together from.
    pub record: Record,
    /// The texts.
    pub texts: Texts,
}

/// The policies that put a prompt together.
#[derive(Debug, Clone, PartialEq)]
pub struct By {
    /// The name of the assembly policy.
    pub name: String,
    /// The digest of the assembly policy; empty for a built-in one.
    pub assembly: String,
    /// The digest of the truncation policy; empty for the built-in one.
    pub truncation: String,
}

impl Past {
    /// Reads the receipt of a reply, and the texts that it refers to.
    ///
    /// Fails with 404 if there is no such receipt, and with 409 if it is too old to be replayed.
    pub async fn read(
        database: &Database,
        session_id: &str,
        message: u64,
    ) -> Result<Self, ApiError> {
        let (session, body) = messages::receipt(database, session_id, message).await?;
        Self::of(database, session, &body).await
    }

    /// The turn of a stored receipt.
    ///
    /// Fails with 409 if it is too old to be replayed.
    pub async fn of(database: &Database, session: i64, body: &str) -> Result<Self, ApiError> {
        let stored: Value = serde_json::from_str(body)
            .map_err(|cause| ApiError::internal("the receipt cannot be read", cause))?;
        let record = record(&stored)?;
        let said = messages::contents(database, session, &record.messages()).await?;
        let texts = Texts {
            messages: said.into_iter().map(|one| (one.message, one)).collect(),
            passages: passages::contents(database, &record.passages()).await?,
        };
        Ok(Self { stored, record, texts })
    }

    /// Who put it together then.
    pub fn by(&self) -> By {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let policies = &self.stored["policies"];
        let assembly = &policies["assembly"];
        By {
            name: text(&assembly["name"]),
            assembly: text(&assembly["digest"]),
            truncation: text(&policies["truncation"]["digest"]),
        }
    }

    /// The prompt, as people read it.
    pub fn prompt(&self) -> String {
        replay::prompt(&self.stored["lines"], self.stored["layout"] == "chat", &self.texts)
    }

    /// Its tokens.
    pub fn prompt_tokens(&self) -> u64 {
        self.stored["prompt_tokens"].as_u64().unwrap_or(0)
    }

    /// Its passages.
    ///
    /// Fails with 409 if one of them is gone.
    pub fn sources(&self) -> Result<Vec<Source>, ApiError> {
        restore(&self.record.sources, &self.texts)
            .map_err(|gone| ApiError::new(409, "text_gone", gone.to_string()))
    }

    /// Fails with 409 if the tokens of this turn are not those of this model.
    pub fn check_model(&self, digest: &str) -> Result<(), ApiError> {
        if self.stored["model"]["digest"] == digest && !digest.is_empty() {
            return Ok(());
        }
        let message = "another model measured this turn, so its tokens mean nothing to the one in \
                       use";
        Err(ApiError::new(409, "model_changed", message))
    }
}

impl By {
    /// Fails with 409 if one of them is not here.
    pub fn check(&self) -> Result<(), ApiError> {
        for (hook, digest) in
            [(Hook::Assembly, &self.assembly), (Hook::Truncation, &self.truncation)]
        {
            let is_it = |it: Version| it.hook == hook && it.digest == *digest;
            if !digest.is_empty() && !versions::find(digest).is_some_and(is_it) {
                let message =
                    format!("the policy `{digest}` is not here: add it with `loci policy add`");
                return Err(ApiError::new(409, "policy_not_here", message));
            }
        }
        Ok(())
    }
}

fn record(stored: &Value) -> Result<Record, ApiError> {
    Record::deserialize(&stored["record"]).map_err(|_| {
        let message = "this receipt was written by an older version, which kept too little of it";
        ApiError::new(409, "receipt_too_old", message)
    })
}
