//! Reading a delivery: one thread reads, another checks, while two sorts take in rows and keys.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use catalog_core::directory::{InformationItem, Resource, ValueFormat};
use catalog_core::{Error, Result};
use chrono::Datelike;
use datafusion::execution::SendableRecordBatchStream;
use datasets_store::{Manifest, Materials, Shape};
use futures::TryStreamExt;
use tokio::sync::mpsc::Sender;

use super::{Ingest, IngestOptions, Progress, Progressed, rules};
use crate::check::{Divisions, Surroundings};
use crate::delivery::{Delivery, Inspection};
use crate::fault::{malformed, storage};
use crate::keys::{
    DELIVERY, HASH, KEY_ORDER, KeyHasher, KeyVerdict, hashed_columns, key_batch, key_schema, row_numbers,
};
use crate::quarantine::Quarantine;
use crate::read::{Input, SourceBatch};
use crate::sort::Sorter;
use crate::stored::stored_columns;
use crate::validate::Validator;

/// The column of the place on the curve. No item can have this name.
const PLACE: &str = "#place";

/// The sorts that run at the same time: of the rows, and of their keys.
const SORTS: usize = 2;
/// Batches that are read and not yet checked.
const UNCHECKED: usize = 2;

/// A delivery to be read.
pub(super) struct Intake<'a, 'b> {
    pub(super) ingest: &'a Ingest<'b>,
    pub(super) delivery: &'a Delivery,
    pub(super) options: &'a IngestOptions,
}

/// A delivery that was read to its end.
pub(super) struct Taken {
    /// What its bytes told.
    pub(super) inspection: Inspection,
    /// What is wrong with it.
    pub(super) quarantine: Quarantine,
    /// What its keys told.
    pub(super) verdict: KeyVerdict,
    /// The first batch of sorted rows.
    pub(super) first: Option<RecordBatch>,
    /// The further ones.
    pub(super) rows: SendableRecordBatchStream,
}

impl Intake<'_, '_> {
    pub(super) async fn run(&self) -> Result<Taken> {
        let resource = self.ingest.resource;
        let validator = Validator::new(resource, &self.surroundings().await?)?;
        let along = self.ingest.along(self.options);
        let schema = with_order(validator.schema(), along.is_some());
        let sorter = Sorter::new(self.options.memory / SORTS, self.options.spill_folder.as_deref());
        let mut order: Vec<&str> = resource.sort.iter().map(|column| column.as_str()).collect();
        order.extend(along.iter().map(|_| PLACE));
        order.push(HASH);
        let (row_sink, mut rows) = sorter.sort(&schema, &order)?;
        let (key_sink, sorted_keys) = sorter.sort(&key_schema(), &KEY_ORDER)?;
        let reader = Reader {
            delivery: self.delivery.clone(),
            resource: resource.clone(),
            hasher: self.hasher(&schema)?,
            validator,
            schema,
            along,
            rows: row_sink,
            keys: (!resource.key.is_empty()).then(|| key_sink.clone()),
            progress: Arc::clone(&self.ingest.progress),
        };
        let reading = tokio::task::spawn_blocking(move || reader.run());
        let verdict = KeyVerdict::of(sorted_keys, self.options.change);
        let (read, earlier, verdict, first) =
            tokio::join!(reading, self.earlier_keys(key_sink), verdict, rows.try_next());
        // A sort that failed closes its channel, so that its own error says more than the reader's.
        let (first, verdict) = (first.map_err(storage)?, verdict?);
        earlier?;
        let (inspection, quarantine) = read.map_err(|cause| {
            malformed("the file is damaged in a way that its reader does not understand").with_internal(cause)
        })??;
        Ok(Taken { inspection, quarantine, verdict, first, rows })
    }

    pub(super) async fn surroundings(&self) -> Result<Surroundings> {
        let year = u16::try_from(self.options.now.shanghai_date().year()).unwrap_or(0);
        let divisions = self.ingest.divisions.clone();
        let resource = self.ingest.resource;
        let materials = match resource.items.iter().any(|item| item.format == Some(ValueFormat::Material)) {
            true => self.ingest.store.materials(&resource.code).await?,
            false => Materials::new(),
        };
        Ok(Surroundings {
            divisions: divisions.map(|table| Divisions { table, year }),
            references: self.ingest.references.clone(),
            materials: Arc::new(materials),
        })
    }

    pub(super) fn hasher(&self, schema: &Schema) -> Result<KeyHasher> {
        KeyHasher::new(self.ingest.order_key, self.ingest.resource, schema)
    }

    /// Hands the keys of the parts that stay to the sort.
    async fn earlier_keys(&self, sink: Sender<RecordBatch>) -> Result<()> {
        let base = rules::base(self.options).filter(|base| !base.key.is_empty());
        let Some(base) = base else { return Ok(()) };
        let hasher = self.hasher(&base.arrow_schema())?;
        for number in 0..base.parts.len() {
            self.part_keys(base, number, &hasher, &sink).await?;
        }
        Ok(())
    }

    async fn part_keys(
        &self,
        base: &Manifest,
        number: usize,
        hasher: &KeyHasher,
        sink: &Sender<RecordBatch>,
    ) -> Result<()> {
        let columns = hashed_columns(self.ingest.resource);
        let mut batches = stored_columns(self.ingest.store, &base.parts[number], base, &columns).await?;
        let part = u32::try_from(number).map_err(Error::internal)?;
        let mut row = 0;
        while let Some(batch) = batches.try_next().await? {
            let rows = row_numbers(row, batch.num_rows());
            row += batch.num_rows() as u64;
            let keys = key_batch(&hasher.hash(batch.columns())?, part, rows)?;
            sink.send(keys).await.map_err(|_| storage("the sort of keys ended early"))?;
        }
        Ok(())
    }
}

/// With what rows are ordered by after their sort columns.
fn with_order(schema: &SchemaRef, has_places: bool) -> SchemaRef {
    let mut fields: Vec<_> = schema.fields().iter().cloned().collect();
    if has_places {
        fields.push(Arc::new(Field::new(PLACE, DataType::UInt64, true)));
    }
    fields.push(Arc::new(Field::new(HASH, DataType::FixedSizeBinary(16), false)));
    Arc::new(Schema::new(fields))
}

/// Reads in a thread of its own, and checks in another.
struct Reader {
    delivery: Delivery,
    resource: Resource,
    validator: Validator,
    hasher: KeyHasher,
    schema: SchemaRef,
    along: Option<Shape>,
    rows: Sender<RecordBatch>,
    keys: Option<Sender<RecordBatch>>,
    progress: Arc<dyn Progress>,
}

impl Reader {
    fn run(self) -> Result<(Inspection, Quarantine)> {
        let inspection = self.delivery.inspect()?;
        let position = Arc::new(AtomicU64::new(0));
        let required = |item: &InformationItem| item.required || self.resource.key.contains(&item.column);
        let input = Input {
            delivery: &self.delivery,
            inspection: &inspection,
            items: &self.resource.items,
            required: &required,
            position: Arc::clone(&position),
        };
        let bytes_read = || position.load(Ordering::Relaxed).min(inspection.bytes);
        let quarantine = thread::scope(|scope| {
            let (sender, batches) = sync_channel(UNCHECKED);
            let checking = scope.spawn(|| self.check(batches, bytes_read, inspection.bytes));
            let stopped = || Error::internal("the check of the rows ended early");
            let read = input.read(&mut |batch| sender.send(batch).map_err(|_| stopped()));
            drop(sender);
            // A check that failed stops the reader, so that its own error says more than the reader's.
            let checked = checking.join().unwrap_or_else(|panic| resume_unwind(panic))?;
            read.map(|()| checked)
        })?;
        Ok((inspection, quarantine))
    }

    /// Checks what is read until there is no more.
    fn check(
        &self,
        batches: Receiver<SourceBatch>,
        bytes_read: impl Fn() -> u64,
        bytes_total: u64,
    ) -> Result<Quarantine> {
        let mut quarantine = Quarantine::new()?;
        for batch in batches {
            self.take(&batch, &mut quarantine)?;
            let (rows_read, rows_quarantined) = quarantine.counts();
            self.progress.progressed(Progressed {
                bytes_read: bytes_read(),
                bytes_total,
                rows_read,
                rows_quarantined,
                ..Progressed::default()
            });
        }
        Ok(quarantine)
    }

    fn take(&self, batch: &SourceBatch, quarantine: &mut Quarantine) -> Result<()> {
        let accepted = self.validator.accept(batch, quarantine)?;
        if accepted.num_rows() == 0 {
            return Ok(());
        }
        let places = hashed_columns(&self.resource).into_iter().map(|name| accepted.schema().index_of(name));
        let key = accepted.project(&places.collect::<Result<Vec<_>, _>>().map_err(Error::internal)?);
        let hashes = self.hasher.hash(key.map_err(Error::internal)?.columns())?;
        let mut columns: Vec<ArrayRef> = accepted.columns().to_vec();
        if let Some(sink) = &self.keys {
            let rows = columns.last().cloned().ok_or_else(|| Error::internal("rows have numbers"))?;
            send(sink, key_batch(&hashes, DELIVERY, rows)?)?;
        }
        if let Some(shape) = &self.along {
            columns.push(Arc::new(shape.along_curve(&accepted).map_err(Error::internal)?));
        }
        columns.push(Arc::new(hashes));
        let rows = RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(Error::internal)?;
        send(&self.rows, rows)
    }
}

fn send(sink: &Sender<RecordBatch>, batch: RecordBatch) -> Result<()> {
    sink.blocking_send(batch).map_err(|_| storage("the sort of the rows ended early"))
}
