//! Which request is one of OpenAI's clients.

use super::{Route, only};
use crate::http::error::ApiError;

/// What a client of OpenAI's asks for.
#[derive(Debug, PartialEq)]
pub enum OpenAiRoute {
    /// `POST /v1/chat/completions`.
    Chat,
    /// `POST /v1/completions`.
    Complete,
    /// `POST /v1/embeddings`.
    Embed,
    /// `GET /v1/models`.
    Models,
    /// `GET /v1/models/{name}`.
    Model(String),
}

/// The routes below `/v1`.
pub fn route(method: &str, path: &str, rest: &[&str]) -> Result<Route, ApiError> {
    let (allowed, found) = match rest {
        ["chat", "completions"] => ("POST", OpenAiRoute::Chat),
        ["completions"] => ("POST", OpenAiRoute::Complete),
        ["embeddings"] => ("POST", OpenAiRoute::Embed),
        ["models"] => ("GET", OpenAiRoute::Models),
        ["models", name @ ..] => ("GET", OpenAiRoute::Model(decoded(&name.join("/")))),
        _ => {
            let message = format!("there is nothing at `{path}`");
            return Err(ApiError::new(404, "not_found", message));
        }
    };
    only(method, path, allowed, || Ok(Route::OpenAi(found)))
}

/// The name of a model as it stands in a path: it may have blanks, and slashes.
fn decoded(name: &str) -> String {
    percent_encoding::percent_decode_str(name).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::super::route;
    use super::*;

    #[test]
    fn the_routes_of_openai_are_below_v1() {
        let found = |method, path| match route(method, path, "") {
            Ok(Route::OpenAi(found)) => Ok(found),
            Ok(_) => Err(0),
            Err(error) => Err(error.status),
        };
        assert_eq!(found("POST", "/v1/chat/completions"), Ok(OpenAiRoute::Chat));
        assert_eq!(found("POST", "/v1/completions"), Ok(OpenAiRoute::Complete));
        assert_eq!(found("POST", "/v1/embeddings"), Ok(OpenAiRoute::Embed));
        assert_eq!(found("GET", "/v1/models"), Ok(OpenAiRoute::Models));
        let named = |name: &str| Ok(OpenAiRoute::Model(name.to_owned()));
        assert_eq!(found("GET", "/v1/models/a%20b+c/d"), named("a b+c/d"));
        assert_eq!(found("GET", "/v1/chat/completions"), Err(405));
        assert_eq!(found("POST", "/v1/responses"), Err(404));
    }
}
