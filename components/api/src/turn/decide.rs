//! Steps 2 to 6 of a turn: what the model is to read.

use std::rc::Rc;

use futures::FutureExt;
use futures::future::{LocalBoxFuture, Shared};

use super::assemble::{self, Assembled};
use super::degraded::Degraded;
use super::passages::{self, Listed, Material, Meter, Source};
use super::policies::Policies;
use super::query::{self, Embedded};
use super::queue::Stopped;
use super::recall::{self, Hits, Scope, Scores};
use super::receipt::Decided;
use super::record::Record;
use super::scale::Scale;
use super::shares::{self, Shares};
use super::{Turn, fit, followup, history};
use crate::bindings::inference::models::{self, ChatModel, State};
use crate::bindings::inference::types::Error as ModelError;
use crate::bindings::policy::assembly::{Description, Layout, Window};
use crate::bindings::policy::ranking::Candidate;
use crate::bindings::policy::versions::Hook;
use crate::db::memory::Found as Said;
use crate::db::messages::{self, Posted};
use crate::db::passages::Passage;
use crate::documents::recall::{self as find, Candidates};
use crate::generation::Embedder;
use crate::http::error::ApiError;
use crate::http::request::NewMessage;
use crate::settings::Settings;
use crate::{db, measure, time};

/// The query, embedded at most once.
type Query = Shared<LocalBoxFuture<'static, Result<Rc<Embedded>, String>>>;

/// Tokens that the model's context leaves.
pub(super) struct Budget {
    /// For the prompt.
    pub prompt: u32,
    /// For the reply.
    pub reply: u32,
}

/// What stands in the prompt verbatim, with its tokens.
struct Shown {
    query_tokens: u32,
    shares: Shares,
    messages: Vec<(Said, u32)>,
}

/// What a prompt is decided from.
pub(super) struct Gathered {
    /// The number of the model's digest in the database.
    pub meter: i64,
    /// Who may have how many tokens.
    pub shares: Shares,
    /// The recent turns that stand in the prompt verbatim, oldest first, with their tokens.
    pub history: Vec<(Said, u32)>,
    /// The tokens of the user's message.
    pub query_tokens: u32,
    /// What can be recalled.
    pub memories: Vec<(u64, Candidate)>,
    /// What is searched for: the message, after what it refers to.
    pub searched: String,
    /// What can be read in documents.
    pub passages: Vec<(Passage, Scores)>,
    /// The model that embedded the query, where one did.
    pub embedder: Option<Rc<Embedder>>,
}

impl Turn {
    /// Steps 2 to 6: what the model is to read.
    pub(super) async fn decide(&mut self) -> Result<Decided, Stopped> {
        self.degraded.clear();
        let model = ready_model().await?;
        self.measured_by.clone_from(&model.digest);
        let budget = self.budget(&model)?;
        let policies = Policies::of_session(&self.posted.session_id, &self.posted.policies);
        let gathered = self.gather(&model, budget.prompt, &policies).await?;
        let (text, settings) = (&gathered.searched, self.settings.clone());
        let degraded = &mut self.degraded;
        let most = settings.recall_memories_max;
        let recalled = recall::rank(&gathered.memories, text, most, &policies, degraded)?;
        let most = settings.recall_passages_max;
        let found = find::rank(gathered.passages, text, most, &policies, degraded)?;
        let recalled = recall::read(&self.database, &self.scope(), &recalled).await?;
        self.stages.lap("recall");

        let chosen = recalled.iter().map(|one| one.found.message).collect();
        let passages = found.iter().map(|(passage, _)| passage.chunk).collect();
        let material = Material {
            instruction: instruction(&self.message, &self.posted, &settings),
            found,
            recalled,
            history: gathered.history,
            query: self.query(),
            query_tokens: gathered.query_tokens,
            shares: gathered.shares,
        };
        let measured = Meter { digest: &model.digest, number: gathered.meter };
        let Listed { sources, left_out } =
            passages::list(material, measured, &policies, &mut self.degraded).await?;
        self.stages.lap("condense");
        let assembled = self.assemble(&sources, &model.digest, &policies).await?;
        self.stages.lap("assemble");
        let mut scale = Scale::of_model(&model.digest);
        let degraded = &mut self.degraded;
        let (prompt, cut_by_builtin) =
            fit::fit(&assembled, &sources, budget.prompt, &mut scale, &policies, degraded).await?;
        self.stages.lap("truncate");
        let truncated_by = if cut_by_builtin { "" } else { policies.digest(Hook::Truncation) };
        let now = time::seconds(self.posted.timestamp);
        Ok(Decided {
            kept: prompt.kept(sources.len()),
            record: Record::of(&sources, now, scale.tape()),
            sources,
            left_out,
            recalled: chosen,
            passages,
            prompt,
            policy: assembled.policy,
            truncated_by: truncated_by.to_owned(),
            ranked_by: policies.answered(Hook::Ranking, &self.degraded).to_owned(),
            condensed_by: policies.answered(Hook::Condensation, &self.degraded).to_owned(),
            fuel: policies.spent(),
            model,
            meter: gathered.meter,
            embedder: gathered.embedder,
            budget: budget.prompt,
            reply_tokens_max: budget.reply,
            query_tokens: gathered.query_tokens,
        })
    }

    /// Steps 2 and 3, as far as they are not decisions: the recent turns, and what the searches
    /// find besides.
    pub(super) async fn gather(
        &mut self,
        model: &ChatModel,
        budget: u32,
        policies: &Policies,
    ) -> Result<Gathered, ApiError> {
        let meter = messages::model_number(&self.database, &model.digest).await?;
        let measured = Meter { digest: &model.digest, number: meter };
        let policy = assemble::policy(policies, &mut self.degraded)?;

        // Where the window does not reach back to the first turn, no search has to wait for it.
        let early = self.posted.before_turn() > policy.history.turns + 1;
        let searched = self.searched().await?;
        let query = self.embedded(&searched);
        let (history, hits, found) = futures::join!(
            self.measure_history(&policy, budget, measured),
            self.look_up(early, &searched, &query),
            self.look_in_documents(&searched, &query)
        );
        let Shown { query_tokens, shares, messages: history } = history?;
        self.stages.lap("history");
        let (memories, embedder) = self.recall(&history, hits?, &searched, &query).await?;
        let found = found?;
        for lost in found.degraded {
            if !self.degraded.contains(&lost) {
                self.degraded.push(lost);
            }
        }
        let passages = found.passages;
        Ok(Gathered {
            meter,
            shares,
            history,
            query_tokens,
            memories,
            searched,
            passages,
            embedder,
        })
    }

    /// What the context of the model leaves for the prompt.
    pub(super) fn budget(&self, model: &ChatModel) -> Result<Budget, ApiError> {
        // Who does not ask for a length gets one that leaves most of a small context to the prompt.
        let usual = self.settings.reply_tokens(model).min(model.context_tokens / 4).max(1);
        let reply = self.message.options.max_tokens.unwrap_or(usual);
        match model.context_tokens.checked_sub(reply).filter(|left| *left > 0) {
            Some(prompt) => Ok(Budget { prompt, reply }),
            None => {
                let message = format!(
                    "`max_tokens` is {reply}, and the model's context has {} tokens for prompt and \
                     reply together",
                    model.context_tokens
                );
                let error = ApiError::new(400, "context_length_exceeded", message);
                Err(ApiError { param: Some("max_tokens"), ..error })
            }
        }
    }

    /// The recent turns that stand in the prompt verbatim, measured in one call with the query.
    async fn measure_history(
        &self,
        policy: &Description,
        budget: u32,
        meter: Meter<'_>,
    ) -> Result<Shown, ApiError> {
        let (start, found) = self.window(&policy.history).await?;
        let query = self.query();
        let mut all: Vec<&Said> = found.iter().collect();
        all.push(&query);
        let of_model = |error: ModelError| ApiError::of_model(&error);
        let mut tokens = passages::tokens_of(&all, meter).await.map_err(of_model)?;
        let query_tokens = tokens.pop().unwrap_or(0);
        let instruction = [instruction(&self.message, &self.posted, &self.settings)];
        let request = shares::Request {
            budget,
            instruction: measure::count_known(meter.digest, &instruction)
                .await
                .map_err(of_model)?[0],
            query: query_tokens,
            memory: self.posted.memory,
            documents: !self.posted.documents.is_empty(),
        };
        let shares = shares::shares(&request, policy, meter).await.map_err(of_model)?;

        let sizes: Vec<(u32, u32)> = found
            .iter()
            .zip(&tokens)
            .map(|(one, tokens)| {
                let template = if one.role == "user" { shares.turn } else { 0 };
                (one.turn, tokens.saturating_add(template))
            })
            .collect();
        let end = found.last().map_or(start, |one| one.turn + 1);
        let from = history::slide(start, end, policy.history.block, &sizes, shares.history);
        let messages: Vec<(Said, u32)> =
            found.into_iter().zip(tokens).filter(|(one, _)| one.turn >= from).collect();
        Ok(Shown { query_tokens, shares, messages })
    }

    /// Where the window of recent turns starts, and the messages in it, oldest first.
    async fn window(&self, window: &Window) -> Result<(u32, Vec<Said>), ApiError> {
        if window.turns == 0 {
            return Ok((1, Vec::new()));
        }
        let (session, before) = (self.posted.session, self.posted.before_turn());
        let most = window.turns + 1;
        let mut found = db::window::window(&self.database, session, before, most).await?;
        let turns: Vec<u32> = found.iter().step_by(2).map(|one| one.turn).collect();
        let start = history::window_start(&turns, window);
        found.retain(|one| one.turn >= start);
        Ok((start, found))
    }

    /// Step 2, for a session that remembers: looks what was said on the matter. Only `early`, since
    /// most short sessions stand in the prompt as they are.
    async fn look_up(
        &self,
        early: bool,
        text: &str,
        query: &Query,
    ) -> Result<Option<Hits>, ApiError> {
        if !early || !self.posted.memory {
            return Ok(None);
        }
        recall::look_up(&self.database, &self.scope(), text, query.clone()).await.map(Some)
    }

    /// Step 2, for a session that is linked to documents: finds the passages on the matter. What
    /// was said in the session has no part in it, so the switch of its memory has none either.
    async fn look_in_documents(&self, text: &str, query: &Query) -> Result<Candidates, ApiError> {
        let documents = &self.posted.documents;
        if documents.is_empty() {
            return Ok(Candidates::default());
        }
        let query = query.clone().await;
        let embedded = query.as_ref().ok().map(|query| &**query);
        let mut found = find::look_up(&self.database, documents, text, embedded).await?;
        if let Err(reason) = query {
            found.degraded.push(Degraded::new("embedding", reason));
        }
        Ok(found)
    }

    /// What to search for: the message, after what it refers to. Where nothing is searched, nobody
    /// looks what that is.
    async fn searched(&self) -> Result<String, ApiError> {
        let (posted, text) = (&self.posted, &self.message.content);
        if !posted.memory && posted.documents.is_empty() {
            return Ok(text.clone());
        }
        followup::searched(&self.database, posted.session, posted.before_turn(), text).await
    }

    /// The query, embedded once for all searches, when the first of them asks.
    fn embedded(&self, searched: &str) -> Query {
        let (database, text) = (self.database.clone(), searched.to_owned());
        let session = self.posted.session;
        let embedding =
            async move { query::embed(&database, Some(session), &text).await.map(Rc::new) };
        embedding.boxed_local().shared()
    }

    /// Step 2, for a session that remembers: what can be recalled, and does not stand in the prompt
    /// anyway.
    async fn recall(
        &mut self,
        history: &[(Said, u32)],
        hits: Option<Hits>,
        text: &str,
        query: &Query,
    ) -> Result<(Vec<(u64, Candidate)>, Option<Rc<Embedder>>), ApiError> {
        let everything = history.len() as u64 == 2 * u64::from(self.posted.before_turn() - 1);
        if !self.posted.memory || everything {
            return Ok((Vec::new(), None));
        }
        let mut hits = match hits {
            Some(hits) => hits,
            None => match self.look_up(true, text, query).await? {
                Some(hits) => hits,
                None => return Ok((Vec::new(), None)),
            },
        };
        let shown: Vec<u64> = history.iter().map(|(one, _)| one.message).collect();
        self.degraded.append(&mut hits.degraded);
        let embedder = hits.query.as_ref().map(|query| query.embedder.clone());
        let found = recall::candidates(&self.database, &self.scope(), text, hits, &shown).await?;
        Ok((found, embedder))
    }

    pub(super) fn scope(&self) -> Scope<'_> {
        Scope {
            session: self.posted.session,
            session_id: &self.posted.session_id,
            before_turn: self.posted.before_turn(),
            // What is only imagined has no id.
            is_turn: self.posted.user != 0 && !self.settings.host_run.is_empty(),
        }
    }

    /// Step 4: the plan of the prompt. A layout that the model's template cannot express becomes
    /// plain text.
    async fn assemble(
        &mut self,
        sources: &[Source],
        digest: &str,
        policies: &Policies,
    ) -> Result<Assembled, ApiError> {
        let now = time::seconds(self.posted.timestamp);
        let assembled = assemble::assemble(sources, now, policies, &mut self.degraded)?;
        let Layout::Chat(lines) = &assembled.plan.layout else { return Ok(assembled) };
        let roles: Vec<_> = lines.iter().map(|line| fit::chat(line.role)).collect();
        match measure::frame(digest, &roles).await {
            Err(ModelError::InvalidRequest) => {
                let reason = "the model's chat template cannot express these roles";
                policies.failed(Hook::Assembly, reason.to_owned(), &mut self.degraded)?;
                assemble::classic(sources, now)
            }
            Err(error) => Err(ApiError::of_model(&error)),
            Ok(_) => Ok(assembled),
        }
    }

    fn query(&self) -> Said {
        Said {
            message: self.posted.user,
            turn: self.posted.turn,
            role: "user",
            timestamp: self.posted.timestamp,
            tokens: None,
            content: self.message.content.clone(),
        }
    }
}

/// What the model is told to be and do in this turn: what came with the message goes before what
/// the session says, and that before what the server does.
pub(super) fn instruction<'a>(
    message: &'a NewMessage,
    posted: &'a Posted,
    settings: &'a Settings,
) -> &'a str {
    let said = message.instruction.as_ref().or(posted.instruction.as_ref());
    said.unwrap_or(&settings.instruction)
}

/// The chat model, if it can answer.
///
/// Fails with 503 if there is none, or it is not ready.
pub async fn ready_model() -> Result<ChatModel, ApiError> {
    let model = models::status().await;
    match &model.state {
        State::Ready => Ok(model),
        State::None => Err(ApiError::of_model(&ModelError::NoModel)),
        State::Loading(percent) => Err(ApiError::of_model(&ModelError::Loading(*percent))),
        State::Failed(reason) => {
            let reason = reason.trim_end_matches('.');
            let message = format!("the model could not be loaded: {reason}");
            Err(ApiError::new(503, "model_load_failed", message))
        }
    }
}
