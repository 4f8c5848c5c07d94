//! Answers that nobody takes are let go, with the query, the place and the file behind them.
//!
//! A client of HTTP/2 can stay, answer pings and never make room for another byte: then nothing is written that could time out,
//! and nobody asks the body for more. So somebody else looks after it.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use http_body::{Frame, SizeHint};
use tokio::task::AbortHandle;

/// Answers up to this size hold nothing back that is worth a watch.
const SMALL: u64 = 16 << 10;

/// The response, whose body is dropped where no piece of it is taken for so long. What is left of it then fails, so that a
/// part never looks whole.
pub(crate) fn within(patience: Duration, response: Response) -> Response {
    let is_small = response.body().size_hint().upper().is_some_and(|bytes| bytes <= SMALL);
    if is_small || response.body().is_end_stream() {
        return response;
    }
    response.map(|inner| {
        let held = Arc::new(Mutex::new(Held { inner: Some(inner), waits: true, taken: 0, seen: 0 }));
        let watch = tokio::spawn(watch(Arc::downgrade(&held), patience)).abort_handle();
        Body::new(Patient { held, watch })
    })
}

async fn watch(held: Weak<Mutex<Held>>, patience: Duration) {
    loop {
        tokio::time::sleep(patience).await;
        let Some(held) = held.upgrade() else { return };
        let stalled = lock(&held).stalled();
        if stalled.is_some() {
            return;
        }
    }
}

/// A body, and how it is taken.
struct Held {
    /// None once it was let go.
    inner: Option<Body>,
    /// Whether the next step is the client's: it is not while the next piece is being made.
    waits: bool,
    /// Pieces taken.
    taken: u64,
    /// Of them, those taken when it was last looked at.
    seen: u64,
}

impl Held {
    /// The body, where nothing of it was taken since this was last asked, though it was ready.
    fn stalled(&mut self) -> Option<Body> {
        let is_stalled = self.waits && self.taken == self.seen;
        self.seen = self.taken;
        self.inner.take_if(|_| is_stalled)
    }
}

fn lock(held: &Mutex<Held>) -> MutexGuard<'_, Held> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A body that is looked after.
struct Patient {
    held: Arc<Mutex<Held>>,
    watch: AbortHandle,
}

impl HttpBody for Patient {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut held = lock(&self.held);
        let Some(inner) = &mut held.inner else {
            let late = io::Error::new(io::ErrorKind::TimedOut, "nobody took the answer");
            return Poll::Ready(Some(Err(axum::Error::new(late))));
        };
        let polled = Pin::new(inner).poll_frame(context);
        held.waits = polled.is_ready();
        held.taken += u64::from(held.waits);
        polled
    }

    fn is_end_stream(&self) -> bool {
        lock(&self.held).inner.as_ref().is_some_and(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        lock(&self.held).inner.as_ref().map(HttpBody::size_hint).unwrap_or_default()
    }
}

impl Drop for Patient {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt as _;
    use tokio::sync::oneshot;

    use super::*;

    /// An answer without end, and what tells when it is let go.
    fn endless() -> (Response, oneshot::Receiver<()>) {
        let (held, let_go) = oneshot::channel::<()>();
        let pages = futures::stream::repeat_with(|| Bytes::from_static(&[b'x'; 1024]));
        let pages = pages.map(move |page| {
            let _held = &held;
            Ok::<_, io::Error>(page)
        });
        (Response::new(Body::from_stream(pages)), let_go)
    }

    #[tokio::test]
    async fn what_nobody_takes_is_let_go_and_never_looks_whole() {
        let (response, let_go) = endless();
        let mut body = within(Duration::from_millis(1), response).into_body().into_data_stream();
        assert!(body.next().await.is_some_and(|piece| piece.is_ok()));
        assert!(let_go.await.is_err());
        assert!(body.next().await.is_some_and(|piece| piece.is_err()));
    }

    #[tokio::test]
    async fn what_is_taken_slowly_or_made_slowly_is_kept() {
        let mut held = Held { inner: Some(Body::empty()), waits: true, taken: 0, seen: 0 };
        for taken in 1..5 {
            held.taken = taken;
            assert!(held.stalled().is_none());
        }
        held.waits = false;
        assert!(held.stalled().is_none(), "the next piece is being made");
        held.waits = true;
        assert!(held.stalled().is_some());
    }

    #[tokio::test]
    async fn a_watch_ends_with_its_answer() {
        let (response, let_go) = endless();
        drop(within(Duration::from_secs(3600), response));
        assert!(let_go.await.is_err());
        let small = within(Duration::from_secs(3600), Response::new(Body::from("small")));
        assert_eq!(small.into_body().size_hint().exact(), Some(5), "it is as it was");
    }
}
