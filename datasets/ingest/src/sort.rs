//! Sorting more rows than fit into memory: DataFusion's external merge sort behind a channel.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::compute::SortOptions;
use arrow::datatypes::SchemaRef;
use catalog_core::{Error, Result};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::col;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::stream::{RecordBatchReceiverStreamBuilder, RecordBatchStreamAdapter};
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::prelude::SessionConfig;
use futures::{StreamExt, stream};
use tokio::sync::mpsc;

/// Batches under way between a producer and a sort.
const CHANNEL: usize = 4;

/// Sorts of bounded memory, with one folder for what does not fit.
pub(crate) struct Sorter {
    memory: usize,
    folder: Option<PathBuf>,
}

impl Sorter {
    /// Sorts within `memory` bytes each, spilling into `folder`, or the system's temporary folder.
    pub(crate) fn new(memory: usize, folder: Option<&Path>) -> Self {
        Self { memory, folder: folder.map(Path::to_path_buf) }
    }

    /// Memory of its own for each sort: in a shared pool, the rows that one sort still holds leave nothing to another
    /// for merging what it has spilled, and that fails.
    fn runtime(&self) -> Result<Arc<RuntimeEnv>> {
        let pool = Arc::new(FairSpillPool::new(self.memory));
        let mut builder = RuntimeEnvBuilder::new().with_memory_pool(pool);
        if let Some(folder) = &self.folder {
            builder = builder.with_temp_file_path(folder);
        }
        builder.build_arc().map_err(Error::internal)
    }

    /// Where to put rows, and from where to take them in ascending order of the columns, which begins when every sender is
    /// gone.
    pub(crate) fn sort(
        &self,
        schema: &SchemaRef,
        by: &[&str],
    ) -> Result<(mpsc::Sender<RecordBatch>, SendableRecordBatchStream)> {
        let (sender, receiver) = mpsc::channel(CHANNEL);
        let input = Arc::new(Received { schema: Arc::clone(schema), receiver: Mutex::new(Some(receiver)) });
        let ascending = SortOptions { descending: false, nulls_first: true };
        let order = by
            .iter()
            .map(|name| Ok(PhysicalSortExpr::new(col(name, schema).map_err(Error::internal)?, ascending)))
            .collect::<Result<Vec<_>>>()?;
        let order = LexOrdering::new(order).ok_or_else(|| Error::internal("a sort needs columns"))?;
        let source = StreamingTableExec::try_new(Arc::clone(schema), vec![input], None, [], false, None)
            .map_err(Error::internal)?;
        let sort = SortExec::new(order, Arc::new(source));
        // Before rows are spilled they are merged, and comparing them takes a second copy of their sort columns: of
        // keys, which are nothing else, half as much again as the rows themselves.
        let config = SessionConfig::new().with_sort_spill_reservation_bytes(self.memory / 3 * 2);
        let context = TaskContext::default().with_session_config(config).with_runtime(self.runtime()?);
        // Rows are merged in a task of their own while those before them are written.
        let mut merging = RecordBatchReceiverStreamBuilder::new(Arc::clone(schema), 1);
        let (mut sorted, sink) = (sort.execute(0, Arc::new(context)).map_err(Error::internal)?, merging.tx());
        merging.spawn(async move {
            while let Some(batch) = sorted.next().await {
                if sink.send(batch).await.is_err() {
                    break;
                }
            }
            Ok(())
        });
        Ok((sender, merging.build()))
    }
}

/// The receiving end of a channel as a plan's input, executed once.
struct Received {
    schema: SchemaRef,
    receiver: Mutex<Option<mpsc::Receiver<RecordBatch>>>,
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Received")
    }
}

impl PartitionStream for Received {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let receiver = self.receiver.lock().unwrap_or_else(PoisonError::into_inner).take();
        let batches = stream::unfold(receiver, |receiver| async {
            let mut receiver = receiver?;
            let batch = receiver.recv().await?;
            Some((Ok(batch), Some(receiver)))
        });
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), batches))
    }
}
