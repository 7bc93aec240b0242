//! The Model Context Protocol: what other people's assistants may remember, recall, forget and look
//! up here. The protocol itself is `rmcp`'s; each tool is one or two requests to the application,
//! on behalf of whoever asks.

mod tools;

use std::convert::Infallible;
use std::sync::Arc;

use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Body;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::sync::Mutex;
use wasmtime_wasi_http::WasiBody;

use crate::serve::gate::Caller;
use crate::serve::shutdown::Alive;
pub use tools::Ask;
use tools::Tools;

/// Where it is.
pub const PATH: &str = "/mcp";

/// The longest body of a request, in bytes.
const BODY_BYTES_MAX: usize = 1 << 20;

/// The endpoint.
pub struct Mcp {
    service: StreamableHttpService<Tools, NeverSessionManager>,
}

/// Who asks, for as long as it takes. It travels with the request through the library.
#[derive(Clone)]
struct Asker {
    caller: Caller,
    alive: Alive,
}

impl Mcp {
    /// An endpoint whose tools ask the application by `ask`.
    pub fn new(ask: Arc<dyn Ask>) -> Self {
        // Each request is answered by itself, so nothing is kept between two. By which names the
        // server may be asked is known at the gate.
        let config = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(false)
            .with_json_response(true)
            .with_max_request_body_bytes(BODY_BYTES_MAX)
            .disable_allowed_hosts();
        let notes = Arc::new(Mutex::new(()));
        let tools = move || Ok(Tools::new(Arc::clone(&ask), Arc::clone(&notes)));
        let sessions = Arc::new(NeverSessionManager::default());
        Self { service: StreamableHttpService::new(tools, sessions, config) }
    }

    /// Answers a request of this caller.
    pub async fn answer<B>(
        &self,
        request: Request<B>,
        caller: Caller,
        alive: Alive,
    ) -> Response<WasiBody>
    where
        B: Body + Send + 'static,
        B::Error: std::fmt::Display,
    {
        let (mut head, body) = request.into_parts();
        head.extensions.insert(Asker { caller, alive });
        let answer = self.service.handle(Request::from_parts(head, body)).await;
        answer.map(|body| body.map_err(|never: Infallible| match never {}).boxed_unsync())
    }
}
