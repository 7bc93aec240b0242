//! Which request is about a turn of the past.

use super::{Route, message_id, only};
use crate::http::error::ApiError;

/// What a request about turns of the past asks for.
#[derive(Debug, PartialEq)]
pub enum PastRoute {
    /// `GET /api/v1/sessions/{id}/messages/{message}/receipt`.
    Receipt(String, u64),
    /// `GET /api/v1/sessions/{id}/messages/{message}/receipt/export`.
    Export(String, u64),
    /// `POST /api/v1/sessions/{id}/messages/{message}/replay`.
    Replay(String, u64),
    /// `POST /api/v1/sessions/{id}/messages/{message}/what-if`.
    WhatIf(String, u64),
    /// `POST /api/v1/receipts/replay`.
    ReplayExported,
    /// `POST /api/v1/policies/{digest}/shadow`.
    Shadow(String),
}

/// The routes below policies. Loci's own host answers the others before they come here.
pub fn policies(method: &str, path: &str, rest: &[&str]) -> Result<Route, ApiError> {
    if let [digest, "shadow"] = rest {
        return only(method, path, "POST", || {
            Ok(Route::Past(PastRoute::Shadow((*digest).to_owned())))
        });
    }
    match rest {
        [] | [_] | [_, "activate" | "canary"] | ["hooks", _] => {
            let message =
                format!("`{path}` needs Loci's own host: here, no policy can be replaced");
            Err(ApiError::new(501, "needs_loci_host", message))
        }
        _ => Err(ApiError::new(404, "not_found", format!("there is nothing at `{path}`"))),
    }
}

/// The routes below one message.
pub fn route(
    method: &str,
    path: &str,
    id: String,
    message: &str,
    rest: &[&str],
) -> Result<Route, ApiError> {
    let (allowed, found): (_, fn(String, u64) -> PastRoute) = match rest {
        ["receipt"] => ("GET", PastRoute::Receipt),
        ["receipt", "export"] => ("GET", PastRoute::Export),
        ["replay"] => ("POST", PastRoute::Replay),
        ["what-if"] => ("POST", PastRoute::WhatIf),
        _ => {
            let message = format!("there is nothing at `{path}`");
            return Err(ApiError::new(404, "not_found", message));
        }
    };
    only(method, path, allowed, || Ok(Route::Past(found(id, message_id(message)?))))
}

#[cfg(test)]
mod tests {
    use super::super::route;
    use super::*;

    #[test]
    fn what_is_below_a_message_is_about_its_turn() {
        let found = |method, path| route(method, &format!("/api/v1/sessions/x/messages{path}"), "");
        let past = |route| Ok(Route::Past(route));
        let id = || "x".to_owned();
        assert_eq!(found("GET", "/7/receipt"), past(PastRoute::Receipt(id(), 7)));
        assert_eq!(found("GET", "/7/receipt/export"), past(PastRoute::Export(id(), 7)));
        assert_eq!(found("POST", "/7/replay"), past(PastRoute::Replay(id(), 7)));
        assert_eq!(found("POST", "/7/what-if"), past(PastRoute::WhatIf(id(), 7)));
        let status = |method, path| found(method, path).map_err(|error| error.status);
        assert_eq!(status("GET", "/7/replay"), Err(405));
        assert_eq!(status("GET", "/seven/receipt"), Err(400));
        assert_eq!(status("GET", "/7"), Err(404));
        let exported = route("POST", "/api/v1/receipts/replay", "");
        assert_eq!(exported, past(PastRoute::ReplayExported));
        let shadow = route("POST", "/api/v1/policies/00112233/shadow", "");
        assert_eq!(shadow, past(PastRoute::Shadow("00112233".to_owned())));
        let elsewhere = route("GET", "/api/v1/policies", "");
        assert_eq!(elsewhere.map_err(|error| error.status), Err(501));
    }
}
