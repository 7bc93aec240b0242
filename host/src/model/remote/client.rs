//! Asking a server: connections that are kept, time limits, and trying again while nothing has been
//! answered yet.

use std::error::Error as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use openai_wire::{RETRY_MS, error_code, retry_ms};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Response, redirect};
use rustls::{ClientConfig, RootCertStore};

use super::endpoint::Endpoint;
use crate::model::ModelError;
use crate::near::is_this_machine;

/// How long a connection may take to be made.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);
/// Connections that are kept for later, and for how long: less than servers keep them.
const IDLE_MAX: usize = 64;
const IDLE_TIME_MAX: Duration = Duration::from_secs(4);
/// How often a request is sent, at most.
const ATTEMPTS_MAX: u32 = 3;
/// The wait before the second attempt; it doubles with each one more.
const BACK_OFF: Duration = Duration::from_millis(250);
/// A server that wants a longer pause than this is not waited for: the caller hears of it instead.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// How long the text of an error may take to come.
const WORDS_TIME_MAX: Duration = Duration::from_secs(2);
/// The most bytes of an error's text that are read.
const WORDS_BYTES_MAX: usize = 4096;

/// What speaks to one server.
pub struct Client {
    http: reqwest::Client,
    endpoint: Endpoint,
}

/// Why an attempt failed, and whether another may go better.
pub struct Failure {
    /// What the caller hears.
    pub error: ModelError,
    /// What the server said, where it refused what it was asked with 400 or 422. It may repeat
    /// that, so nobody is told.
    pub refusal: Option<String>,
    /// The pause that the server asks for.
    pause: Option<Duration>,
    again: bool,
}

impl Failure {
    fn new(error: ModelError, again: bool) -> Self {
        Self { error, refusal: None, pause: None, again }
    }
}

impl Client {
    /// Prepares to speak to a server; speaks to nobody yet.
    ///
    /// Fails with a sentence for the operator if the system has no certificates to trust.
    pub fn new(endpoint: Endpoint) -> Result<Self, String> {
        let mut headers = HeaderMap::new();
        headers.extend(endpoint.key.header().map(|key| (AUTHORIZATION, key)));
        let builder = builder(endpoint.base.https, &endpoint.base.authority)?;
        let http = builder.default_headers(headers).build().map_err(|error| sources(&error))?;
        Ok(Self { http, endpoint })
    }

    /// The server and the model.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Gets a small document, in one attempt: its status and at most `bytes_max` bytes of it.
    ///
    /// Fails with `Unreachable` or `TimedOut`.
    pub async fn get(
        &self,
        path: &str,
        time_max: Duration,
        bytes_max: usize,
    ) -> Result<(u16, Vec<u8>), ModelError> {
        let got = async {
            let url = self.endpoint.base.url(path);
            let response = self.http.get(url).send().await.map_err(|error| self.lost(error))?;
            let status = response.status().as_u16();
            Ok((status, Body::new(response, time_max).whole(bytes_max).await?))
        };
        tokio::time::timeout(time_max, got).await.unwrap_or(Err(ModelError::TimedOut))
    }

    /// Posts JSON, and returns when the server begins to answer it with success.
    ///
    /// Fails with `Unreachable`, `TimedOut`, `Busy` or `Refused`, after trying again where that can
    /// help.
    pub async fn post(&self, path: &str, body: String, accept: &str) -> Result<Body, Failure> {
        let body = Bytes::from(body);
        let mut back_off = BACK_OFF;
        let mut attempt = 1;
        loop {
            let failure = match self.attempt(path, body.clone(), accept).await {
                Ok(body) => return Ok(body),
                Err(failure) => failure,
            };
            let pause = failure.pause.unwrap_or_else(|| back_off.mul_f64(0.75 + fraction() / 2.0));
            if !failure.again || attempt == ATTEMPTS_MAX || pause > PAUSE_MAX {
                return Err(failure);
            }
            tokio::time::sleep(pause).await;
            back_off *= 2;
            attempt += 1;
        }
    }

    async fn attempt(&self, path: &str, body: Bytes, accept: &str) -> Result<Body, Failure> {
        let silence = self.endpoint.silence;
        let request = self
            .http
            .request(Method::POST, self.endpoint.base.url(path))
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header(ACCEPT, accept)
            .body(body);
        let response = match tokio::time::timeout(silence, request.send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => {
                let again = !error.is_timeout();
                return Err(Failure::new(self.lost(error), again));
            }
            Err(_) => {
                return Err(Failure::new(ModelError::TimedOut, false));
            }
        };
        if response.status().is_success() {
            return Ok(Body::new(response, silence));
        }
        Err(self.refused(response).await)
    }

    /// What a status other than success means.
    async fn refused(&self, response: Response) -> Failure {
        let status = response.status().as_u16();
        let after = response.headers().get(RETRY_AFTER);
        let after = after.and_then(|value| retry_ms(value.as_bytes()));
        let body = Body::new(response, WORDS_TIME_MAX).whole(WORDS_BYTES_MAX);
        let words = match tokio::time::timeout(WORDS_TIME_MAX, body).await {
            Ok(Ok(words)) => words,
            _ => Vec::new(),
        };
        let code = match error_code(&words) {
            Some(code) => format!(" and code `{}`", self.endpoint.key.hide(code)),
            None => String::new(),
        };
        let server = self.endpoint.base.url("");
        tracing::warn!("the model's server `{server}` answered with status {status}{code}");
        let error = match status {
            429 => ModelError::Busy(after.unwrap_or(RETRY_MS)),
            503 if after.is_some() => ModelError::Busy(after.unwrap_or(RETRY_MS)),
            408 | 504 => ModelError::TimedOut,
            status => ModelError::Refused(status),
        };
        let pause = after.map(|ms| Duration::from_millis(ms.into()));
        let is_final = matches!(status, 400 | 422);
        let refusal = is_final.then(|| String::from_utf8_lossy(&words).into_owned());
        Failure { error, refusal, pause, again: status == 429 || status >= 500 }
    }

    /// What a failure of the exchange itself means.
    fn lost(&self, error: reqwest::Error) -> ModelError {
        if error.is_timeout() && !error.is_connect() {
            return ModelError::TimedOut;
        }
        let server = self.endpoint.base.url("");
        ModelError::Unreachable(format!("`{server}`: {}", sources(&error.without_url())))
    }
}

/// The body of an answer that began with success. Dropping it before its end closes the connection,
/// and the server stops.
pub struct Body {
    response: Response,
    silence: Duration,
}

impl Body {
    fn new(response: Response, silence: Duration) -> Self {
        Self { response, silence }
    }

    /// The media type that the server names, in lower case and without parameters.
    pub fn media_type(&self) -> String {
        let value = self.response.headers().get(CONTENT_TYPE);
        let value = value.and_then(|value| value.to_str().ok()).unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// The next bytes; none at the end.
    ///
    /// Fails with `Unreachable` if the server broke off, with `TimedOut` if it fell silent.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ModelError> {
        match tokio::time::timeout(self.silence, self.response.chunk()).await {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(error)) => Err(ModelError::Unreachable(format!(
                "it broke off: {}",
                sources(&error.without_url())
            ))),
            Err(_) => Err(ModelError::TimedOut),
        }
    }

    /// All that is left, or the first `bytes_max` bytes of it.
    ///
    /// Fails as `next` does.
    pub async fn whole(mut self, bytes_max: usize) -> Result<Vec<u8>, ModelError> {
        let mut all = Vec::new();
        while let Some(bytes) = self.next().await? {
            all.extend_from_slice(&bytes[..bytes.len().min(bytes_max - all.len())]);
            if all.len() == bytes_max {
                break;
            }
        }
        Ok(all)
    }
}

/// What makes a client of the server at `authority`, as in `127.0.0.1:8080`.
///
/// Fails with a sentence for the operator if that cannot be made.
pub fn builder(https: bool, authority: &str) -> Result<reqwest::ClientBuilder, String> {
    let mut builder = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIME_MAX)
        .pool_max_idle_per_host(IDLE_MAX)
        .pool_idle_timeout(IDLE_TIME_MAX)
        .tcp_nodelay(true)
        // A redirect would carry the key, and a conversation, to a server that nobody named.
        .redirect(redirect::Policy::none());
    if https {
        // Another client of this process may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
    } else {
        builder = builder.tls_backend_preconfigured(trusting_nobody()?);
    }
    // No proxy stands in between.
    if is_this_machine(authority) {
        builder = builder.no_proxy();
    }
    Ok(builder)
}

/// For a server without TLS: then a system without certificates is none the worse for it.
fn trusting_nobody() -> Result<ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

/// An error with everything that led to it.
fn sources(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// Anything from 0 to 1, so that those who were refused together do not come back together.
fn fraction() -> f64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    f64::from(now.subsec_nanos() % 1_000) / 1_000.0
}
