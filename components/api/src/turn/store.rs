//! Step 8 of a turn: what is kept of it.

use serde_json::value::RawValue;

use super::answered::Answered;
use super::receipt::{Decided, Metadata, Receipt, Usage, to_json};
use super::reply::{Ended, Reply};
use super::{Turn, recall};
use crate::db::messages::{self, Message, TurnEnd};
use crate::db::superseded;
use crate::http::error::ApiError;
use crate::{generation, measure, time};

/// What is told of a reply, as JSON.
struct Told {
    metadata: String,
    receipt: Option<String>,
    usage: Option<Usage>,
}

impl Turn {
    /// Step 8: the reply, its metadata and its receipt, in one statement.
    ///
    /// Fails as the model did, or with 500 if the database does.
    pub(super) async fn store(
        &mut self,
        decided: Option<Decided>,
        reply: Reply,
    ) -> Result<Answered, ApiError> {
        let counted = self.count(decided.as_ref(), &reply.text).await;
        let error = match &reply.ended {
            Ended::Failed(error) => Some(ApiError::of_model(error)),
            _ => None,
        };
        let status = match reply.ended {
            Ended::Stop | Ended::Length => "ok",
            Ended::Cancelled => "cancelled",
            Ended::Failed(_) => "failed",
        };
        let told = self.tell(decided.as_ref(), &reply, counted, error.as_ref());
        let timestamp = time::now_micros();
        let end = TurnEnd {
            status,
            content: &reply.text,
            timestamp,
            tokens: counted.filter(|_| decided.is_some()),
            tokens_by: decided.as_ref().map(|decided| decided.meter),
            metadata: &told.metadata,
            receipt: told.receipt.as_deref(),
            user_status: "ok",
            user_tokens: decided.as_ref().map(|decided| decided.query_tokens),
            user_metadata: None,
        };
        messages::end(&self.database, &self.posted, &end).await?;
        if let Some(error) = error {
            return Err(error);
        }
        self.forget_superseded().await;
        let message = Message {
            id: self.posted.reply,
            session_id: self.posted.session_id.clone(),
            turn: self.posted.turn,
            timestamp: time::rfc3339(timestamp),
            role: "assistant",
            content: reply.text,
            status: status.to_owned(),
            is_embedded: false,
            metadata: RawValue::from_string(told.metadata).ok(),
        };
        let user = (self.posted.user, self.message.content.clone());
        let timing = self.stages.server_timing(|stage| by(decided.as_ref()?, stage));
        let index_lives = !self.settings.host_run.is_empty();
        Ok(Answered { message, usage: told.usage, timing, user, index_lives })
    }

    /// Takes what this turn now stands in the place of out of the index. The database is the truth,
    /// so without this a search is only slower.
    async fn forget_superseded(&self) {
        let Ok(gone) = superseded::gone(&self.database, &self.posted).await else { return };
        if gone.is_empty() {
            return;
        }
        if let Ok(current) = generation::current(&self.database).await {
            gone.iter().for_each(|id| recall::remove(&current, &self.posted.session_id, *id));
        }
    }

    /// The tokens of a reply, by the model that made it. Nobody can count them once that has been
    /// replaced.
    async fn count(&self, decided: Option<&Decided>, text: &str) -> Option<u32> {
        let counts = measure::count(&[text]).await.ok()?;
        measure::by(&decided?.model.digest).await.ok()?;
        counts.first().copied()
    }

    /// What is told of a reply, in writing. A turn that was cancelled while it waited decided
    /// nothing.
    fn tell(
        &self,
        decided: Option<&Decided>,
        reply: &Reply,
        counted: Option<u32>,
        error: Option<&ApiError>,
    ) -> Told {
        let Some(decided) = decided else {
            let metadata = to_json(&Metadata::without_reply("cancelled", &self.stages));
            return Told { metadata, receipt: None, usage: None };
        };
        let usage = Usage::new(decided, reply, counted);
        let error = error.map(|error| error.message.as_str());
        let (degraded, stages) = (&self.degraded, &self.stages);
        Told {
            metadata: to_json(&Metadata::of(decided, reply, &usage, error, degraded, stages)),
            receipt: Some(to_json(&Receipt::of(decided, &usage, degraded, stages))),
            usage: Some(usage),
        }
    }

    /// Stores that a turn failed before the model spoke. What cannot fit can never be answered, so
    /// it is kept out of later prompts and of memory; other failures are not the message's.
    pub(super) async fn store_failure(&mut self, error: &ApiError) {
        let metadata = to_json(&Metadata::failed(&error.message, error.code, &self.stages));
        let is_final = error.code == "context_length_exceeded";
        let end = TurnEnd {
            status: "failed",
            content: "",
            timestamp: time::now_micros(),
            tokens: None,
            tokens_by: None,
            metadata: &metadata,
            receipt: None,
            user_status: if is_final { "failed" } else { "ok" },
            user_tokens: None,
            user_metadata: is_final.then_some(metadata.as_str()),
        };
        if let Err(cause) = messages::end(&self.database, &self.posted, &end).await {
            eprintln!("a failed turn could not be stored: {}", cause.message);
        }
    }
}

/// Who decides in a stage of a turn: the digest of a policy, empty for the built-in one, or the
/// name of the model that answers.
fn by(decided: &Decided, stage: &str) -> Option<String> {
    let name = match stage {
        "recall" => &decided.ranked_by,
        "condense" => &decided.condensed_by,
        "assemble" => &decided.policy.digest,
        "truncate" => &decided.truncated_by,
        "generate" => &decided.model.name,
        _ => return None,
    };
    Some(name.clone())
}
