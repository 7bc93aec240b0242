//! The application without a port: whoever holds it asks it in this process.

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use serde_json::Value;

use crate::config::ServeConfig;
use crate::serve::app::App;
use crate::serve::load;
use crate::serve::shutdown::{self, Alive, End};

/// An application that only this process can ask. Nothing maintains it but who holds it.
pub struct Local {
    app: App,
    alive: Alive,
    end: End,
}

impl Local {
    /// Loads the application, and opens its database.
    ///
    /// # Errors
    ///
    /// Fails if the application cannot be loaded, or the database cannot be opened.
    pub async fn open(config: ServeConfig) -> Result<Self> {
        let (end, stop) = shutdown::by_hand();
        let (alive, _) = shutdown::alive();
        let loading = tokio::task::spawn_blocking(move || load(&config, &stop));
        let app = loading.await.context("loading the application broke down")??;
        Ok(Self { app, alive, end })
    }

    /// Asks, and waits for the whole answer: its status, and its JSON, null where there is none.
    ///
    /// # Errors
    ///
    /// Fails if the application gives no answer, or one that is no JSON.
    pub async fn ask(
        &self,
        method: Method,
        target: &str,
        body: Option<Value>,
    ) -> Result<(StatusCode, Value)> {
        let body = body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
        let body = Full::new(body).map_err(|never| match never {});
        let request = Request::builder()
            .method(method)
            .uri(target)
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)?;
        let answer = self.app.answer(request, self.alive.clone()).await;
        let (head, body) = answer.unwrap_or_else(|failure| failure.into_response()).into_parts();
        let bytes = body.collect().await?.to_bytes();
        let body = match bytes.is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(&bytes).context("an answer is no JSON")?,
        };
        Ok((head.status, body))
    }

    /// Closes the database. Blocks until all is written.
    pub fn close(&self) {
        // What its instances still do is broken off, and that is no failure.
        self.end.ask();
        self.app.close();
    }
}
