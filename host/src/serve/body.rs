//! Bodies on their way between client and guest, frame by frame: nothing is collected.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use tokio::sync::OwnedSemaphorePermit;
use wasmtime_wasi_http::{Error, WasiBody};

/// How long a client may go on sending what nobody reads any more.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(10);

/// The body of a request, which ends with an error when it is longer than it may be.
///
/// A guest that has seen enough (a body over its own limit, say) answers and drops the body. If the
/// connection were closed then, a client that still sends would see a broken pipe and no answer; so
/// what is left is read and thrown away, within the same limit.
pub struct Counted<B: Discard> {
    /// None once it has ended.
    body: Option<B>,
    /// The bytes that may still come.
    left: u64,
    max: u64,
    over: Arc<AtomicBool>,
}

/// A body whose rest can be thrown away beside the answer.
pub trait Discard: Body<Data = Bytes, Error: Send> + Send + Unpin + 'static {}

impl<B: Body<Data = Bytes, Error: Send> + Send + Unpin + 'static> Discard for B {}

impl<B: Discard> Counted<B> {
    /// Lets at most `max` bytes of `body` pass, and sets `over` if there are more.
    pub fn new(body: B, max: u64, over: Arc<AtomicBool>) -> Self {
        Self { body: Some(body), left: max, max, over }
    }
}

impl<B: Discard> Body for Counted<B>
where
    B::Error: Into<Error>,
{
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = match ready!(Pin::new(body).poll_frame(cx)) {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => {
                self.body = None;
                return Poll::Ready(Some(Err(error.into())));
            }
            None => {
                self.body = None;
                return Poll::Ready(None);
            }
        };
        let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
        match self.left.checked_sub(bytes) {
            Some(left) => self.left = left,
            None => {
                self.body = None;
                self.over.store(true, Ordering::Relaxed);
                return Poll::Ready(Some(Err(Error::HttpRequestBodySize(Some(self.max)))));
            }
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl<B: Discard> Drop for Counted<B> {
    fn drop(&mut self) {
        let Some(body) = self.body.take().filter(|body| !body.is_end_stream()) else { return };
        // Without a runtime the connection is gone too.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(tokio::time::timeout(DRAIN_TIME_MAX, discard(body, self.left)));
        }
    }
}

/// Reads a body to its end, or until more than `left` bytes have come.
async fn discard<B: Discard>(mut body: B, mut left: u64) {
    while let Some(Ok(frame)) = body.frame().await {
        let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
        match left.checked_sub(bytes) {
            Some(less) => left = less,
            None => return,
        }
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
    use http_body_util::Full;

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
