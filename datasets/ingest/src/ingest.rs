//! One delivery, from the file to a written, verified and signed version that waits for its publication.

mod intake;
mod rules;
mod sample;

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::UInt64Type;
use arrow::util::display::array_value_to_string;
use catalog_core::dataset::{ChangeKind, Notice, Version, VersionState};
use catalog_core::directory::{InformationItem, Reference, Resource};
use catalog_core::identity::DivisionTable;
use catalog_core::services::Rewritten;
use catalog_core::{Error, Result, Timestamp};
use datafusion::execution::SendableRecordBatchStream;
use datasets_store::{
    Column, DatasetStore, GeoColumns, Manifest, Part, Places, Quality, Shape, Source, VersionFolder,
};
use exchange_crypto::{Digest, MacKey, SigningKey};
use futures::TryStreamExt;

use crate::delivery::Delivery;
use crate::fault::storage;
use crate::ingest::intake::{Intake, Taken};
use crate::keys::{KeyVerdict, hashed_columns};
use crate::materials;
use crate::quarantine::Quarantine;
use crate::reference::ReferenceCheck;
use crate::statistics;
use crate::stored::stored_rows;
use crate::validate::ROW;
use crate::write::{PartWriter, Written, upload};

pub use sample::{SAMPLE_ROWS, Sample};

/// What every delivery to a resource needs.
pub struct Ingest<'a> {
    /// Where versions are written.
    pub store: &'a DatasetStore,
    /// The published resource; its items are the rules.
    pub resource: &'a Resource,
    /// Secret that orders rows; the same for all versions of an installation.
    pub order_key: &'a MacKey,
    /// The platform's key, which signs manifests.
    pub signing_key: &'a SigningKey,
    /// Known divisions; without them only the shape of division codes is checked.
    pub divisions: Option<Arc<DivisionTable>>,
    /// Answers references; without it they are not checked.
    pub references: Option<Arc<dyn ReferenceCheck>>,
    /// Is told how far the work is.
    pub progress: Arc<dyn Progress>,
}

/// How one delivery becomes a version.
#[derive(Debug, Clone)]
pub struct IngestOptions {
    /// The version's number: `Services::next_version`.
    pub version: i64,
    /// What the delivery does to the dataset.
    pub change: ChangeKind,
    /// The version that it changes: the latest one in effect, if any.
    pub previous: Option<Manifest>,
    /// The largest share of bad rows, from 0 to 1, with which a version is still made.
    pub max_bad_share: f64,
    /// The notice with which a replacement may remove or retype columns.
    pub breaking: Option<Notice>,
    /// The time of the operation; division codes must be valid in its year.
    pub now: Timestamp,
    /// Memory for sorting, in bytes.
    pub memory: usize,
    /// Folder for what does not fit into memory; the system's temporary folder if none.
    pub spill_folder: Option<PathBuf>,
}

impl IngestOptions {
    /// A replacement with at most 5 % bad rows, sorted within 256 MiB.
    pub fn new(version: i64, now: Timestamp) -> Self {
        Self {
            version,
            change: ChangeKind::Replace,
            previous: None,
            max_bad_share: 0.05,
            breaking: None,
            now,
            memory: 256 * 1024 * 1024,
            spill_folder: None,
        }
    }
}

/// What an ingest is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stage {
    /// Rows are read and checked.
    #[default]
    Checking,
    /// Good rows are written to parts.
    Writing,
    /// Parts are read again, and the manifest is signed.
    Verifying,
}

/// How far an ingest is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progressed {
    /// Bytes of the delivered file read so far, as far as the format tells.
    pub bytes_read: u64,
    /// Its size.
    pub bytes_total: u64,
    /// Rows read.
    pub rows_read: u64,
    /// Rows of them that break a rule.
    pub rows_quarantined: u64,
    /// Rows written to parts; these follow when all are read.
    pub rows_written: u64,
    /// What is done now.
    pub stage: Stage,
}

/// Is told how far an ingest is, once per batch of rows.
pub trait Progress: Send + Sync {
    /// Takes the news; must not block.
    fn progressed(&self, progressed: Progressed);
}

/// A version that is written, verified and signed, and that nobody sees until the catalogue publishes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// Its manifest, with the quality report.
    pub manifest: Manifest,
    /// The manifest's digest.
    pub digest: Digest,
}

impl Prepared {
    /// What the catalogue records of a version that was written anew: hand it to `Services::record_erasure`.
    pub fn rewritten(&self) -> Rewritten {
        Rewritten {
            manifest_digest: self.digest.to_hex(),
            rows: number(self.manifest.rows),
            bytes: number(self.manifest.bytes),
        }
    }

    /// What the catalogue records: hand it to `Services::publish_version`.
    pub fn version(&self, published_at: Timestamp, published_by: &str) -> Version {
        Version {
            resource: self.manifest.resource.clone(),
            number: self.manifest.version,
            change: self.manifest.change,
            rows: number(self.manifest.rows),
            delivered: number(self.manifest.quality.rows_read),
            rejected: number(self.manifest.quality.rows_quarantined),
            bytes: number(self.manifest.bytes),
            manifest_digest: self.digest.to_hex(),
            based_on: self.manifest.based_on,
            made_at: self.manifest.created_at,
            published_at,
            published_by: published_by.to_owned(),
            state: VersionState::Published,
            tombstone: None,
            breaking: self.manifest.breaking.clone(),
            cleared: Default::default(),
            erased_through: None,
            replaced: Vec::new(),
        }
    }
}

fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

impl Ingest<'_> {
    /// Reads, checks, sorts, writes, verifies and signs. Nothing that exists is changed; a failure or crash leaves
    /// objects that no catalogue names, which `gc` erases.
    ///
    /// `quality_threshold` with examples where too many rows are bad, `breaking_change` where the items do not fit the
    /// previous version, `invalid_input`, `too_large` or `unsupported_format` where the file cannot be read.
    pub async fn prepare(&self, delivery: &Delivery, options: &IngestOptions) -> Result<Prepared> {
        let breaking = rules::check_change(self.resource, options)?;
        let Taken { inspection, mut quarantine, verdict, first, mut rows } =
            Intake { ingest: self, delivery, options }.run().await?;
        rules::check_quality(&mut quarantine, &verdict, options)?;

        let attempt = VersionFolder::attempt().map_err(Error::internal)?;
        let mut written = self.carry_over(options, &verdict, &attempt).await?;
        let carried = written.parts.len();
        let mut drain =
            Drain { ingest: self, options, verdict: &verdict, quarantine: &mut quarantine, written: 0 };
        let Written { parts, boxes } = drain.write(first, &mut rows, &attempt, carried).await?;
        written.parts.extend(parts);
        written.boxes.extend(boxes);
        let places = self.places(options, &written)?;
        let parts = written.parts;

        let mut manifest = Manifest {
            resource: self.resource.code.clone(),
            version: options.version,
            change: options.change,
            based_on: rules::base(options).map(|base| base.version),
            created_at: options.now,
            columns: self.columns(options, &parts).await?,
            key: self.resource.key.clone(),
            sort: self.resource.sort.clone(),
            places,
            rows: parts.iter().map(|part| part.rows).sum(),
            bytes: parts.iter().map(|part| part.bytes).sum(),
            parts,
            source: Source {
                name: delivery.name.clone(),
                sha256: inspection.sha256,
                bytes: inspection.bytes,
            },
            licence: self.resource.licence.clone(),
            quality: Quality { unchecked_references: self.unchecked(), ..quarantine.quality() },
            quarantine: self.upload_quarantine(quarantine, options, &attempt).await?,
            materials: None,
            breaking,
            erased: Vec::new(),
        };
        manifest.materials = materials::listed(self.store, &manifest, rules::base(options)).await?;
        let digest = self.store.write_manifest(&manifest, self.signing_key).await?;
        Ok(Prepared { manifest, digest })
    }

    async fn columns(&self, options: &IngestOptions, parts: &[Part]) -> Result<Vec<Column>> {
        let items = &self.resource.items;
        match rules::base(options) {
            Some(base) => statistics::columns_after(self.store, items, parts, base).await,
            None => statistics::columns(self.store, items, parts).await,
        }
    }

    /// The columns whose references nobody answered for.
    fn unchecked(&self) -> Vec<String> {
        let answers =
            |reference: &Reference| self.references.as_ref().is_some_and(|check| check.answers(reference));
        let unchecked =
            |item: &&InformationItem| item.reference.as_ref().is_some_and(|found| !answers(found));
        self.resource.items.iter().filter(unchecked).map(|item| item.column.to_string()).collect()
    }

    fn folder(&self, options: &IngestOptions) -> VersionFolder {
        VersionFolder::new(&self.resource.code, options.version)
    }

    fn writer(&self, options: &IngestOptions, attempt: &str, first: usize) -> Result<PartWriter<'_>> {
        let schema = Arc::new(datasets_store::arrow_schema(&self.resource.items));
        PartWriter::new(
            self.store,
            self.folder(options),
            attempt,
            first,
            schema,
            GeoColumns::of(&self.resource.items),
        )
        .map(|writer| writer.along(self.along(options)))
    }

    /// The places along which rows are put: what everybody may see, and as in the version whose parts stay.
    fn along(&self, options: &IngestOptions) -> Option<Shape> {
        let shape = Shape::shared(self.resource)?;
        match rules::base(options) {
            Some(base) => base.places.as_ref().and_then(Places::shape).filter(|before| *before == shape),
            None => Some(shape),
        }
    }

    /// What the manifest says of it. Parts that stay keep their order, whoever may see it today.
    fn places(&self, options: &IngestOptions, written: &Written) -> Result<Option<Places>> {
        let mut places = match (rules::base(options), self.along(options)) {
            (Some(base), _) => base.places.as_ref().map(|places| places.of_parts(&written.parts)),
            (None, shape) => shape.as_ref().map(Places::new).transpose()?,
        };
        if let Some(places) = &mut places {
            places.boxes.extend(written.boxes.iter().cloned());
        }
        Ok(places)
    }

    /// Parts of the previous version that stay, those with replaced rows written anew without them.
    async fn carry_over(
        &self,
        options: &IngestOptions,
        verdict: &KeyVerdict,
        attempt: &str,
    ) -> Result<Written> {
        let Some(base) = rules::base(options) else { return Ok(Written::default()) };
        let mut kept = Vec::new();
        let mut writer = self.writer(options, attempt, 0)?;
        for (number, part) in (0..).zip(&base.parts) {
            let Some(replaced) = verdict.replaced.get(&number) else {
                kept.push(part.clone());
                continue;
            };
            let mut batches = stored_rows(self.store, part, base).await?;
            let mut row = 0;
            while let Some(batch) = batches.try_next().await? {
                let stays: BooleanArray =
                    (row..row + batch.num_rows() as u64).map(|row| Some(!replaced.contains(&row))).collect();
                row += batch.num_rows() as u64;
                writer.write(&filter_record_batch(&batch, &stays).map_err(Error::internal)?).await?;
            }
            writer.end_part().await?;
        }
        let Written { parts, boxes } = writer.finish().await?;
        kept.extend(parts);
        Ok(Written { parts: kept, boxes })
    }

    async fn upload_quarantine(
        &self,
        quarantine: Quarantine,
        options: &IngestOptions,
        attempt: &str,
    ) -> Result<Option<Part>> {
        let Some((file, lines)) = quarantine.into_file()? else { return Ok(None) };
        let path = self.folder(options).quarantine(attempt);
        upload(self.store, path, file, lines).await.map(Some)
    }
}

/// Sorted rows on their way into parts; those with a key that is taken go to the quarantine.
struct Drain<'a, 'b> {
    ingest: &'a Ingest<'b>,
    options: &'a IngestOptions,
    verdict: &'a KeyVerdict,
    quarantine: &'a mut Quarantine,
    written: u64,
}

impl Drain<'_, '_> {
    async fn write(
        &mut self,
        first: Option<RecordBatch>,
        rest: &mut SendableRecordBatchStream,
        attempt: &str,
        number: usize,
    ) -> Result<Written> {
        let mut writer = self.ingest.writer(self.options, attempt, number)?;
        let mut next = first;
        while let Some(batch) = next {
            let batch = self.without_taken_keys(batch)?;
            let items: Vec<usize> = (0..self.ingest.resource.items.len()).collect();
            let rows = batch.project(&items).map_err(Error::internal)?;
            writer.write(&rows).await?;
            self.written += rows.num_rows() as u64;
            self.report(Stage::Writing);
            next = rest.try_next().await.map_err(storage)?;
        }
        self.report(Stage::Verifying);
        writer.finish().await
    }

    fn without_taken_keys(&mut self, batch: RecordBatch) -> Result<RecordBatch> {
        if self.verdict.refused() == 0 {
            return Ok(batch);
        }
        let lacks = || Error::internal("sorted rows have no row numbers");
        let numbers = batch.column_by_name(ROW).ok_or_else(lacks)?.as_primitive::<UInt64Type>();
        let mut good = Vec::with_capacity(numbers.len());
        for (place, number) in numbers.values().iter().enumerate() {
            let rule = self.verdict.broken_by(*number);
            good.push(rule.is_none());
            if let Some(rule) = rule {
                let columns = hashed_columns(self.ingest.resource);
                let key = key_text(&batch, &columns, place)?;
                self.quarantine.add(*number, &columns.join(","), rule, &key)?;
            }
        }
        filter_record_batch(&batch, &BooleanArray::from(good)).map_err(Error::internal)
    }

    fn report(&self, stage: Stage) {
        let (rows_read, rows_quarantined) = self.quarantine.counts();
        self.ingest.progress.progressed(Progressed {
            rows_read,
            rows_quarantined,
            rows_written: self.written,
            stage,
            ..Progressed::default()
        });
    }
}

fn key_text(batch: &RecordBatch, columns: &[&str], row: usize) -> Result<String> {
    let values = columns.iter().filter_map(|name| batch.column_by_name(name));
    let texts = values.map(|column| array_value_to_string(column, row).map_err(Error::internal));
    Ok(texts.collect::<Result<Vec<_>>>()?.join(","))
}
