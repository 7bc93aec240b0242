//! Where the events of a turn go: to a client that listens, or nowhere.

use std::time::Duration;

use bytes::Bytes;
use futures::SinkExt;
use futures::channel::mpsc::{Receiver, Sender, channel};
use futures::future::{Either, select};
use http::HeaderValue;
use http_body::Frame;
use serde::Serialize;

use crate::http::error::ApiError;
use crate::http::{response, sse};
use crate::limits;
use crate::openai::chunks::Chunks;

/// The client closed the connection, or takes nothing any more.
#[derive(Debug, PartialEq)]
pub struct Gone;

/// What a turn tells a client that listens.
#[derive(Debug, PartialEq)]
pub enum Signal {
    /// An event, ready to be sent.
    Event(Bytes),
    /// How long the stages of the turn took, for whoever reads what stands behind a stream.
    Timing(String),
    /// The turn failed, and this says so in a stream. Before any event it can still become a status
    /// of its own.
    Failed(ApiError, Bytes),
}

impl Signal {
    /// The signal as a part of a stream of events.
    pub fn into_frame(self) -> Frame<Bytes> {
        match self {
            Self::Event(bytes) | Self::Failed(_, bytes) => Frame::data(bytes),
            Self::Timing(told) => {
                let timing = HeaderValue::from_str(&told).ok();
                let fields = timing.map(|timing| (response::TIMING, timing));
                Frame::trailers(fields.into_iter().collect())
            }
        }
    }
}

/// How a client that listens wants to be told.
pub enum Form {
    /// Events by their names.
    Events,
    /// As another server's clients know it.
    Chunks(Chunks),
}

impl Form {
    /// An event in this form; none where it has no such event.
    ///
    /// Fails if the data cannot be written as JSON.
    fn write(&mut self, name: &str, data: &impl Serialize) -> serde_json::Result<Option<Bytes>> {
        match self {
            Self::Events => Ok(Some(sse::event(name, &serde_json::to_string(data)?))),
            Self::Chunks(chunks) => Ok(chunks.write(name, serde_json::to_value(data)?)),
        }
    }

    fn write_failure(&self, error: &ApiError) -> Bytes {
        match self {
            Self::Events => sse::event("error", &error.body()),
            Self::Chunks(chunks) => chunks.write_failure(error),
        }
    }
}

/// Where the events of one turn go.
pub enum Sink {
    /// Nobody listens: the client waits for the whole reply.
    Quiet,
    /// A client listens.
    Stream(Sender<Signal>, Form),
}

impl Sink {
    /// A sink that somebody listens to.
    pub fn stream(form: Form) -> (Self, Receiver<Signal>) {
        let (sender, receiver) = channel(limits::EVENTS_WAITING_MAX);
        (Self::Stream(sender, form), receiver)
    }

    /// A sink for bytes that are written already, of which only one part waits.
    pub fn parts() -> (Self, Receiver<Signal>) {
        let (sender, receiver) = channel(0);
        (Self::Stream(sender, Form::Events), receiver)
    }

    /// Whether anybody listens at all.
    pub fn is_heard(&self) -> bool {
        matches!(self, Self::Stream(..))
    }

    /// Whether the client closed the connection.
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::Stream(sender, _) if sender.is_closed())
    }

    /// Sends an event.
    ///
    /// Fails with [`Gone`] if nobody is there to take it.
    pub async fn send(&mut self, name: &str, data: &impl Serialize) -> Result<(), Gone> {
        let Self::Stream(_, form) = self else { return Ok(()) };
        match form.write(name, data).map_err(|_| Gone)? {
            Some(bytes) => self.signal(Signal::Event(bytes)).await,
            None => Ok(()),
        }
    }

    /// Tells how long the stages of the turn took. Nothing may follow.
    pub async fn time(&mut self, timing: &str) {
        // A client that is gone need not hear it.
        let _ = self.signal(Signal::Timing(timing.to_owned())).await;
    }

    /// Tells that the turn failed.
    pub async fn fail(&mut self, error: &ApiError) {
        let Self::Stream(_, form) = self else { return };
        let told = form.write_failure(error);
        // A client that is gone need not hear it: the failure is stored.
        let _ = self.signal(Signal::Failed(error.clone(), told)).await;
    }

    /// Sends bytes that are written already.
    ///
    /// Fails with [`Gone`] if nobody is there to take them.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), Gone> {
        self.signal(Signal::Event(bytes)).await
    }

    async fn signal(&mut self, signal: Signal) -> Result<(), Gone> {
        let Self::Stream(sender, _) = self else { return Ok(()) };
        let full = match sender.try_send(signal) {
            Ok(()) => return Ok(()),
            Err(error) if error.is_full() => error.into_inner(),
            Err(_) => return Err(Gone),
        };
        let stall = spin_sdk::time::sleep(Duration::from_millis(limits::CLIENT_STALL_MILLIS));
        match select(sender.send(full), Box::pin(stall)).await {
            Either::Left((sent, _)) => sent.map_err(|_| Gone),
            Either::Right(_) => Err(Gone),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::StreamExt;
    use futures::executor::block_on;

    #[test]
    fn events_arrive_as_they_were_sent_and_a_client_that_left_is_noticed() {
        let (mut sink, mut client) = Sink::stream(Form::Events);
        block_on(sink.send("delta", &serde_json::json!({ "content": "a" }))).unwrap();
        let signal = block_on(client.next()).unwrap();
        let bytes = signal.into_frame().into_data().unwrap();
        assert_eq!(bytes, "event: delta\ndata: {\"content\":\"a\"}\n\n");
        block_on(sink.time("store;dur=0.5"));
        let behind = block_on(client.next()).unwrap().into_frame().into_trailers().unwrap();
        assert_eq!(behind["server-timing"], "store;dur=0.5");
        assert!(!sink.is_gone());
        drop(client);
        assert!(sink.is_gone());
        assert_eq!(block_on(sink.send("delta", &1)), Err(Gone));
    }

    #[test]
    fn a_failure_after_the_first_event_is_an_event() {
        let (mut sink, mut client) = Sink::stream(Form::Events);
        block_on(sink.fail(&ApiError::new(500, "x", "y")));
        let frame = block_on(client.next()).unwrap().into_frame();
        let bytes = frame.into_data().unwrap();
        assert!(bytes.starts_with(b"event: error\ndata: {\"error\":"));
    }
}
