//! The application: its components, compiled and linked to what the manifest grants them, and the
//! way of a request to one of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt as _};
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Empty, Full};
use serde_json::Value;
use tokio::sync::Semaphore;
use tracing::{error, info};
use wasmtime::component::{Component as Code, Linker};
use wasmtime_wasi_http::WasiBody;
use wasmtime_wasi_http::handler::{ExpirationError, InstantiationError, ProxyHandler};
use wasmtime_wasi_http::p3::bindings::ServicePre;

use crate::engine::{self, Engines};
use crate::manifest;
use crate::metrics;
use crate::model::ChatBackend as _;
use crate::serve::admin::{self, Refusal, Router};
use crate::serve::body::{Counted, Held};
use crate::serve::gate::{self, Caller, Gate};
use crate::serve::guest::Guest;
use crate::serve::mcp::{self, Mcp};
use crate::serve::reply::Failure;
use crate::serve::route::{self, Routes};
use crate::serve::services::{self, Services};
use crate::serve::shutdown::{Alive, Stop};
use crate::serve::worker::Workers;

/// The most requests that are answered at once, over all components.
const REQUESTS_MAX: usize = 512;

/// The longest body of a request, in bytes. A component may have a lower limit.
pub const BODY_BYTES_MAX: u64 = 32 << 20;

/// What tells nothing of anybody, so no key is wanted: whether the server lives and whether it can
/// answer, and what can be asked.
const OPEN: [&str; 4] = ["/health", "/ready", "/openapi.json", "/docs"];

/// Where the policies are, which answer everybody. The host itself says who may ask what of them;
/// what it leaves to the application, such as trying one, is judged by later and so an admin's.
const POLICIES: &str = "/api/v1/policies";

/// Where the host tells what it counted.
const METRICS: &str = "/metrics";

/// The interfaces through which a component reaches other hosts.
const OUTBOUND_HTTP: [&str; 2] = ["wasi:http/client", "wasi:http/outgoing-handler"];

/// How a round of maintenance went. The worse goes before the better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Maintained {
    /// There is nothing more to do for now.
    Done,
    /// There is.
    More,
    /// A component did not do it.
    Failed,
}

/// An application that can answer.
pub struct App {
    routes: Routes<Target>,
    maintained: Vec<(ProxyHandler<Workers>, String)>,
    permits: Arc<Semaphore>,
    services: Services,
    admin: Router,
    gate: Gate,
    mcp: Option<Mcp>,
}

/// What a route leads to.
#[derive(Clone)]
struct Target {
    /// The route, as the manifest has it.
    route: String,
    handler: ProxyHandler<Workers>,
    /// Whether the component is granted nothing: what it shows is nobody's.
    open: bool,
}

impl App {
    /// Compiles and links what a manifest names. Blocks for as long as compiling takes.
    ///
    /// # Errors
    ///
    /// Fails if a component cannot be read or compiled, or imports what it is not granted.
    pub fn load(
        manifest: &manifest::App,
        engines: &Engines,
        services: Services,
        gate: Gate,
        stop: &Stop,
    ) -> Result<Self> {
        let mut handlers = Vec::new();
        let mut maintained = Vec::new();
        for (name, component) in &manifest.components {
            let load = load(name, component, engines, &services, stop);
            let workers = load.with_context(|| format!("cannot load component `{name}`"))?;
            let handler = ProxyHandler::new(workers);
            if let Some(path) = &component.maintenance {
                maintained.push((handler.clone(), path.clone()));
            }
            handlers.push((name, handler, component.is_granted_nothing()));
        }
        let route = |(route, component): &(String, String)| {
            let (_, handler, open) = handlers.iter().find(|(name, ..)| *name == component)?;
            let target = Target { route: route.clone(), handler: handler.clone(), open: *open };
            Some((route.clone(), target))
        };
        let routes = Routes::new(manifest.routes.iter().filter_map(route))?;
        let permits = Arc::new(Semaphore::new(REQUESTS_MAX));
        let policies = services.registry().map(admin::policies::endpoints).unwrap_or_default();
        let endpoints = admin::llm::endpoints(services.models()).into_iter().chain(policies);
        let admin = Router::new(endpoints)?;
        // Where the application's sessions are, there is a memory for other assistants too.
        let target = routes.find("/api/v1/sessions").filter(|target| !target.open);
        let mcp = target.map(|target| {
            let inside = Inside { handler: target.handler.clone() };
            Mcp::new(Arc::new(inside))
        });
        Ok(Self { routes, maintained, permits, services, admin, gate, mcp })
    }

    /// Closes what the host had opened for the application. Blocks.
    pub fn close(&self) {
        self.services.close();
    }

    /// Answers a request of a client: the host what is its own, a component everything else.
    ///
    /// # Errors
    ///
    /// Fails if there is no route, if the host has too many requests, or if the guest gives no
    /// answer. A guest's own errors are answers.
    pub async fn answer<B>(
        &self,
        request: Request<B>,
        alive: Alive,
    ) -> Result<Response<WasiBody>, Failure>
    where
        B: hyper::body::Body<Data = Bytes, Error = hyper::Error> + Send + Unpin + 'static,
    {
        let (mut head, body) = request.into_parts();
        let caller = match self.admit(&head) {
            Ok(caller) => caller,
            Err(refusal) => {
                // Its rest is read, or a client that still sends would not see the answer.
                drop(Counted::new(body, BODY_BYTES_MAX, Arc::default()));
                return Ok(refusal.into_response());
            }
        };
        if head.uri.path() == METRICS {
            let told = self.metrics(&head.method, &caller);
            return Ok(told.unwrap_or_else(Refusal::into_response));
        }
        gate::mark(&mut head.headers, &caller);
        let request = Request::from_parts(head, body);
        if let Some(mcp) = self.mcp.as_ref().filter(|_| request.uri().path() == mcp::PATH) {
            let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else {
                return Err(Failure::Overloaded);
            };
            let limit = |body| Counted::new(body, BODY_BYTES_MAX, Arc::default());
            let answer = mcp.answer(request.map(limit), caller, alive).await;
            return Ok(answer.map(|body| Held::new(body, permit).boxed_unsync()));
        }
        if self.admin.has(request.uri().path()) {
            let answer = self.admin.answer(request, caller.admin).await;
            drop(alive);
            return Ok(answer);
        }
        let Some(Target { handler, .. }) = self.routes.find(request.uri().path()) else {
            return Err(Failure::NotFound);
        };
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else {
            return Err(Failure::Overloaded);
        };
        let too_large = Failure::BodyTooLarge(BODY_BYTES_MAX);
        if request.body().size_hint().lower() > BODY_BYTES_MAX {
            return Err(too_large);
        }
        let over = Arc::new(AtomicBool::new(false));
        let limit = |body| Counted::new(body, BODY_BYTES_MAX, Arc::clone(&over)).boxed_unsync();
        let answer = handle(handler, request.map(limit), alive).await;
        if over.load(Ordering::Relaxed) {
            return Err(too_large);
        }
        Ok(answer?.map(|body| Held::new(body, permit).boxed_unsync()))
    }

    /// Counts a request that was answered.
    pub fn count(&self, method: &Method, path: &str, status: StatusCode, took: Duration) {
        self.services.metrics().answered(self.route(path), method, status, took);
    }

    /// What a path belongs to, as one of few names.
    pub fn route(&self, path: &str) -> &str {
        match self.admin.route(path) {
            _ if path == METRICS => METRICS,
            _ if path == mcp::PATH => mcp::PATH,
            Some(route) => route,
            None => self.routes.find(path).map_or("none", |target| target.route.as_str()),
        }
    }

    /// What was counted, for whoever watches the server.
    fn metrics(&self, method: &Method, caller: &Caller) -> Result<Response<WasiBody>, Refusal> {
        if method != Method::GET {
            return Err(Refusal::wrong_method(method, "GET".to_owned()));
        }
        if !caller.admin {
            return Err(gate::admins_only());
        }
        let active = REQUESTS_MAX - self.permits.available_permits();
        let model = self.services.models().chat.status();
        let text = self.services.metrics().text(active, &model);
        let body = Full::new(Bytes::from(text)).map_err(|never| match never {});
        let mut response = Response::new(body.boxed_unsync());
        let kind = HeaderValue::from_static(metrics::CONTENT_TYPE);
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        Ok(response)
    }

    /// Who sent a request, as far as what it asks for is anybody's.
    fn admit(&self, head: &http::request::Parts) -> Result<Caller, Refusal> {
        let path = head.uri.path();
        let open = self.routes.find(path).is_some_and(|target| target.open);
        let hosts = [METRICS, mcp::PATH].contains(&path) || self.admin.has(path);
        if OPEN.contains(&path) || (open && !hosts) {
            return Ok(Caller::nobody());
        }
        let caller = self.gate.admit(&head.headers, Instant::now())?;
        let same = |other: &str| path.trim_matches('/') == other.trim_matches('/');
        let tries = !self.admin.has(path) && route::is_below(POLICIES, path);
        if !caller.admin && (tries || self.maintained.iter().any(|(_, path)| same(path))) {
            return Err(gate::admins_only());
        }
        Ok(caller)
    }

    /// Posts to the maintenance path of every component that has one, and waits for the answers. A
    /// component that answers with 202 wants to be called again soon.
    pub async fn maintain(&self, alive: &Alive) -> Maintained {
        let mut done = Maintained::Done;
        for (handler, path) in &self.maintained {
            let body = Empty::new().map_err(|never| match never {}).boxed_unsync();
            let Ok(request) = Request::post(path.as_str()).body(body) else {
                error!("`{path}` is no path");
                return Maintained::Failed;
            };
            match handle(handler, request, alive.clone()).await {
                Ok(response) if response.status().is_success() => {
                    let wants_more = response.status() == StatusCode::ACCEPTED;
                    let round = match response.into_body().collect().await {
                        Ok(_) if wants_more => Maintained::More,
                        Ok(_) => Maintained::Done,
                        Err(_) => Maintained::Failed,
                    };
                    done = done.max(round);
                }
                Ok(response) => {
                    error!("Maintenance at `{path}` was answered with {}", response.status());
                    done = Maintained::Failed;
                }
                Err(failure) => {
                    error!("Maintenance at `{path}` failed: {failure:?}");
                    done = Maintained::Failed;
                }
            }
        }
        done
    }
}

/// Asks the application from inside.
struct Inside {
    handler: ProxyHandler<Workers>,
}

impl mcp::Ask for Inside {
    fn ask(
        &self,
        caller: Caller,
        alive: Alive,
        method: Method,
        target: String,
        body: Option<Value>,
    ) -> BoxFuture<'_, (StatusCode, Value)> {
        async move {
            let body = body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
            let body = Full::new(body).map_err(|never| match never {}).boxed_unsync();
            let mut request = Request::new(body);
            *request.method_mut() = method;
            *request.uri_mut() = target.parse().unwrap_or_default();
            let json = HeaderValue::from_static("application/json");
            request.headers_mut().insert(header::CONTENT_TYPE, json);
            gate::mark(request.headers_mut(), &caller);
            let answer = handle(&self.handler, request, alive).await;
            let (head, body) = answer.unwrap_or_else(Failure::into_response).into_parts();
            let bytes = body.collect().await.map(|it| it.to_bytes()).unwrap_or_default();
            (head.status, serde_json::from_slice(&bytes).unwrap_or_default())
        }
        .boxed()
    }
}

async fn handle(
    handler: &ProxyHandler<Workers>,
    request: Request<WasiBody>,
    alive: Alive,
) -> Result<Response<WasiBody>, Failure> {
    handler.handle(alive, request).await.map_err(|failure| {
        error!("A request was not answered: {failure:#}");
        if failure.is::<ExpirationError>() {
            Failure::TimedOut
        } else if failure.is::<InstantiationError<Alive>>() {
            // The pool has no room for another instance.
            Failure::Overloaded
        } else {
            Failure::Broken
        }
    })
}

fn load(
    name: &str,
    component: &manifest::Component,
    engines: &Engines,
    services: &Services,
    stop: &Stop,
) -> Result<Workers> {
    let start = Instant::now();
    let grants = services.grant(name, component)?;
    let code = engine::compile(engines.guests(), &services::read(&component.source)?)?;
    refuse_outbound_http(&code, component, engines)?;
    let mut linker = Linker::new(engines.guests());
    Guest::link(&mut linker, &grants)?;
    let service = ServicePre::new(linker.instantiate_pre(&code)?)
        .map_err(anyhow::Error::from)
        .context("the component does not export `wasi:http/handler@0.3.0`")?;
    info!("Component `{name}` is loaded after {} ms", start.elapsed().as_millis());
    Ok(Workers::new(engines.guests().clone(), service, grants, stop.clone()))
}

/// Refuses a component that may, by its manifest, reach other hosts, and is made to.
fn refuse_outbound_http(
    code: &Code,
    component: &manifest::Component,
    engines: &Engines,
) -> Result<()> {
    let ty = code.component_type();
    let mut imports = ty.imports(engines.guests()).map(|(name, _)| name);
    let outbound = imports.find(|name| OUTBOUND_HTTP.iter().any(|http| name.starts_with(http)));
    ensure!(
        outbound.is_none() || component.allowed_outbound_hosts.is_empty(),
        "it imports `{}` and its `allowed_outbound_hosts` are not empty; this host reaches no \
         other host for a component",
        outbound.unwrap_or_default()
    );
    Ok(())
}
