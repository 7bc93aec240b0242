//! The work on documents: what was uploaded is read, cut, embedded and can be found. The queue is
//! in the database, so what dies here is gone on with by the next one who looks.

use serde_json::json;

use super::cut::{self, Uncut};
use crate::bindings::inference::embeddings;
use crate::bindings::policy::extraction::{self, Error, Extracted, Format, GapReason};
use crate::bindings::policy::types::Failure;
use crate::db::Database;
use crate::db::indexing;
use crate::db::reading::{self, Claimed, Entry, Read, Waiting};
use crate::generation::{self, Current, Embedder, Serving, Unmade};
use crate::http::error::ApiError;
use crate::limits;
use crate::turn::degraded::reason;

/// Works on one document after the other, until none is left or others work on them. Returns how
/// many were finished.
///
/// Fails with what the embedding model or the database says; what was done until then stays done.
pub async fn work(database: &Database, host_run: &str) -> Result<usize, ApiError> {
    let current = generation::current(database).await?;
    reading::queue_outdated(database, current.active.number).await?;
    let mut done = 0;
    while let Some(claimed) = reading::claim(database, host_run).await? {
        match finish(database, &current, &claimed).await {
            Ok(()) => done += 1,
            Err(Unfinished::Failed(code, message)) => {
                reading::fail(database, &claimed, code, &message).await?;
                done += 1;
            }
            Err(Unfinished::Waits(error)) => {
                reading::release(database, &claimed).await?;
                return Err(error);
            }
        }
    }
    Ok(done)
}

/// Why a document is not ready.
enum Unfinished {
    /// It never will be: a code and a message.
    Failed(&'static str, String),
    /// It is not its fault.
    Waits(ApiError),
}

impl From<ApiError> for Unfinished {
    fn from(error: ApiError) -> Self {
        Self::Waits(error)
    }
}

async fn finish(
    database: &Database,
    current: &Current,
    claimed: &Claimed,
) -> Result<(), Unfinished> {
    if claimed.attempts > limits::DOCUMENT_ATTEMPTS_MAX {
        let times = limits::DOCUMENT_ATTEMPTS_MAX;
        let message = format!("the server ended {times} times while it read this document");
        return Err(Unfinished::Failed("document_unreadable", message));
    }
    if !claimed.is_read {
        read(database, claimed).await?;
    }
    loop {
        let (active, served) = (current.active.number, current.former_number());
        let waiting = reading::waiting(database, claimed, active, served).await?;
        if waiting.is_empty() {
            return Ok(reading::ready(database, claimed, active).await?);
        }
        embed(database, current, &waiting).await?;
        if !reading::renew(database, claimed).await? {
            // It was deleted or replaced meanwhile.
            return Ok(());
        }
    }
}

/// Reads a file and stores its text and chunks.
async fn read(database: &Database, claimed: &Claimed) -> Result<(), Unfinished> {
    let Some(file) = reading::source(database, claimed).await? else {
        return Err(Unfinished::Failed("document_lost", "the file is not there".to_owned()));
    };
    let read = extraction::extract(file).await.map_err(|error| refusal(&error))?;
    let model = embeddings::describe().await;
    let model = model.map_err(|error| Unfinished::Waits(ApiError::of_model(&error)))?;
    let chunks = cut::cut(&read, model.tokens_max).await.map_err(|error| match error {
        Uncut::Model(error) => Unfinished::Waits(ApiError::of_model(&error)),
        Uncut::Policy(failure) => Unfinished::Failed(
            "document_not_cut",
            format!("the text could not be cut into passages: {}", reason(failure)),
        ),
    })?;
    let told = Read {
        format: name(read.format),
        encoding: &read.encoding,
        title: &read.title,
        pages: read.pages,
        gaps: gaps(&read),
        chunks: chunks.len(),
    };
    Ok(reading::store(database, claimed, &read.text, &chunks, told).await?)
}

/// Embeds chunks and stores what comes out. One that cannot be embedded does not lose the others:
/// it is marked, and found by its words.
async fn embed(
    database: &Database,
    current: &Current,
    waiting: &[Waiting],
) -> Result<(), ApiError> {
    // First the index that serves: what waits no more is not looked at again.
    if let Serving::Former(former) = &current.serving {
        let new: Vec<&Waiting> = waiting.iter().filter(|waiting| !waiting.is_served).collect();
        let texts: Vec<String> = new.iter().map(|waiting| text_of(waiting)).collect();
        let vectors = embed_all(former, &texts).await?;
        let made = new.iter().zip(vectors);
        let made = made.filter_map(|(waiting, made)| Some((waiting.chunk, made.ok()?)));
        let made: Vec<(u64, Vec<f32>)> = made.collect();
        indexing::store_served(database, reading::served_sql, former.number, &made).await?;
    }
    let texts: Vec<String> = waiting.iter().map(text_of).collect();
    let vectors = embed_all(&current.active, &texts).await?;
    let entry = |((waiting, vector), text): ((&Waiting, _), String)| Entry {
        chunk: waiting.chunk,
        vector,
        text,
    };
    let entries: Vec<Entry> = waiting.iter().zip(vectors).zip(texts).map(entry).collect();
    reading::index(database, current.active.number, &entries).await
}

/// A vector for each text, or why there is none.
///
/// Fails with what the model says, where another time may be another answer.
async fn embed_all(
    embedder: &Embedder,
    texts: &[String],
) -> Result<Vec<Result<Vec<f32>, String>>, ApiError> {
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let made = generation::embed_each(embedder, &texts).await.into_iter();
    let settled = made.map(|made| match made {
        Ok(vector) => Ok(Ok(vector)),
        Err(Unmade::Refused(why)) => Ok(Err(why)),
        Err(Unmade::Passing(error)) => Err(ApiError::of_model(&error)),
    });
    settled.collect()
}

/// What is embedded of a chunk, and whose words are looked up: the headings above it, and its text.
fn text_of(waiting: &Waiting) -> String {
    let headings: Vec<String> = serde_json::from_str(&waiting.headings).unwrap_or_default();
    if headings.is_empty() {
        return waiting.content.clone();
    }
    format!("{}\n{}", headings.join(" > "), waiting.content)
}

fn gaps(read: &Extracted) -> Option<String> {
    if read.gaps.is_empty() {
        return None;
    }
    let gap = |gap: &extraction::Gap| {
        let reason = match gap.reason {
            GapReason::Damaged => "damaged",
            GapReason::NoText => "no_text",
        };
        json!({ "page": gap.page, "reason": reason })
    };
    Some(read.gaps.iter().map(gap).collect::<serde_json::Value>().to_string())
}

/// What a format is called.
fn name(format: Format) -> &'static str {
    match format {
        Format::Plain => "plain",
        Format::Markdown => "markdown",
        Format::Html => "html",
        Format::Pdf => "pdf",
        Format::Docx => "docx",
        Format::Csv => "csv",
        Format::Json => "json",
        Format::Code => "code",
    }
}

fn refusal(error: &Error) -> Unfinished {
    let (code, message) = match error {
        Error::Empty => ("document_empty", "the file has nothing in it".to_owned()),
        Error::UnknownFormat => (
            "document_format_unknown",
            "the file is neither text nor HTML, PDF, DOCX, CSV or JSON".to_owned(),
        ),
        Error::Damaged(format) => {
            ("document_damaged", format!("the file begins like {} and is damaged", name(*format)))
        }
        Error::Encrypted => {
            ("document_encrypted", "the file is encrypted: upload it without a password".to_owned())
        }
        Error::NoText => (
            "document_without_text",
            "the file has no text: pictures of text are not read".to_owned(),
        ),
        Error::TooMuchText => (
            "document_too_much_text",
            format!(
                "the text of the file is longer than {} bytes",
                limits::DOCUMENT_TEXT_BYTES_MAX
            ),
        ),
        Error::Failed(failure) => {
            let code = match failure {
                Failure::OutOfMemory => "document_needs_too_much_memory",
                Failure::OutOfFuel | Failure::OutOfTime => "document_takes_too_long",
                _ => "document_unreadable",
            };
            (code, format!("the file could not be read: {}", reason(*failure)))
        }
    };
    Unfinished::Failed(code, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_is_embedded_under_its_headings() {
        let waiting = |headings: &str| Waiting {
            chunk: 1,
            headings: headings.to_owned(),
            content: "They float.".to_owned(),
            is_served: false,
        };
        assert_eq!(text_of(&waiting("[]")), "They float.");
        assert_eq!(text_of(&waiting(r#"["Boats","Small"]"#)), "Boats > Small\nThey float.");
    }

    #[test]
    fn every_refusal_has_a_code_of_its_own() {
        let errors = [
            Error::Empty,
            Error::UnknownFormat,
            Error::Damaged(Format::Pdf),
            Error::Encrypted,
            Error::NoText,
            Error::TooMuchText,
            Error::Failed(Failure::OutOfMemory),
            Error::Failed(Failure::OutOfFuel),
            Error::Failed(Failure::Trapped),
        ];
        let mut codes = std::collections::BTreeSet::new();
        for error in &errors {
            let Unfinished::Failed(code, message) = refusal(error) else { panic!("{error:?}") };
            assert!(codes.insert(code) && !message.ends_with('.'), "{code}: {message}");
        }
    }
}
