//! Server-sent events: their form, and a body that is never silent for long.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::Stream;
use futures::channel::mpsc::Receiver;
use http_body::Frame;

use crate::limits;
use crate::turn::sink::Signal;

/// A line that clients skip: it tells proxies and people that the connection lives.
const COMMENT: &[u8] = b": still here\n\n";

/// The stream of a turn's events, with a comment wherever nothing was sent for a while.
pub struct EventBody {
    /// Sent before anything else.
    first: Option<Frame<Bytes>>,
    events: Receiver<Signal>,
    /// Sent where nothing else was for a while; empty for nothing.
    comment: &'static [u8],
    /// When the last bytes were handed on.
    spoke: Instant,
    timer: Pin<Box<dyn Future<Output = ()>>>,
}

impl EventBody {
    /// A body that sends `first` and then what is received.
    pub fn new(first: Option<Frame<Bytes>>, events: Receiver<Signal>) -> Self {
        let (spoke, timer) = (Instant::now(), timer(SILENCE));
        Self { first, events, comment: COMMENT, spoke, timer }
    }

    /// The same, without comments: for clients that know none.
    pub fn without_comments(self) -> Self {
        Self { comment: &[], ..self }
    }

    /// The next bytes, or what stands behind them; none at the end.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Frame<Bytes>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(first));
        }
        if let Poll::Ready(event) = Pin::new(&mut self.events).poll_next(cx) {
            self.spoke = Instant::now();
            return Poll::Ready(event.map(Signal::into_frame));
        }
        // One timer for many events: it looks at the clock when it fires.
        while self.timer.as_mut().poll(cx).is_ready() {
            let left = SILENCE.saturating_sub(self.spoke.elapsed());
            if left.is_zero() && !self.comment.is_empty() {
                self.spoke = Instant::now();
                self.timer = timer(SILENCE);
                return Poll::Ready(Some(Frame::data(Bytes::from_static(self.comment))));
            }
            self.timer = timer(if left.is_zero() { SILENCE } else { left });
        }
        Poll::Pending
    }
}

const SILENCE: Duration = Duration::from_millis(limits::SILENCE_MILLIS_MAX);

fn timer(duration: Duration) -> Pin<Box<dyn Future<Output = ()>>> {
    Box::pin(spin_sdk::time::sleep(duration))
}

/// One event. The data is JSON, which has no line break of its own.
pub fn event(name: &str, json: &str) -> Bytes {
    debug_assert!(!json.contains('\n'), "an event's data is one line");
    Bytes::from(format!("event: {name}\ndata: {json}\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_a_name_a_line_of_data_and_an_empty_line() {
        let text = serde_json::to_string(&serde_json::json!({ "content": "a\nb" })).unwrap();
        assert_eq!(
            event("delta", &text),
            Bytes::from("event: delta\ndata: {\"content\":\"a\\nb\"}\n\n")
        );
    }

    #[test]
    fn a_comment_is_no_event() {
        assert!(COMMENT.starts_with(b":") && COMMENT.ends_with(b"\n\n"));
    }
}
