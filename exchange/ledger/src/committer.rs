//! Group commit: what arrives together shares one write and one fsync.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::LedgerError;

/// Items written with one fsync, at most.
const BATCH: usize = 4096;

/// Where so many came together, others come: they are waited for, for that long, so that a disk does half as many fsyncs for as
/// many items. Whoever comes alone waits for nobody.
const COMPANY: usize = 4;
const GATHER: Duration = Duration::from_millis(1);

type Waiting<T> = (T, oneshot::Sender<Option<u64>>);

/// A thread that writes batches of items, one after the other.
pub(crate) struct Committer<T> {
    sender: Option<mpsc::Sender<Waiting<T>>>,
    /// Whether nothing is written any more, so that nothing is handed over.
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl<T: Send + 'static> Committer<T> {
    /// Starts the thread. `write` makes a batch durable and gives the place of each item. Once it has failed it is never
    /// called again: fsync reports an error only once, and the state of the file is unknown. A full disk alone passes: of
    /// that batch nothing is there, and the next one is tried.
    pub(crate) fn start(
        name: &str,
        mut write: impl FnMut(Vec<T>) -> Result<Vec<u64>, LedgerError> + Send + 'static,
    ) -> io::Result<Self> {
        let (sender, mut receiver) = mpsc::channel::<Waiting<T>>(2 * BATCH);
        let stopped = Arc::<AtomicBool>::default();
        let stopping = Arc::clone(&stopped);
        // A thread of its own: fsync blocks, and a runtime that shuts down must not cut a batch in two.
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
            let mut batch = Vec::with_capacity(BATCH);
            let (mut is_broken, mut is_busy) = (false, false);
            while receiver.blocking_recv_many(&mut batch, BATCH) > 0 {
                if is_busy && batch.len() < BATCH {
                    thread::sleep(GATHER);
                    while batch.len() < BATCH
                        && let Ok(item) = receiver.try_recv()
                    {
                        batch.push(item);
                    }
                }
                is_busy = batch.len() >= COMPANY;
                let (items, waiting): (Vec<_>, Vec<_>) = batch.drain(..).unzip();
                let written = if is_broken { Err(LedgerError::Stopped) } else { write(items) };
                is_broken = matches!(&written, Err(error) if !matches!(error, LedgerError::Full { .. }));
                stopping.store(is_broken, Ordering::Release);
                let places = written
                    .inspect_err(|error| tracing::error!(%error, "what was to be kept is not written"))
                    .ok();
                for (index, done) in waiting.into_iter().enumerate() {
                    // Whoever no longer waits for the answer does not need it.
                    let _ = done.send(places.as_ref().and_then(|places| places.get(index).copied()));
                }
            }
        })?;
        Ok(Self { sender: Some(sender), stopped, thread: Some(thread) })
    }

    /// Gives the place of the item once it is durable.
    pub(crate) async fn commit(&self, item: T) -> Result<u64, LedgerError> {
        self.submit(item).await?.await
    }

    /// Hands over an item, which is written whether or not anybody waits. What comes back gives its place once it is durable.
    pub(crate) async fn submit(
        &self,
        item: T,
    ) -> Result<impl Future<Output = Result<u64, LedgerError>> + use<T>, LedgerError> {
        if self.stopped.load(Ordering::Acquire) {
            return Err(LedgerError::Stopped);
        }
        let (done, answer) = oneshot::channel();
        let sender = self.sender.as_ref().ok_or(LedgerError::Stopped)?;
        sender.send((item, done)).await.map_err(|_| LedgerError::Stopped)?;
        Ok(async { answer.await.ok().flatten().ok_or(LedgerError::Stopped) })
    }
}

impl<T> Drop for Committer<T> {
    /// Waits until what was accepted is written.
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            // The thread has no panics of its own; if it died, its callers have been told by their dropped answers.
            let _ = thread.join();
        }
    }
}
