//! A client of the HTTP API, as thin as can be: tests should see what a user's client sees.

use std::io::{BufRead, BufReader, Read};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::Method;
use reqwest::blocking::{RequestBuilder, Response};
use serde_json::{Value, json};

/// Longer than any answer of the tiny model on a busy machine.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);

/// A client of one server.
#[derive(Clone)]
pub struct Client {
    http: reqwest::blocking::Client,
    address: String,
}

/// A status and a JSON body; `Value::Null` where there is none.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Answer {
    /// The body, if the status is the expected one.
    pub fn expect(self, status: u16) -> Result<Value> {
        if self.status != status {
            bail!("expected status {status}, got {}: {}", self.status, self.body);
        }
        Ok(self.body)
    }
}

/// One server-sent event.
#[derive(Debug, Clone)]
pub struct Event {
    pub name: String,
    pub data: Value,
}

impl Client {
    /// A client of the server at `http://HOST:PORT`.
    pub fn new(address: &str) -> Self {
        let http = reqwest::blocking::Client::builder()
            .timeout(ANSWER_TIMEOUT)
            .tcp_nodelay(true)
            .tls_backend_preconfigured(without_certificates())
            .build()
            .expect("a client that trusts nobody has nothing that can fail");
        Self { http, address: address.to_owned() }
    }

    /// A request that the caller completes.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.address))
    }

    /// Sends a request and reads its JSON.
    pub fn answer(request: RequestBuilder) -> Result<Answer> {
        let response = request.send()?;
        let status = response.status().as_u16();
        let text = response.text()?;
        let body = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).with_context(|| format!("{status} without JSON: {text}"))?
        };
        Ok(Answer { status, body })
    }

    /// `GET`.
    pub fn get(&self, path: &str) -> Result<Answer> {
        Self::answer(self.request(Method::GET, path))
    }

    /// `DELETE`.
    pub fn delete(&self, path: &str) -> Result<Answer> {
        Self::answer(self.request(Method::DELETE, path))
    }

    /// `POST` with a JSON body.
    pub fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        Self::answer(self.request(Method::POST, path).json(body))
    }

    /// `PUT` with a JSON body.
    pub fn put(&self, path: &str, body: &Value) -> Result<Answer> {
        Self::answer(self.request(Method::PUT, path).json(body))
    }

    /// The status of `GET /health`.
    pub fn health(&self) -> Result<u16> {
        Ok(self.request(Method::GET, "/health").send()?.status().as_u16())
    }

    /// Makes a session and returns its id.
    pub fn create_session(&self, name: &str) -> Result<String> {
        let session = self.post("/api/v1/sessions", &json!({ "name": name }))?.expect(201)?;
        Ok(session["id"].as_str().context("a session without an id")?.to_owned())
    }

    /// Says something in a session and returns the assistant's message. Replies are kept short:
    /// the tiny model has nothing to say.
    pub fn say(&self, session: &str, content: &str) -> Result<Value> {
        self.post_message(session, content)?.expect(201)
    }

    /// Posts a message and returns whatever the answer is.
    pub fn post_message(&self, session: &str, content: &str) -> Result<Answer> {
        // Greedy, since the first token of a random model ends the reply now and then, and a turn
        // with an empty reply is not shown to the next.
        let body =
            json!({ "role": "user", "content": content, "max_tokens": 8, "temperature": 0.0 });
        self.post(&format!("/api/v1/sessions/{session}/messages"), &body)
    }

    /// All messages of a session, oldest first.
    pub fn messages(&self, session: &str) -> Result<Vec<Value>> {
        let path = format!("/api/v1/sessions/{session}/messages?limit=1000");
        let body = self.get(&path)?.expect(200)?;
        body.as_array().cloned().context("messages are not a list")
    }

    /// Switches a session's memory.
    pub fn set_memory(&self, session: &str, enabled: bool) -> Result<Value> {
        let path = format!("/api/v1/sessions/{session}/memory");
        self.put(&path, &json!({ "enabled": enabled }))?.expect(200)
    }

    /// The receipt of a reply.
    pub fn receipt(&self, session: &str, message: &Value) -> Result<Value> {
        let id = &message["id"];
        self.get(&format!("/api/v1/sessions/{session}/messages/{id}/receipt"))?.expect(200)
    }

    /// The exact text that the model read for this reply.
    pub fn prompt(&self, session: &str, reply: &Value) -> Result<String> {
        let receipt = self.receipt(session, reply)?;
        let prompt = receipt["prompt"].as_str().context("a receipt without its prompt")?;
        Ok(prompt.to_owned())
    }

    /// Replays every reply of the server, from its receipt and from what is exported of it.
    ///
    /// Fails if one does not become the same, for another reason than that a policy or a text of it
    /// was taken away.
    pub fn audit(&self) -> Result<()> {
        let sessions = self.get("/api/v1/sessions?limit=1000")?.expect(200)?;
        let sessions = sessions.as_array().context("sessions are not a list")?;
        for session in sessions.iter().filter_map(|session| session["id"].as_str()) {
            let replies = self.messages(session)?;
            for reply in replies.iter().filter(|it| it["metadata"]["usage"].is_object()) {
                self.audit_reply(session, &reply["id"])?;
            }
        }
        Ok(())
    }

    fn audit_reply(&self, session: &str, reply: &Value) -> Result<()> {
        let path = format!("/api/v1/sessions/{session}/messages/{reply}");
        let here = self.post(&format!("{path}/replay"), &json!({}))?;
        let exported = self.get(&format!("{path}/receipt/export"))?;
        let elsewhere = self.post("/api/v1/receipts/replay", &exported.expect(200)?)?;
        for again in [here, elsewhere] {
            let code = again.body["error"]["code"].as_str().unwrap_or_default();
            let gone = ["text_gone", "policy_not_here"].contains(&code);
            if again.body["identical"] != true && !gone {
                bail!("the message {reply} of session {session}: {}", again.body);
            }
        }
        Ok(())
    }

    /// Waits until every message of the session that can be remembered is.
    pub fn wait_until_indexed(&self, session: &str) -> Result<Vec<Value>> {
        for _ in 0..3_000 {
            let messages = self.messages(session)?;
            if messages.iter().all(|m| m["is_embedded"] == true || !is_memorable(m)) {
                return Ok(messages);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        bail!("not all messages were indexed within 30 s: {:#?}", self.messages(session)?)
    }

    /// Posts a message and reads the answer as a stream of events.
    pub fn stream(&self, session: &str, body: &Value) -> Result<EventStream> {
        let path = format!("/api/v1/sessions/{session}/messages");
        let request = self.request(Method::POST, &path).header("accept", "text/event-stream");
        let response = request.json(body).send()?;
        if response.status().as_u16() != 200 {
            bail!("expected a stream, got {}: {}", response.status(), response.text()?);
        }
        Ok(EventStream { lines: BufReader::new(response) })
    }
}

/// The server listens on loopback without TLS: nobody's certificates need to be read.
/// A client for who speaks with many at once on one thread.
///
/// # Panics
///
/// Panics if it cannot be made, for which there is no reason.
pub fn concurrent() -> reqwest::Client {
    reqwest::Client::builder()
        .timeout(ANSWER_TIMEOUT)
        .tcp_nodelay(true)
        .tls_backend_preconfigured(without_certificates())
        .build()
        .expect("a client that trusts nobody has nothing that can fail")
}

fn without_certificates() -> rustls::ClientConfig {
    let provider = rustls::crypto::ring::default_provider();
    rustls::ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .expect("these versions and this provider belong together")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth()
}

/// Whether a message belongs to what a session remembers: what failed does not, nor does what is
/// empty.
fn is_memorable(message: &Value) -> bool {
    let failed = message["metadata"]["llm_call_error"].is_string();
    let empty = message["content"].as_str().is_none_or(|text| text.trim().is_empty());
    !failed && !empty
}

/// The events of one answer, as they come. Dropping it closes the connection.
pub struct EventStream {
    lines: BufReader<Response>,
}

impl EventStream {
    /// All bytes that are left, undecoded.
    pub fn rest(mut self) -> Result<String> {
        let mut text = String::new();
        self.lines.read_to_string(&mut text)?;
        Ok(text)
    }
}

impl Iterator for EventStream {
    type Item = Result<Event>;

    fn next(&mut self) -> Option<Self::Item> {
        let (mut name, mut data) = (String::new(), String::new());
        loop {
            let mut line = String::new();
            match self.lines.read_line(&mut line) {
                Err(error) => return Some(Err(error.into())),
                Ok(0) => return None,
                Ok(_) => {}
            }
            let line = line.trim_end_matches(['\r', '\n']);
            if let Some(value) = line.strip_prefix("event:") {
                value.trim_start().clone_into(&mut name);
            } else if let Some(value) = line.strip_prefix("data:") {
                data.push_str(value.trim_start());
            } else if line.is_empty() && !data.is_empty() {
                let parsed = serde_json::from_str(&data)
                    .with_context(|| format!("event `{name}` without JSON: {data}"));
                return Some(parsed.map(|data| Event { name, data }));
            }
        }
    }
}
