use std::collections::VecDeque;

use axum::body::{Body, BodyDataStream, Bytes};
use catalog_core::Result;
use futures::{StreamExt, stream};

use super::{Ending, error_in};

/// A body that was read up to some point and goes on from there, counted and committed to as it leaves.
pub(crate) struct Metered {
    read: VecDeque<Bytes>,
    rest: BodyDataStream,
    ending: Ending,
    /// Bytes to come, where the head of the answer says how many there are.
    left: Option<u64>,
}

impl Metered {
    pub(crate) fn new(read: Vec<Bytes>, rest: BodyDataStream, ending: Ending, length: Option<u64>) -> Self {
        Self { read: read.into(), rest, ending, left: length }
    }

    /// The body to send. Its end is written down when it ends, however it ends.
    pub(crate) fn into_body(self) -> Body {
        Body::from_stream(stream::unfold(Some(self), |state| async {
            let mut metered = state?;
            match metered.next().await {
                Some(Ok(chunk)) => Some((Ok(chunk), Some(metered))),
                Some(Err(error)) => Some((Err(error), None)),
                None => None,
            }
        }))
    }

    async fn next(&mut self) -> Option<Result<Bytes>> {
        let chunk = match self.read.pop_front() {
            Some(chunk) => Some(Ok(chunk)),
            None => self.rest.next().await,
        };
        match chunk {
            Some(Ok(chunk)) => {
                self.ending.count(&chunk);
                self.left = self.left.map(|left| left.saturating_sub(chunk.len() as u64));
                match self.left {
                    // Nobody asks again for the end of an answer of known length: its last piece ends it.
                    Some(0) => Some(self.ending.write(None).await.map(|()| chunk)),
                    _ => Some(Ok(chunk)),
                }
            }
            Some(Err(found)) => {
                let error = error_in(&found);
                // The transfer is cut either way, whether or not its end can be written down.
                let written = self.ending.write(Some(error.code.as_str())).await;
                Some(Err(written.err().unwrap_or(error)))
            }
            // An end that can't be written down is no end.
            None => self.ending.write(None).await.err().map(Err),
        }
    }
}
