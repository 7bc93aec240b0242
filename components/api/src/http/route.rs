//! Which request asks for what.

mod documents;
mod openai;
mod past;

use super::error::ApiError;
use crate::limits;
pub use documents::DocumentRoute;
pub use openai::OpenAiRoute;
pub use past::PastRoute;

/// What a request asks for.
#[derive(Debug, PartialEq)]
pub enum Route {
    /// `GET /health`.
    Health,
    /// `GET /ready`.
    Ready,
    /// `GET /openapi.json`.
    Description,
    /// `GET /docs`.
    DescriptionPage,
    /// `GET /api/v1/llm/status`.
    ModelStatus,
    /// `POST /api/v1/llm/measure`.
    Measure,
    /// `POST /api/v1/draft`, and below a session.
    Draft(Option<String>),
    /// `POST /api/v1/maintenance`.
    Maintenance,
    /// `POST /api/v1/sessions`.
    CreateSession,
    /// `GET /api/v1/sessions`.
    ListSessions(Page),
    /// `GET /api/v1/sessions/{id}`.
    GetSession(String),
    /// `PATCH /api/v1/sessions/{id}`.
    RenameSession(String),
    /// `DELETE /api/v1/sessions/{id}`.
    DeleteSession(String),
    /// `PUT /api/v1/sessions/{id}/memory`.
    SetMemory(String),
    /// `PUT /api/v1/sessions/{id}/instruction`.
    Instruct(String),
    /// `GET /api/v1/sessions/{id}/policies`.
    GetPolicies(String),
    /// `PUT /api/v1/sessions/{id}/policies`.
    SetPolicies(String),
    /// `POST /api/v1/sessions/{id}/cancel`.
    Cancel(String),
    /// `POST /api/v1/sessions/{id}/messages`.
    PostMessage(String),
    /// `GET /api/v1/sessions/{id}/export?documents=…`: whether with documents.
    ExportSession(String, bool),
    /// `POST /api/v1/sessions/import`.
    ImportSession,
    /// `GET /api/v1/sessions/{id}/messages`.
    ListMessages(String, Page),
    /// `GET /api/v1/sessions/{id}/messages?query=…`: the text.
    FindMessages(String, String, Page),
    /// `GET /api/v1/messages?query=…&each=…`: the text, the most of one session.
    FindEverywhere(String, u32, Page),
    /// `POST /api/v1/sessions/{id}/messages/import`.
    ImportMessages(String),
    /// `GET /api/v1/sessions/{id}/memories`.
    ListMemories(String, Page),
    /// `GET /api/v1/sessions/{id}/memories?query=…`: the query.
    SearchMemories(String, String, Page),
    /// `DELETE /api/v1/sessions/{id}/memories/{message}`.
    ForgetMemory(String, u64),
    /// What is about turns of the past.
    Past(PastRoute),
    /// What is about documents.
    Document(DocumentRoute),
    /// `POST /api/chat`: what Ollama's clients ask.
    OllamaChat,
    /// `GET /api/tags`.
    OllamaTags,
    /// What OpenAI's clients ask.
    OpenAi(OpenAiRoute),
}

/// A part of a list.
#[derive(Debug, PartialEq, Clone, Copy)]
pub struct Page {
    /// Rows to leave out.
    pub skip: u32,
    /// The most rows to show.
    pub limit: u32,
}

/// Finds the route of a request. A slash at the end of the path makes no difference.
///
/// Fails with 400 for a bad parameter, 404 for an unknown path, 405 for a known path with another
/// method, and 414 for a target that is too long.
pub fn route(method: &str, path: &str, query: &str) -> Result<Route, ApiError> {
    if path.len() + query.len() > limits::TARGET_BYTES_MAX {
        let message = format!("path and query may have at most {} bytes", limits::TARGET_BYTES_MAX);
        return Err(ApiError::new(414, "target_too_long", message));
    }
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match parts.as_slice() {
        ["health"] => only(method, path, "GET", || Ok(Route::Health)),
        ["ready"] => only(method, path, "GET", || Ok(Route::Ready)),
        ["openapi.json"] => only(method, path, "GET", || Ok(Route::Description)),
        ["docs"] => only(method, path, "GET", || Ok(Route::DescriptionPage)),
        ["api", "v1", "llm", "status"] => only(method, path, "GET", || Ok(Route::ModelStatus)),
        ["api", "v1", "llm", "config" | "load" | "models", ..] => {
            // Loci's own host answers these before they come here.
            let message =
                format!("`{path}` needs Loci's own host: here, another one runs the application");
            Err(ApiError::new(501, "needs_loci_host", message))
        }
        ["api", "v1", "llm", "measure"] => only(method, path, "POST", || Ok(Route::Measure)),
        ["api", "v1", "draft"] => only(method, path, "POST", || Ok(Route::Draft(None))),
        ["api", "v1", "maintenance"] => only(method, path, "POST", || Ok(Route::Maintenance)),
        ["api", "v1", "sessions"] => match method {
            "POST" => Ok(Route::CreateSession),
            "GET" => Ok(Route::ListSessions(page(query, limits::SESSIONS_LIMIT_DEFAULT)?)),
            _ => Err(wrong_method(method, path, "GET, POST")),
        },
        ["api", "v1", "sessions", "import"] => {
            only(method, path, "POST", || Ok(Route::ImportSession))
        }
        ["api", "v1", "documents", rest @ ..] => documents::route(method, path, query, rest),
        ["api", "v1", "sessions", id, "documents", document] => {
            documents::link(method, path, id, document)
        }
        ["api", "v1", "messages"] => only(method, path, "GET", || {
            let each = number(query, "each", 1, limits::LIST_LIMIT_MAX, limits::LIST_LIMIT_MAX)?;
            let page = page(query, limits::HITS_LIMIT_DEFAULT)?;
            Ok(Route::FindEverywhere(text(query)?.unwrap_or_default(), each, page))
        }),
        ["api", "v1", "policies", rest @ ..] => past::policies(method, path, rest),
        ["api", "v1", "receipts", "replay"] => {
            only(method, path, "POST", || Ok(Route::Past(PastRoute::ReplayExported)))
        }
        ["api", "chat"] => only(method, path, "POST", || Ok(Route::OllamaChat)),
        ["api", "tags"] => only(method, path, "GET", || Ok(Route::OllamaTags)),
        ["v1", rest @ ..] => openai::route(method, path, rest),
        ["api", "v1", "sessions", id, rest @ ..] => session(method, path, query, id, rest),
        _ => Err(ApiError::new(404, "not_found", format!("there is nothing at `{path}`"))),
    }
}

/// The routes below one session.
fn session(
    method: &str,
    path: &str,
    query: &str,
    id: &str,
    rest: &[&str],
) -> Result<Route, ApiError> {
    let id = id.to_owned();
    match rest {
        [] => match method {
            "GET" => Ok(Route::GetSession(id)),
            "PATCH" => Ok(Route::RenameSession(id)),
            "DELETE" => Ok(Route::DeleteSession(id)),
            _ => Err(wrong_method(method, path, "GET, PATCH, DELETE")),
        },
        ["memory"] => only(method, path, "PUT", || Ok(Route::SetMemory(id))),
        ["instruction"] => only(method, path, "PUT", || Ok(Route::Instruct(id))),
        ["draft"] => only(method, path, "POST", || Ok(Route::Draft(Some(id)))),
        ["policies"] => match method {
            "GET" => Ok(Route::GetPolicies(id)),
            "PUT" => Ok(Route::SetPolicies(id)),
            _ => Err(wrong_method(method, path, "GET, PUT")),
        },
        ["cancel"] => only(method, path, "POST", || Ok(Route::Cancel(id))),
        ["messages"] => match method {
            "POST" => Ok(Route::PostMessage(id)),
            "GET" => match text(query)? {
                None => Ok(Route::ListMessages(id, page(query, limits::MESSAGES_LIMIT_DEFAULT)?)),
                Some(text) => {
                    let page = page(query, limits::HITS_LIMIT_DEFAULT)?;
                    Ok(Route::FindMessages(id, text, page))
                }
            },
            _ => Err(wrong_method(method, path, "GET, POST")),
        },
        ["export"] => only(method, path, "GET", || {
            Ok(Route::ExportSession(id, flag(query, "documents", true)?))
        }),
        ["messages", "import"] => only(method, path, "POST", || Ok(Route::ImportMessages(id))),
        ["messages", message, rest @ ..] => past::route(method, path, id, message, rest),
        ["memories"] => only(method, path, "GET", || memories(id, query)),
        ["memories", message] => {
            only(method, path, "DELETE", || Ok(Route::ForgetMemory(id, message_id(message)?)))
        }
        _ => Err(ApiError::new(404, "not_found", format!("there is nothing at `{path}`"))),
    }
}

fn only(
    method: &str,
    path: &str,
    allowed: &'static str,
    found: impl FnOnce() -> Result<Route, ApiError>,
) -> Result<Route, ApiError> {
    if method == allowed { found() } else { Err(wrong_method(method, path, allowed)) }
}

fn wrong_method(method: &str, path: &str, allowed: &'static str) -> ApiError {
    let message = format!("`{path}` does not answer to `{method}`, but to {allowed}");
    ApiError { allow: Some(allowed), ..ApiError::new(405, "method_not_allowed", message) }
}

fn memories(id: String, query: &str) -> Result<Route, ApiError> {
    match text(query)? {
        None => Ok(Route::ListMemories(id, page(query, limits::MEMORIES_LIMIT_DEFAULT)?)),
        Some(text) => {
            let page = page(query, limits::HITS_LIMIT_DEFAULT)?;
            Ok(Route::SearchMemories(id, text, page))
        }
    }
}

/// What is looked for, if something is.
fn text(query: &str) -> Result<Option<String>, ApiError> {
    match parameter(query, "query") {
        Some(text) if text.trim().is_empty() => {
            Err(ApiError::invalid("query", "`query` must not be empty: leave it out to list all"))
        }
        text => Ok(text),
    }
}

fn page(query: &str, limit: u32) -> Result<Page, ApiError> {
    Ok(Page {
        skip: number(query, "skip", 0, limits::SKIP_MAX, 0)?,
        limit: number(query, "limit", 1, limits::LIST_LIMIT_MAX, limit)?,
    })
}

fn flag(query: &str, name: &'static str, default: bool) -> Result<bool, ApiError> {
    match parameter(query, name).as_deref() {
        None => Ok(default),
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(_) => Err(ApiError::invalid(name, format!("`{name}` must be `true` or `false`"))),
    }
}

fn number(
    query: &str,
    name: &'static str,
    least: u32,
    most: u32,
    default: u32,
) -> Result<u32, ApiError> {
    let Some(text) = parameter(query, name) else { return Ok(default) };
    let value = text.parse::<u32>().ok().filter(|value| (least..=most).contains(value));
    value.ok_or_else(|| {
        let shown: String = text.chars().take(32).collect();
        let message =
            format!("`{name}` must be a whole number from {least} to {most}, not `{shown}`");
        ApiError::invalid(name, message)
    })
}

fn parameter(query: &str, name: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

fn message_id(text: &str) -> Result<u64, ApiError> {
    text.parse::<u64>().ok().filter(|id| i64::try_from(*id).is_ok()).ok_or_else(|| {
        let shown: String = text.chars().take(32).collect();
        let message = format!("the id of a message is a whole number, not `{shown}`");
        ApiError::invalid("message_id", message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(method: &str, path: &str, query: &str) -> u16 {
        route(method, path, query).map_or_else(|error| error.status, |_| 200)
    }

    #[test]
    fn a_slash_at_the_end_makes_no_difference() {
        assert_eq!(route("POST", "/api/v1/sessions/", ""), Ok(Route::CreateSession));
        assert_eq!(route("POST", "/api/v1/sessions", ""), Ok(Route::CreateSession));
        assert_eq!(route("GET", "/api/v1/sessions/a/", ""), Ok(Route::GetSession("a".to_owned())));
    }

    #[test]
    fn a_page_has_defaults_and_borders() {
        let page = |query| route("GET", "/api/v1/sessions", query);
        assert_eq!(page(""), Ok(Route::ListSessions(Page { skip: 0, limit: 50 })));
        assert_eq!(
            page("limit=1000&skip=3"),
            Ok(Route::ListSessions(Page { skip: 3, limit: 1_000 }))
        );
        for bad in ["skip=-1", "limit=0", "limit=1001", "limit=ten", "limit="] {
            let error = page(bad).unwrap_err();
            assert_eq!(error.status, 400, "{bad}");
            assert!(error.message.starts_with('`'), "{}", error.message);
        }
    }

    #[test]
    fn a_known_path_with_another_method_is_405_and_an_unknown_path_404() {
        assert_eq!(status("PUT", "/api/v1/sessions", ""), 405);
        assert_eq!(status("GET", "/api/v1/sessions/x/memory", ""), 405);
        assert_eq!(status("GET", "/api/v1/nowhere", ""), 404);
        assert_eq!(status("GET", "/api/v1/sessions/x/y", ""), 404);
        assert_eq!(status("GET", "/", ""), 404);
    }

    #[test]
    fn what_only_the_host_can_do_is_told_where_there_is_another_host() {
        assert_eq!(status("GET", "/api/v1/llm/status", ""), 200);
        assert_eq!(status("GET", "/api/v1/llm/config", ""), 501);
        assert_eq!(status("POST", "/api/v1/llm/load", ""), 501);
    }

    #[test]
    fn a_search_is_a_list_with_a_query() {
        let path = "/api/v1/sessions/x/memories";
        let found = route("GET", path, "query=blue+cupboard&limit=3");
        let (text, page) = ("blue cupboard".to_owned(), Page { skip: 0, limit: 3 });
        assert_eq!(found, Ok(Route::SearchMemories("x".to_owned(), text, page)));
        assert_eq!(status("GET", path, "query=%20"), 400);
        let all = route("GET", path, "");
        assert_eq!(all, Ok(Route::ListMemories("x".to_owned(), Page { skip: 0, limit: 50 })));
    }

    #[test]
    fn a_session_goes_with_its_documents_or_without() {
        let path = "/api/v1/sessions/x/export";
        let export = |with| Ok(Route::ExportSession("x".to_owned(), with));
        assert_eq!(route("GET", path, ""), export(true));
        assert_eq!(route("GET", path, "documents=false"), export(false));
        assert_eq!(status("GET", path, "documents=no"), 400);
    }

    #[test]
    fn messages_are_found_in_all_sessions() {
        let path = "/api/v1/messages";
        let found = |text: &str, each| {
            let page = Page { skip: 0, limit: limits::HITS_LIMIT_DEFAULT };
            Ok(Route::FindEverywhere(text.to_owned(), each, page))
        };
        assert_eq!(route("GET", path, "query=a+boat&each=3"), found("a boat", 3));
        assert_eq!(route("GET", path, ""), found("", limits::LIST_LIMIT_MAX));
        assert_eq!(status("GET", path, "query=+"), 400);
        assert_eq!(status("GET", path, "query=a&each=0"), 400);
        assert_eq!(status("POST", path, ""), 405);
    }

    #[test]
    fn messages_are_found_by_what_they_say() {
        let path = "/api/v1/sessions/x/messages";
        let found = route("GET", path, "query=blue+cup&skip=7");
        let (text, page) = ("blue cup".to_owned(), Page { skip: 7, limit: 10 });
        assert_eq!(found, Ok(Route::FindMessages("x".to_owned(), text, page)));
        assert_eq!(status("GET", path, "query="), 400);
        for query in ["query=a&limit=1001", "query=a&skip=-1"] {
            assert_eq!(status("GET", path, query), 400, "{query}");
        }
    }

    #[test]
    fn a_message_id_is_a_number() {
        assert_eq!(status("DELETE", "/api/v1/sessions/x/memories/17", ""), 200);
        assert_eq!(status("DELETE", "/api/v1/sessions/x/memories/abc", ""), 400);
        assert_eq!(status("DELETE", "/api/v1/sessions/x/memories/18446744073709551615", ""), 400);
    }

    #[test]
    fn a_target_that_is_too_long_is_refused() {
        assert_eq!(status("GET", "/api/v1/sessions", &"x".repeat(20_000)), 414);
    }
}
