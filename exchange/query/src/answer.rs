//! An answer: its shape, what it was read from, and the rows as they come.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::SchemaRef;
use catalog_core::evidence::SourceRead;
use catalog_core::{Error, ErrorCode, Result, Timestamp};
use datafusion::common::runtime::SpawnedTask;
use datafusion::error::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datasets_store::GeoColumns;
use futures::{Stream, StreamExt, stream};
use tokio::sync::mpsc;

use crate::engine::Place;
use crate::error;
use crate::limits::Limits;
use crate::revocation::Watch;

/// Batches of rows. An error ends the stream; without one it is whole.
pub type Records = Pin<Box<dyn Stream<Item = Result<RecordBatch>> + Send>>;

/// What the engine answers. The first rows are there already: what fails early fails as an error of `run`.
pub struct QueryAnswer {
    /// Columns and their types.
    pub schema: SchemaRef,
    /// Every dataset read: version, bound policy and grant, as evidence names them.
    pub sources: Vec<SourceRead>,
    /// The limits in force.
    pub limits: Limits,
    /// The time that the query took for now.
    pub now: Timestamp,
    /// For a page of a selection: the cursor of the next one, if there is more.
    pub next: Option<String>,
    /// The columns of a selection that hold geometries.
    pub geo: GeoColumns,
    /// For a selection that asks for it: how many rows there are on all pages.
    pub total: Option<u64>,
    /// For a selection with a [`subject`](crate::Selection::subject): whom its rows are about, where they are few.
    pub subjects: Vec<String>,
    /// The rows.
    pub records: Records,
}

type Batch = Result<RecordBatch, DataFusionError>;
type Sender = mpsc::Sender<Batch>;

/// A planned query with everything that may end it.
pub(crate) struct Run {
    pub(crate) plan: Arc<dyn ExecutionPlan>,
    pub(crate) task: Arc<TaskContext>,
    pub(crate) schema: SchemaRef,
    pub(crate) sources: Vec<SourceRead>,
    pub(crate) watch: Watch,
    pub(crate) deadline: Instant,
    pub(crate) limits: Limits,
    pub(crate) now: Timestamp,
    /// Dropped with the answer, which stops what still runs for it.
    pub(crate) wanted: Arc<()>,
    /// Given back when the work has ended.
    pub(crate) place: Place,
}

impl Run {
    /// Starts the query in a task of its own, which ends with the answer, at the deadline, or when the access is revoked:
    /// a reader that takes nothing keeps no query.
    pub(crate) fn start(self) -> Records {
        let (sender, batches) = mpsc::channel(2);
        let Self { plan, task, place, limits, sources, .. } = self;
        let (deadline, watch) = (self.deadline.into(), self.watch.again());
        let mut cut = self.watch;
        let read_from = sources.clone();
        let work = SpawnedTask::spawn(async move {
            let _place = place;
            tokio::select! {
                biased;
                () = cut.cut(&read_from) => Err(revoked()),
                () = tokio::time::sleep_until(deadline) => Err(out_of_time(&limits)),
                () = pass_on(plan, task, sender) => Ok(()),
            }
        });
        let running = Running {
            batches,
            work: Some(work),
            schema: self.schema,
            sources,
            watch,
            deadline,
            limits,
            _wanted: self.wanted,
            rows: 0,
            bytes: 0,
        };
        stream::unfold(Some(running), |state| async {
            let mut running = state?;
            match running.next().await {
                Some(Ok(batch)) => Some((Ok(batch), Some(running))),
                Some(Err(error)) => Some((Err(error), None)),
                None => None,
            }
        })
        .boxed()
    }
}

/// Executes the plan and sends its batches for as long as they are taken.
async fn pass_on(plan: Arc<dyn ExecutionPlan>, task: Arc<TaskContext>, sender: Sender) {
    let mut stream = match execute_stream(plan, task) {
        Ok(stream) => stream,
        Err(error) => return drop(sender.send(Err(error)).await),
    };
    while let Some(batch) = stream.next().await {
        if sender.send(batch).await.is_err() {
            return;
        }
    }
}

struct Running {
    batches: mpsc::Receiver<Batch>,
    work: Option<SpawnedTask<Result<()>>>,
    schema: SchemaRef,
    sources: Vec<SourceRead>,
    watch: Watch,
    deadline: tokio::time::Instant,
    limits: Limits,
    _wanted: Arc<()>,
    rows: u64,
    bytes: u64,
}

impl Running {
    async fn next(&mut self) -> Option<Result<RecordBatch>> {
        let batch = tokio::select! {
            biased;
            () = self.watch.cut(&self.sources) => return Some(Err(revoked())),
            () = tokio::time::sleep_until(self.deadline) => return Some(Err(out_of_time(&self.limits))),
            batch = self.batches.recv() => batch,
        };
        match batch {
            Some(Ok(batch)) => Some(self.counted(&batch)),
            // A join that met the deadline first reports no reason of its own.
            Some(Err(_)) if tokio::time::Instant::now() >= self.deadline => {
                Some(Err(out_of_time(&self.limits)))
            }
            Some(Err(error)) => Some(Err(self.failed(&error))),
            None => self.ended().await,
        }
    }

    /// What the caller learns; the operator learns too which versions to look at.
    fn failed(&self, error: &DataFusionError) -> Error {
        let error = error::execution(error);
        if error.code == ErrorCode::Corrupt {
            for source in &self.sources {
                tracing::error!(
                    resource = %source.resource,
                    version = source.version,
                    manifest = source.manifest_digest,
                    cause = error.internal_cause(),
                    "a query met a damaged object of one of these versions"
                );
            }
        }
        error
    }

    fn counted(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        self.rows = self.rows.saturating_add(batch.num_rows() as u64);
        let bytes: usize = batch
            .columns()
            .iter()
            .map(|column| column.to_data().get_slice_memory_size().unwrap_or(usize::MAX))
            .fold(0, usize::saturating_add);
        self.bytes = self.bytes.saturating_add(bytes as u64);
        if self.rows > self.limits.rows {
            let message =
                format!("the answer has more than {} rows; narrow it down or page", self.limits.rows);
            return Err(Error::new(ErrorCode::LimitRows, message));
        }
        if self.bytes > self.limits.bytes {
            let message =
                format!("the answer has more than {} bytes; narrow it down or page", self.limits.bytes);
            return Err(Error::new(ErrorCode::LimitBytes, message));
        }
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), batch.columns().to_vec(), &options)
            .map_err(|_| Error::internal("a batch does not have the planned schema"))
    }

    /// The end of the batches is the end of the answer only if the work ended well.
    async fn ended(&mut self) -> Option<Result<RecordBatch>> {
        match self.work.take()?.join().await {
            Ok(Ok(())) => None,
            Ok(Err(ended_early)) => Some(Err(ended_early)),
            Err(_) => {
                let message = "the query failed; quote the request id to the operator";
                Some(Err(Error::new(ErrorCode::QueryFailed, message).with_internal("panic in a query task")))
            }
        }
    }
}

pub(crate) fn revoked() -> Error {
    Error::new(ErrorCode::Revoked, "the access was revoked while the answer ran")
}

/// The error of a query that took too long.
pub(crate) fn out_of_time(limits: &Limits) -> Error {
    let message = format!("the query took longer than {} seconds; narrow it down", limits.time.as_secs());
    Error::new(ErrorCode::LimitTime, message)
}
