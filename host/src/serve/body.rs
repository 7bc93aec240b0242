//! Bodies on their way between client and guest, frame by frame: nothing is collected.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;
use wasmtime_wasi_http::{Error, WasiBody};

/// The body of a request, which ends with an error when it is longer than it may be.
pub struct Counted<B> {
    body: B,
    /// The bytes that may still come.
    left: u64,
    max: u64,
    over: Arc<AtomicBool>,
}

impl<B> Counted<B> {
    /// Lets at most `max` bytes of `body` pass, and sets `over` if there are more.
    pub fn new(body: B, max: u64, over: Arc<AtomicBool>) -> Self {
        Self { body, left: max, max, over }
    }
}

impl<B> Body for Counted<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Error>,
{
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
            None => return Poll::Ready(None),
        };
        let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
        match self.left.checked_sub(bytes) {
            Some(left) => self.left = left,
            None => {
                self.over.store(true, Ordering::Relaxed);
                return Poll::Ready(Some(Err(Error::HttpRequestBodySize(Some(self.max)))));
            }
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body of an answer. While it is being sent, its request counts as one that is answered.
pub struct Held {
    body: WasiBody,
    _permit: OwnedSemaphorePermit,
}

impl Held {
    /// Holds `permit` until `body` is gone.
    pub fn new(body: WasiBody, permit: OwnedSemaphorePermit) -> Self {
        Self { body, _permit: permit }
    }
}

impl Body for Held {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt as _, Full};

    async fn send(text: &'static str, max: u64) -> (Result<Bytes, Error>, bool) {
        let over = Arc::new(AtomicBool::new(false));
        let body = Counted::new(Full::new(Bytes::from(text)), max, Arc::clone(&over));
        let sent = body.collect().await.map(|body| body.to_bytes());
        (sent, over.load(Ordering::Relaxed))
    }

    #[tokio::test]
    async fn a_body_of_the_greatest_length_passes() {
        let (sent, over) = send("hello", 5).await;
        assert_eq!(sent.expect("a body"), "hello");
        assert!(!over);
    }

    #[tokio::test]
    async fn a_longer_one_fails_and_says_so() {
        let (sent, over) = send("hello", 4).await;
        assert!(matches!(sent, Err(Error::HttpRequestBodySize(Some(4)))));
        assert!(over);
    }
}
