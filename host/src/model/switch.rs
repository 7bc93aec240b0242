//! The chat model behind one pointer: it can be replaced while the server runs.
//!
//! The old model answers until the new one can. An answer that has begun is finished by the model
//! that began it. A turn that has measured with the old one and not begun yet hears
//! `model-changed`, and measures again: no prompt is ever laid out by the tokens of one model and
//! read by another.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use futures::future::{BoxFuture, FutureExt};
use tracing::{info, warn};

use super::{
    ChatBackend, ChatModel, Generation, GenerationConfig, ModelError, Options, Prompt, Role, Side,
    Span, State,
};

/// How often a model that is being loaded is asked how far it is.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The chat model that is active, the one that is to be, and how they answer.
pub struct Switch {
    active: ArcSwap<Named>,
    next: Mutex<Next>,
    /// Held while a choice is noted, so that the newest one is noted last.
    keeping: Mutex<()>,
    generation: ArcSwap<GenerationConfig>,
}

/// A model under the name that it was chosen by.
struct Named {
    name: String,
    backend: Arc<dyn ChatBackend>,
}

#[derive(Default)]
struct Next {
    /// Counts the loads: an older one that ends late changes nothing.
    number: u64,
    model: Option<Pending>,
}

enum Pending {
    Loading(Arc<Named>),
    Failed(String, String),
}

/// Whether a model has to be loaded.
#[derive(Debug, PartialEq)]
pub enum Loading {
    /// It answers already.
    Active,
    /// It is being loaded, and answers when it can.
    Begun,
}

impl Switch {
    /// Begins with `backend`, chosen by `name` (empty for none), and these settings.
    pub fn new(name: String, backend: Arc<dyn ChatBackend>, generation: GenerationConfig) -> Self {
        Self {
            active: ArcSwap::from_pointee(Named { name, backend }),
            next: Mutex::default(),
            keeping: Mutex::default(),
            generation: ArcSwap::from_pointee(generation),
        }
    }

    /// The name that the active model was chosen by; empty for none.
    pub fn name(&self) -> String {
        self.active.load().name.clone()
    }

    /// How the model answers where a request does not say.
    pub fn generation(&self) -> Arc<GenerationConfig> {
        self.generation.load_full()
    }

    /// Sets how the model answers from now on.
    pub fn set_generation(&self, generation: GenerationConfig) {
        self.generation.store(Arc::new(generation));
    }

    /// Replaces the active model by the one that `begin` begins to load, as soon as it can answer
    /// and `keep` has noted the choice. Another model that is being loaded is given up. Must be
    /// called on a thread of the runtime; blocks only while `keep` does, where the model answers
    /// already.
    ///
    /// # Errors
    ///
    /// Fails as `keep` does, where the model answers already.
    pub fn load(
        self: &Arc<Self>,
        name: &str,
        begin: impl FnOnce() -> Arc<dyn ChatBackend>,
        keep: impl FnOnce() -> Result<(), String> + Send + 'static,
    ) -> Result<Loading, String> {
        let active = self.active.load();
        let answers = active.name == name && active.backend.status().state == State::Ready;
        let mut next = self.next();
        next.number += 1;
        next.model = None;
        let number = next.number;
        if answers {
            drop(next);
            return self.keep(number, keep).map(|_| Loading::Active);
        }
        let model = Arc::new(Named { name: name.to_owned(), backend: begin() });
        next.model = Some(Pending::Loading(Arc::clone(&model)));
        tokio::spawn(follow(Arc::clone(self), number, model, keep));
        Ok(Loading::Begun)
    }

    /// Has a choice noted, unless there is a newer one. False then.
    fn keep(&self, number: u64, keep: impl FnOnce() -> Result<(), String>) -> Result<bool, String> {
        let _keeping = self.keeping.lock().unwrap_or_else(PoisonError::into_inner);
        if self.next().number != number {
            return Ok(false);
        }
        keep().map(|()| true)
    }

    fn next(&self) -> MutexGuard<'_, Next> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the load of this number with the model in place, or with a reason. False if it is not
    /// the newest load any more.
    fn end(&self, number: u64, model: &Arc<Named>, failed: Option<String>) -> bool {
        let mut next = self.next();
        if next.number != number {
            return false;
        }
        next.model = match failed {
            Some(reason) => Some(Pending::Failed(model.name.clone(), reason)),
            None => {
                self.active.store(Arc::clone(model));
                None
            }
        };
        true
    }

    fn backend(&self) -> Arc<dyn ChatBackend> {
        Arc::clone(&self.active.load().backend)
    }
}

/// Waits until a model can answer, and puts it in the place of the active one.
async fn follow(
    switch: Arc<Switch>,
    number: u64,
    model: Arc<Named>,
    keep: impl FnOnce() -> Result<(), String> + Send + 'static,
) {
    let failed = loop {
        if switch.next().number != number {
            return;
        }
        match model.backend.status().state {
            State::Loading(_) => tokio::time::sleep(LOOK_AGAIN).await,
            State::Ready => break None,
            State::Failed(reason) => break Some(reason),
            State::None => break Some("there is no such model".to_owned()),
        }
    };
    let failed = match failed {
        None => {
            let keeper = Arc::clone(&switch);
            match tokio::task::spawn_blocking(move || keeper.keep(number, keep)).await {
                Ok(Ok(true)) => None,
                Ok(Ok(false)) => return,
                Ok(Err(reason)) => Some(reason),
                Err(error) => Some(error.to_string()),
            }
        }
        failed => failed,
    };
    match &failed {
        None => info!("The chat model is now `{}`", model.name),
        Some(reason) => {
            warn!("The chat model stays, since `{}` cannot take its place: {reason}", model.name);
        }
    }
    switch.end(number, &model, failed);
}

impl ChatBackend for Switch {
    fn status(&self) -> ChatModel {
        let mut status = self.backend().status();
        status.reply_tokens = self.generation.load().max_tokens.unwrap_or(0);
        status.next = match &self.next().model {
            None => None,
            Some(Pending::Loading(model)) => {
                let state = match model.backend.status().state {
                    // It is about to take its place.
                    State::Ready => State::Loading(100),
                    state => state,
                };
                Some((model.name.clone(), state))
            }
            Some(Pending::Failed(name, reason)) => {
                Some((name.clone(), State::Failed(reason.clone())))
            }
        };
        // Whoever has nothing to answer with waits for what comes.
        if let (State::None | State::Failed(_), Some((_, State::Loading(percent)))) =
            (&status.state, &status.next)
        {
            status.state = State::Loading(*percent);
        }
        status
    }

    fn count(&self, texts: Vec<String>) -> BoxFuture<'_, Result<Vec<u32>, ModelError>> {
        let backend = self.backend();
        async move { backend.count(texts).await }.boxed()
    }

    fn clip(
        &self,
        text: String,
        tokens_max: u32,
        side: Side,
    ) -> BoxFuture<'_, Result<Span, ModelError>> {
        let backend = self.backend();
        async move { backend.clip(text, tokens_max, side).await }.boxed()
    }

    fn frame(&self, roles: Vec<Role>) -> BoxFuture<'_, Result<Vec<u32>, ModelError>> {
        let backend = self.backend();
        async move { backend.frame(roles).await }.boxed()
    }

    fn generate(
        &self,
        prompt: Prompt,
        mut options: Options,
    ) -> BoxFuture<'_, Result<Generation, ModelError>> {
        let backend = self.backend();
        self.generation.load().fill(&mut options);
        async move { backend.generate(prompt, options).await }.boxed()
    }

    fn forget(&self, thread: String) -> BoxFuture<'_, ()> {
        let backend = self.backend();
        async move { backend.forget(thread).await }.boxed()
    }
}

#[cfg(test)]
mod tests;
