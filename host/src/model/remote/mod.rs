//! Models on OpenAI-compatible servers: the only part of the host that speaks to them.
//!
//! A server may be away when the host starts, and whenever it likes: it is watched in the
//! background, and whoever asks meanwhile is told how it is.

mod answer;
mod chat;
mod client;
mod embed;
mod endpoint;
mod frame;
mod measure;
mod watch;

pub use chat::RemoteChat;
pub use client::builder as client_builder;
pub use embed::{RemoteEmbedder, Settings as EmbeddingSettings};
pub use endpoint::{Endpoint, Key};

/// Ends a background task with what it works for.
struct Background(tokio::task::JoinHandle<()>);

impl Drop for Background {
    fn drop(&mut self) {
        self.0.abort();
    }
}
#[cfg(test)]
mod tests;
