//! Knowing whether a server is there, without anybody waiting for it: it is asked at start, when an
//! answer failed, and again and again while it does not answer.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::Notify;

use super::client::Client;
use crate::model::{ModelError, State};

/// How long the server may take to say that it is there.
const PROBE_TIME_MAX: Duration = Duration::from_secs(5);
/// The most bytes that are read of its list of models.
const PROBE_BYTES_MAX: usize = 4 << 20;
/// The pause before a server that did not answer is asked again; it doubles each time, up to
/// the longest.
pub const PAUSE: Duration = Duration::from_millis(500);
pub const PAUSE_MAX: Duration = Duration::from_secs(10);

/// How a server is, as far as is known.
pub struct Watch {
    state: RwLock<State>,
    doubt: Notify,
}

/// What came of asking a server.
pub struct Found {
    /// How it is.
    pub state: State,
    /// The context of the model in tokens, where the server says.
    pub context_tokens: Option<u32>,
}

impl Watch {
    /// Nothing is known yet.
    pub fn new() -> Self {
        Self { state: RwLock::new(State::Loading(0)), doubt: Notify::new() }
    }

    /// How the server is.
    pub fn state(&self) -> State {
        self.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sets how it is; what is new goes to the log.
    pub fn set(&self, state: State) {
        let mut known = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if *known != state {
            match &state {
                State::Ready => tracing::info!("the model's server answers"),
                State::Failed(reason) => tracing::warn!("the model does not answer: {reason}"),
                _ => {}
            }
            *known = state;
        }
    }

    /// An answer failed in a way that makes one wonder whether the server is still there.
    pub fn doubt(&self) {
        self.doubt.notify_one();
    }

    /// Asks until the server is there, then waits until that is doubted, for ever. `found` hears
    /// every time how it is.
    pub async fn run(&self, client: &Client, mut found: impl FnMut(&Found)) {
        let mut pause = PAUSE;
        loop {
            let it = probe(client).await;
            found(&it);
            let is_there = it.state == State::Ready;
            self.set(it.state);
            if is_there {
                pause = PAUSE;
                self.doubt.notified().await;
            } else {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
        }
    }
}

/// Whether a failure says something about the server, and not only about the request.
pub fn is_doubtful(error: &ModelError) -> bool {
    matches!(error, ModelError::Unreachable(_) | ModelError::TimedOut | ModelError::Refused(500..))
}

async fn probe(client: &Client) -> Found {
    let endpoint = client.endpoint();
    let server = endpoint.base.url("");
    let failed = |reason: String| Found { state: State::Failed(reason), context_tokens: None };
    match client.get("/models", PROBE_TIME_MAX, PROBE_BYTES_MAX).await {
        Ok((status @ (401 | 403), _)) => {
            failed(format!("the server `{server}` refuses the key, with status {status}"))
        }
        // So says a server that has yet to load its model.
        Ok((503, _)) => Found { state: State::Loading(0), context_tokens: None },
        Ok((status @ 500.., _)) => {
            failed(format!("the server `{server}` answers with status {status}"))
        }
        // Not every server has a list of its models.
        Ok((_, body)) => {
            let context_tokens = context_tokens(&body, &endpoint.model);
            Found { state: State::Ready, context_tokens }
        }
        Err(ModelError::Unreachable(how)) => {
            failed(format!("the server cannot be reached, and is asked again: {how}"))
        }
        Err(_) => failed(format!(
            "the server `{server}` did not answer within {} s, and is asked again",
            PROBE_TIME_MAX.as_secs()
        )),
    }
}

#[derive(Deserialize)]
struct Models {
    data: Vec<Model>,
}

/// An entry in a list of models. The interface has no word for the context, so servers have theirs:
/// vLLM, OpenRouter and others, Groq, llama.cpp.
#[derive(Deserialize)]
struct Model {
    id: String,
    max_model_len: Option<u32>,
    context_length: Option<u32>,
    context_window: Option<u32>,
    meta: Option<Meta>,
}

#[derive(Deserialize)]
struct Meta {
    n_ctx: Option<u32>,
}

/// The context of a model, from a list of models.
fn context_tokens(list: &[u8], name: &str) -> Option<u32> {
    let models: Models = serde_json::from_slice(list).ok()?;
    let model = models.data.into_iter().find(|model| model.id == name)?;
    let meta = model.meta.and_then(|meta| meta.n_ctx);
    let said = model.max_model_len.or(model.context_length).or(model.context_window).or(meta);
    said.filter(|tokens| *tokens > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_context_is_read_where_a_server_tells_it() {
        let list = br#"{"object":"list","data":[
            {"id":"a","max_model_len":32768},{"id":"b","context_length":8192,"pricing":{}},
            {"id":"c","meta":{"n_ctx":512,"n_ctx_train":4096}},{"id":"d","object":"model"}]}"#;
        let told = ["a", "b", "c", "d", "e"].map(|name| context_tokens(list, name));
        assert_eq!(told, [Some(32_768), Some(8_192), Some(512), None, None]);
        assert_eq!(context_tokens(b"<html>", "a"), None);
    }
}
