//! What a search is about, embedded.

use std::collections::HashSet;
use std::rc::Rc;

use super::subject;
use crate::bindings::inference::embeddings::Purpose;
use crate::db::{Database, candidates as nearby};
use crate::generation::{self, Embedder};
use crate::http::error::ApiError;

/// A query, embedded.
#[derive(Debug)]
pub struct Embedded {
    /// By which model.
    pub embedder: Rc<Embedder>,
    /// Its vector.
    pub vector: Vec<f32>,
}

/// Embeds what a query is about. In a session, words about the asking are left out, and the names
/// of those who speak there: they are words, which the full-text search finds, and a vector of them
/// is near to everything that was said to somebody of that name.
///
/// Fails with what the model says.
pub async fn embed(
    database: &Database,
    session: Option<i64>,
    text: &str,
) -> Result<Embedded, String> {
    let speakers = async {
        match session {
            Some(session) => nearby::speakers(database, session).await,
            None => Ok(Vec::new()),
        }
    };
    let (embedder, speakers) = futures::join!(generation::searched(database), speakers);
    let embedder = embedder?;
    let speakers = speakers.map_err(|error| error.message)?;
    let text = match session {
        Some(_) => without_names(&subject::of(text), &speakers),
        None => text.to_owned(),
    };
    let vectors = generation::embed(&embedder, vec![text], Purpose::Query).await;
    let vector = vectors.map_err(|error| ApiError::of_model(&error).message)?.pop();
    let vector = vector.ok_or_else(|| "no vector came back".to_owned())?;
    Ok(Embedded { embedder, vector })
}

/// A text without these names, or as it is where nothing else is left.
fn without_names(text: &str, names: &[String]) -> String {
    let words = |text: &str| -> Vec<String> {
        let words = text.split(|c: char| !c.is_alphanumeric());
        words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
    };
    let names: HashSet<String> = names.iter().flat_map(|name| words(name)).collect();
    if names.is_empty() {
        return text.to_owned();
    }
    // As in `Ann's`, and `Ann,`.
    let is_name = |word: &&str| match words(word).as_slice() {
        [name] => names.contains(name),
        [name, end] => names.contains(name) && end == "s",
        _ => false,
    };
    let rest: Vec<&str> = text.split_whitespace().filter(|word| !is_name(word)).collect();
    if words(&rest.concat()).is_empty() { text.to_owned() } else { rest.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_speakers_are_no_part_of_the_vector() {
        let names = ["Ann Baker".to_owned(), "Zoë".to_owned()];
        let without = |text| without_names(text, &names);
        assert_eq!(without("What did Ann's sister, zoë, say?"), "What did sister, say?");
        assert_eq!(without("Where is Annika's bread?"), "Where is Annika's bread?");
        assert_eq!(without("Ann Baker?"), "Ann Baker?");
        assert_eq!(without_names("Ann  it is", &[]), "Ann  it is");
    }
}
