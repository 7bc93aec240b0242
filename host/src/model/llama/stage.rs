//! How far a model is, for those who ask while it is being loaded on a thread of its own.

use std::sync::{Arc, RwLock};

use crate::model::{ModelError, State};

enum Stage<T> {
    Loading(u8),
    Ready(Arc<T>),
    Failed(String),
}

/// A model that is there, or on its way, or not to come.
pub struct Staged<T>(RwLock<Stage<T>>);

impl<T> Staged<T> {
    /// Nothing of it is loaded yet.
    pub fn new() -> Self {
        Self(RwLock::new(Stage::Loading(0)))
    }

    /// So much of it is loaded, from 0 to 1.
    pub fn progress(&self, part: f32) {
        self.set(Stage::Loading((part * 100.0) as u8));
    }

    /// It is there.
    pub fn ready(&self, model: T) {
        self.set(Stage::Ready(Arc::new(model)));
    }

    /// It will not come, for this reason.
    pub fn fail(&self, reason: String) {
        self.set(Stage::Failed(reason));
    }

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
