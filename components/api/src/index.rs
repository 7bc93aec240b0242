//! Indexing in the background: what was said becomes what can be recalled. The queue is in the
//! database, so what dies here is done by the next one who looks.

use crate::bindings::inference::embeddings::{self, Purpose};
use crate::bindings::inference::types::Error as ModelError;
use crate::db::indexing::{self, Entry};
use crate::db::{Database, messages};
use crate::generation::{self, Current, Embedder, Serving};
use crate::http::error::ApiError;
use crate::limits;

/// A text that is to be indexed.
pub struct Text {
    /// The message that it is the content of.
    pub message: u64,
    /// The content.
    pub content: String,
    /// Its vector by the active model, where it was made before.
    vector: Option<Vec<f32>>,
    /// Whether it is in the index that serves, where that is another model's.
    is_served: bool,
}

impl Text {
    /// What was said just now: it has no vector yet.
    pub fn new(message: u64, content: String) -> Self {
        Self { message, content, vector: None, is_served: false }
    }
}

/// Embeds texts and stores what comes out. A text that cannot be embedded waits for another time.
///
/// Returns how many were stored. Fails with 500 if the database does.
pub async fn index(
    database: &Database,
    current: &Current,
    mut texts: Vec<Text>,
) -> Result<usize, ApiError> {
    // First the index that serves: what waits in the queue no more is not looked at again.
    if let Serving::Former(former) = &current.serving {
        let new: Vec<&Text> = texts.iter().filter(|text| !text.is_served).collect();
        let vectors = embed(former, &new).await;
        let made = new.iter().zip(vectors).filter_map(|(text, made)| Some((text.message, made?)));
        let made: Vec<(u64, Vec<f32>)> = made.collect();
        indexing::store_served(database, indexing::served_sql, former.number, &made).await?;
    }
    let new: Vec<&Text> = texts.iter().filter(|text| text.vector.is_none()).collect();
    let mut made = embed(&current.active, &new).await.into_iter();
    for text in texts.iter_mut().filter(|text| text.vector.is_none()) {
        text.vector = made.next().flatten();
    }
    let entry = |text: Text| {
        let (message, text, vector) = (text.message, text.content, text.vector);
        vector.map(|vector| Entry { message, vector, text })
    };
    let entries: Vec<Entry> = texts.into_iter().filter_map(entry).collect();
    indexing::store(database, current.active.number, &entries).await?;
    Ok(entries.len())
}

/// A vector for each text that can be embedded. One that cannot must not keep the others waiting.
async fn embed(embedder: &Embedder, texts: &[&Text]) -> Vec<Option<Vec<f32>>> {
    if texts.is_empty() {
        return Vec::new();
    }
    let all = texts.iter().map(|text| text.content.clone()).collect();
    if let Ok(vectors) = generation::embed(embedder, all, Purpose::Passage).await {
        return vectors.into_iter().map(Some).collect();
    }
    let mut vectors = Vec::with_capacity(texts.len());
    for text in texts {
        let one = vec![text.content.clone()];
        let made = generation::embed(embedder, one, Purpose::Passage).await;
        let made = made.inspect_err(|error| {
            eprintln!("message {} could not be embedded, and waits: {error:?}", text.message);
        });
        vectors.push(made.ok().and_then(|vectors| vectors.into_iter().next()));
    }
    vectors
}

/// What one call of maintenance did.
#[derive(Debug, Default, serde::Serialize)]
pub struct Maintained {
    /// Turns that had died and were marked.
    pub interrupted: usize,
    /// Messages that were indexed.
    pub indexed: usize,
    /// Whether there is more to do now.
    pub more: bool,
    /// Documents that are done with.
    pub documents: usize,
}

/// Marks the turns that died, indexes what waits, and puts a complete index in the place of the one
/// before, in bounded steps.
///
/// Fails with what the model or the database says; what was done until then stays done.
pub async fn maintain(database: &Database, host_run: &str) -> Result<Maintained, ApiError> {
    let interrupted = messages::abandon(database, host_run).await?;
    let mut done = Maintained { interrupted, ..Maintained::default() };
    if let Err(error) = embeddings::describe().await {
        // What waits goes on waiting; everything else can be served meanwhile.
        match error {
            // It will soon: whoever calls comes again.
            ModelError::Loading(_) => done.more = true,
            error => eprintln!("nothing is indexed for now, since no model embeds: {error:?}"),
        }
        return Ok(done);
    }
    let current = generation::current(database).await?;
    for _ in 0..limits::INDEX_STEPS_MAX {
        let (active, served) = (current.active.number, current.former_number());
        let waiting = indexing::waiting(database, active, served).await?;
        done.more = waiting.len() == limits::INDEX_STEP_MESSAGES as usize;
        if waiting.is_empty() {
            break;
        }
        let text = |one: indexing::Waiting| Text {
            message: one.message,
            content: one.content,
            vector: one.vector.filter(|it| it.len() == current.active.dimensions as usize),
            is_served: one.is_served,
        };
        let texts = waiting.into_iter().map(text).collect();
        let indexed = index(database, &current, texts).await?;
        done.indexed += indexed;
        if indexed == 0 {
            // Nothing of a whole step could be embedded: now is not the time.
            done.more = false;
        }
        if !done.more {
            break;
        }
    }
    done.more |= generation::tidy(database, &current).await?;
    Ok(done)
}
