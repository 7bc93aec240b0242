//! A turn: a message of the user, and the answer to it. The functions stand in the order of the
//! steps, and `Turn::answer` reads like their list.

pub mod answered;
pub mod assemble;
pub mod builtin;
pub mod check;
pub mod condense;
pub mod degraded;
pub mod fit;
pub mod history;
pub mod passages;
pub mod prompt;
pub mod queue;
pub mod recall;
pub mod receipt;
pub mod reply;
pub mod sink;
pub mod stopwatch;

use std::rc::Rc;

use serde_json::json;
use serde_json::value::RawValue;

use crate::bindings::inference::chat::Generation;
use crate::bindings::inference::embeddings::{self, Purpose};
use crate::bindings::inference::models::{self, ChatModel, State};
use crate::bindings::inference::types::Error as ModelError;
use crate::bindings::policy::assembly::{Description, Layout};
use crate::db::Database;
use crate::db::memory::Found;
use crate::db::messages::{self, Message, Posted, TurnEnd};
use crate::http::error::ApiError;
use crate::http::request::NewMessage;
use crate::index::{self, Embedder};
use crate::settings::Settings;
use crate::{measure, time};
use answered::Answered;
use assemble::Assembled;
use degraded::Degraded;
use passages::{Material, Meter, Source};
use queue::Stopped;
use recall::{Query, Recalled, Scope};
use receipt::{Decided, Usage};
use reply::{Ended, Reply};
use sink::Sink;
use stopwatch::Stopwatch;

/// A turn in progress. Its message is stored already.
pub struct Turn {
    database: Rc<Database>,
    settings: Rc<Settings>,
    posted: Posted,
    message: NewMessage,
    stages: Stopwatch,
    degraded: Vec<Degraded>,
    /// Whether the client was told that its message is stored.
    started: bool,
}

/// Stores a message of the user, durably: step 1. Nothing is acknowledged before.
///
/// Fails with 404 if there is no such session, and with 429 if too many of its turns wait.
pub async fn post(
    database: Rc<Database>,
    settings: Rc<Settings>,
    session_id: &str,
    message: NewMessage,
) -> Result<Turn, ApiError> {
    let mut stages = Stopwatch::start();
    let posted =
        messages::post(&database, session_id, &message.content, &settings.host_run).await?;
    stages.lap("store");
    Ok(Turn { database, settings, posted, message, stages, degraded: Vec::new(), started: false })
}

impl Turn {
    /// Answers, and stores how it went. The events of the turn go to the sink.
    ///
    /// Fails as the turn does; the failure is stored then.
    pub async fn run(mut self, sink: &mut Sink) -> Result<Answered, ApiError> {
        let mut decided = None;
        let reply = match self.answer(&mut decided, sink).await {
            Ok(reply) => reply,
            Err(Stopped::Cancelled) => {
                Reply { text: String::new(), ended: Ended::Cancelled, outcome: None }
            }
            Err(Stopped::Failed(error)) => {
                self.store_failure(&error).await;
                sink.fail(&error).await;
                return Err(error);
            }
        };
        let answered = self.store(decided, reply).await;
        match &answered {
            Ok(answered) => answered.tell(sink).await,
            Err(error) => sink.fail(error).await,
        }
        answered
    }

    /// The steps from the queue to the reply.
    async fn answer(
        &mut self,
        decided: &mut Option<Decided>,
        sink: &mut Sink,
    ) -> Result<Reply, Stopped> {
        if self.posted.blocked {
            self.tell_start(sink).await?;
        }
        queue::wait(&self.database, &self.posted, &self.settings.host_run, sink).await?;
        self.stages.lap("wait");

        // A model that is replaced during a turn measures otherwise: then once more, from the start.
        let generation = match self.decide_and_begin(decided, sink).await {
            Err(Begun::Model(ModelError::ModelChanged)) => {
                self.decide_and_begin(decided, sink).await
            }
            begun => begun,
        };
        let generation = generation.map_err(|error| match error {
            Begun::Model(error) => Stopped::Failed(ApiError::of_model(&error)),
            Begun::Stopped(stopped) => stopped,
        })?;
        self.tell_start(sink).await?;
        if let Some(decided) = decided {
            let context = receipt::context(decided, &self.degraded);
            sink.send("context", &context).await.map_err(|_| Stopped::Cancelled)?;
        }
        let host_run = &self.settings.host_run;
        let reply = reply::listen(generation, &self.database, &self.posted, host_run, sink).await;
        self.stages.lap("generate");
        Ok(reply)
    }

    async fn decide_and_begin(
        &mut self,
        decided: &mut Option<Decided>,
        sink: &mut Sink,
    ) -> Result<Generation, Begun> {
        let now = self.decide().await?;
        let options = reply::options(
            &self.message.options,
            now.reply_tokens_max,
            &now.model.digest,
            &self.posted.session_id,
        );
        let prompt = now.prompt.for_model();
        *decided = Some(now);
        let waiting = async || {
            // A client that left is noticed as soon as the model speaks.
            let _ = self.tell_start(sink).await;
        };
        reply::begin(prompt, options, waiting).await.map_err(Begun::Model)
    }

    /// Steps 2 to 6: what the model is to read.
    async fn decide(&mut self) -> Result<Decided, Stopped> {
        self.degraded.clear();
        let model = ready_model().await?;
        let budget = self.budget(&model)?;
        let meter = messages::model_number(&self.database, &model.digest).await?;
        let measured = Meter { digest: &model.digest, number: meter };
        let policy = assemble::policy(&mut self.degraded);

        let (query, history) = self.measure_history(&policy, budget.prompt, measured).await?;
        self.stages.lap("history");
        let (recalled, embedder) =
            if self.posted.memory { self.recall(&history).await? } else { (Vec::new(), None) };
        self.stages.lap("recall");

        let chosen = recalled.iter().map(|one| one.found.message).collect();
        let material = Material {
            instruction: &self.settings.instruction,
            recalled,
            history: history.messages,
            query: self.query(),
            query_tokens: query,
        };
        let sources = passages::list(material, measured, &mut self.degraded)
            .await
            .map_err(|error| ApiError::of_model(&error))?;
        self.stages.lap("condense");
        let assembled = self.assemble(&sources, &model.digest).await?;
        self.stages.lap("assemble");
        let digest = &model.digest;
        let prompt =
            fit::fit(&assembled, &sources, budget.prompt, digest, &mut self.degraded).await?;
        self.stages.lap("truncate");
        Ok(Decided {
            sources,
            recalled: chosen,
            prompt,
            policy: assembled.policy,
            model,
            meter,
            embedder,
            budget: budget.prompt,
            reply_tokens_max: budget.reply,
            query_tokens: query,
        })
    }

    /// What the context of the model leaves for the prompt.
    fn budget(&self, model: &ChatModel) -> Result<Budget, ApiError> {
        let asked = self.message.options.max_tokens;
        let reply = asked.unwrap_or(self.settings.reply_tokens_max);
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
    ) -> Result<(u32, Shown), ApiError> {
        let turn = self.posted.turn;
        let start = history::window_start(turn, &policy.history);
        let found = messages::window(&self.database, self.posted.session, start, turn).await?;
        let found = history::whole_turns(found);
        let query = self.query();
        let mut all: Vec<&Found> = found.iter().collect();
        all.push(&query);
        let mut tokens =
            passages::tokens_of(&all, meter).await.map_err(|error| ApiError::of_model(&error))?;
        let query_tokens = tokens.pop().unwrap_or(0);

        // What leaves the window can be recalled, but only where there is memory.
        let mut from_turn = start;
        if self.posted.memory {
            let most = u64::from(budget) * u64::from(policy.history.percent) / 100;
            let sizes: Vec<(u32, u32)> =
                found.iter().zip(&tokens).map(|(one, tokens)| (one.turn, *tokens)).collect();
            let block = policy.history.block;
            from_turn = history::shrink(start, turn, block, &sizes, most as u32);
        }
        let messages: Vec<(Found, u32)> =
            found.into_iter().zip(tokens).filter(|(one, _)| one.turn >= from_turn).collect();
        Ok((query_tokens, Shown { messages }))
    }

    /// Step 2, for a session that remembers: what was said on the matter before the window.
    async fn recall(
        &mut self,
        shown: &Shown,
    ) -> Result<(Vec<Recalled>, Option<Rc<Embedder>>), ApiError> {
        if shown.messages.len() as u64 == 2 * u64::from(self.posted.turn - 1) {
            // All that was ever said stands in the prompt.
            return Ok((Vec::new(), None));
        }
        let vector = match embed_query(&self.database, &self.message.content).await {
            Ok(vector) => Some(vector),
            Err(error) => {
                self.degraded.push(Degraded::new("embedding", error.message));
                None
            }
        };
        self.stages.lap("embed");
        let embedder = vector.as_ref().map(|(embedder, _)| embedder.clone());
        let scope = Scope {
            session: self.posted.session,
            session_id: &self.posted.session_id,
            before_turn: self.posted.turn,
        };
        let ids: Vec<u64> = shown.messages.iter().map(|(one, _)| one.message).collect();
        let query = Query {
            text: &self.message.content,
            vector,
            most: self.settings.recall_memories_max,
            shown: &ids,
        };
        let recalled = recall::recall(&self.database, &scope, &query, &mut self.degraded).await?;
        Ok((recalled, embedder))
    }

    /// Step 4: the plan of the prompt. A layout that the model's template cannot express becomes
    /// plain text.
    async fn assemble(&mut self, sources: &[Source], digest: &str) -> Result<Assembled, ApiError> {
        let now = time::seconds(self.posted.timestamp);
        let assembled = assemble::assemble(sources, now, &mut self.degraded);
        let Layout::Chat(lines) = &assembled.plan.layout else { return Ok(assembled) };
        let roles: Vec<_> = lines.iter().map(|line| fit::chat(line.role)).collect();
        match measure::frame(digest, &roles).await {
            Err(ModelError::InvalidRequest) => {
                let reason = "the model's chat template cannot express these roles";
                self.degraded.push(Degraded::new("assembly", reason));
                Ok(assemble::classic(sources, now))
            }
            Err(error) => Err(ApiError::of_model(&error)),
            Ok(_) => Ok(assembled),
        }
    }

    /// Step 8: the reply, its metadata and its receipt, in one statement.
    async fn store(
        &mut self,
        decided: Option<Decided>,
        reply: Reply,
    ) -> Result<Answered, ApiError> {
        let error = match reply.ended {
            Ended::Failed(error) => Some(ApiError::of_model(&error)),
            _ => None,
        };
        let counted = match measure::count(&[&reply.text]).await {
            Ok(counts) => counts.first().copied(),
            Err(_) => None,
        };
        let message = error.as_ref().map(|error| error.message.as_str());
        let (metadata, receipt, usage) = match &decided {
            None => {
                let mut metadata = receipt::failed_metadata("", "cancelled", &self.stages);
                metadata["llm_call_error"] = serde_json::Value::Null;
                metadata["finish_reason"] = json!(reply.ended.reason());
                (metadata, None, None)
            }
            Some(decided) => {
                let usage = Usage::new(decided, &reply, counted);
                let receipt =
                    receipt::receipt(decided, &usage, &self.degraded, &self.stages).to_string();
                let metadata = receipt::metadata(
                    decided,
                    &reply,
                    &usage,
                    message,
                    &self.degraded,
                    &self.stages,
                );
                (metadata, Some(receipt), Some(usage))
            }
        };
        let status = match reply.ended {
            Ended::Stop | Ended::Length => "ok",
            Ended::Cancelled => "cancelled",
            Ended::Failed(_) => "failed",
        };
        let metadata = metadata.to_string();
        let timestamp = time::now_micros();
        let end = TurnEnd {
            status,
            content: &reply.text,
            timestamp,
            tokens: counted.filter(|_| decided.is_some()),
            tokens_by: decided.as_ref().map(|decided| decided.meter),
            metadata: &metadata,
            receipt: receipt.as_deref(),
            user_status: "ok",
            user_tokens: decided.as_ref().map(|decided| decided.query_tokens),
            user_metadata: None,
        };
        messages::end(&self.database, &self.posted, &end).await?;
        if let Some(error) = error {
            return Err(error);
        }
        Ok(Answered {
            message: Message {
                id: self.posted.reply,
                session_id: self.posted.session_id.clone(),
                turn: self.posted.turn,
                timestamp: time::rfc3339(timestamp),
                role: "assistant",
                content: reply.text,
                status: status.to_owned(),
                is_embedded: false,
                metadata: RawValue::from_string(metadata).ok(),
            },
            usage,
            user: (self.posted.user, self.message.content.clone()),
        })
    }

    /// Stores that a turn failed before the model spoke. What cannot fit can never be answered, so
    /// it is kept out of later prompts and of memory; other failures are not the message's.
    async fn store_failure(&mut self, error: &ApiError) {
        let metadata = receipt::failed_metadata(&error.message, error.code, &self.stages);
        let metadata = metadata.to_string();
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

    /// Tells the client, once, that its message is stored.
    async fn tell_start(&mut self, sink: &mut Sink) -> Result<(), Stopped> {
        if std::mem::replace(&mut self.started, true) {
            return Ok(());
        }
        let posted = &self.posted;
        let data = json!({
            "session_id": posted.session_id,
            "turn": posted.turn,
            "user_message_id": posted.user,
            "message_id": posted.reply,
            "role": "assistant",
            "timestamp": time::rfc3339(posted.timestamp),
        });
        sink.send("message.start", &data).await.map_err(|_| Stopped::Cancelled)
    }

    fn query(&self) -> Found {
        Found {
            message: self.posted.user,
            turn: self.posted.turn,
            role: "user",
            timestamp: self.posted.timestamp,
            tokens: None,
            content: self.message.content.clone(),
        }
    }
}

/// Tokens that the model's context leaves.
struct Budget {
    prompt: u32,
    reply: u32,
}

/// The history that stands in the prompt, with its tokens.
struct Shown {
    messages: Vec<(Found, u32)>,
}

/// Why the model did not begin.
enum Begun {
    Model(ModelError),
    Stopped(Stopped),
}

impl From<Stopped> for Begun {
    fn from(stopped: Stopped) -> Self {
        Self::Stopped(stopped)
    }
}

/// The chat model, if it can answer.
async fn ready_model() -> Result<ChatModel, ApiError> {
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

/// The vector of a query, and the model that made it.
///
/// Fails as the model does.
pub async fn embed_query(
    database: &Database,
    text: &str,
) -> Result<(Rc<Embedder>, Vec<f32>), ApiError> {
    let embedder = index::embedder(database).await?;
    let vectors = embeddings::embed(vec![text.to_owned()], Purpose::Query).await;
    let vectors = vectors.map_err(|error| ApiError::of_model(&error))?;
    let vector = vectors.into_iter().next();
    vector.map(|vector| (embedder, vector)).ok_or_else(|| {
        ApiError::internal("the message could not be embedded", "no vector came back")
    })
}
