use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, Result, ScalarValue, Statistics};
use datafusion::config::TableParquetOptions;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::physical_plan::parquet::{CachedParquetFileReaderFactory, ParquetRowSelection};
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::{TableProvider, TableType};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datasets_store::Places;

use super::Reach;
use crate::barrier::Estimate;
use crate::tables::StoredFile;

/// One version of a dataset without any policy: what its manifest says, nothing is listed or inferred.
///
/// Never registered for a caller as it is unless no filter, mask or denied item applies.
#[derive(Debug)]
pub(crate) struct StoredTable {
    store: ObjectStoreUrl,
    files: Vec<StoredFile>,
    /// The schema of the files.
    stored: SchemaRef,
    /// The same with what a scan adds.
    schema: SchemaRef,
    /// Columns by which the rows are sorted.
    order: Vec<usize>,
    /// Where the rows of files lie, as far as that is known.
    places: Option<Arc<Places>>,
    reach: Reach,
    /// All rows, where they are at hand.
    rows: Option<Vec<RecordBatch>>,
}

impl StoredTable {
    /// A version stored as `files`, each of exactly the manifest's `schema`.
    ///
    /// Field and schema metadata are dropped: they are not the caller's business. Text is read as views, which costs
    /// no copy of the bytes.
    pub(crate) fn new(store: ObjectStoreUrl, files: Vec<StoredFile>, schema: &Schema) -> Self {
        let schema = Arc::new(viewed(schema));
        let stored = Arc::clone(&schema);
        let reach = Reach::default();
        Self { store, files, stored, schema, order: Vec::new(), places: None, reach, rows: None }
    }

    /// The version with its rows sorted by these columns; the order of equal ones tells nothing.
    pub(crate) fn sorted_by<'a>(self, columns: impl Iterator<Item = &'a str>) -> Self {
        let order = columns.filter_map(|column| self.schema.index_of(column).ok()).collect();
        Self { order, ..self }
    }

    /// The version whose rows stand by where they lie, too.
    pub(crate) fn along(mut self, places: Option<Arc<Places>>) -> Self {
        let columns = places.iter().flat_map(|places| &places.columns);
        let columns = columns.filter_map(|column| self.stored.index_of(column.as_str()).ok());
        self.order.extend(columns);
        self.places = places;
        self
    }

    /// The version, read no further than that.
    pub(crate) fn within(mut self, reach: Reach) -> Self {
        self.schema = reach.schema(&self.stored);
        self.reach = reach;
        self
    }

    /// The version whose rows are at hand, in their order, too: files are read only for what is not all of it.
    pub(crate) fn with_rows(self, rows: Option<Vec<RecordBatch>>) -> Self {
        Self { rows, ..self }
    }

    /// A scan of the rows at hand; `None` where files are read.
    fn scan_at_hand(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        limit: Option<usize>,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let is_within_step = |rows: &&Vec<RecordBatch>| {
            let most = state.config().batch_size();
            rows.iter().all(|batch| batch.num_rows() <= most)
        };
        let Some(rows) = self.rows.as_ref().filter(|_| self.reach.is_all()).filter(is_within_step) else {
            return Ok(None);
        };
        let share = rows.len().div_ceil(state.config().target_partitions().max(1)).max(1);
        let partitions: Vec<_> = rows.chunks(share).map(<[RecordBatch]>::to_vec).collect();
        let source = MemorySourceConfig::try_new(&partitions, self.schema(), projection.cloned())?;
        Ok(Some(DataSourceExec::from_data_source(source.with_show_sizes(false).with_limit(limit))))
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
            column_statistics: vec![ColumnStatistics::new_unknown(); self.stored.fields().len()],
        }
    }

    /// A file as the scan reads it; `None` where no row of it is wanted.
    fn scanned(&self, number: usize, file: &StoredFile) -> Option<PartitionedFile> {
        let scanned = PartitionedFile::new(file.path.clone(), file.bytes);
        if self.reach.is_all() {
            return Some(scanned.with_statistics(Arc::new(self.statistics_of(file.rows, file.bytes))));
        }
        let scanned = match self.reach.positioned {
            true => scanned.with_partition_values(vec![ScalarValue::Int64(i64::try_from(number).ok())]),
            false => scanned,
        };
        let boxes = self.places.as_ref().and_then(|places| places.boxes.get(&file.path));
        match self.reach.rows(number, file, boxes) {
            None => Some(scanned),
            Some(rows) if rows.row_count() == 0 => None,
            Some(rows) => Some(scanned.with_extension(ParquetRowSelection::new(rows))),
        }
    }
}

/// The schema in which a version stored with `schema` is read.
pub(crate) fn viewed(schema: &Schema) -> Schema {
    let fields = schema.fields().iter().map(|field| {
        let data_type = match field.data_type() {
            DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
            DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
            other => other.clone(),
        };
        Field::new(field.name(), data_type, field.is_nullable())
    });
    Schema::new(fields.collect::<Vec<_>>())
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
        if let Some(scan) = self.scan_at_hand(state, projection, limit)? {
            return Ok(scan);
        }
        let runtime = state.runtime_env();
        let readers = CachedParquetFileReaderFactory::new(
            runtime.object_store(&self.store)?,
            runtime.cache_manager.get_file_metadata_cache(),
        );
        let options = TableParquetOptions {
            global: state.config_options().execution.parquet.clone(),
            ..TableParquetOptions::default()
        };
        let source = ParquetSource::new(self.reach.table_schema(&self.stored))
            .with_table_parquet_options(options)
            .with_parquet_file_reader_factory(Arc::new(readers));
        let files = self.files.iter().enumerate();
        let files = files.filter_map(|(number, file)| self.scanned(number, file));
        let files = FileGroup::new(files.collect());
        let mut groups = match self.reach.positioned && !files.is_empty() {
            // Places are numbered as the manifest names the files; splitting sorts them by their paths.
            true => vec![files],
            false => files.split_files(state.config().target_partitions()),
        };
        if groups.is_empty() {
            // What sorts or joins asks for one partition at least: of a version that has lost all its rows it is empty.
            groups.push(FileGroup::default());
        }
        let mut config = FileScanConfigBuilder::new(self.store.clone(), Arc::new(source))
            .with_file_groups(groups)
            .with_preserve_order(self.reach.positioned);
        if self.reach.is_all() {
            let total = self.estimate();
            config = config.with_statistics(self.statistics_of(total.rows as u64, total.bytes as u64));
        }
        let config = config.with_projection_indices(projection.cloned())?.with_limit(limit);
        Ok(DataSourceExec::from_data_source(config.build()))
    }
}
