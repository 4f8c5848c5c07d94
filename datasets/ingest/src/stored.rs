//! Reading parts of earlier versions.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use catalog_core::Result;
use datasets_store::{DatasetStore, Manifest, Part};
use futures::StreamExt;
use futures::future::{BoxFuture, FutureExt};
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::arrow::{ParquetRecordBatchStreamBuilder, ProjectionMask};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

use crate::BATCH_ROWS;
use crate::fault::storage;

/// Opens a stored part.
pub(crate) async fn stored_part(
    store: &DatasetStore,
    part: &Part,
) -> Result<ParquetRecordBatchStreamBuilder<PartReader>> {
    let reader = PartReader {
        objects: Arc::clone(store.objects()),
        path: Path::from(part.path.as_str()),
        bytes: part.bytes,
    };
    ParquetRecordBatchStreamBuilder::new(reader).await.map_err(storage)
}

/// Columns of a stored part, in the order asked for, as the manifest types them.
pub(crate) async fn stored_columns(
    store: &DatasetStore,
    part: &Part,
    manifest: &Manifest,
    columns: &[&str],
) -> Result<BoxStream<'static, Result<RecordBatch>>> {
    let builder = stored_part(store, part).await?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
    let batches = builder.with_projection(mask).with_batch_size(BATCH_ROWS).build().map_err(storage)?;
    let schema = manifest.arrow_schema();
    let places = columns.iter().map(|name| schema.index_of(name)).collect::<Result<Vec<_>, _>>();
    let wanted = Arc::new(schema.project(&places.map_err(storage)?).map_err(storage)?);
    Ok(batches.map(move |batch| ordered(&batch.map_err(storage)?, &wanted)).boxed())
}

/// All columns of a stored part.
pub(crate) async fn stored_rows(
    store: &DatasetStore,
    part: &Part,
    manifest: &Manifest,
) -> Result<BoxStream<'static, Result<RecordBatch>>> {
    let names: Vec<&str> = manifest.columns.iter().map(|column| column.item.column.as_str()).collect();
    stored_columns(store, part, manifest, &names).await
}

fn ordered(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = schema.fields().iter().map(|field| {
        batch.column_by_name(field.name()).cloned().ok_or_else(|| storage("a part lacks a column"))
    });
    RecordBatch::try_new(Arc::clone(schema), columns.collect::<Result<_>>()?).map_err(storage)
}

/// A part in the object store, whose size the manifest knows.
pub(crate) struct PartReader {
    objects: Arc<dyn ObjectStore>,
    path: Path,
    bytes: u64,
}

impl AsyncFileReader for PartReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, parquet::errors::Result<Bytes>> {
        async {
            let bytes = self.objects.get_range(&self.path, range).await;
            bytes.map_err(|error| ParquetError::External(Box::new(error)))
        }
        .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, parquet::errors::Result<Arc<ParquetMetaData>>> {
        async move {
            let size = self.bytes;
            let reader = ParquetMetaDataReader::new().with_arrow_reader_options(options);
            reader.load_and_finish(self, size).await.map(Arc::new)
        }
        .boxed()
    }
}
