//! A stand-in for an OpenAI-compatible server. It has no model: it says what a test has it say, as
//! well or as badly as that wants. A thread for each connection, which is kept alive, and one write
//! for each part of an answer: little else costs time, so a turn can be measured over it as if its
//! model cost none.

mod answer;

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

pub use answer::{Answer, End};

/// The name of its model.
pub const MODEL: &str = "stand-in";
/// Longer than a busy machine needs for what a test waits for.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    /// Method and path, like `GET /v1/models`.
    pub line: String,
    /// The headers, by their names in lower case.
    pub headers: HashMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// The body as JSON; null if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The contents of all messages, one after the other.
    pub fn conversation(&self) -> String {
        let json = self.json();
        let contents = json["messages"].as_array().into_iter().flatten();
        let contents: Vec<&str> = contents.filter_map(|it| it["content"].as_str()).collect();
        contents.join("\n")
    }
}

type Handler = dyn Fn(&Request) -> Answer + Send + Sync;

struct Shared {
    handler: Box<Handler>,
    requests: Mutex<Vec<Request>>,
    keeps_requests: bool,
    connections: Mutex<Vec<TcpStream>>,
    connected: AtomicU32,
    hung_up: AtomicU32,
    ended: AtomicBool,
}

/// A running stand-in. Dropping it closes its port and all connections.
pub struct StandIn {
    address: String,
    shared: Arc<Shared>,
}

impl StandIn {
    /// A server whose list of models has one, and which answers everything else with `handler`.
    ///
    /// # Errors
    ///
    /// Fails if no port can be had.
    pub fn start(handler: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> io::Result<Self> {
        let with_models = move |request: &Request| {
            if request.line == "GET /v1/models" { Answer::models() } else { handler(request) }
        };
        Self::start_at("127.0.0.1:0", with_models, true)
    }

    /// A server that answers everything at once, with one word and its usage, and keeps no record.
    ///
    /// # Errors
    ///
    /// Fails if no port can be had.
    pub fn instant() -> io::Result<Self> {
        let (word, models) = (Answer::says("Yes"), Answer::models());
        let handler = move |request: &Request| {
            if request.line.starts_with("GET") { models.clone() } else { word.clone() }
        };
        Self::start_at("127.0.0.1:0", handler, false)
    }

    /// A server at this address that answers everything with `handler`.
    ///
    /// # Errors
    ///
    /// Fails if the port cannot be had.
    pub fn start_at(
        address: &str,
        handler: impl Fn(&Request) -> Answer + Send + Sync + 'static,
        keeps_requests: bool,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?.to_string();
        let shared = Arc::new(Shared {
            handler: Box::new(handler),
            requests: Mutex::default(),
            keeps_requests,
            connections: Mutex::default(),
            connected: AtomicU32::new(0),
            hung_up: AtomicU32::new(0),
            ended: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || accept(&listener, &accepting));
        Ok(Self { address, shared })
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// All requests so far that asked for an answer, oldest first.
    pub fn requests(&self) -> Vec<Request> {
        let requests = self.shared.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.iter().filter(|request| request.line.starts_with("POST")).cloned().collect()
    }

    /// How many connections there have been.
    pub fn connected(&self) -> u32 {
        self.shared.connected.load(Ordering::SeqCst)
    }

    /// Waits until so many clients have closed a connection on which an answer hung.
    ///
    /// # Panics
    ///
    /// Panics if they do not within 30 s.
    pub fn wait_for_hang_ups(&self, count: u32) {
        let deadline = Instant::now() + WAIT_MAX;
        while self.shared.hung_up.load(Ordering::SeqCst) < count {
            assert!(Instant::now() < deadline, "the client did not close its connection");
            thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts, which then closes the port.
        drop(TcpStream::connect(&self.address));
        let connections = self.shared.connections.lock().unwrap_or_else(PoisonError::into_inner);
        for connection in connections.iter() {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for connection in listener.incoming() {
        if shared.ended.load(Ordering::SeqCst) {
            return;
        }
        let Ok(connection) = connection else { continue };
        shared.connected.fetch_add(1, Ordering::SeqCst);
        if let Ok(copy) = connection.try_clone() {
            shared.connections.lock().unwrap_or_else(PoisonError::into_inner).push(copy);
        }
        let shared = Arc::clone(shared);
        // A client that goes away in the middle is none of the server's troubles.
        thread::spawn(move || drop(serve(connection, &shared)));
    }
}

/// Answers the requests of one connection, until it is closed.
fn serve(mut connection: TcpStream, shared: &Shared) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(64 * 1024, connection.try_clone()?);
    while let Some(request) = read(&mut reader)? {
        let answer = (shared.handler)(&request);
        if shared.keeps_requests {
            shared.requests.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        }
        let written = answer.write(&mut connection);
        if written.is_err() && matches!(answer.end, End::Hang) {
            // It had enough before the last part was sent, which is hanging up too.
            shared.hung_up.fetch_add(1, Ordering::SeqCst);
        }
        written?;
        match answer.end {
            End::Whole => {}
            End::BreakOff => return connection.shutdown(Shutdown::Both),
            End::Hang => {
                let closed = matches!(reader.read(&mut [0]), Ok(0) | Err(_));
                shared.hung_up.fetch_add(u32::from(closed), Ordering::SeqCst);
                return connection.flush();
            }
        }
    }
    Ok(())
}

/// Reads a request; none at the end of the connection.
fn read(reader: &mut impl BufRead) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let words: Vec<&str> = line.split_whitespace().take(2).collect();
    let mut request = Request { line: words.join(" "), headers: HashMap::new(), body: Vec::new() };
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.split_once(':') else { break };
        request.headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = request.headers.get("content-length").and_then(|length| length.parse().ok());
    request.body.resize(length.unwrap_or(0), 0);
    reader.read_exact(&mut request.body)?;
    Ok(Some(request))
}
