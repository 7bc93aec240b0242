//! The chat model where none is configured.

use futures::future::{BoxFuture, FutureExt, ready};

use super::{
    ChatBackend, ChatModel, Generation, ModelError, Options, Prompt, Role, Side, Span, State,
};

/// No model: says so.
pub struct Absent;

fn none<T: Send + 'static>() -> BoxFuture<'static, Result<T, ModelError>> {
    ready(Err(ModelError::NoModel)).boxed()
}

impl ChatBackend for Absent {
    fn status(&self) -> ChatModel {
        ChatModel::unready(State::None)
    }

    fn count(&self, _: Vec<String>) -> BoxFuture<'_, Result<Vec<u32>, ModelError>> {
        none()
    }

    fn clip(&self, _: String, _: u32, _: Side) -> BoxFuture<'_, Result<Span, ModelError>> {
        none()
    }

    fn frame(&self, _: Vec<Role>) -> BoxFuture<'_, Result<Vec<u32>, ModelError>> {
        none()
    }

    fn generate(&self, _: Prompt, _: Options) -> BoxFuture<'_, Result<Generation, ModelError>> {
        none()
    }

    fn forget(&self, _: String) -> BoxFuture<'_, ()> {
        ready(()).boxed()
    }
}
