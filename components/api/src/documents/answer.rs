//! The routes of documents.

use std::rc::Rc;
use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use spin_sdk::http::Request;
use spin_sdk::wasip3::spawn;

use super::upload::{self, File};
use super::{recall, work};
use crate::bindings::inference::chat;
use crate::db::documents::{self, Document};
use crate::db::{Database, sessions};
use crate::generation;
use crate::http::error::ApiError;
use crate::http::request;
use crate::http::response::{self, Response};
use crate::http::route::DocumentRoute;
use crate::http::sse::EventBody;
use crate::limits;
use crate::settings::Settings;
use crate::turn::query;
use crate::turn::sink::{Form, Sink};

/// Answers a request for documents.
///
/// Fails as each route does.
pub async fn answer(
    route: DocumentRoute,
    database: Rc<Database>,
    settings: Rc<Settings>,
    request: Request,
) -> Result<Response, ApiError> {
    match route {
        DocumentRoute::Upload => upload(&database, &settings, request).await,
        DocumentRoute::List(page) => {
            Ok(response::json(200, &documents::list(&database, page).await?))
        }
        DocumentRoute::Get(id) => get(&database, &id).await,
        DocumentRoute::Replace(id) => replace(&database, &settings, &id, request).await,
        DocumentRoute::Rename(id) => {
            let name = request::new_name(&body(request).await?)?;
            let name = name.filter(|name| !name.trim().is_empty()).ok_or_else(|| {
                ApiError::invalid("name", "`name` must not be empty: a document has a name")
            })?;
            Ok(response::json(200, &documents::rename(&database, &id, &name).await?))
        }
        DocumentRoute::Reindex(id) => {
            let document = documents::again(&database, &id).await?;
            begin(&settings);
            drop_scope(&database, id, document.version - 1).await;
            Ok(response::json(202, &document))
        }
        DocumentRoute::Delete(id) => {
            let sessions = documents::sessions(&database, &id).await?;
            let version = documents::delete(&database, &id).await?;
            drop_scope(&database, id, version).await;
            forget(sessions).await;
            Ok(response::empty(204))
        }
        DocumentRoute::Events(id) => events(database, &id).await,
        DocumentRoute::Text(id, start, end) => text(&database, &id, start, end).await,
        DocumentRoute::Search => search(&database, request).await,
        DocumentRoute::Link(session, id) => {
            let number = sessions::number(&database, &session).await?;
            let found = documents::numbers(&database, &[id]).await?;
            documents::link(&database, number, &found).await?;
            Ok(response::json(200, &sessions::get(&database, &session).await?))
        }
        DocumentRoute::Unlink(session, id) => {
            documents::unlink(&database, &session, &id).await?;
            forget(vec![session.clone()]).await;
            Ok(response::json(200, &sessions::get(&database, &session).await?))
        }
    }
}

async fn body(request: Request) -> Result<serde_json::Map<String, serde_json::Value>, ApiError> {
    let (head, body) = request.into_parts();
    request::object(&head.headers, body).await
}

/// Forgets what an index holds of a version that is gone. The index is a cache: nobody asks for it.
async fn drop_scope(database: &Database, id: String, version: i64) {
    if let Ok(current) = generation::current(database).await {
        recall::drop_scope(&current, &documents::Named { number: 0, id, version });
    }
}

/// Has the model forget what it has evaluated of these sessions: it holds what they were shown.
async fn forget(sessions: Vec<String>) {
    for session in sessions {
        chat::forget(session).await;
    }
}

/// Works on what waits, when this request has been answered.
pub fn begin(settings: &Settings) {
    let host_run = settings.host_run.clone();
    spawn(async move {
        let Ok(database) = Database::open().await else { return };
        if let Err(error) = work::work(&database, &host_run).await {
            eprintln!("documents wait to be indexed: {}", error.message);
        }
    });
}

/// A file that was stored.
#[derive(Serialize)]
struct Uploaded {
    #[serde(flatten)]
    document: Document,
    /// Whether the same content was there before: then this is that document.
    duplicate: bool,
}

/// Stores the files of a form. What comes before one that is refused is kept, and told with it.
async fn upload(
    database: &Database,
    settings: &Settings,
    request: Request,
) -> Result<Response, ApiError> {
    let (head, body) = request.into_parts();
    let mut stored: Vec<Uploaded> = Vec::new();
    let read = upload::each(&head.headers, body, async |file: File| {
        let id = sessions::new_id();
        let document = store(database, &id, file).await?;
        let duplicate = document.id != id;
        stored.push(Uploaded { document, duplicate });
        Ok(())
    })
    .await;
    if !stored.is_empty() {
        begin(settings);
    }
    match read {
        Err(error) if stored.is_empty() => Err(error),
        read => {
            let error = read.err().map(|error| error.shape());
            Ok(response::json(202, &json!({ "documents": stored, "error": error })))
        }
    }
}

async fn store(database: &Database, id: &str, file: File) -> Result<Document, ApiError> {
    let digest = Sha256::digest(&file.content);
    let sha256: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    documents::store(database, id, &file.name, &sha256, file.content).await
}

/// Puts a file in the place of what a document holds.
async fn replace(
    database: &Database,
    settings: &Settings,
    id: &str,
    request: Request,
) -> Result<Response, ApiError> {
    let before = documents::get(database, id).await?;
    let (head, body) = request.into_parts();
    let mut found = None;
    upload::each(&head.headers, body, async |file: File| {
        if found.is_some() {
            let message = "a document is replaced by one file, and the form has several";
            return Err(ApiError::new(400, "too_many_files", message));
        }
        found = Some(file);
        Ok(())
    })
    .await?;
    // Nothing is replaced by a form that is refused.
    let file = found.ok_or_else(|| ApiError::invalid("file", "the form has no file"))?;
    let sessions = documents::sessions(database, id).await?;
    let document = store(database, id, file).await?;
    if document.id != id {
        let message = format!("the document `{}` has this content already", document.id);
        return Err(ApiError::new(409, "document_exists", message));
    }
    begin(settings);
    drop_scope(database, before.id, before.version).await;
    forget(sessions).await;
    Ok(response::json(202, &document))
}

/// A document, and the passages of it that failed.
async fn get(database: &Database, id: &str) -> Result<Response, ApiError> {
    let document = documents::get(database, id).await?;
    let errors = match document.progress.failed {
        0 => Vec::new(),
        _ => documents::failed(database, id).await?,
    };
    let mut shown = serde_json::to_value(&document)
        .map_err(|cause| ApiError::internal("the document could not be shown", cause))?;
    shown["errors"] = json!(errors);
    Ok(response::json(200, &shown))
}

/// Tells how a document is getting on until it is ready or has failed.
async fn events(database: Rc<Database>, id: &str) -> Result<Response, ApiError> {
    let mut document = documents::get(&database, id).await?;
    let id = id.to_owned();
    let (mut sink, events) = Sink::stream(Form::Events);
    spawn(async move {
        let mut told = None;
        loop {
            let now = (document.status.clone(), document.progress);
            let is_over = matches!(document.status.as_str(), "ready" | "failed");
            let name = if is_over { "document.end" } else { "progress" };
            if told.as_ref() != Some(&now) && sink.send(name, &document).await.is_err() {
                return;
            }
            if is_over || sink.is_gone() {
                return;
            }
            told = Some(now);
            spin_sdk::time::sleep(Duration::from_millis(limits::PROGRESS_POLL_MILLIS)).await;
            document = match documents::get(&database, &id).await {
                Ok(document) => document,
                Err(error) => return sink.fail(&error).await,
            };
        }
    });
    Ok(response::events(EventBody::new(None, events)))
}

/// A part of the text of a document, as citations name it.
async fn text(
    database: &Database,
    id: &str,
    start: u32,
    end: Option<u32>,
) -> Result<Response, ApiError> {
    let most = limits::TEXT_SHOWN_BYTES_MAX;
    let end = end.unwrap_or(start.saturating_add(most));
    if end <= start || end - start > most {
        let message = format!("`end` must lie behind `start`, by at most {most} bytes");
        return Err(ApiError::invalid("end", message));
    }
    let Some((bytes, whole)) = documents::text(database, id, start, end - start).await? else {
        documents::get(database, id).await?;
        let message = "the document has no text: it is not read yet, or could not be";
        return Err(ApiError::new(409, "document_not_read", message));
    };
    // A part that begins or ends within a character is made smaller.
    let is_inner = |byte: &&u8| **byte & 0b1100_0000 == 0b1000_0000;
    let lead = bytes.iter().take_while(is_inner).count();
    let bytes = &bytes[lead..];
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
    };
    let start = start + lead as u32;
    let body = json!({
        "document_id": id,
        "start": start,
        "end": start + text.len() as u32,
        "text_bytes": whole,
        "text": text,
    });
    Ok(response::json(200, &body))
}

/// A passage that a search found, as clients see it.
#[derive(Serialize)]
struct Hit {
    passage_id: u64,
    document_id: String,
    document_name: String,
    headings: Vec<String>,
    page: u32,
    span: [u32; 2],
    score: f32,
    content: String,
}

/// The passages of chosen documents that answer a query best.
async fn search(database: &Database, request: Request) -> Result<Response, ApiError> {
    let asked = request::document_search(&body(request).await?)?;
    let documents = documents::numbers(database, &asked.document_ids).await?;
    let query = query::embed(database, None, &asked.query).await;
    let found =
        recall::find(database, &documents, &asked.query, query.as_ref().ok(), asked.limit).await?;
    let hit = |(passage, score): (crate::db::passages::Passage, f32)| Hit {
        passage_id: passage.chunk,
        document_id: passage.document,
        document_name: passage.name,
        headings: passage.headings,
        page: passage.page,
        span: [passage.start, passage.start + passage.content.len() as u32],
        score,
        content: passage.content,
    };
    let mut degraded = found.degraded;
    if let Err(reason) = query {
        degraded.push(crate::turn::degraded::Degraded::new("embedding", reason));
    }
    let passages: Vec<Hit> = found.passages.into_iter().map(hit).collect();
    Ok(response::json(200, &json!({ "passages": passages, "degraded": degraded })))
}
