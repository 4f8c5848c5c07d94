//! Parquet parts: written, hashed on the way, read again.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use catalog_core::Result;
use datasets_store::{Boxes, DatasetStore, GeoColumns, Part, Shape, Stretches, VersionFolder};
use exchange_crypto::Hasher;
use futures::future::{BoxFuture, FutureExt};
use object_store::buffered::BufWriter;
use object_store::path::Path;
use parquet::arrow::AsyncArrowWriter;
use parquet::arrow::async_writer::AsyncFileWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use tokio::io::AsyncWriteExt;

use crate::fault::storage;

/// Rows of a part: what an upsert rewrites at least.
const PART_ROWS: u64 = 1 << 20;
/// Rows of a row group.
const GROUP_ROWS: usize = 1 << 18;
/// The zstd level: higher ones cost more time than they save bytes.
const ZSTD_LEVEL: i32 = 1;

/// Writes the parts of one version.
pub(crate) struct PartWriter<'a> {
    store: &'a DatasetStore,
    folder: VersionFolder,
    attempt: String,
    schema: SchemaRef,
    properties: WriterProperties,
    /// The geometry columns of a part to which nothing is written yet.
    geo: GeoColumns,
    /// Where rows lie that stand along a curve.
    along: Option<Shape>,
    first: usize,
    open: Option<OpenPart>,
    written: Written,
}

/// Parts, and where the rows of those lie that stand along a curve, by their paths.
#[derive(Debug, Clone, Default)]
pub(crate) struct Written {
    pub(crate) parts: Vec<Part>,
    pub(crate) boxes: Vec<(String, Boxes)>,
}

struct OpenPart {
    path: Path,
    rows: u64,
    geo: GeoColumns,
    stretches: Option<Stretches>,
    writer: AsyncArrowWriter<HashingWriter>,
}

impl<'a> PartWriter<'a> {
    /// A writer of parts of exactly this schema, numbered from `first`; `geo` are its geometry columns.
    pub(crate) fn new(
        store: &'a DatasetStore,
        folder: VersionFolder,
        attempt: &str,
        first: usize,
        schema: SchemaRef,
        geo: GeoColumns,
    ) -> Result<Self> {
        let level = ZstdLevel::try_new(ZSTD_LEVEL).map_err(storage)?;
        let properties = WriterProperties::builder()
            .set_created_by("shuqiao".to_owned())
            .set_compression(Compression::ZSTD(level))
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .build();
        Ok(Self {
            store,
            folder,
            attempt: attempt.to_owned(),
            schema,
            properties,
            geo,
            along: None,
            first,
            open: None,
            written: Written::default(),
        })
    }

    /// The same of rows that stand along a curve.
    pub(crate) fn along(self, places: Option<Shape>) -> Self {
        Self { along: places, ..self }
    }

    /// Adds rows; a full part is closed.
    pub(crate) async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let mut part = match self.open.take() {
            Some(part) => part,
            None => self.start()?,
        };
        part.writer.write(batch).await.map_err(storage)?;
        part.geo.note(batch);
        if let Some(stretches) = &mut part.stretches {
            stretches.note(batch).map_err(storage)?;
        }
        part.rows += batch.num_rows() as u64;
        self.open = Some(part);
        if self.open.as_ref().is_some_and(|part| part.rows >= PART_ROWS) {
            self.end_part().await
        } else {
            Ok(())
        }
    }

    fn start(&self) -> Result<OpenPart> {
        let path = self.folder.part(&self.attempt, self.first + self.written.parts.len());
        let objects = Arc::clone(self.store.objects());
        let target =
            HashingWriter { inner: BufWriter::new(objects, path.clone()), hasher: Hasher::new(), bytes: 0 };
        let writer =
            AsyncArrowWriter::try_new(target, Arc::clone(&self.schema), Some(self.properties.clone()))
                .map_err(storage)?;
        let stretches = self.along.clone().map(Stretches::new);
        Ok(OpenPart { path, rows: 0, geo: self.geo.clone(), stretches, writer })
    }

    /// Closes the open part, so that the next rows begin another.
    pub(crate) async fn end_part(&mut self) -> Result<()> {
        let Some(mut part) = self.open.take() else { return Ok(()) };
        if let Some(geo) = part.geo.metadata() {
            part.writer.append_key_value_metadata(KeyValue::new("geo".to_owned(), geo));
        }
        part.writer.finish().await.map_err(storage)?;
        let target = part.writer.into_inner();
        let path = part.path.to_string();
        self.written.boxes.extend(part.stretches.map(|stretches| (path.clone(), stretches.finish())));
        self.written.parts.push(Part {
            path,
            rows: part.rows,
            bytes: target.bytes,
            sha256: target.hasher.finish().to_hex(),
        });
        Ok(())
    }

    /// Closes the last part, reads all of them again, and answers them.
    pub(crate) async fn finish(mut self) -> Result<Written> {
        self.end_part().await?;
        for part in &self.written.parts {
            self.store.verify_part(part).await?;
        }
        Ok(self.written)
    }
}

/// Hashes what passes through to the object store.
struct HashingWriter {
    inner: BufWriter,
    hasher: Hasher,
    bytes: u64,
}

impl AsyncFileWriter for HashingWriter {
    fn write(&mut self, bytes: Bytes) -> BoxFuture<'_, parquet::errors::Result<()>> {
        self.hasher.update(&bytes);
        self.bytes += bytes.len() as u64;
        async { self.inner.put(bytes).await.map_err(|error| ParquetError::External(Box::new(error))) }.boxed()
    }

    fn complete(&mut self) -> BoxFuture<'_, parquet::errors::Result<()>> {
        async { self.inner.shutdown().await.map_err(|error| ParquetError::External(Box::new(error))) }.boxed()
    }
}

/// Uploads a finished file and answers what the manifest says of it.
pub(crate) async fn upload(store: &DatasetStore, path: Path, file: std::fs::File, rows: u64) -> Result<Part> {
    let mut reader = tokio::fs::File::from_std(file);
    let mut writer = BufWriter::new(Arc::clone(store.objects()), path.clone());
    tokio::io::copy(&mut reader, &mut writer).await.map_err(storage)?;
    writer.shutdown().await.map_err(storage)?;
    let (digest, bytes) = store.digest(&path).await?;
    Ok(Part { path: path.to_string(), rows, bytes, sha256: digest.to_hex() })
}
