//! A message that is not said yet: what its prompt would be made of. Nothing is stored, and nothing
//! is decided: whoever asks decides with the policies, as often as they like.

use std::collections::HashMap;
use std::rc::Rc;

use serde::Serialize;

use super::Turn;
use super::decide::{Gathered, instruction, ready_model};
use super::degraded::Degraded;
use super::passages::{Meter, tokens_of};
use super::policies::Policies;
use super::recall::{self, Recalled, Scores};
use super::shares::Shares;
use super::stopwatch::Stopwatch;
use crate::bindings::inference::types::Error as ModelError;
use crate::bindings::policy::ranking::Candidate;
use crate::db::Database;
use crate::db::memory::Found;
use crate::db::messages;
use crate::db::passages::Passage;
use crate::http::error::ApiError;
use crate::http::request::NewMessage;
use crate::settings::Settings;
use crate::{limits, measure, time};

/// What a prompt would be made of.
#[derive(Serialize)]
pub struct Draft {
    turn: u32,
    now: u64,
    model: Model,
    budget: u32,
    reply_tokens_max: u32,
    instruction: Measured,
    history: Vec<Said>,
    notes: Notes,
    memories: Choice<Said>,
    documents: Choice<Read>,
    query: Measured,
    /// What was searched for: the query, after what it refers to.
    searched: String,
    degraded: Vec<Degraded>,
}

#[derive(Serialize)]
struct Model {
    name: String,
    digest: String,
    context_tokens: u32,
    exact_counts: bool,
}

/// The tokens that all notes together may have, and those of the label that each of them has.
#[derive(Serialize)]
struct Notes {
    tokens_max: u32,
    label: u32,
}

#[derive(Serialize)]
struct Measured {
    text: String,
    tokens: u32,
}

/// What can be chosen, the most of it that the server would choose, and the most tokens of each.
#[derive(Serialize)]
struct Choice<T> {
    most: u32,
    tokens_max: u32,
    candidates: Vec<T>,
}

#[derive(Serialize)]
struct Said {
    message_id: u64,
    turn: u32,
    role: &'static str,
    said_at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// The message right before it, where that can be chosen too.
    #[serde(skip_serializing_if = "Option::is_none")]
    follows: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    common: Option<f32>,
    #[serde(flatten)]
    scores: Scores,
    #[serde(flatten)]
    content: Measured,
}

#[derive(Serialize)]
struct Read {
    passage_id: u64,
    document_id: String,
    document_name: String,
    headings: Vec<String>,
    page: u32,
    said_at: u64,
    #[serde(flatten)]
    scores: Scores,
    #[serde(flatten)]
    content: Measured,
}

impl Turn {
    /// The next turn of a session, or of one that does not exist yet, as if this had been said.
    ///
    /// Fails with 404 if there is no such session.
    pub async fn imagined(
        database: Rc<Database>,
        settings: Rc<Settings>,
        session_id: Option<&str>,
        message: NewMessage,
    ) -> Result<Self, ApiError> {
        let posted = messages::imagined(&database, session_id).await?;
        Ok(Self {
            database,
            settings,
            posted,
            message,
            stages: Stopwatch::start(),
            degraded: Vec::new(),
            measured_by: String::new(),
            started: false,
        })
    }

    /// What the prompt would be made of, if it may have at most `prompt_tokens_max` tokens, and no
    /// more than the model's context leaves.
    ///
    /// Fails with 503 if no model can measure.
    pub async fn draft(mut self, prompt_tokens_max: Option<u32>) -> Result<Draft, ApiError> {
        let model = ready_model().await?;
        let budget = self.budget(&model)?;
        let most = prompt_tokens_max.map_or(budget.prompt, |most| most.min(budget.prompt));
        let policies = Policies::of_session(&self.posted.session_id, &self.posted.policies);
        let gathered = self.gather(&model, most, &policies).await?;
        let settings = self.settings.clone();
        let measured = |error| ApiError::of_model(&error);
        let meter = Meter { digest: &model.digest, number: gathered.meter };
        let instruction = instruction(&self.message, &self.posted, &settings).to_owned();
        let tokens =
            measure::count_known(&model.digest, &[&instruction]).await.map_err(measured)?[0];
        let Gathered { shares, history, query_tokens, memories, searched, passages, .. } = gathered;
        let history = history.into_iter().map(|(one, tokens)| said(one, None, None, tokens));
        let ids: Vec<(u64, f32)> = memories.iter().map(|(id, _)| (*id, 0.0)).collect();
        let read = recall::read(&self.database, &self.scope(), &ids).await?;
        Ok(Draft {
            turn: self.posted.turn,
            now: time::seconds(self.posted.timestamp),
            budget: most,
            reply_tokens_max: budget.reply,
            instruction: Measured { text: instruction, tokens },
            history: history.collect(),
            notes: Notes { tokens_max: shares.notes, label: shares.label },
            memories: memories_of(read, memories, meter, &settings, shares)
                .await
                .map_err(measured)?,
            documents: documents_of(passages, meter, &settings, shares).await.map_err(measured)?,
            query: Measured { text: self.message.content, tokens: query_tokens },
            searched,
            degraded: self.degraded,
            model: Model {
                name: model.name,
                digest: model.digest,
                context_tokens: model.context_tokens,
                exact_counts: model.exact_counts,
            },
        })
    }
}

async fn memories_of(
    read: Vec<Recalled>,
    found: Vec<(u64, Candidate)>,
    meter: Meter<'_>,
    settings: &Settings,
    shares: Shares,
) -> Result<Choice<Said>, ModelError> {
    let read: Vec<Found> = read.into_iter().map(|one| one.found).collect();
    let tokens = tokens_of(&read.iter().collect::<Vec<_>>(), meter).await?;
    let messages: Vec<u64> = found.iter().map(|(id, _)| *id).collect();
    let mut told: HashMap<u64, Candidate> = found.into_iter().collect();
    let candidates = read.into_iter().zip(tokens).map(|(one, tokens)| {
        let candidate = told.remove(&one.message);
        let follows = candidate.as_ref().and_then(|it| it.follows);
        let follows = follows.and_then(|at| messages.get(at as usize).copied());
        said(one, candidate, follows, tokens)
    });
    Ok(Choice {
        most: settings.recall_memories_max,
        tokens_max: shares.note(limits::MEMORY_TOKENS_MAX),
        candidates: candidates.collect(),
    })
}

async fn documents_of(
    found: Vec<(Passage, Scores)>,
    meter: Meter<'_>,
    settings: &Settings,
    shares: Shares,
) -> Result<Choice<Read>, ModelError> {
    let texts: Vec<&str> = found.iter().map(|(one, _)| one.content.as_str()).collect();
    let tokens = measure::count_known(meter.digest, &texts).await?;
    let read = |((one, scores), tokens): ((Passage, Scores), u32)| Read {
        passage_id: one.chunk,
        document_id: one.document,
        document_name: one.name,
        headings: one.headings,
        page: one.page,
        said_at: time::seconds(one.created_at),
        scores,
        content: Measured { text: one.content, tokens },
    };
    Ok(Choice {
        most: settings.recall_passages_max,
        tokens_max: shares.note(limits::DOCUMENT_TOKENS_MAX),
        candidates: found.into_iter().zip(tokens).map(read).collect(),
    })
}

fn said(one: Found, candidate: Option<Candidate>, follows: Option<u64>, tokens: u32) -> Said {
    let (name, common, dense, lexical) =
        candidate.map_or((None, None, None, None), |it| (it.name, it.common, it.dense, it.lexical));
    Said {
        message_id: one.message,
        turn: one.turn,
        role: one.role,
        said_at: time::seconds(one.timestamp),
        name,
        follows,
        common,
        scores: Scores { dense, lexical },
        content: Measured { text: one.content, tokens },
    }
}
