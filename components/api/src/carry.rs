//! What was said elsewhere comes in, and what was said here goes out: a session is one file, and
//! its memory works as soon as another Loci has it.

mod documents;

use serde_json::{Map, Value, json};

use crate::db::imports::{self, Imported};
use crate::db::{Database, sessions, unfinished};
use crate::http::error::ApiError;
use crate::http::import;
use crate::http::request::{self, NewSession};
use crate::index::{self, Text};
use crate::{generation, limits, time};

/// The form of the file of a session.
const FORM: &str = "loci-session/1";

/// Messages that were stored.
pub struct Stored {
    ids: Vec<u64>,
    /// How many of them can be recalled already; the others wait for a model that embeds.
    indexed: usize,
}

impl Stored {
    /// What a client is told.
    pub fn told(&self) -> Value {
        json!({ "message_ids": self.ids, "indexed": self.indexed })
    }
}

/// Stores messages that were said elsewhere, and makes them part of the session's memory. What
/// cannot be embedded now waits in the queue.
///
/// Fails with 404 if there is no such session.
pub async fn store(
    database: &Database,
    id: &str,
    imported: &[Imported],
) -> Result<Stored, ApiError> {
    let ids = imports::import(database, id, imported, time::now_micros()).await?;
    let mut indexed = 0;
    if let Ok(current) = generation::current(database).await {
        let memorable = ids.iter().zip(imported).filter(|(_, one)| one.is_memorable());
        let mut texts = memorable.map(|(id, one)| Text::new(*id, one.content.clone())).peekable();
        while texts.peek().is_some() {
            let step = texts.by_ref().take(limits::INDEX_STEP_MESSAGES as usize).collect();
            match index::index(database, &current, step).await {
                Ok(count) => indexed += count,
                // They are stored, and whoever heard of a failure would send them again.
                Err(error) => {
                    eprintln!("imported messages wait to be indexed: {}", error.message);
                    break;
                }
            }
        }
    }
    Ok(Stored { ids, indexed })
}

/// A session as a file: what was said in it, when, what of it is forgotten, and, where
/// `with_documents`, what it reads. What was edited away is not in it, nor are receipts, which name
/// messages and passages as this database does.
///
/// Fails with 404 if there is no such session, and with 413 if it is longer than a file may be.
pub async fn export(
    database: &Database,
    id: &str,
    with_documents: bool,
) -> Result<Value, ApiError> {
    let session = sessions::get(database, id).await?;
    let number = sessions::number(database, id).await?;
    let messages = imports::export(database, number).await?;
    let bytes: usize = messages.iter().map(|message| message.content.len()).sum();
    if messages.len() > limits::SESSION_FILE_MESSAGES_MAX
        || bytes > limits::SESSION_FILE_TEXT_BYTES_MAX
    {
        let message = "the session is longer than the file of a session may be";
        return Err(ApiError::new(413, "session_too_long", message));
    }
    // What is written around a message takes less than as much again.
    let left = limits::SESSION_FILE_BYTES_MAX - 2 * bytes;
    let documents = match with_documents {
        true => documents::export(database, number, left).await?,
        false => Vec::new(),
    };
    let messages: Vec<Value> = messages.iter().map(written).collect();
    Ok(json!({
        "form": FORM,
        "name": session.name,
        "created_at": session.created_at,
        "long_term_memory_enabled": session.long_term_memory_enabled,
        "instruction": session.instruction,
        "messages": messages,
        "documents": documents,
    }))
}

fn written(message: &Imported) -> Value {
    json!({
        "role": message.role,
        "name": message.name,
        "timestamp": message.timestamp.map(time::rfc3339),
        "content": message.content,
        "status": message.status,
        "forgotten": message.forgotten,
    })
}

/// Makes a session of a file. Documents that came with it are to be read then. Nobody sees the
/// session before it is whole, and if this is broken off, nobody ever does; the documents that are
/// stored by then are whole, and are found again when the file is imported again.
///
/// Fails with 400 if it is none; there is no session then.
pub async fn import(
    database: &Database,
    host_run: &str,
    file: &Map<String, Value>,
) -> Result<sessions::Session, ApiError> {
    if file.get("form").and_then(Value::as_str) != Some(FORM) {
        let message = format!("`form` must be `{FORM}`: this is not the file of a session");
        return Err(ApiError::invalid("form", message));
    }
    let name = request::name(file)?;
    let remembers = match file.get("long_term_memory_enabled") {
        None | Some(Value::Null) => true,
        Some(told) => told.as_bool().ok_or_else(|| {
            let message = "`long_term_memory_enabled` must be true, false or null";
            ApiError::invalid("long_term_memory_enabled", message)
        })?,
    };
    let instruction = match file.contains_key("instruction") {
        true => request::instruction(file)?,
        false => None,
    };
    if let Some(told) = file.get("created_at").filter(|told| !told.is_null()) {
        told.as_str().and_then(time::of_rfc3339).ok_or_else(|| {
            let message = "`created_at` must be a time since 1970, or null";
            ApiError::invalid("created_at", message)
        })?;
    }
    let empty = file.get("messages").and_then(Value::as_array).is_some_and(Vec::is_empty);
    let messages = match empty {
        true => Vec::new(),
        false => import::imported(file, limits::SESSION_FILE_MESSAGES_MAX)?,
    };
    let carried = documents::read(file)?;
    let new = NewSession { name, rag_document_ids: None };
    let hidden = Database::open_for(unfinished::owner(host_run, database.owner())).await?;
    let id = sessions::create(&hidden, &new, &[], None).await?.id;
    let made = async {
        fill(&hidden, &id, &messages, remembers).await?;
        if instruction.is_some() {
            sessions::instruct(&hidden, &id, instruction).await?;
        }
        let number = sessions::number(&hidden, &id).await?;
        documents::store(database, number, carried).await?;
        unfinished::reveal(&hidden, &id, database.owner()).await
    };
    let made = made.await;
    if made.is_err() {
        // What cannot be deleted now is deleted by maintenance.
        let _ = sessions::delete(&hidden, &id).await;
    }
    made
}

async fn fill(
    database: &Database,
    id: &str,
    messages: &[Imported],
    remembers: bool,
) -> Result<(), ApiError> {
    for part in parts(messages) {
        store(database, id, part).await?;
    }
    if !remembers {
        sessions::set_memory(database, id, false).await?;
    }
    Ok(())
}

/// Parts that can be stored at once. An answer is in the same as its question.
fn parts(messages: &[Imported]) -> Vec<&[Imported]> {
    let most = limits::IMPORTED_MESSAGES_MAX;
    let (mut parts, mut start, mut bytes) = (Vec::new(), 0, 0);
    for (at, message) in messages.iter().enumerate() {
        let next = bytes + message.content.len();
        let is_full = at - start + 1 >= most || next > limits::BODY_BYTES_MAX;
        if at - start >= most || (is_full && at > start && message.role == "user") {
            parts.push(&messages[start..at]);
            (start, bytes) = (at, 0);
        }
        bytes += message.content.len();
    }
    if start < messages.len() {
        parts.push(&messages[start..]);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_and_its_answer_stay_together() {
        let said = |role| Imported {
            role,
            name: None,
            timestamp: None,
            content: "x".to_owned(),
            status: "ok",
            forgotten: false,
        };
        let mut all: Vec<Imported> = Vec::new();
        for _ in 0..limits::IMPORTED_MESSAGES_MAX {
            all.extend([said("user"), said("assistant")]);
        }
        let lengths = |all: &[Imported]| parts(all).iter().map(|it| it.len()).collect::<Vec<_>>();
        assert_eq!(lengths(&all), [256, 256]);
        assert_eq!(lengths(&all[1..]), [255, 256]);
        all[0].content = "x".repeat(limits::BODY_BYTES_MAX);
        assert_eq!(lengths(&all), [2, 256, 254]);
        assert_eq!(lengths(&all[2..5]), [3]);
        assert!(parts(&[]).is_empty());
        assert!(parts(&all[1..]).iter().skip(1).all(|part| part[0].role == "user"));
    }
}
