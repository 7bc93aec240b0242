//! The description of the HTTP API: an OpenAPI 3.1 document and a page for people, both made from
//! one table of what can be asked. Which entry a request belongs to is told by [`name`], without
//! which no route compiles, and a test asks every entry for what it says.

mod by_host;
mod entry;
mod operations;
mod page;
mod parameters;
mod schemas;

use serde_json::{Map, Value, json};

use crate::http::route::{DocumentRoute, OpenAiRoute, PastRoute, Route};
pub use page::page;

/// Something that can be asked.
pub struct Operation {
    /// The method.
    pub method: &'static str,
    /// The path, with `{name}` for what stands for any segment.
    pub path: &'static str,
    /// What it is called: words, joined by underscores.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// What may stand in the query and in headers.
    pub query: &'static [Parameter],
    /// What is sent.
    pub body: Sent,
    /// The good answers: a status, and what is in it.
    pub answers: &'static [(u16, Told)],
    /// The statuses of the bad ones, besides those that every request may have.
    pub errors: &'static [u16],
    /// Who answers.
    pub by: Answerer,
}

/// Who answers a request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Answerer {
    /// The application, on every host.
    Application,
    /// Loci's own host.
    Host,
}

/// What may stand in a query, or in a header.
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it says.
    pub about: &'static str,
    /// What it may be.
    pub kind: Kind,
}

/// What a parameter may be.
#[derive(Clone, Copy)]
pub enum Kind {
    /// A whole number in this range.
    Number(u32, u32),
    /// A text that is not empty.
    Text,
    /// `true` or `false`.
    Flag,
    /// A line of so many bytes at most.
    Line(usize),
    /// A text that stands in a header.
    Header,
}

/// What is sent with a request.
#[derive(Clone, Copy)]
pub enum Sent {
    /// Nothing.
    Nothing,
    /// JSON of this schema.
    Json(&'static str),
    /// A form with files.
    Files,
    /// A component.
    Wasm,
}

/// What an answer has in it.
#[derive(Clone, Copy)]
pub enum Told {
    /// Nothing.
    Nothing,
    /// JSON of this schema.
    Json(&'static str),
    /// A list of JSON of this schema.
    List(&'static str),
    /// A stream of events.
    Events,
    /// JSON of this schema, or a stream of events if that was asked for.
    JsonOrEvents(&'static str),
    /// JSON of this schema, or lines of JSON if that was asked for.
    JsonOrLines(&'static str),
    /// A page.
    Html,
}

/// The statuses that every request may be answered with: a key is missing or wrong, was used too
/// often, or the server is starting or has too much to do.
const ALWAYS: [u16; 3] = [401, 429, 503];

/// The name of the entry that a request belongs to.
pub fn name(route: &Route) -> &'static str {
    match route {
        Route::Health => "health",
        Route::Ready => "ready",
        Route::Description => "describe",
        Route::DescriptionPage => "read_description",
        Route::ModelStatus => "model_status",
        Route::Measure => "measure",
        Route::Draft(None) => "draft",
        Route::Draft(Some(_)) => "draft_in_session",
        Route::Maintenance => "maintain",
        Route::CreateSession => "create_session",
        Route::ListSessions(_) => "list_sessions",
        Route::GetSession(_) => "get_session",
        Route::RenameSession(_) => "rename_session",
        Route::DeleteSession(_) => "delete_session",
        Route::SetMemory(_) => "switch_memory",
        Route::Instruct(_) => "instruct",
        Route::GetPolicies(_) => "session_policies",
        Route::SetPolicies(_) => "tie_session",
        Route::Cancel(_) => "cancel",
        Route::PostMessage(_) => "say",
        Route::ExportSession(..) => "export_session",
        Route::ImportSession => "import_session",
        Route::ImportMessages(_) => "import_messages",
        Route::FindEverywhere(..) => "find_messages",
        Route::ListMessages(..) | Route::FindMessages(..) => "list_messages",
        Route::Past(route) => match route {
            PastRoute::Receipt(..) => "get_receipt",
            PastRoute::Export(..) => "export_receipt",
            PastRoute::Replay(..) => "replay_turn",
            PastRoute::WhatIf(..) => "ask_what_if",
            PastRoute::ReplayExported => "replay_receipt",
            PastRoute::Shadow(_) => "shadow_policy",
        },
        Route::ListMemories(..) | Route::SearchMemories(..) => "list_memories",
        Route::ForgetMemory(..) => "forget_memory",
        Route::OllamaChat => "ollama_chat",
        Route::OllamaTags => "ollama_tags",
        Route::Document(route) => document(route),
        Route::OpenAi(route) => match route {
            OpenAiRoute::Chat => "openai_chat",
            OpenAiRoute::Complete => "openai_complete",
            OpenAiRoute::Embed => "openai_embed",
            OpenAiRoute::Models => "openai_models",
            OpenAiRoute::Model(_) => "openai_model",
        },
    }
}

fn document(route: &DocumentRoute) -> &'static str {
    match route {
        DocumentRoute::Upload => "upload_documents",
        DocumentRoute::List(_) => "list_documents",
        DocumentRoute::Search => "search_documents",
        DocumentRoute::Get(_) => "get_document",
        DocumentRoute::Replace(_) => "replace_document",
        DocumentRoute::Rename(_) => "rename_document",
        DocumentRoute::Delete(_) => "delete_document",
        DocumentRoute::Reindex(_) => "reindex_document",
        DocumentRoute::Events(_) => "watch_document",
        DocumentRoute::Text(..) => "get_document_text",
        DocumentRoute::Link(..) => "link_document",
        DocumentRoute::Unlink(..) => "unlink_document",
    }
}

/// Everything that can be asked.
pub fn operations() -> impl Iterator<Item = &'static Operation> {
    operations::OPERATIONS.iter().chain(by_host::BY_HOST)
}

/// The OpenAPI document.
pub fn openapi() -> Value {
    let mut paths = Map::new();
    for operation in operations() {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method.to_lowercase()] = describe(operation);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Loci",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "A chat server that remembers",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{}, { "key": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas::all(),
            "securitySchemes": { "key": { "type": "http", "scheme": "bearer" } },
        },
    })
}

fn describe(operation: &Operation) -> Value {
    let mut parameters: Vec<Value> = names(operation.path).map(in_path).collect();
    parameters.extend(operation.query.iter().map(in_query));
    let mut responses = Map::new();
    for (status, told) in operation.answers {
        responses.insert(status.to_string(), answer(*told));
    }
    let error = json!({
        "description": "What failed, and what would be right",
        "content": { "application/json": { "schema": reference("Error") } },
    });
    for status in operation.errors.iter().chain(&ALWAYS) {
        responses.entry(status.to_string()).or_insert_with(|| error.clone());
    }
    let mut described = json!({
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": parameters,
        "responses": responses,
    });
    if let Some(content) = sent(operation.body) {
        described["requestBody"] = json!({ "required": true, "content": content });
    }
    described
}

fn sent(body: Sent) -> Option<Value> {
    match body {
        Sent::Nothing => None,
        Sent::Json(name) => Some(json!({ "application/json": { "schema": reference(name) } })),
        Sent::Files => Some(json!({ "multipart/form-data": { "schema": reference("Files") } })),
        Sent::Wasm => {
            let component = json!({ "type": "string", "format": "binary" });
            Some(json!({ "application/wasm": { "schema": component } }))
        }
    }
}

fn answer(told: Told) -> Value {
    // Of a stream, the schema describes each event.
    let events = json!({ "schema": reference("Event") });
    let lines = json!({ "schema": { "type": "object" } });
    let content = match told {
        Told::Nothing => return json!({ "description": "Done" }),
        Told::Json(name) => json!({ "application/json": { "schema": reference(name) } }),
        Told::List(name) => {
            let list = json!({ "type": "array", "items": reference(name) });
            json!({ "application/json": { "schema": list } })
        }
        Told::Events => json!({ "text/event-stream": events }),
        Told::JsonOrEvents(name) => json!({
            "application/json": { "schema": reference(name) },
            "text/event-stream": events,
        }),
        Told::JsonOrLines(name) => json!({
            "application/json": { "schema": reference(name) },
            "application/x-ndjson": lines,
        }),
        Told::Html => json!({ "text/html": { "schema": { "type": "string" } } }),
    };
    json!({ "description": "The answer", "content": content })
}

fn in_path(name: &str) -> Value {
    let number = json!({ "type": "integer", "minimum": 0, "maximum": i64::MAX });
    let text = json!({ "type": "string", "pattern": "^[0-9A-Za-z_.-]{1,64}$" });
    let schema = match name {
        "message" => number,
        "interface" => json!({ "enum": schemas::CHOSEN_HOOKS }),
        _ => text,
    };
    json!({ "name": name, "in": "path", "required": true, "schema": schema })
}

fn in_query(parameter: &Parameter) -> Value {
    let schema = match parameter.kind {
        Kind::Number(least, most) => {
            json!({ "type": "integer", "minimum": least, "maximum": most })
        }
        Kind::Text => json!({ "type": "string", "minLength": 1, "pattern": "\\S" }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Line(most) => json!({
            "type": "string", "minLength": 1, "maxLength": most,
            "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]+$",
        }),
        Kind::Header => json!({ "type": "string", "pattern": "^[0-9a-f-]{36}$" }),
    };
    let place = if matches!(parameter.kind, Kind::Header) { "header" } else { "query" };
    let Parameter { name, about, .. } = parameter;
    json!({ "name": name, "in": place, "description": about, "schema": schema })
}

/// The names that stand in a path.
fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

#[cfg(test)]
mod tests;
