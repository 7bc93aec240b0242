//! A turn: a message of the user, and the answer to it. The functions stand in the order of the
//! steps, and `Turn::answer` reads like their list.

pub mod answered;
pub mod assemble;
pub mod builtin;
pub mod candidates;
pub mod check;
pub mod condense;
pub mod consulted;
pub mod decide;
pub mod degraded;
pub mod draft;
pub mod fit;
mod followup;
pub mod history;
pub mod lines;
pub mod passages;
pub mod past;
pub mod policies;
pub mod prompt;
pub mod query;
pub mod queue;
pub mod recall;
pub mod receipt;
pub mod record;
pub mod replay;
pub mod reply;
mod saved;
pub mod scale;
pub mod shares;
pub mod sink;
pub mod stopwatch;
mod store;
mod subject;
pub mod thought;
pub mod words;

use std::rc::Rc;

use serde_json::json;

use crate::bindings::inference::chat::Generation;
use crate::bindings::inference::types::Error as ModelError;
use crate::db::Database;
use crate::db::messages::{self, Posted};
use crate::db::superseded;
use crate::http::error::ApiError;
use crate::http::request::NewMessage;
use crate::settings::Settings;
use crate::{measure, time};
use answered::Answered;
use degraded::Degraded;
use queue::Stopped;
use receipt::Decided;
use reply::{Ended, Reply};
use sink::Sink;
use stopwatch::Stopwatch;
use thought::Thought;

/// How often a turn begins anew since its model was replaced.
const RESTARTS_MAX: u32 = 3;

/// A turn in progress. Its message is stored already.
pub struct Turn {
    database: Rc<Database>,
    settings: Rc<Settings>,
    posted: Posted,
    message: NewMessage,
    stages: Stopwatch,
    degraded: Vec<Degraded>,
    /// The digest of the model that measures this turn; empty before it has begun to.
    measured_by: String,
    /// Whether the client was told that its message is stored.
    started: bool,
}

/// Stores a message of the user, durably: step 1. Nothing is acknowledged before.
///
/// Fails with 404 if there is no such session, or none of its messages is the one to be superseded,
/// and with 429 if too many of its turns wait.
pub async fn post(
    database: Rc<Database>,
    settings: Rc<Settings>,
    session_id: &str,
    message: NewMessage,
) -> Result<Turn, ApiError> {
    let mut stages = Stopwatch::start();
    let supersedes = match message.supersedes {
        Some(id) => superseded::turn(&database, session_id, id).await?,
        None => 0,
    };
    let (text, host_run) = (&message.content, &settings.host_run);
    let posted = messages::post(&database, session_id, text, supersedes, host_run).await?;
    stages.lap("store");
    Ok(Turn {
        database,
        settings,
        posted,
        message,
        stages,
        degraded: Vec::new(),
        measured_by: String::new(),
        started: false,
    })
}

impl Turn {
    /// Answers, and stores how it went. The events of the turn go to the sink.
    ///
    /// Fails as the turn does; the failure is stored then.
    pub async fn run(mut self, sink: &mut Sink) -> Result<Answered, ApiError> {
        let mut decided = None;
        let (database, posted) = (self.database.clone(), self.posted.clone());
        let answer = self.answer(&mut decided, sink);
        let reply = match queue::alive(&database, &posted, answer).await {
            Ok(reply) => reply,
            Err(Stopped::Cancelled) => Reply::without_text(Ended::Cancelled),
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
        superseded::stop(&self.database, &self.posted).await?;
        queue::wait(&self.database, &self.posted, &self.settings.host_run, sink).await?;
        self.stages.lap("wait");

        let mut restarts = 0;
        let generation = loop {
            let begun = self.decide_and_begin(decided, sink).await;
            if begun.is_ok() || restarts == RESTARTS_MAX || !self.is_outdated(&begun).await {
                break begun;
            }
            restarts += 1;
        };
        let generation = generation.map_err(|error| match error {
            Begun::Model(error) => Stopped::Failed(ApiError::of_model(&error)),
            Begun::Stopped(stopped) => stopped,
        })?;
        self.tell_start(sink).await?;
        if let Some(decided) = decided
            && sink.is_heard()
        {
            let context = receipt::Context::of(decided, &self.degraded);
            sink.send("context", &context).await.map_err(|_| Stopped::Cancelled)?;
        }
        let stopped =
            async || reply::is_stopped(&self.database, &self.posted, &self.settings.host_run).await;
        let reply = reply::listen(generation, Thought::first(), stopped, sink).await;
        self.stages.lap("generate");
        Ok(reply)
    }

    /// Whether a turn failed since the model was replaced under it: what one model measured, and
    /// what failed because of it, means nothing to another.
    async fn is_outdated(&self, begun: &Result<Generation, Begun>) -> bool {
        match begun {
            Ok(_) | Err(Begun::Stopped(Stopped::Cancelled)) => false,
            Err(Begun::Model(ModelError::ModelChanged)) => true,
            Err(_) => !self.measured_by.is_empty() && measure::by(&self.measured_by).await.is_err(),
        }
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
