//! The chat model: how it answers, which others there are, and putting one of them in its place.
//! How it is (`GET /api/v1/llm/status`) the application tells, on every host.

use std::sync::Arc;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::call::shown;
use super::{Call, Endpoint, Refusal, Reply};
use crate::model::Loading;
use crate::models::command::fields;
use crate::models::{Entry, Source};
use crate::serve::models::Models;

/// The longest body that names a model, in bytes.
const LOAD_BYTES_MAX: u64 = 8 << 10;

/// The endpoints below `/api/v1/llm` that the host itself answers.
pub fn endpoints(models: Arc<Models>) -> Vec<Endpoint> {
    let with = |answer: fn(Arc<Models>, Call) -> Result<Reply, Refusal>| {
        let models = Arc::clone(&models);
        move |call| blocking(Arc::clone(&models), call, answer)
    };
    vec![
        Endpoint::new(Method::GET, "/api/v1/llm/config", with(config)).for_all(),
        Endpoint::new(Method::PUT, "/api/v1/llm/config", with(set_config)),
        Endpoint::new(Method::GET, "/api/v1/llm/models", with(list)).for_all(),
        Endpoint::new(Method::GET, "/api/v1/llm/models/:name", with(one)).for_all(),
        Endpoint::new(Method::POST, "/api/v1/llm/load", with(load)).body_max(LOAD_BYTES_MAX),
    ]
}

/// Answers on a thread that may wait for the disk.
async fn blocking(
    models: Arc<Models>,
    call: Call,
    answer: fn(Arc<Models>, Call) -> Result<Reply, Refusal>,
) -> Result<Reply, Refusal> {
    let answered = tokio::task::spawn_blocking(move || answer(models, call)).await;
    answered.unwrap_or_else(|error| Err(Refusal::internal("the request broke down", error)))
}

fn config(models: Arc<Models>, _: Call) -> Result<Reply, Refusal> {
    Ok(Reply::ok(models.chat.generation().in_force()))
}

fn set_config(models: Arc<Models>, call: Call) -> Result<Reply, Refusal> {
    let changed = models.chat.generation().changed(&call.object()?);
    let generation = changed.map_err(|wrong| Refusal::invalid(wrong.param, wrong.message))?;
    let failed = |error: anyhow::Error| {
        Refusal::internal("the settings could not be stored", format_args!("{error:#}"))
    };
    models.set_generation(generation.clone()).map_err(failed)?;
    Ok(Reply::ok(generation.in_force()))
}

fn list(models: Arc<Models>, _: Call) -> Result<Reply, Refusal> {
    let active = models.chat.name();
    let entries = models.catalog.list();
    let all: Vec<Value> = entries.iter().map(|entry| row(&models, entry, &active)).collect();
    Ok(Reply::ok(json!({ "models": all, "folder": models.catalog.folder() })))
}

fn one(models: Arc<Models>, call: Call) -> Result<Reply, Refusal> {
    let entry = find(&models, call.name("name"))?;
    Ok(Reply::ok(row(&models, &entry, &models.chat.name())))
}

/// The model of this name.
fn find(models: &Models, name: &str) -> Result<Entry, Refusal> {
    models.catalog.find(name).ok_or_else(|| {
        let message = format!(
            "there is no model `{}`: `GET /api/v1/llm/models` lists all, and `loci models add` \
             adds one",
            shown(name)
        );
        let refusal = Refusal::not_found("model_not_found", message);
        Refusal { param: Some("model"), ..refusal }
    })
}

/// One model of the list. A file that cannot be used is in it, with the reason.
fn row(models: &Models, entry: &Entry, active: &str) -> Value {
    let mut row = match entry.source {
        Source::Server => json!({ "error": null, "title": entry.name, "kind": "chat" }),
        _ => match models.catalog.describe(entry) {
            Ok(it) => fields(&it),
            Err(reason) => json!({ "error": reason }),
        },
    };
    row["name"] = json!(entry.name);
    row["source"] = json!(entry.source.as_str());
    row["active"] = json!(entry.name == active);
    row
}

fn load(models: Arc<Models>, call: Call) -> Result<Reply, Refusal> {
    let body = call.object()?;
    if let Some(field) = body.keys().find(|field| *field != "model") {
        let message = format!("there is no field `{}`, but `model`", shown(field));
        return Err(Refusal::invalid(None, message));
    }
    let Some(name) = body.get("model").and_then(Value::as_str) else {
        let message = "`model` must be a name that `GET /api/v1/llm/models` lists";
        return Err(Refusal::invalid(Some("model"), message));
    };
    let entry = find(&models, name)?;
    let unusable = |reason: String| Refusal {
        param: Some("model"),
        ..Refusal::new(StatusCode::BAD_REQUEST, "model_unusable", reason)
    };
    let is_file = entry.source != Source::Server;
    if is_file && models.catalog.describe(&entry).map_err(unusable)?.embeds {
        let reason = format!("`{}` is an embedding model, which cannot chat", entry.name);
        return Err(unusable(reason));
    }
    let name = &entry.name;
    let unkept = |reason| Refusal::internal("the choice of a model could not be kept", reason);
    Ok(match models.choose(&entry).map_err(unkept)? {
        Loading::Active => Reply::ok(json!({ "model": name, "status": "ready" })),
        Loading::Begun => Reply {
            status: StatusCode::ACCEPTED,
            body: json!({ "model": name, "status": "loading" }),
        },
    })
}
