//! One request to an OpenAI-compatible server, over `wasi:http`.

use openai_wire::{Call, RETRY_MS, retry_ms};
use spin_sdk::wasip3::http::client;
use spin_sdk::wasip3::http::types::{
    ErrorCode, Fields, Method, Request, RequestOptions, Response, Scheme, Trailers,
};
use spin_sdk::wasip3::wit_bindgen::{FutureReader, FutureWriter, StreamReader, StreamResult};
use spin_sdk::wasip3::{spawn, wit_future, wit_stream};

use crate::bindings::exports::loci::inference::types::Error;
use crate::config::Server;

/// How long a server may take, in nanoseconds: to accept a connection; to begin its answer, which
/// includes reading the prompt; from one piece of its answer to the next.
const CONNECT_NS: u64 = 10_000_000_000;
const FIRST_BYTE_NS: u64 = 600_000_000_000;
const BETWEEN_BYTES_NS: u64 = 120_000_000_000;
/// The most bytes of an answer that are taken at once.
const CHUNK_BYTES: usize = 16 * 1024;
/// The most bytes of an error's text that are logged.
const ERROR_BYTES_MAX: usize = 2048;

/// The body of an answer. Dropping it ends the request, and the server's work with it.
pub struct Body {
    stream: StreamReader<u8>,
    trailers: Option<FutureReader<Result<Option<Trailers>, ErrorCode>>>,
    /// Tells the host how reading went; it only has to live as long as the body.
    _read: FutureWriter<Result<(), ErrorCode>>,
}

impl Body {
    fn new(response: Response) -> Self {
        let (read, read_reader) = wit_future::new(|| Ok(()));
        let (stream, trailers) = Response::consume_body(response, read_reader);
        Self { stream, trailers: Some(trailers), _read: read }
    }

    /// The next bytes; none at the end.
    ///
    /// Fails with `unreachable` if the server broke off, with `timed-out` if it fell silent.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let Some(trailers) = self.trailers.take() else { return Ok(None) };
        let (result, bytes) = self.stream.read(Vec::with_capacity(CHUNK_BYTES)).await;
        match result {
            StreamResult::Complete(_) => {
                self.trailers = Some(trailers);
                Ok(Some(bytes))
            }
            StreamResult::Dropped | StreamResult::Cancelled => {
                trailers.await.map(|_| None).map_err(|code| unanswered(&code))
            }
        }
    }
}

/// Posts a call, and waits until the server begins to answer it with success.
pub async fn post(server: &Server, call: Call) -> Result<Body, Error> {
    let request = request(server, call)?;
    let response = client::send(request).await.map_err(|code| unanswered(&code))?;
    let status = response.get_status_code();
    let retry = response.get_headers().get("retry-after");
    let mut body = Body::new(response);
    if status == 200 {
        return Ok(body);
    }
    eprintln!("the model's server answered with status {status}: {}", beginning(&mut body).await);
    Err(match status {
        429 | 503 => {
            Error::Busy(retry.first().and_then(|value| retry_ms(value)).unwrap_or(RETRY_MS))
        }
        408 | 504 => Error::TimedOut,
        status => Error::Refused(status),
    })
}

fn request(server: &Server, call: Call) -> Result<Request, Error> {
    let body = call.body.into_bytes();
    let mut headers = vec![
        ("content-type".to_string(), b"application/json".to_vec()),
        ("content-length".to_string(), body.len().to_string().into_bytes()),
        ("accept".to_string(), b"text/event-stream".to_vec()),
    ];
    if !server.key.is_empty() {
        headers.push(("authorization".into(), format!("Bearer {}", server.key).into_bytes()));
    }
    let headers = Fields::from_list(&headers).map_err(|_| Error::LoadFailed)?;

    let (mut contents, contents_reader) = wit_stream::new();
    let (trailers, trailers_reader) = wit_future::new(|| Ok(None));
    let (request, _sent) =
        Request::new(headers, Some(contents_reader), trailers_reader, Some(time_limits()));
    let scheme = if server.base.https { Scheme::Https } else { Scheme::Http };
    let path = format!("{}{}", server.base.path, call.path);
    request
        .set_method(&Method::Post)
        .and_then(|()| request.set_scheme(Some(&scheme)))
        .and_then(|()| request.set_authority(Some(&server.base.authority)))
        .and_then(|()| request.set_path_with_query(Some(&path)))
        .map_err(|()| Error::LoadFailed)?;
    spawn(async move {
        // What the server does not take is no error: it may answer before it has read everything.
        let _unread = contents.write_all(body).await;
        drop((contents, trailers));
    });
    Ok(request)
}

/// A host may know of no such limits: then its own hold.
fn time_limits() -> RequestOptions {
    let options = RequestOptions::new();
    let _unsupported = options.set_connect_timeout(Some(CONNECT_NS));
    let _unsupported = options.set_first_byte_timeout(Some(FIRST_BYTE_NS));
    let _unsupported = options.set_between_bytes_timeout(Some(BETWEEN_BYTES_NS));
    options
}

/// What a failure of the exchange itself means.
fn unanswered(code: &ErrorCode) -> Error {
    eprintln!("the model's server did not answer: {code}");
    match code {
        ErrorCode::DnsTimeout
        | ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionReadTimeout
        | ErrorCode::ConnectionWriteTimeout
        | ErrorCode::HttpResponseTimeout => Error::TimedOut,
        _ => Error::Unreachable,
    }
}

/// The beginning of an error's text, for the log.
async fn beginning(body: &mut Body) -> String {
    let mut text = Vec::new();
    while text.len() < ERROR_BYTES_MAX {
        match body.next().await {
            Ok(Some(bytes)) => text.extend(bytes),
            Ok(None) | Err(_) => break,
        }
    }
    text.truncate(ERROR_BYTES_MAX);
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_slow_is_told_from_one_that_is_not_there() {
        assert!(matches!(unanswered(&ErrorCode::HttpResponseTimeout), Error::TimedOut));
        assert!(matches!(unanswered(&ErrorCode::ConnectionRefused), Error::Unreachable));
        assert!(matches!(unanswered(&ErrorCode::HttpRequestDenied), Error::Unreachable));
    }
}
