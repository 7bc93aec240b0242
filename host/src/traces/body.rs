//! The body of an answer whose request is traced.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use wasmtime_wasi_http::{Error, WasiBody};

use super::Trace;

/// A body that ends a trace when it is gone.
pub struct Traced {
    body: WasiBody,
    trace: Trace,
}

impl Traced {
    /// Ends `trace` when `body` was taken, or is dropped.
    pub fn new(body: WasiBody, trace: Trace) -> Self {
        Self { body, trace }
    }
}

impl Body for Traced {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let Some(Ok(frame)) = &frame
            && let Some(behind) = frame.trailers_ref()
        {
            self.trace.tell(behind);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        self.trace.end();
    }
}
