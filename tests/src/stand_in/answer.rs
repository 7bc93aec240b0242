//! What a stand-in answers.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::{MODEL, Request};

/// How an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// As it should.
    Whole,
    /// The connection breaks after the last part.
    BreakOff,
    /// Nothing comes after the last part, until the client closes the connection. Without any part
    /// not even a status comes.
    Hang,
}

/// An answer, in parts that are sent one by one.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Further headers, each with its line's end.
    pub headers: String,
    /// The media type.
    pub media_type: &'static str,
    /// The body. Each part is a write of its own, and a chunk of its own.
    pub parts: Vec<Vec<u8>>,
    /// How it ends.
    pub end: End,
}

impl Answer {
    /// A document.
    pub fn new(status: u16, media_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        let parts = vec![body.into()];
        Self { status, headers: String::new(), media_type, parts, end: End::Whole }
    }

    /// JSON.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    /// A list with the one model.
    pub fn models() -> Self {
        Self::json(200, &json!({ "object": "list", "data": [{ "id": MODEL, "object": "model" }] }))
    }

    /// An answer that is streamed word by word, and told in one write.
    pub fn says(text: &str) -> Self {
        Self::events(&Self::transcript(text))
    }

    /// An answer before which the model thinks, word by word.
    pub fn thinks(thought: &str, text: &str) -> Self {
        let event = |word: &str| {
            let delta = json!({ "reasoning_content": word, "content": null });
            format!("data: {}\n\n", json!({ "choices": [{ "index": 0, "delta": delta }] }))
        };
        let thought: String = thought.split_inclusive(' ').map(event).collect();
        Self::events(&(thought + &Self::transcript(text)))
    }

    /// A stream of events.
    pub fn events(events: &str) -> Self {
        Self::new(200, "text/event-stream", events)
    }

    /// The events of an answer: a word each, then why it ended, what it cost, and that it is done.
    pub fn transcript(text: &str) -> String {
        let delta =
            |content: &str| json!({ "choices": [{ "index": 0, "delta": { "content": content } }] });
        let mut events: Vec<Value> = text.split_inclusive(' ').map(delta).collect();
        let words = events.len();
        events.push(json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }] }));
        events.push(json!({ "choices": [], "usage": {
            "prompt_tokens": 100,
            "completion_tokens": words,
            "prompt_tokens_details": { "cached_tokens": 60 },
        } }));
        let mut transcript: String =
            events.iter().map(|event| format!("data: {event}\n\n")).collect();
        transcript.push_str("data: [DONE]\n\n");
        transcript
    }

    /// Vectors for all texts of a request: the words of a text, each counted at a place of its own.
    pub fn embeddings(request: &Request, dimensions: usize) -> Self {
        let json = request.json();
        let texts = json["input"].as_array().into_iter().flatten();
        let vector = |text: &Value| {
            let mut vector = vec![0.1_f32; dimensions];
            let words = text.as_str().unwrap_or_default().split(|c: char| !c.is_alphanumeric());
            for word in words.filter(|word| !word.is_empty()) {
                let place = word.bytes().fold(7_usize, |sum, byte| {
                    sum.wrapping_mul(31).wrapping_add(byte.to_ascii_lowercase().into())
                });
                vector[place % dimensions] += 1.0;
            }
            vector
        };
        let data: Vec<Value> = texts
            .enumerate()
            .map(|(index, text)| json!({ "index": index, "embedding": vector(text) }))
            .collect();
        Self::json(200, &json!({ "object": "list", "model": MODEL, "data": data }))
    }

    /// The same answer in parts of so many bytes.
    pub fn in_parts_of(mut self, bytes: usize) -> Self {
        let body = self.parts.concat();
        self.parts = body.chunks(bytes).map(<[u8]>::to_vec).collect();
        self
    }

    /// The same answer with another end.
    pub fn ending(mut self, end: End) -> Self {
        self.end = end;
        self
    }

    /// The same answer with a header more.
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    /// No answer at all, for as long as the client waits.
    pub fn hanging() -> Self {
        Self { parts: Vec::new(), ..Self::events("") }.ending(End::Hang)
    }

    pub(super) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        if self.parts.is_empty() && self.end == End::Hang {
            return Ok(());
        }
        let Self { status, headers, media_type, .. } = self;
        let mut bytes = format!(
            "HTTP/1.1 {status} Told\r\ncontent-type: {media_type}\r\n{headers}\
             transfer-encoding: chunked\r\n\r\n"
        )
        .into_bytes();
        for (index, part) in self.parts.iter().enumerate() {
            if index > 0 {
                to.write_all(&bytes)?;
                bytes.clear();
            }
            // A chunk of no bytes would be the end.
            if !part.is_empty() {
                write!(bytes, "{:x}\r\n", part.len())?;
                bytes.extend_from_slice(part);
                bytes.extend_from_slice(b"\r\n");
            }
        }
        if self.end == End::Whole {
            bytes.extend_from_slice(b"0\r\n\r\n");
        }
        to.write_all(&bytes)
    }
}
