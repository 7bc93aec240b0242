//! The embedding model of a server.

use std::borrow::Cow;
use std::sync::{Arc, PoisonError, RwLock};

use futures::future::{BoxFuture, FutureExt};
use openai_wire::{estimate, unreadable};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::sync::{Notify, Semaphore};

use super::Background;
use super::client::Client;
use super::endpoint::Endpoint;
use super::watch::{self, PAUSE, PAUSE_MAX};
use crate::model::{Embedder, EmbeddingModel, ModelError, Purpose};

/// The most texts of one request.
const TEXTS_MAX: usize = 64;
/// Requests that are with the server at once, and that may wait for that.
const REQUESTS_MAX: usize = 8;
/// The longest vector.
const DIMENSIONS_MAX: usize = 4_096;
/// The longest answer, in bytes: as many vectors as are asked for, written at length.
const ANSWER_BYTES_MAX: usize = TEXTS_MAX * DIMENSIONS_MAX * 32;
/// What is embedded to see how long a vector is.
const PROBE: &str = "a";

/// What the operator knows of a model that its server does not tell.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The tokens that a text begins with and it embeds, at most.
    pub tokens_max: u32,
    /// What it wants to read before a text that is to be found.
    pub passage_prefix: String,
    /// What it wants to read before a text that is to find.
    pub query_prefix: String,
}

/// An embedding model that a server runs.
pub struct RemoteEmbedder {
    shared: Arc<Shared>,
    _watching: Option<Background>,
}

struct Shared {
    client: Option<Client>,
    /// The model, once the server has embedded something; until then, why it has not.
    model: RwLock<Result<EmbeddingModel, ModelError>>,
    settings: Settings,
    doubt: Notify,
    permits: Semaphore,
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    input: &'a [Cow<'a, str>],
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    index: Option<usize>,
    embedding: Vec<f32>,
}

impl RemoteEmbedder {
    /// Begins to ask a server for its model, and returns at once. Of texts that have more tokens
    /// than it embeds, by an estimate, it is sent the beginning. Needs a runtime.
    pub fn connect(endpoint: Endpoint, settings: Settings) -> Self {
        let (client, model) = match Client::new(endpoint) {
            Ok(client) => (Some(client), Err(ModelError::Loading(0))),
            Err(reason) => {
                tracing::error!("the embedding model does not answer: {reason}");
                (None, Err(ModelError::LoadFailed))
            }
        };
        let shared = Arc::new(Shared {
            client,
            model: RwLock::new(model),
            settings,
            doubt: Notify::new(),
            permits: Semaphore::new(REQUESTS_MAX),
        });
        let watching = shared.client.is_some().then(|| {
            let shared = Arc::clone(&shared);
            Background(tokio::spawn(async move { shared.watch().await }))
        });
        Self { shared, _watching: watching }
    }
}

impl Embedder for RemoteEmbedder {
    /// A server that answers with nonsense is as good as none.
    fn describe(&self) -> Result<EmbeddingModel, ModelError> {
        self.shared.model().map_err(|error| match error {
            ModelError::EngineFailed(how) => ModelError::Unreachable(how),
            error => error,
        })
    }

    /// The interface has no word for the purpose; models that tell the two apart do it by a prefix.
    fn embed(
        &self,
        texts: Vec<String>,
        purpose: Purpose,
    ) -> BoxFuture<'_, Result<Vec<Vec<f32>>, ModelError>> {
        async move {
            let embedded = self.shared.embed(&texts, purpose).await;
            if let Err(error) = &embedded
                && watch::is_doubtful(error)
            {
                self.shared.doubt.notify_one();
            }
            embedded
        }
        .boxed()
    }
}

impl Shared {
    fn model(&self) -> Result<EmbeddingModel, ModelError> {
        self.model.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn client(&self) -> Result<&Client, ModelError> {
        self.client.as_ref().ok_or(ModelError::LoadFailed)
    }

    /// Asks until there is a model, and again when that is doubted, for ever.
    async fn watch(&self) {
        let mut pause = PAUSE;
        loop {
            match self.ask(&[PROBE.into()]).await.and_then(|vectors| self.describe(&vectors)) {
                Ok(model) => {
                    self.tell(Ok(model));
                    pause = PAUSE;
                    self.doubt.notified().await;
                }
                Err(error) => {
                    self.tell(Err(error));
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                }
            }
        }
    }

    /// Says how the model is. One that has been there stays described while its server is away:
    /// what it embedded can still be searched.
    fn tell(&self, found: Result<EmbeddingModel, ModelError>) {
        let mut known = self.model.write().unwrap_or_else(PoisonError::into_inner);
        match &found {
            Err(error) if *known != found => {
                tracing::warn!("the embedding model does not answer, and is asked again: {error}");
            }
            Ok(model) if *known != found => tracing::info!(
                "embedding model `{}` on a server: {} dimensions",
                model.name,
                model.dimensions
            ),
            _ => {}
        }
        if found.is_ok() || known.is_err() {
            *known = found;
        }
    }

    fn describe(&self, vectors: &[Vec<f32>]) -> Result<EmbeddingModel, ModelError> {
        let endpoint = self.client()?.endpoint();
        let dimensions = vectors.first().map_or(0, Vec::len);
        // Another way to find changes no vector that is stored.
        let (server, prefix) = (endpoint.base.url(""), &self.settings.passage_prefix);
        let identity = format!("openai\n{server}\n{}\n{dimensions}\n{prefix}", endpoint.model);
        let digest: String =
            Sha256::digest(identity).iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(EmbeddingModel {
            name: endpoint.model.clone(),
            digest,
            dimensions: dimensions as u32,
            tokens_max: self.settings.tokens_max,
        })
    }

    /// One vector for each text: of length 1, or of zeros where there is no text.
    async fn embed(&self, texts: &[String], purpose: Purpose) -> Result<Vec<Vec<f32>>, ModelError> {
        let width = self.model()?.dimensions as usize;
        let _permit = self.permits.acquire().await.map_err(|_| ModelError::LoadFailed)?;
        let prefix = match purpose {
            Purpose::Passage => &self.settings.passage_prefix,
            Purpose::Query => &self.settings.query_prefix,
        };
        let room = self.settings.tokens_max.saturating_sub(estimate::count(prefix)).max(1);
        let mut vectors = vec![vec![0_f32; width]; texts.len()];
        let texts: Vec<(usize, &str)> = texts
            .iter()
            .map(|text| beginning(text, room))
            .enumerate()
            .filter(|(_, beginning)| !beginning.trim().is_empty())
            .collect();
        for texts in texts.chunks(TEXTS_MAX) {
            let prefixed: Vec<Cow<'_, str>> =
                texts.iter().map(|(_, beginning)| prefixed(prefix, beginning)).collect();
            let found = self.ask(&prefixed).await?;
            for ((text, _), vector) in texts.iter().zip(found) {
                if vector.len() != width {
                    // Another model has taken its place, and is to be described anew.
                    self.doubt.notify_one();
                    return Err(ModelError::EngineFailed(format!(
                        "the server answered with vectors of {} numbers, and of {width} before",
                        vector.len()
                    )));
                }
                vectors[*text] = vector;
            }
        }
        for vector in &mut vectors {
            let length = length(vector);
            if length > 0.0 {
                vector.iter_mut().for_each(|value| *value /= length);
            }
        }
        Ok(vectors)
    }

    /// Has the server embed texts, none of which is empty.
    async fn ask(&self, texts: &[Cow<'_, str>]) -> Result<Vec<Vec<f32>>, ModelError> {
        let client = self.client()?;
        let request = Request { model: &client.endpoint().model, input: texts };
        let request = serde_json::to_string(&request).expect("texts are always JSON");
        let body = client
            .post("/embeddings", request, "application/json")
            .await
            .map_err(|failure| failure.error)?;
        let answer = body.whole(ANSWER_BYTES_MAX).await?;
        read(&answer, texts.len()).map_err(|how| {
            let server = client.endpoint().base.url("");
            ModelError::EngineFailed(format!("the server `{server}` cannot be understood: {how}"))
        })
    }
}

/// Reads an answer: as many vectors as were asked for, in that order.
///
/// Fails with what is wrong with it.
fn read(answer: &[u8], expected: usize) -> Result<Vec<Vec<f32>>, String> {
    let answer: Answer = serde_json::from_slice(answer).map_err(|error| unreadable(&error))?;
    let mut vectors = vec![Vec::new(); expected];
    for (position, entry) in answer.data.into_iter().enumerate() {
        let index = entry.index.unwrap_or(position);
        let vector = entry.embedding;
        if !(1..=DIMENSIONS_MAX).contains(&vector.len()) {
            return Err(format!(
                "a vector has {} numbers, not 1 to {DIMENSIONS_MAX}",
                vector.len()
            ));
        }
        if !vector.iter().all(|number| number.is_finite()) {
            return Err("a vector has a number that is not finite".into());
        }
        *vectors.get_mut(index).ok_or("it sent more vectors than it was asked for")? = vector;
    }
    if vectors.iter().any(Vec::is_empty) {
        return Err("it sent fewer vectors than it was asked for".into());
    }
    Ok(vectors)
}

/// As much of a text as the model embeds.
fn beginning(text: &str, tokens_max: u32) -> &str {
    let text = text.trim_start();
    let (_, end) = estimate::clip(text, tokens_max, false);
    // A limit that is less than one character takes is passed rather than nothing embedded.
    &text[..end.max(text.chars().next().map_or(0, char::len_utf8))]
}

fn prefixed<'a>(prefix: &str, text: &'a str) -> Cow<'a, str> {
    if prefix.is_empty() { text.into() } else { format!("{prefix}{text}").into() }
}

fn length(vector: &[f32]) -> f32 {
    vector.iter().map(|value| value * value).sum::<f32>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_come_in_the_order_of_the_texts() {
        let answer = br#"{"object":"list","data":[{"object":"embedding","index":1,"embedding":[2]},
            {"index":0,"embedding":[1.5]}],"model":"m","usage":{}}"#;
        assert_eq!(read(answer, 2), Ok(vec![vec![1.5], vec![2.0]]));
        assert_eq!(read(br#"{"data":[{"embedding":[1]}]}"#, 1), Ok(vec![vec![1.0]]));
    }

    #[test]
    fn an_answer_that_is_none_is_refused_and_what_is_wrong_is_told() {
        for (answer, told) in [
            ("<html>", "no JSON"),
            (r#"{"data":[]}"#, "fewer vectors"),
            (r#"{"data":[{"embedding":[1]},{"embedding":[1]}]}"#, "more vectors"),
            (r#"{"data":[{"embedding":[]}]}"#, "0 numbers"),
            (r#"{"data":[{"embedding":[1e39]}]}"#, "finite"),
            (r#"{"data":[{"index":7,"embedding":[1]}]}"#, "more vectors"),
        ] {
            let how = read(answer.as_bytes(), 1).expect_err(answer);
            assert!(how.contains(told), "{how}");
        }
    }

    #[test]
    fn of_a_long_text_the_beginning_is_embedded() {
        let text = "The quick brown fox jumps over the lazy dog. ".repeat(20);
        let short = beginning(&text, 64);
        assert!(text.starts_with(short) && (100..text.len()).contains(&short.len()));
        assert!(estimate::count(short) <= 64);
        assert_eq!(
            [beginning(" \n", 64), beginning("🦀🦀", 1), beginning(" a", 9)],
            ["", "🦀", "a"]
        );
    }
}
