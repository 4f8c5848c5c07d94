//! Threads of the engine's own. Planning computes for long without yielding; here it keeps nobody else waiting.

use std::future::Future;
use std::num::NonZero;
use std::thread::available_parallelism;

use catalog_core::{Error, ErrorCode, Result};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

/// Plans and expressions are walked recursively; address space that is not used costs nothing.
const STACK_BYTES: usize = 16 << 20;

/// Where planning and execution run, one thread per core. What waits on the catalogue stays with the caller.
pub(crate) struct Workers(Option<Runtime>);

impl Workers {
    pub(crate) fn new() -> Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(available_parallelism().map_or(2, NonZero::get))
            .thread_name("query")
            .thread_stack_size(STACK_BYTES)
            .enable_all()
            .build();
        runtime.map(|runtime| Self(Some(runtime))).map_err(Error::internal)
    }

    /// Runs work here, with everything that it spawns. It is aborted when the caller stops waiting.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let Some(runtime) = &self.0 else { return Err(Error::internal("the engine has ended")) };
        let mut task = JoinSet::new();
        task.spawn_on(work, runtime.handle());
        match task.join_next().await {
            Some(Ok(done)) => done,
            _ => {
                let message = "the query failed; quote the request id to the operator";
                Err(Error::new(ErrorCode::QueryFailed, message).with_internal("panic in a query task"))
            }
        }
    }
}

impl Drop for Workers {
    /// Without waiting, for an engine may be dropped where waiting is forbidden.
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
