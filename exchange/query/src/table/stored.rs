use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, Result, Statistics};
use datafusion::config::TableParquetOptions;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::{TableProvider, TableType};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;

use crate::barrier::Estimate;
use crate::tables::StoredFile;

/// One version of a dataset without any policy: what its manifest says, nothing is listed or inferred.
///
/// Never registered for a caller as it is unless no filter, mask or denied item applies.
#[derive(Debug)]
pub(crate) struct StoredTable {
    store: ObjectStoreUrl,
    files: Vec<StoredFile>,
    schema: SchemaRef,
    /// Columns by which the rows are sorted.
    order: Vec<usize>,
}

impl StoredTable {
    /// A version stored as `files`, each of exactly the manifest's `schema`.
    ///
    /// Field and schema metadata are dropped: they are not the caller's business. Text is read as views, which costs
    /// no copy of the bytes.
    pub(crate) fn new(store: ObjectStoreUrl, files: Vec<StoredFile>, schema: &Schema) -> Self {
        let fields = schema.fields().iter().map(|field| {
            let data_type = match field.data_type() {
                DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
                DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
                other => other.clone(),
            };
            Field::new(field.name(), data_type, field.is_nullable())
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        Self { store, files, schema, order: Vec::new() }
    }

    /// The version with its rows sorted by these columns; the order of equal ones tells nothing.
    pub(crate) fn sorted_by<'a>(self, columns: impl Iterator<Item = &'a str>) -> Self {
        let order = columns.filter_map(|column| self.schema.index_of(column).ok()).collect();
        Self { order, ..self }
    }

    /// Columns by which the rows are sorted.
    pub(crate) fn order(&self) -> &[usize] {
        &self.order
    }

    /// What an optimizer may be told about this version under any policy.
    pub(crate) fn estimate(&self) -> Estimate {
        let sum = |of: fn(&StoredFile) -> u64| self.files.iter().map(of).fold(0, u64::saturating_add);
        let as_usize = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        Estimate { rows: as_usize(sum(|file| file.rows)), bytes: as_usize(sum(|file| file.bytes)) }
    }

    fn statistics_of(&self, rows: u64, bytes: u64) -> Statistics {
        let as_usize = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        Statistics {
            num_rows: Precision::Exact(as_usize(rows)),
            total_byte_size: Precision::Inexact(as_usize(bytes)),
            column_statistics: vec![ColumnStatistics::new_unknown(); self.schema.fields().len()],
        }
    }
}

#[async_trait]
impl TableProvider for StoredTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    /// Filters arrive with the physical plan, where they prune row groups and pages.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Unsupported; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let runtime = state.runtime_env();
        let readers = CachedParquetFileReaderFactory::new(
            runtime.object_store(&self.store)?,
            runtime.cache_manager.get_file_metadata_cache(),
        );
        let options = TableParquetOptions {
            global: state.config_options().execution.parquet.clone(),
            ..TableParquetOptions::default()
        };
        let source = ParquetSource::new(Arc::clone(&self.schema))
            .with_table_parquet_options(options)
            .with_parquet_file_reader_factory(Arc::new(readers));
        let files = self.files.iter().map(|file| {
            PartitionedFile::new(file.path.clone(), file.bytes)
                .with_statistics(Arc::new(self.statistics_of(file.rows, file.bytes)))
        });
        let mut groups = FileGroup::new(files.collect()).split_files(state.config().target_partitions());
        if groups.is_empty() {
            // What sorts or joins asks for one partition at least: of a version that has lost all its rows it is empty.
            groups.push(FileGroup::default());
        }
        let total = self.estimate();
        let config = FileScanConfigBuilder::new(self.store.clone(), Arc::new(source))
            .with_file_groups(groups)
            .with_statistics(self.statistics_of(total.rows as u64, total.bytes as u64))
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}
