//! What clients of OpenAI's interface ask, and are answered: the same models and the same turns
//! under names that their libraries know. Nothing of it is stored, unless the request names a
//! session.

pub mod chat;
pub mod chunks;
pub mod complete;
pub mod embed;
pub mod models;
pub mod request;

use std::rc::Rc;

use spin_sdk::http::Request;

use crate::db::Database;
use crate::http::error::ApiError;
use crate::http::response::{self, Response};
use crate::http::route::OpenAiRoute;
use crate::settings::Settings;

/// Answers a request of a client of OpenAI's.
///
/// Fails as each route does.
pub async fn answer(
    route: OpenAiRoute,
    database: Rc<Database>,
    settings: Rc<Settings>,
    request: Request,
) -> Result<Response, ApiError> {
    match route {
        OpenAiRoute::Chat => chat::answer(database, settings, request).await,
        OpenAiRoute::Complete => complete::answer(settings, request).await,
        OpenAiRoute::Embed => embed::answer(request).await,
        OpenAiRoute::Models => Ok(response::json(200, &models::list().await)),
        OpenAiRoute::Model(name) => Ok(response::json(200, &models::one(&name).await?)),
    }
}
