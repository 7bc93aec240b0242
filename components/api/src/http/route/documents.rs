//! Which request is about documents.

use super::{Page, Route, number, only, page, parameter, wrong_method};
use crate::http::error::ApiError;
use crate::limits;

/// What a request about documents asks for.
#[derive(Debug, PartialEq)]
pub enum DocumentRoute {
    /// `POST /api/v1/documents`.
    Upload,
    /// `GET /api/v1/documents`.
    List(Page),
    /// `POST /api/v1/documents/search`.
    Search,
    /// `GET /api/v1/documents/{id}`.
    Get(String),
    /// `PUT /api/v1/documents/{id}`.
    Replace(String),
    /// `PATCH /api/v1/documents/{id}`.
    Rename(String),
    /// `DELETE /api/v1/documents/{id}`.
    Delete(String),
    /// `POST /api/v1/documents/{id}/reindex`.
    Reindex(String),
    /// `GET /api/v1/documents/{id}/events`.
    Events(String),
    /// `GET /api/v1/documents/{id}/text?start=…&end=…`: bytes; the end is as far as may be shown
    /// where it is left out.
    Text(String, u32, Option<u32>),
    /// `PUT /api/v1/sessions/{id}/documents/{document}`.
    Link(String, String),
    /// `DELETE /api/v1/sessions/{id}/documents/{document}`.
    Unlink(String, String),
}

/// The routes below all documents.
pub fn route(method: &str, path: &str, query: &str, rest: &[&str]) -> Result<Route, ApiError> {
    let found = match rest {
        [] => match method {
            "POST" => DocumentRoute::Upload,
            "GET" => DocumentRoute::List(page(query, limits::SESSIONS_LIMIT_DEFAULT)?),
            _ => return Err(wrong_method(method, path, "GET, POST")),
        },
        ["search"] => {
            return only(method, path, "POST", || Ok(Route::Document(DocumentRoute::Search)));
        }
        [id] => {
            let id = (*id).to_owned();
            match method {
                "GET" => DocumentRoute::Get(id),
                "PUT" => DocumentRoute::Replace(id),
                "PATCH" => DocumentRoute::Rename(id),
                "DELETE" => DocumentRoute::Delete(id),
                _ => return Err(wrong_method(method, path, "GET, PUT, PATCH, DELETE")),
            }
        }
        [id, "reindex"] => {
            let route = DocumentRoute::Reindex((*id).to_owned());
            return only(method, path, "POST", || Ok(Route::Document(route)));
        }
        [id, "events"] => {
            let route = DocumentRoute::Events((*id).to_owned());
            return only(method, path, "GET", || Ok(Route::Document(route)));
        }
        [id, "text"] => return only(method, path, "GET", || text(id, query)),
        _ => {
            let message = format!("there is nothing at `{path}`");
            return Err(ApiError::new(404, "not_found", message));
        }
    };
    Ok(Route::Document(found))
}

fn text(id: &str, query: &str) -> Result<Route, ApiError> {
    let most = limits::DOCUMENT_TEXT_BYTES_MAX as u32;
    let start = number(query, "start", 0, most, 0)?;
    let end = match parameter(query, "end") {
        Some(_) => Some(number(query, "end", 1, most, most)?),
        None => None,
    };
    Ok(Route::Document(DocumentRoute::Text(id.to_owned(), start, end)))
}

/// The link of a session to a document.
pub fn link(method: &str, path: &str, session: &str, document: &str) -> Result<Route, ApiError> {
    let (session, document) = (session.to_owned(), document.to_owned());
    match method {
        "PUT" => Ok(Route::Document(DocumentRoute::Link(session, document))),
        "DELETE" => Ok(Route::Document(DocumentRoute::Unlink(session, document))),
        _ => Err(wrong_method(method, path, "PUT, DELETE")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::route;
    use super::*;

    fn found(method: &str, path: &str, query: &str) -> Result<DocumentRoute, u16> {
        match route(method, path, query) {
            Ok(Route::Document(found)) => Ok(found),
            Ok(_) => Err(0),
            Err(error) => Err(error.status),
        }
    }

    #[test]
    fn documents_have_routes() {
        let id = || "x".to_owned();
        let path = "/api/v1/documents";
        assert_eq!(found("POST", path, ""), Ok(DocumentRoute::Upload));
        assert_eq!(found("POST", "/api/v1/documents/search", ""), Ok(DocumentRoute::Search));
        assert_eq!(found("PUT", "/api/v1/documents/x", ""), Ok(DocumentRoute::Replace(id())));
        assert_eq!(
            found("POST", "/api/v1/documents/x/reindex", ""),
            Ok(DocumentRoute::Reindex(id()))
        );
        let linked = DocumentRoute::Link("s".to_owned(), id());
        assert_eq!(found("PUT", "/api/v1/sessions/s/documents/x", ""), Ok(linked));
        assert_eq!(found("PUT", path, ""), Err(405));
        assert_eq!(found("GET", "/api/v1/documents/x/nowhere", ""), Err(404));
        assert_eq!(found("GET", "/api/v1/sessions/s/documents/x", ""), Err(405));
    }

    #[test]
    fn a_text_has_a_span() {
        let path = "/api/v1/documents/x/text";
        let text = |start, end| Ok(DocumentRoute::Text("x".to_owned(), start, end));
        assert_eq!(found("GET", path, ""), text(0, None));
        assert_eq!(found("GET", path, "start=5&end=9"), text(5, Some(9)));
        assert_eq!(found("GET", path, "start=-1"), Err(400));
    }
}
