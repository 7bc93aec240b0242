//! How far a model is, for those who ask while it is being loaded on a thread of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, RwLock, Weak};
use std::thread;

use crate::model::{ModelError, State};

enum Stage<T> {
    Loading(u8),
    Ready(Arc<T>),
    Failed(String),
}

/// A model that is there, or on its way, or not to come.
pub struct Staged<T>(RwLock<Stage<T>>);

impl<T> Staged<T> {
    /// The model if it is there.
    ///
    /// Fails with `Loading` or `LoadFailed` if not.
    pub fn get(&self) -> Result<Arc<T>, ModelError> {
        match &*self.0.read().expect("nobody panics while holding it") {
            Stage::Loading(percent) => Err(ModelError::Loading(*percent)),
            Stage::Ready(model) => Ok(Arc::clone(model)),
            Stage::Failed(_) => Err(ModelError::LoadFailed),
        }
    }

    /// How far it is.
    pub fn state(&self) -> State {
        match &*self.0.read().expect("nobody panics while holding it") {
            Stage::Loading(percent) => State::Loading(*percent),
            Stage::Ready(_) => State::Ready,
            Stage::Failed(reason) => State::Failed(reason.clone()),
        }
    }

    fn set(&self, stage: Stage<T>) {
        *self.0.write().expect("nobody panics while holding it") = stage;
    }
}

/// What the thread of a model has of it. It does not keep the model: when nobody else holds it any
/// more, the thread's work is done.
pub struct Teller<T>(Weak<Staged<T>>);

impl<T> Clone for Teller<T> {
    fn clone(&self) -> Self {
        Self(Weak::clone(&self.0))
    }
}

impl<T> Teller<T> {
    /// So much of it is loaded, from 0 to 1. False if nobody waits for it any more.
    pub fn progress(&self, part: f32) -> bool {
        self.tell(Stage::Loading((part * 100.0) as u8))
    }

    /// It is there.
    pub fn ready(&self, model: T) {
        self.tell(Stage::Ready(Arc::new(model)));
    }

    /// It will not come, for this reason.
    fn fail(&self, reason: String) {
        self.tell(Stage::Failed(reason));
    }

    fn tell(&self, stage: Stage<T>) -> bool {
        let staged = self.0.upgrade();
        if let Some(staged) = &staged {
            staged.set(stage);
        }
        staged.is_some()
    }
}

/// Runs `work`, which loads a model and then serves it, on a thread of this name. If it fails or
/// panics, so has the model, with the reason.
pub fn spawn<T: Send + Sync + 'static>(
    name: &str,
    work: impl FnOnce(&Teller<T>) -> Result<(), String> + Send + 'static,
) -> Arc<Staged<T>> {
    let staged = Arc::new(Staged(RwLock::new(Stage::Loading(0))));
    let teller = Teller(Arc::downgrade(&staged));
    let guarded = {
        let teller = teller.clone();
        move || {
            let ended = catch_unwind(AssertUnwindSafe(|| work(&teller)))
                .unwrap_or_else(|_| Err("its thread panicked; the log says where".into()));
            if let Err(reason) = ended {
                tracing::error!("a model does not answer: {reason}");
                teller.fail(reason);
            }
        }
    };
    if let Err(error) = thread::Builder::new().name(name.to_owned()).spawn(guarded) {
        teller.fail(format!("no thread for it could be started: {error}"));
    }
    staged
}
