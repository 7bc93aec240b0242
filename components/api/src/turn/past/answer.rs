//! From a request about a turn of the past to its response.

use serde_json::{Map, Value, json};
use spin_sdk::http::Request;

use super::Past;
use super::again::replay;
use super::shadow::{Wanted, shadow};
use super::what_if::{Without, what_if};
use crate::db::{Database, messages, passages};
use crate::http::error::ApiError;
use crate::http::request;
use crate::http::response::{self, Response};
use crate::http::route::PastRoute;
use crate::limits;
use crate::turn::record::Texts;
use crate::turn::replay::{referred, referred_passages, resolve};

/// Answers a request about a turn of the past.
///
/// Fails as what is asked for does.
pub async fn answer(
    route: PastRoute,
    database: &Database,
    request: Request,
) -> Result<Response, ApiError> {
    let body = match route {
        PastRoute::Receipt(id, message) => receipt(database, &id, message).await?,
        PastRoute::Export(id, message) => Past::read(database, &id, message).await?.export(),
        PastRoute::Replay(id, message) => {
            replay(&Past::read(database, &id, message).await?).await?
        }
        PastRoute::WhatIf(id, message) => {
            let without = Without::of(&object(request, limits::BODY_BYTES_MAX).await?)?;
            what_if(&Past::read(database, &id, message).await?, &without).await?
        }
        PastRoute::ReplayExported => {
            let body = object(request, limits::RECEIPT_BYTES_MAX).await?;
            replay(&Past::import(Value::Object(body))?).await?
        }
        PastRoute::Shadow(digest) => {
            let wanted = Wanted::of(&object(request, limits::BODY_BYTES_MAX).await?)?;
            let report = shadow(database, &digest, &wanted).await?;
            return Ok(response::json(200, &report));
        }
    };
    Ok(response::json(200, &body))
}

async fn object(request: Request, bytes_max: usize) -> Result<Map<String, Value>, ApiError> {
    let (head, body) = request.into_parts();
    request::object_of(&head.headers, body, bytes_max).await
}

/// The receipt of a reply, as people read it: with the prompt instead of what it is made of.
async fn receipt(database: &Database, id: &str, message: u64) -> Result<Value, ApiError> {
    let (session, body) = messages::receipt(database, id, message).await?;
    let stored = serde_json::from_str(&body)
        .map_err(|cause| ApiError::internal("the receipt cannot be read", cause))?;
    let said = messages::contents(database, session, &referred(&stored)).await?;
    let texts = Texts {
        messages: said.into_iter().map(|one| (one.message, one)).collect(),
        passages: passages::contents(database, &referred_passages(&stored)).await?,
    };
    let mut resolved = resolve(stored, &texts);
    resolved["message_id"] = json!(message);
    Ok(resolved)
}
