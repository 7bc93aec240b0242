//! What the host itself answers, beside the application: its models and policies. A small router:
//! JSON in, JSON out, a limit on every body, errors in the shape of the API.

mod call;
pub mod llm;
pub mod policies;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use serde_json::Value;
use wasmtime_wasi_http::WasiBody;

pub use call::{Call, Refusal};

use crate::serve::body::{Counted, Discard};
use crate::serve::gate;
use crate::serve::route::{self, Routes};

/// The longest body of a request where a route says nothing else, in bytes.
const BODY_BYTES_MAX: u64 = 64 << 10;

/// What answers a call: a status and a body, or a refusal.
type Answer = dyn Fn(Call) -> BoxFuture<'static, Result<Reply, Refusal>> + Send + Sync;

/// An answer: a status, and JSON (null for no body).
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The body.
    pub body: Value,
}

impl Reply {
    /// 200 with this body.
    pub fn ok(body: Value) -> Self {
        Self { status: StatusCode::OK, body }
    }
}

/// What answers one method of a path.
pub struct Endpoint {
    path: &'static str,
    method: Method,
    body_bytes_max: u64,
    for_all: bool,
    answer: Arc<Answer>,
}

impl Endpoint {
    /// Has `answer` answer this method of this path, which is written as routes of Spin are: a
    /// segment `:name` stands for any. Only an admin may ask.
    pub fn new<F>(
        method: Method,
        path: &'static str,
        answer: impl Fn(Call) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Reply, Refusal>> + Send + 'static,
    {
        let answer = Arc::new(move |call| answer(call).boxed());
        Self { path, method, body_bytes_max: BODY_BYTES_MAX, for_all: false, answer }
    }

    /// Lets everybody ask who may use this server at all: it tells nothing of anybody.
    pub fn for_all(self) -> Self {
        Self { for_all: true, ..self }
    }

    /// Takes bodies of up to `bytes`.
    pub fn body_max(self, bytes: u64) -> Self {
        Self { body_bytes_max: bytes, ..self }
    }
}

/// All endpoints, by path.
pub struct Router {
    routes: Routes<Vec<Endpoint>>,
}

impl Router {
    /// A router of these endpoints.
    ///
    /// # Errors
    ///
    /// Fails if two paths mean the same and are written differently.
    pub fn new(endpoints: impl IntoIterator<Item = Endpoint>) -> Result<Self> {
        let mut paths: Vec<(String, Vec<Endpoint>)> = Vec::new();
        for endpoint in endpoints {
            match paths.iter_mut().find(|(path, _)| path == endpoint.path) {
                Some((_, methods)) => methods.push(endpoint),
                None => paths.push((endpoint.path.to_owned(), vec![endpoint])),
            }
        }
        Ok(Self { routes: Routes::new(paths)? })
    }

    /// Whether the host itself answers this path.
    pub fn has(&self, path: &str) -> bool {
        self.routes.find(path).is_some()
    }

    /// The path as it is written in [`Endpoint::new`].
    pub fn route(&self, path: &str) -> Option<&'static str> {
        self.routes.find(path)?.first().map(|endpoint| endpoint.path)
    }

    /// Answers a request, whatever comes of it. `admin`: whether an admin sent it.
    pub async fn answer<B>(&self, request: Request<B>, admin: bool) -> Response<WasiBody>
    where
        B: Discard,
        B::Error: Into<wasmtime_wasi_http::Error>,
    {
        match self.try_answer(request, admin).await {
            Ok(reply) => respond(reply.status, &reply.body),
            Err(refusal) => refusal.into_response(),
        }
    }

    async fn try_answer<B>(&self, request: Request<B>, admin: bool) -> Result<Reply, Refusal>
    where
        B: Discard,
        B::Error: Into<wasmtime_wasi_http::Error>,
    {
        let (head, body) = request.into_parts();
        let path = head.uri.path();
        let Some(methods) = self.routes.find(path) else {
            return Err(Refusal::not_found("not_found", "there is nothing at this path"));
        };
        let Some(endpoint) = methods.iter().find(|endpoint| endpoint.method == head.method) else {
            let allowed: Vec<&str> =
                methods.iter().map(|endpoint| endpoint.method.as_str()).collect();
            return Err(Refusal::wrong_method(&head.method, allowed.join(", ")));
        };
        if !admin && !endpoint.for_all {
            return Err(gate::admins_only());
        }
        let names = route::names(endpoint.path, path);
        let body = collect(body, endpoint.body_bytes_max).await?;
        let query = head.uri.query().unwrap_or_default();
        let call = Call::new(names, query, &head.headers, body);
        (endpoint.answer)(call).await
    }
}

/// Reads a body that is no longer than `max` bytes.
async fn collect<B>(body: B, max: u64) -> Result<Bytes, Refusal>
where
    B: Discard,
    B::Error: Into<wasmtime_wasi_http::Error>,
{
    let too_large = || {
        let message = format!("the body is larger than {max} bytes");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message)
    };
    if body.size_hint().lower() > max {
        return Err(too_large());
    }
    let over = Arc::new(AtomicBool::new(false));
    let collected = Counted::new(body, max, Arc::clone(&over)).collect().await;
    if over.load(Ordering::Relaxed) {
        return Err(too_large());
    }
    let broken = |_| Refusal::invalid(None, "the body broke off");
    Ok(collected.map_err(broken)?.to_bytes())
}

/// A response with a JSON body, or without one.
fn respond(status: StatusCode, body: &Value) -> Response<WasiBody> {
    let text = if body.is_null() { String::new() } else { body.to_string() };
    let body = Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

#[cfg(test)]
mod tests;
