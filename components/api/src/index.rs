//! Indexing in the background: what was said becomes what can be recalled. The queue is in the
//! database, so what dies here is done by the next one who looks.

use crate::bindings::inference::embeddings::{self, Purpose};
use crate::bindings::inference::types::Error as ModelError;
use crate::db::indexing::{self, Entry};
use crate::db::{Database, messages};
use crate::http::error::ApiError;
use crate::limits;
use std::cell::RefCell;
use std::rc::Rc;

/// The model that embeds, as this program knows it.
#[derive(Debug, PartialEq)]
pub struct Embedder {
    /// The number of its digest in the database.
    pub number: i64,
    /// Its digest: the name of its index.
    pub digest: String,
    /// The length of its vectors.
    pub dimensions: u32,
    /// The name that people know it by.
    pub name: String,
}

thread_local! {
    /// The embedder that was asked for last: its number needs a statement.
    static EMBEDDER: RefCell<Option<Rc<Embedder>>> = const { RefCell::new(None) };
}

/// The model that embeds now.
///
/// Fails with what the model or the database says.
pub async fn embedder(database: &Database) -> Result<Rc<Embedder>, ApiError> {
    let model = embeddings::describe().await.map_err(|error| ApiError::of_model(&error))?;
    let known = EMBEDDER.with_borrow(Clone::clone);
    if let Some(known) = known.filter(|known| known.digest == model.digest) {
        return Ok(known);
    }
    let found = Rc::new(Embedder {
        number: messages::model_number(database, &model.digest).await?,
        digest: model.digest,
        dimensions: model.dimensions,
        name: model.name,
    });
    EMBEDDER.set(Some(found.clone()));
    Ok(found)
}

/// Embeds texts and stores what comes out. A text that cannot be embedded waits for another time.
///
/// Returns how many were stored. Fails with 500 if the database does.
pub async fn index(
    database: &Database,
    embedder: &Embedder,
    texts: Vec<(u64, String)>,
) -> Result<usize, ApiError> {
    let vectors = match embed(texts.iter().map(|(_, text)| text.clone()).collect()).await {
        Ok(vectors) => vectors.into_iter().map(Some).collect(),
        Err(_) if texts.len() > 1 => one_by_one(&texts).await,
        Err(error) => {
            eprintln!("a message could not be embedded, and waits: {error:?}");
            Vec::new()
        }
    };
    let entry = |((message, text), vector): (&'_ (u64, String), Option<Vec<f32>>)| {
        vector.map(|vector| Entry { message: *message, vector, text: text.clone() })
    };
    let entries: Vec<Entry> = texts.iter().zip(vectors).filter_map(entry).collect();
    indexing::store(database, embedder.number, &entries).await?;
    Ok(entries.len())
}

/// One text that cannot be embedded must not keep the others waiting.
async fn one_by_one(texts: &[(u64, String)]) -> Vec<Option<Vec<f32>>> {
    let mut vectors = Vec::with_capacity(texts.len());
    for (id, text) in texts {
        let found = embed(vec![text.clone()]).await;
        let found = found.inspect_err(|error| {
            eprintln!("message {id} could not be embedded, and waits: {error:?}");
        });
        vectors.push(found.ok().and_then(|vectors| vectors.into_iter().next()));
    }
    vectors
}

async fn embed(texts: Vec<String>) -> Result<Vec<Vec<f32>>, ModelError> {
    let expected = texts.len();
    let vectors = embeddings::embed(texts, Purpose::Passage).await?;
    if vectors.len() == expected { Ok(vectors) } else { Err(ModelError::EngineFailed) }
}

/// What one call of maintenance did.
#[derive(Debug, Default, serde::Serialize)]
pub struct Maintained {
    /// Turns that had died and were marked.
    pub interrupted: usize,
    /// Messages that were indexed.
    pub indexed: usize,
    /// Whether more messages wait.
    pub more: bool,
    /// Documents that are done with.
    pub documents: usize,
}

/// Marks the turns that died, and indexes what waits, in bounded steps.
///
/// Fails with what the model or the database says; what was done until then stays done.
pub async fn maintain(database: &Database, host_run: &str) -> Result<Maintained, ApiError> {
    let interrupted = messages::abandon(database, host_run).await?;
    let mut done = Maintained { interrupted, ..Maintained::default() };
    if let Err(error) = embeddings::describe().await {
        // What waits goes on waiting; everything else can be served meanwhile.
        eprintln!("nothing is indexed for now, since no model embeds: {error:?}");
        return Ok(done);
    }
    let embedder = embedder(database).await?;
    for _ in 0..limits::INDEX_STEPS_MAX {
        let waiting = indexing::waiting(database, embedder.number).await?;
        done.more = waiting.len() == limits::INDEX_STEP_MESSAGES as usize;
        if waiting.is_empty() {
            break;
        }
        let texts = waiting.into_iter().map(|one| (one.message, one.content)).collect();
        let indexed = index(database, &embedder, texts).await?;
        done.indexed += indexed;
        // Nothing of a whole step could be embedded: now is not the time.
        if indexed == 0 || !done.more {
            break;
        }
    }
    Ok(done)
}
