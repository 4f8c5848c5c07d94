//! What differs between two versions of one dataset, as its reader sees them.
//!
//! Both are read behind their barriers, so a row that leaves the filter is a deletion and a change behind a mask is none. The
//! rows of both are grouped by all their columns: equal ones cancel each other out, in the engine's own aggregation, which
//! spills to disk. What is left is sorted by the key, so that the two images of one record stand side by side.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{Array as _, ArrayRef, AsArray, RecordBatch, StringArray, UInt64Array};
use arrow::compute::{concat_batches, partition, take_record_batch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use catalog_core::services::VersionSelector;
use catalog_core::{ColumnName, Error, ErrorCode, OpContext, ResourceCode, Result};
use datafusion::catalog::default_table_source::provider_as_source;
use datafusion::catalog::memory::MemoryCatalogProviderList;
use datafusion::common::Column;
use datafusion::datasource::TableProvider;
use datafusion::functions_aggregate::sum::sum;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit};
use futures::{StreamExt, stream};

use super::{Bounds, Core, QueryEngine, answer, geometries, selected};
use crate::answer::{QueryAnswer, Records};
use crate::engine::Place;
use crate::tables::{OpenTable, TableName};

/// The column that says what became of a row, as the change data feed of Delta Lake calls it.
pub const CHANGE_TYPE: &str = "_change_type";
/// How many more such rows the later version has. No item is called so: machine names begin with a letter.
const WEIGHT: &str = "_weight";
/// Rows of a batch.
const BATCH_ROWS: usize = 8192;

const INSERT: &str = "insert";
const DELETE: &str = "delete";
const BEFORE: &str = "update_preimage";
const AFTER: &str = "update_postimage";

impl QueryEngine {
    /// The columns of a table and their types, as its reader sees them.
    pub fn shown(&self, open: &OpenTable) -> Result<SchemaRef> {
        Ok(self.core.provider(open)?.schema())
    }

    /// The rows of the version `after` that `before` has not, and the other way round, each with [`CHANGE_TYPE`]: `insert`,
    /// `delete`, and where the key is seen in clear `update_preimage` and `update_postimage` of one record.
    ///
    /// # Errors
    /// `conflict` where the reader sees other columns in one than in the other.
    pub async fn changes(
        &self,
        place: Place,
        ctx: &OpContext,
        code: &ResourceCode,
        (before, after): (i64, i64),
    ) -> Result<QueryAnswer> {
        let limits = self.core.limits(ctx);
        let bounds = Bounds { limits, deadline: Instant::now() + limits.time, now: ctx.now, place };
        let watch = self.core.parts.revocations.watch();
        let table = TableName::Code(code.clone());
        let before = self.tables().open(ctx, &table, VersionSelector::Number(before)).await?;
        let after = self.tables().open(ctx, &table, VersionSelector::Number(after)).await?;
        let sources = vec![before.dataset.source(), after.dataset.source()];
        let told = sources.clone();
        let (core, ctx) = (Arc::clone(&self.core), ctx.clone());
        let run = async move {
            let compared = Compared::new(&core, before, after)?;
            let logical = compared.plan().map_err(Error::internal)?;
            let mut state =
                core.session(&ctx, &(Arc::new(MemoryCatalogProviderList::new()) as _), &bounds)?;
            let found = answer(selected(&mut state, &logical, sources, watch, bounds).await?).await?;
            compared.told(found)
        };
        self.workers.run(run).await.map_err(|error| error.after_opening(told))
    }
}

/// Two versions under the policies by which they are read.
struct Compared {
    tables: [Arc<dyn TableProvider>; 2],
    after: OpenTable,
    /// The key, where both show it in clear.
    key: Vec<ColumnName>,
}

impl Compared {
    fn new(core: &Core, mut before: OpenTable, mut after: OpenTable) -> Result<Self> {
        leave_out_what_is_shared(&mut before, &mut after);
        let tables = [core.provider(&before)?, core.provider(&after)?];
        let [one, other] = tables.each_ref().map(|table| table.schema());
        if one.fields() != other.fields() {
            let message = format!(
                "version {} has other columns than version {}, so there are no changes between them: read it anew",
                after.dataset.version.number, before.dataset.version.number
            );
            return Err(Error::new(ErrorCode::Conflict, message));
        }
        let key = match shows_key(&before) && shows_key(&after) && same_key(&before, &after) {
            true => after.dataset.resource.key.clone(),
            false => Vec::new(),
        };
        Ok(Self { tables, after, key })
    }

    fn schema(&self) -> SchemaRef {
        self.tables[1].schema()
    }

    fn plan(&self) -> datafusion::error::Result<LogicalPlan> {
        let schema = self.schema();
        let column = |name: &str| Expr::Column(Column::from_name(name));
        let columns = || schema.fields().iter().map(|field| column(field.name()));
        let [before, after] = &self.tables;
        let side = |table: &Arc<dyn TableProvider>, weight: i64| {
            let named = schema.fields().iter().map(|field| column(field.name()).alias(field.name()));
            LogicalPlanBuilder::scan("version", provider_as_source(Arc::clone(table)), None)?
                .project(named.chain([lit(weight).alias(WEIGHT)]))?
                .build()
        };
        let order = self.order().into_iter().chain([WEIGHT.to_owned()]);
        LogicalPlanBuilder::from(side(before, -1)?)
            .union(side(after, 1)?)?
            .aggregate(columns(), [sum(column(WEIGHT)).alias(WEIGHT)])?
            .filter(column(WEIGHT).not_eq(lit(0_i64)))?
            .sort(order.map(|name| column(&name).sort(true, false)))?
            .build()
    }

    /// By the key, else by everything that is seen: an order that tells nothing of what is hidden.
    fn order(&self) -> Vec<String> {
        if !self.key.is_empty() {
            return self.key.iter().map(ToString::to_string).collect();
        }
        let is_ordered = |field: &&Arc<Field>| {
            !matches!(field.data_type(), DataType::Binary | DataType::LargeBinary | DataType::BinaryView)
        };
        let schema = self.schema();
        schema.fields().iter().filter(is_ordered).map(|field| field.name().clone()).collect()
    }

    /// The found rows with their kinds of change in place of their weights.
    fn told(&self, found: QueryAnswer) -> Result<QueryAnswer> {
        let fields = self.schema().fields().iter().cloned().collect::<Vec<_>>();
        let kind = Arc::new(Field::new(CHANGE_TYPE, DataType::Utf8, false));
        let schema = Arc::new(Schema::new(fields.into_iter().chain([kind]).collect::<Vec<_>>()));
        let key = self.key.iter().map(|name| schema.index_of(name.as_str()).map_err(Error::internal));
        let pairing = Pairing { key: key.collect::<Result<_>>()?, schema: Arc::clone(&schema), held: None };
        let geo = geometries(&self.after.dataset, &schema);
        let QueryAnswer { records, .. } = found;
        Ok(QueryAnswer { schema, geo, records: paired(pairing, records), ..found })
    }
}

/// Rows of files that both versions have in common are in both, where one policy shows them: they need not be read.
fn leave_out_what_is_shared(before: &mut OpenTable, after: &mut OpenTable) {
    let [one, other] = [&*before, &*after].map(|open| &open.dataset.granted.policy);
    if one != other || one.statistics.is_some() {
        return;
    }
    let paths = |open: &OpenTable| open.files.iter().map(|file| file.path.clone()).collect::<BTreeSet<_>>();
    let shared: BTreeSet<String> = paths(before).intersection(&paths(after)).cloned().collect();
    for open in [before, after] {
        open.files.retain(|file| !shared.contains(&file.path));
    }
}

fn shows_key(open: &OpenTable) -> bool {
    let policy = &open.dataset.granted.policy;
    let in_clear = |name: &ColumnName| {
        policy.stored_columns().iter().any(|seen| seen.column == *name && seen.mask.is_none())
    };
    policy.statistics.is_none() && open.dataset.resource.key.iter().all(in_clear)
}

fn same_key(before: &OpenTable, after: &OpenTable) -> bool {
    before.dataset.resource.key == after.dataset.resource.key
}

/// Makes changes of weighted rows, batch by batch.
struct Pairing {
    schema: SchemaRef,
    /// Places of the key's columns; none where rows are not known by a key.
    key: Vec<usize>,
    /// The last rows so far with one key: the next batch may go on with it.
    held: Option<RecordBatch>,
}

fn paired(pairing: Pairing, records: Records) -> Records {
    let state = (pairing, Some(records));
    stream::unfold(state, |(mut pairing, records)| async {
        let mut records = records?;
        let (changes, rest) = match records.next().await {
            Some(Ok(batch)) => (pairing.take(&batch), Some(records)),
            Some(Err(error)) => (Err(error), None),
            None => (pairing.finish(), None),
        };
        Some((changes, (pairing, rest)))
    })
    .flat_map(|changes| match changes {
        Ok(changes) => stream::iter(changes).left_stream(),
        Err(error) => stream::iter([Err(error)]).right_stream(),
    })
    .boxed()
}

impl Pairing {
    /// The changes that are known once this batch is; rows that may belong together with the next are held back.
    fn take(&mut self, batch: &RecordBatch) -> Result<Changes> {
        if batch.num_rows() == 0 {
            return Ok(Changes::none(&self.schema));
        }
        if self.key.is_empty() {
            let kinds = single(&weights(batch));
            return Ok(Changes::of(&self.schema, batch.clone(), kinds));
        }
        let rows = match self.held.take() {
            Some(held) => concat_batches(&batch.schema(), [&held, batch]).map_err(Error::internal)?,
            None => batch.clone(),
        };
        let last = self.records(&rows)?.pop().map_or(0, |range| range.start);
        self.held = Some(alone(&rows.slice(last, rows.num_rows() - last))?);
        self.changes(rows.slice(0, last))
    }

    fn finish(&mut self) -> Result<Changes> {
        match self.held.take() {
            Some(rows) => self.changes(rows),
            None => Ok(Changes::none(&self.schema)),
        }
    }

    /// Where each record begins and ends: rows with one key.
    fn records(&self, rows: &RecordBatch) -> Result<Vec<std::ops::Range<usize>>> {
        let key: Vec<_> = self.key.iter().map(|place| Arc::clone(rows.column(*place))).collect();
        Ok(partition(&key).map_err(Error::internal)?.ranges())
    }

    /// The changes of whole records: one that was deleted and inserted once was updated.
    fn changes(&self, rows: RecordBatch) -> Result<Changes> {
        if rows.num_rows() == 0 {
            return Ok(Changes::none(&self.schema));
        }
        let weights = weights(&rows);
        let mut kinds = single(&weights);
        for record in self.records(&rows)? {
            if weights[record.clone()] == [-1, 1] {
                kinds[record.start].0 = BEFORE;
                kinds[record.start + 1].0 = AFTER;
            }
        }
        Ok(Changes::of(&self.schema, rows, kinds))
    }
}

/// The same rows without the texts of others: views keep all that their batch was made of, and what is held back would keep
/// one batch after another.
fn alone(rows: &RecordBatch) -> Result<RecordBatch> {
    let columns = rows.columns().iter().map(|column| -> ArrayRef {
        match column.data_type() {
            DataType::Utf8View => Arc::new(column.as_string_view().gc()),
            DataType::BinaryView => Arc::new(column.as_binary_view().gc()),
            _ => Arc::clone(column),
        }
    });
    RecordBatch::try_new(rows.schema(), columns.collect()).map_err(Error::internal)
}

/// The last column of what was found.
fn weights(rows: &RecordBatch) -> Vec<i64> {
    let last = rows.num_columns().saturating_sub(1);
    rows.column(last).as_primitive::<Int64Type>().values().to_vec()
}

/// What became of each row, and how often.
type Kind = (&'static str, u64);

/// Rows that stand for themselves.
fn single(weights: &[i64]) -> Vec<Kind> {
    let kind = |weight: &i64| (if *weight < 0 { DELETE } else { INSERT }, weight.unsigned_abs());
    weights.iter().map(kind).collect()
}

/// Rows with what became of them, each as often as it says, in batches of bounded size.
struct Changes {
    schema: SchemaRef,
    rows: RecordBatch,
    kinds: Vec<Kind>,
    /// The row that comes next.
    next: usize,
}

impl Changes {
    fn of(schema: &SchemaRef, rows: RecordBatch, kinds: Vec<Kind>) -> Self {
        Self { schema: Arc::clone(schema), rows, kinds, next: 0 }
    }

    fn none(schema: &SchemaRef) -> Self {
        Self::of(schema, RecordBatch::new_empty(Arc::clone(schema)), Vec::new())
    }

    fn batch(&self, rows: &UInt64Array, kinds: Vec<&'static str>) -> Result<RecordBatch> {
        let rows = take_record_batch(&self.rows, rows).map_err(Error::internal)?;
        let mut columns = rows.columns().to_vec();
        columns.pop();
        columns.push(Arc::new(StringArray::from(kinds)));
        RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(Error::internal)
    }
}

impl Iterator for Changes {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let (mut rows, mut kinds) = (Vec::new(), Vec::new());
        while let Some((kind, times)) = self.kinds.get_mut(self.next).filter(|_| rows.len() < BATCH_ROWS) {
            let room = (BATCH_ROWS - rows.len()) as u64;
            let now = room.min(*times);
            for _ in 0..now {
                rows.push(self.next as u64);
                kinds.push(*kind);
            }
            *times -= now;
            if *times == 0 {
                self.next += 1;
            }
        }
        (!rows.is_empty()).then(|| self.batch(&UInt64Array::from(rows), kinds))
    }
}

#[cfg(test)]
mod tests;
