//! Which model embeds, and which index is searched. They belong to different models while the
//! index of a new one is being built.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::{Value, json};

use crate::bindings::inference::embeddings::{self, Purpose};
use crate::bindings::inference::former_embeddings;
use crate::bindings::inference::types::Error as ModelError;
use crate::db::generations::{self, Generation, Place};
use crate::db::{Database, messages};
use crate::http::error::ApiError;

/// A model that embeds, as this program knows it.
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
    /// Whether it embeds what is new. Others only read what they made.
    pub is_active: bool,
}

/// The model that embeds, and the index that is searched.
#[derive(Debug, Clone)]
pub struct Current {
    /// The active model: what is said becomes part of its index.
    pub active: Rc<Embedder>,
    /// The index that is searched.
    pub serving: Serving,
}

/// Whose index is searched.
#[derive(Debug, Clone)]
pub enum Serving {
    /// That of the active model.
    Active,
    /// That of another model, until the active one's holds as much.
    Former(Rc<Embedder>),
    /// That of a model which is not there any more: nobody can read it.
    Nobody,
}

impl Current {
    /// All models that have an index here.
    pub fn all(&self) -> impl Iterator<Item = &Rc<Embedder>> {
        let former = match &self.serving {
            Serving::Former(former) => Some(former),
            Serving::Active | Serving::Nobody => None,
        };
        former.into_iter().chain([&self.active])
    }

    /// The number of the serving model where it is not the active one; 0 where it is, or is gone.
    pub fn former_number(&self) -> i64 {
        match &self.serving {
            Serving::Former(former) => former.number,
            Serving::Active | Serving::Nobody => 0,
        }
    }
}

thread_local! {
    /// The active model as it was asked for last: its number needs a statement.
    static ACTIVE: RefCell<Option<Rc<Embedder>>> = const { RefCell::new(None) };
    /// The active model that was found to serve. It does until another one is active.
    static SETTLED: RefCell<Option<Rc<Embedder>>> = const { RefCell::new(None) };
}

/// The model that embeds now, and the index that is searched. The first to see a new model notes
/// it, and so begins its index.
///
/// Fails with what the model or the database says.
pub async fn current(database: &Database) -> Result<Current, ApiError> {
    let active = active(database).await?;
    let is_settled = SETTLED.with_borrow(|settled| settled.as_ref() == Some(&active));
    if is_settled {
        return Ok(Current { active, serving: Serving::Active });
    }
    let mut all = generations::read(database).await?;
    if !is_noted(&all, active.number) {
        generations::set_target(database, active.number).await?;
        all = generations::read(database).await?;
    }
    let serving = all.iter().find(|one| one.place == Place::Serving);
    let serving = match serving.filter(|serving| serving.model != active.number) {
        Some(other) => former(other).await.map_or(Serving::Nobody, Serving::Former),
        None => {
            SETTLED.set(Some(active.clone()));
            Serving::Active
        }
    };
    Ok(Current { active, serving })
}

/// The model whose index can be searched. While the active one is being loaded, or cannot be, that
/// is the one that served before, if it is there.
///
/// Fails with a sentence if there is none.
pub async fn searched(database: &Database) -> Result<Rc<Embedder>, String> {
    let building = || "the index of the new embedding model is being built".to_owned();
    match current(database).await {
        Ok(Current { active, serving: Serving::Active }) => Ok(active),
        Ok(Current { serving: Serving::Former(former), .. }) => Ok(former),
        Ok(Current { serving: Serving::Nobody, .. }) => Err(building()),
        Err(inactive) => {
            let all = generations::read(database).await.map_err(|error| error.message)?;
            match all.iter().find(|one| one.place == Place::Serving) {
                Some(serving) => former(serving).await.ok_or(inactive.message),
                None => Err(inactive.message),
            }
        }
    }
}

/// Whether the generations are as this active model needs them.
fn is_noted(all: &[Generation], active: i64) -> bool {
    let of = |place| all.iter().find(|one| one.place == place).map(|one| one.model);
    match (of(Place::Serving), of(Place::Building)) {
        (Some(serving), None) => serving == active,
        (Some(_), Some(building)) => building == active,
        (None, _) => false,
    }
}

async fn active(database: &Database) -> Result<Rc<Embedder>, ApiError> {
    let model = embeddings::describe().await.map_err(|error| ApiError::of_model(&error))?;
    let known = ACTIVE.with_borrow(Clone::clone);
    if let Some(known) = known.filter(|known| known.digest == model.digest) {
        return Ok(known);
    }
    let found = Rc::new(Embedder {
        number: messages::model_number(database, &model.digest).await?,
        digest: model.digest,
        dimensions: model.dimensions,
        name: model.name,
        is_active: true,
    });
    ACTIVE.set(Some(found.clone()));
    Ok(found)
}

/// The model of a generation, if it is still there besides the active one.
async fn former(generation: &Generation) -> Option<Rc<Embedder>> {
    let all = former_embeddings::former_models().await;
    let model = all.into_iter().find(|model| model.digest == generation.digest)?;
    Some(Rc::new(Embedder {
        number: generation.model,
        digest: model.digest,
        dimensions: model.dimensions,
        name: model.name,
        is_active: false,
    }))
}

/// Embeds texts: one vector for each.
///
/// Fails as the model does.
pub async fn embed(
    embedder: &Embedder,
    texts: Vec<String>,
    purpose: Purpose,
) -> Result<Vec<Vec<f32>>, ModelError> {
    let expected = texts.len();
    let vectors = match embedder.is_active {
        true => embeddings::embed(texts, purpose).await?,
        false => former_embeddings::embed_with(embedder.digest.clone(), texts, purpose).await?,
    };
    if vectors.len() == expected { Ok(vectors) } else { Err(ModelError::EngineFailed) }
}

/// Why there is no vector of a text.
#[derive(Debug)]
pub enum Unmade {
    /// The model refuses this text, and will again: what it says.
    Refused(String),
    /// It may be another answer another time.
    Passing(ModelError),
}

/// Embeds texts: for each its vector, or why there is none. One that cannot be embedded does not
/// keep the others from it.
pub async fn embed_each(embedder: &Embedder, texts: &[&str]) -> Vec<Result<Vec<f32>, Unmade>> {
    if texts.is_empty() {
        return Vec::new();
    }
    let owned = |text: &&str| (*text).to_owned();
    let error = match embed(embedder, texts.iter().map(owned).collect(), Purpose::Passage).await {
        Ok(vectors) => return vectors.into_iter().map(Ok).collect(),
        Err(error) => error,
    };
    if is_of_model(&error) {
        return texts.iter().map(|_| Err(Unmade::Passing(error.clone()))).collect();
    }
    let mut made = Vec::with_capacity(texts.len());
    for text in texts {
        let one = embed(embedder, vec![owned(text)], Purpose::Passage).await;
        made.push(match one {
            Ok(mut vectors) => Ok(vectors.pop().unwrap_or_default()),
            Err(error) => Err(unmade(embedder, error).await),
        });
    }
    made
}

/// What it means that a text by itself was not embedded. A server that refuses everything for now
/// says the same as one that refuses a text, so it is asked for one that nobody can refuse.
async fn unmade(embedder: &Embedder, error: ModelError) -> Unmade {
    if may_be_of_text(&error)
        && embed(embedder, vec!["text".to_owned()], Purpose::Passage).await.is_ok()
    {
        return Unmade::Refused(ApiError::of_model(&error).message);
    }
    Unmade::Passing(error)
}

/// Whether an error has nothing to do with what was to be embedded.
fn is_of_model(error: &ModelError) -> bool {
    matches!(
        error,
        ModelError::NoModel
            | ModelError::Loading(_)
            | ModelError::LoadFailed
            | ModelError::ModelChanged
            | ModelError::Busy(_)
            | ModelError::Unreachable
    )
}

/// Whether an error may be about the text. That something takes too long, or may not be asked for
/// just now, never is.
fn may_be_of_text(error: &ModelError) -> bool {
    matches!(
        error,
        ModelError::ContextExceeded(_)
            | ModelError::InvalidRequest
            | ModelError::EngineFailed
            | ModelError::Refused(400 | 413 | 422)
    )
}

/// Puts a complete index in the place of the one that serves, and deletes some of what nobody wants
/// any more. Returns whether there is more to delete.
///
/// Fails with 500 if the database does.
pub async fn tidy(database: &Database, current: &Current) -> Result<bool, ApiError> {
    let is_settled = matches!(current.serving, Serving::Active);
    if !is_settled && generations::flip(database, current.active.number).await? {
        eprintln!(
            "the index of the embedding model `{}` is complete, and serves",
            current.active.name
        );
    }
    generations::sweep(database).await
}

/// How the index is, in JSON: whose is searched, and how far that of the active model is.
///
/// Fails with what the model or the database says.
pub async fn status(database: &Database) -> Result<Value, ApiError> {
    let current = current(database).await?;
    let (status, searched) = match &current.serving {
        Serving::Active => return Ok(json!({ "status": "ready", "model": current.active.name })),
        Serving::Former(former) => ("building", Some(&former.name)),
        Serving::Nobody => ("building", None),
    };
    let (done, total) = generations::progress(database, current.active.number).await?;
    Ok(json!({
        "status": status,
        "model": searched,
        "next_model": current.active.name,
        "indexed": done,
        "total": total,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_server_says_of_a_text_is_held_against_it() {
        for error in [ModelError::InvalidRequest, ModelError::Refused(400)] {
            assert!(may_be_of_text(&error) && !is_of_model(&error), "{error:?}");
        }
        let passing = [401, 403, 404, 408, 429, 500, 503].map(ModelError::Refused);
        for error in passing.into_iter().chain([ModelError::TimedOut, ModelError::Unreachable]) {
            assert!(!may_be_of_text(&error), "{error:?}");
        }
    }

    #[test]
    fn a_new_model_is_noted_once() {
        let one = |model, place| Generation { model, digest: String::new(), place };
        let serving = one(1, Place::Serving);
        assert!(!is_noted(&[], 1));
        assert!(is_noted(&[serving.clone(), one(3, Place::Retired)], 1));
        assert!(!is_noted(std::slice::from_ref(&serving), 2));
        assert!(is_noted(&[serving.clone(), one(2, Place::Building)], 2));
        // Back to the old one: what was being built is given up.
        assert!(!is_noted(&[serving.clone(), one(2, Place::Building)], 1));
        assert!(!is_noted(&[serving, one(2, Place::Building)], 3));
    }
}
