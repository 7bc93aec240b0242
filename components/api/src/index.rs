//! Indexing in the background: what was said becomes what can be recalled. The queue is in the
//! database, so what dies here is done by the next one who looks.

use crate::bindings::inference::embeddings;
use crate::bindings::inference::types::Error as ModelError;
use crate::db::indexing::{self, Entry};
use crate::db::{Database, messages, unfinished};
use crate::generation::{self, Current, Embedder, Serving, Unmade};
use crate::http::error::ApiError;
use crate::limits;
use crate::turn::recall;

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

/// Embeds texts and stores what comes out. A text that the model refuses is found by its words; one
/// that cannot be embedded just now waits for another time.
///
/// Returns how many wait no longer. Fails with 500 if the database does.
pub async fn index(
    database: &Database,
    current: &Current,
    texts: Vec<Text>,
) -> Result<usize, ApiError> {
    // First the index that serves: what waits in the queue no more is not looked at again.
    if let Serving::Former(former) = &current.serving {
        let new: Vec<&Text> = texts.iter().filter(|text| !text.is_served).collect();
        let vectors = embed(former, &new).await;
        let made = new.iter().zip(vectors);
        let made = made.filter_map(|(text, made)| Some((text.message, made.ok()?)));
        let made: Vec<(u64, Vec<f32>)> = made.collect();
        indexing::store_served(database, indexing::served_sql, former.number, &made).await?;
    }
    let new: Vec<&Text> = texts.iter().filter(|text| text.vector.is_none()).collect();
    let mut made = embed(&current.active, &new).await.into_iter();
    let mut entries = Vec::with_capacity(texts.len());
    for text in texts {
        let vector = match text.vector {
            Some(vector) => Some(vector),
            None => match made.next() {
                Some(Ok(vector)) => Some(vector),
                Some(Err(Unmade::Refused(_))) => None,
                Some(Err(Unmade::Passing(_))) | None => continue,
            },
        };
        entries.push(Entry { message: text.message, vector, text: text.content });
    }
    indexing::store(database, current.active.number, &entries).await?;
    Ok(entries.len())
}

/// A vector for each text, or why there is none, which is logged.
async fn embed(embedder: &Embedder, texts: &[&Text]) -> Vec<Result<Vec<f32>, Unmade>> {
    let contents: Vec<&str> = texts.iter().map(|text| text.content.as_str()).collect();
    let made = generation::embed_each(embedder, &contents).await;
    for (text, made) in texts.iter().zip(&made) {
        match made {
            Ok(_) => {}
            Err(Unmade::Refused(why)) => {
                eprintln!("message {} has no vector, and is found by words: {why}", text.message);
            }
            Err(Unmade::Passing(error)) => {
                eprintln!("message {} could not be embedded, and waits: {error:?}", text.message);
            }
        }
    }
    made
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
    let unfinished = unfinished::sweep(database, host_run).await?;
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
    unfinished.iter().for_each(|id| recall::drop_scope(&current, id));
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
