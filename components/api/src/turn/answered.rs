//! A turn that was answered: what the client hears last, and what is done when it has.

use super::receipt::Usage;
use super::sink::Sink;
use super::words;
use crate::db::Database;
use crate::db::messages::Message;
use crate::http::error::ApiError;
use crate::index::Text;
use crate::{generation, index};

/// A turn that was answered. Everything about it is stored.
pub struct Answered {
    /// The reply.
    pub message: Message,
    /// Its tokens, where the model spoke.
    pub usage: Option<Usage>,
    /// How long its stages took, as the header `server-timing` has it.
    pub timing: String,
    /// The id and the text of the user's message.
    pub user: (u64, String),
    /// Whether the index outlives this request, as in a host that names its runs.
    pub index_lives: bool,
}

impl Answered {
    /// Tells a client that listens how it went.
    pub async fn tell(&self, sink: &mut Sink) {
        // A client that left in the meantime finds the reply in the list.
        if let Some(usage) = &self.usage {
            let _ = sink.send("usage", usage).await;
        }
        let _ = sink.send("message.end", &self.message).await;
        sink.time(&self.timing).await;
    }

    /// Step 9: makes both messages part of the session's memory. What fails waits in the queue.
    pub async fn remember(self, database: &Database) {
        if let Err(error) = self.index(database).await {
            eprintln!("the turn waits to be indexed: {}", error.message);
        }
    }

    async fn index(self, database: &Database) -> Result<(), ApiError> {
        let current = generation::current(database).await?;
        if self.index_lives {
            let mut said = vec![(self.user.0, self.user.1.as_str())];
            if self.message.status == "ok" {
                said.push((self.message.id, &self.message.content));
            }
            words::said(&current, &self.message.session_id, self.message.turn, &said);
        }
        let mut texts = vec![Text::new(self.user.0, self.user.1)];
        if self.message.status == "ok" {
            texts.push(Text::new(self.message.id, self.message.content));
        }
        index::index(database, &current, texts).await?;
        Ok(())
    }
}
