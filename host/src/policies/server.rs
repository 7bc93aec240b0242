//! What speaks to a running server for `loci policy`.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;

/// How long the server may take for an answer: compiling a policy takes seconds.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(120);

/// The variable of the environment with the key for the server, which must be an admin's.
const KEY: &str = "LOCI_KEY";

/// A running server.
pub struct Server {
    http: Client,
    base: String,
    key: Option<String>,
}

impl Server {
    /// The server at this URL. Asks nobody yet.
    ///
    /// # Errors
    ///
    /// Fails if the URL is none.
    pub fn new(url: &str) -> Result<Self> {
        let base = url.trim_end_matches('/');
        ensure!(base.starts_with("http"), "`--server` must be like `http://127.0.0.1:3000`");
        // The version of the crate that was chosen wants to be told who does its cryptography.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // A server of Loci is a neighbour: no proxy stands before it.
        let http = Client::builder().timeout(ANSWER_TIME_MAX).no_proxy().build()?;
        let key = std::env::var(KEY).ok();
        Ok(Self { http, base: format!("{base}/api/v1"), key })
    }

    /// Sends a component, to be known by this name.
    ///
    /// # Errors
    ///
    /// Fails if the server cannot be reached, or with its own words if it says no. So do the
    /// others.
    pub async fn add(&self, bytes: Vec<u8>, name: Option<String>) -> Result<Value> {
        let query = name.map(|name| {
            let mut query = form_urlencoded::Serializer::new("?".to_owned());
            query.append_pair("name", &name).finish()
        });
        let url = format!("{}/policies{}", self.base, query.unwrap_or_default());
        let request = self.http.post(url).header("content-type", "application/wasm").body(bytes);
        self.answer(request).await
    }

    /// Sends a request to a path below `/api/v1`.
    ///
    /// # Errors
    ///
    /// See [`Server::add`].
    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value> {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        self.answer(request).await
    }

    async fn answer(&self, request: RequestBuilder) -> Result<Value> {
        let request = match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        };
        let unreachable = || format!("the server at `{}` does not answer", self.base);
        let response = request.send().await.with_context(unreachable)?;
        let status = response.status();
        let body = response.bytes().await.with_context(unreachable)?;
        let answer: Value = match body.is_empty() {
            true => Value::Null,
            false => serde_json::from_slice(&body).with_context(|| {
                format!("`{}` is no Loci server: its answer is not JSON", self.base)
            })?,
        };
        if !status.is_success() {
            match answer["error"]["message"].as_str() {
                Some(message) => bail!("{message}"),
                None => bail!("the server answered with status {status}"),
            }
        }
        Ok(answer)
    }
}
