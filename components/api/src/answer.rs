//! From a request to its response: one function per route.

use std::cell::Cell;
use std::rc::Rc;

use serde_json::json;
use spin_sdk::http::Request;
use spin_sdk::wasip3::spawn;

use crate::bindings::inference::{chat, models};
use crate::db::memory::{self, Memory};
use crate::db::{Database, documents, found, messages, migrations, sessions, ties};
use crate::documents::work;
use crate::http::error::ApiError;
use crate::http::list::Part;
use crate::http::response::{self, Response};
use crate::http::route::{Page, Route, route};
use crate::http::{import, list, owner, request, stream};
use crate::settings::{Settings, settings};
use crate::turn;
use crate::turn::past::answer::answer as past;
use crate::turn::recall::{self, Scope};
use crate::turn::sink::{Form, Sink};
use crate::turn::{policies, query};
use crate::{carry, describe, draft, generation, index, limits, ollama, openai, status, time};

thread_local! {
    /// Whether this instance has seen that the database has the right shape.
    static READY: Cell<bool> = const { Cell::new(false) };
}

/// Answers a request.
pub async fn answer(request: Request) -> Response {
    let path = request.uri().path();
    let query = request.uri().query().unwrap_or("");
    let found = route(request.method().as_str(), path, query);
    let answered = match found {
        Ok(route) => dispatch(route, request).await,
        Err(error) => Err(error),
    };
    answered.unwrap_or_else(|error| response::error(&error))
}

async fn dispatch(route: Route, request: Request) -> Result<Response, ApiError> {
    let settings = settings().await?;
    let owner = owner::owner(request.headers(), &settings.host_run)?;
    let database = Rc::new(Database::open_for(owner).await?);
    prepare(&database, &settings).await?;
    match route {
        Route::Health => {
            // The database answered just now, or this instance would not be ready.
            database.query("the database does not answer", "SELECT 1", Vec::new()).await?;
            Ok(response::json(200, &json!({ "status": "ok" })))
        }
        Route::Ready => {
            let (ready, told) = status::readiness().await;
            Ok(response::json(if ready { 200 } else { 503 }, &told))
        }
        Route::Description => Ok(response::json(200, &describe::openapi())),
        Route::DescriptionPage => Ok(response::html(describe::page())),
        Route::ModelStatus => {
            Ok(response::json(200, &status::of_models(&database, &settings).await))
        }
        Route::Maintenance => {
            let mut done = index::maintain(&database, &settings.host_run).await?;
            // Documents wait for a model that embeds, as messages do; the server does not.
            if generation::current(&database).await.is_ok() {
                done.documents = work::work(&database, &settings.host_run).await?;
                // The last document may be what a new index waited for.
                done.more |= done.documents > 0;
            }
            // 202 asks to be called again soon.
            Ok(response::json(if done.more { 202 } else { 200 }, &done))
        }
        Route::Document(route) => {
            crate::documents::answer::answer(route, database, settings, request).await
        }
        Route::Past(route) => past(route, &database, request).await,
        Route::OllamaChat => ollama::answer(database, settings, request).await,
        Route::OllamaTags => Ok(response::json(200, &ollama::tags().await)),
        Route::OpenAi(route) => openai::answer(route, database, settings, request).await,
        Route::ListMessages(id, page) => {
            let read = async move |from: Part| {
                messages::list(&database, &id, from.page, from.turn.unwrap_or(0)).await
            };
            list::of_turns(page, |message| message.turn, read).await
        }
        Route::ListMemories(id, page) => {
            let read = async move |from: Part| {
                memory::list(&database, &id, from.page, from.turn.unwrap_or(u32::MAX)).await
            };
            list::of_turns(page, |memory| memory.turn, read).await
        }
        Route::PostMessage(id) => post_message(database, settings, &id, request).await,
        Route::SearchMemories(id, text, page) => {
            Ok(response::json(200, &search(&database, &id, &text, page).await?))
        }
        Route::Draft(id) => {
            let fields = body(request).await?;
            let draft = draft::draft(database, settings, id.as_deref(), &fields).await?;
            Ok(response::json(200, &draft))
        }
        Route::Measure => Ok(response::json(200, &draft::measured(&body(request).await?).await?)),
        Route::ImportSession => import_session(&database, &settings, request).await,
        Route::ImportMessages(id) => {
            let most = limits::IMPORTED_MESSAGES_MAX;
            let imported = import::imported(&body(request).await?, most)?;
            Ok(response::json(201, &carry::store(&database, &id, &imported).await?.told()))
        }
        route => simple(route, &database, request).await,
    }
}

/// Brings the database to the right shape, once per instance.
async fn prepare(database: &Rc<Database>, settings: &Settings) -> Result<(), ApiError> {
    if READY.get() {
        return Ok(());
    }
    migrations::migrate(database).await?;
    if !READY.replace(true) && settings.host_run.is_empty() {
        // No host calls maintenance here, so what was left undone is done when an instance begins.
        spawn(async {
            let Ok(database) = Database::open().await else { return };
            let maintained = index::maintain(&database, "").await.map(drop);
            for done in [maintained, work::work(&database, "").await.map(drop)] {
                if let Err(error) = done {
                    eprintln!("maintenance waits: {}", error.message);
                }
            }
        });
    }
    Ok(())
}

/// The routes that are a statement or two.
async fn simple(route: Route, database: &Database, request: Request) -> Result<Response, ApiError> {
    match route {
        Route::CreateSession => create_session(database, request).await,
        Route::ListSessions(page) => {
            Ok(response::json(200, &sessions::list(database, page).await?))
        }
        Route::GetSession(id) => Ok(response::json(200, &sessions::get(database, &id).await?)),
        Route::RenameSession(id) => {
            let name = request::new_name(&body(request).await?)?;
            Ok(response::json(200, &sessions::rename(database, &id, name).await?))
        }
        Route::ExportSession(id, with_documents) => {
            Ok(response::json(200, &carry::export(database, &id, with_documents).await?))
        }
        Route::DeleteSession(id) => delete_session(database, &id).await,
        Route::SetMemory(id) => {
            let enabled = request::enabled(&body(request).await?)?;
            Ok(response::json(200, &sessions::set_memory(database, &id, enabled).await?))
        }
        Route::Instruct(id) => {
            let instruction = request::instruction(&body(request).await?)?;
            Ok(response::json(200, &sessions::instruct(database, &id, instruction).await?))
        }
        Route::GetPolicies(id) => Ok(response::json(200, &ties::list(database, &id).await?)),
        Route::SetPolicies(id) => {
            let fields = body(request).await?;
            Ok(response::json(200, &policies::tie(database, &id, &fields).await?))
        }
        Route::Cancel(id) => {
            let cancelled = messages::cancel(database, &id).await?;
            Ok(response::json(200, &json!({ "cancelled": cancelled })))
        }
        Route::FindEverywhere(text, each, page) => {
            Ok(response::json(200, &found::find(database, &text, each, page).await?))
        }
        Route::FindMessages(id, text, page) => {
            Ok(response::json(200, &messages::find(database, &id, &text, page).await?))
        }
        Route::ForgetMemory(id, message) => {
            memory::forget(database, &id, message).await?;
            if let Ok(current) = generation::current(database).await {
                recall::remove(&current, &id, message);
            }
            // What the model has evaluated of this session is not its memory, but holds it as well.
            chat::forget(id).await;
            Ok(response::empty(204))
        }
        route => Err(ApiError::internal("this request has no answer", format!("{route:?}"))),
    }
}

async fn body(request: Request) -> Result<serde_json::Map<String, serde_json::Value>, ApiError> {
    let (head, body) = request.into_parts();
    request::object(&head.headers, body).await
}

async fn create_session(database: &Database, request: Request) -> Result<Response, ApiError> {
    let new = request::new_session(&body(request).await?)?;
    let asked = new.rag_document_ids.clone().unwrap_or_default();
    let linked =
        documents::numbers(database, &asked).await.map_err(|error| match error.status {
            404 => ApiError::invalid(
                "rag_document_ids",
                format!("`rag_document_ids`: {}", error.message),
            ),
            _ => error,
        })?;
    let model = Some(models::status().await.name).filter(|name| !name.is_empty());
    Ok(response::json(201, &sessions::create(database, &new, &linked, model).await?))
}

async fn import_session(
    database: &Database,
    settings: &Settings,
    request: Request,
) -> Result<Response, ApiError> {
    let (head, body) = request.into_parts();
    let most = limits::SESSION_FILE_BYTES_MAX;
    let file = request::object_of(&head.headers, body, most).await?;
    let session = carry::import(database, &settings.host_run, &file).await?;
    crate::documents::answer::begin(settings);
    Ok(response::json(201, &session))
}

async fn delete_session(database: &Database, id: &str) -> Result<Response, ApiError> {
    sessions::delete(database, id).await?;
    if let Ok(current) = generation::current(database).await {
        recall::drop_scope(&current, id);
    }
    chat::forget(id.to_owned()).await;
    Ok(response::empty(204))
}

/// The memories of a session that a turn with this message would recall.
async fn search(
    database: &Database,
    id: &str,
    text: &str,
    page: Page,
) -> Result<Vec<Memory>, ApiError> {
    if text.len() > limits::MESSAGE_BYTES_MAX {
        return Err(ApiError::invalid("query", "`query` is longer than a message may be"));
    }
    let session = sessions::number(database, id).await?;
    let scope = Scope { session, session_id: id, before_turn: u32::MAX, is_turn: false };
    let query = async { query::embed(database, Some(session), text).await.map(Rc::new) };
    let hits = recall::look_up(database, &scope, text, query).await?;
    let most = page.skip.saturating_add(page.limit);
    let found = recall::choose(database, &scope, text, hits, most).await?;
    let memory = |one: recall::Recalled| Memory {
        message_id: one.found.message,
        turn: one.found.turn,
        role: one.found.role,
        timestamp: time::rfc3339(one.found.timestamp),
        content: one.found.content,
        score: Some(one.score),
    };
    Ok(found.into_iter().skip(page.skip as usize).map(memory).collect())
}

async fn post_message(
    database: Rc<Database>,
    settings: Rc<Settings>,
    id: &str,
    request: Request,
) -> Result<Response, ApiError> {
    let wants_events = request::accepts_events(request.headers());
    let message = request::new_message(&body(request).await?)?;
    let wants_events = wants_events || message.stream;
    let turn = turn::post(database.clone(), settings, id, message).await?;
    if wants_events {
        return stream::turn(turn, Form::Events, database).await;
    }
    let answered = turn.run(&mut Sink::Quiet).await?;
    let response = response::json(201, &answered.message);
    let response = response::timed(response, &answered.timing);
    spawn(async move { answered.remember(&database).await });
    Ok(response)
}
