//! Connections of clients: HTTP/1.1 with keep-alive, bounded in number, in time and in headers.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioTimer;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tracing::{debug, warn};
use wasmtime_wasi_http::WasiBody;
use wasmtime_wasi_http::io::TokioIo;

use crate::serve::Site;
use crate::serve::reply::Failure;
use crate::serve::shutdown::{Alive, Stop};

/// The most connections at once; further ones wait to be accepted.
const CONNECTIONS_MAX: usize = 1024;

/// How long a client may take for the head of a request, idle time between two requests included.
const HEAD_TIME_MAX: Duration = Duration::from_secs(75);

/// The longest head of a request, in bytes, and the most lines in it.
const HEAD_BYTES_MAX: usize = 64 << 10;
const HEAD_LINES_MAX: usize = 100;

/// How long to wait after a connection could not be accepted, mostly for want of file descriptors.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Accepts connections until the host is asked to end.
pub async fn accept(listener: TcpListener, site: Arc<Site>, mut stop: Stop, alive: Alive) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let next = async {
            let permit = Arc::clone(&permits).acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            () = stop.asked() => return,
            next = next => next,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                warn!("A connection could not be accepted: {error}");
                tokio::time::sleep(ACCEPT_AGAIN).await;
                continue;
            }
        };
        let (site, stop, alive) = (Arc::clone(&site), stop.clone(), alive.clone());
        tokio::spawn(async move {
            talk(stream, site, stop, alive).await;
            drop(permit);
        });
    }
}

/// Answers the requests of one connection. Asked to end, it finishes the one that it is at.
async fn talk(stream: TcpStream, site: Arc<Site>, mut stop: Stop, alive: Alive) {
    // A token that is ready should not wait for the next one.
    if let Err(error) = stream.set_nodelay(true) {
        debug!("A connection ended: {error}");
        return;
    }
    let service = service_fn(|request| answer(request, &site, &alive));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .keep_alive(true)
        .header_read_timeout(HEAD_TIME_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEAD_LINES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = stop.asked() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        debug!("A connection ended: {error}");
    }
}

async fn answer(
    request: http::Request<Incoming>,
    site: &Site,
    alive: &Alive,
) -> Result<Response<WasiBody>, Infallible> {
    let Some(app) = site.app() else {
        return Ok(Failure::Starting.into_response());
    };
    let start = Instant::now();
    // Not the query: it may hold what a person searched for.
    let what = (request.method().clone(), request.uri().path().to_owned());
    let trace = site.traces().and_then(|traces| traces.begin(&what.0, &what.1, request.headers()));
    let answer = app.answer(request, alive.clone()).await;
    let mut answer = answer.unwrap_or_else(Failure::into_response);
    if let Some(trace) = trace {
        answer = trace.follow(app.route(&what.1), answer);
    }
    let (status, took) = (answer.status(), start.elapsed());
    app.count(&what.0, &what.1, status, took);
    let (status, ms) = (status.as_u16(), took.as_secs_f64() * 1e3);
    debug!(method = %what.0, path = what.1, status, ms, "answered");
    Ok(answer)
}
