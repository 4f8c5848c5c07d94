//! Typed selections: items, filter, sort and keyset pages of one dataset, without any SQL text.

mod condition;
mod cursor;
mod reach;
mod slice;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Int64Type, Schema, SchemaRef};
use catalog_core::evidence::SourceRead;
use catalog_core::policy::filter::{ColumnTypes, Literal};
use catalog_core::policy::{Filter, Operand};
use catalog_core::services::{Dataset, VersionSelector};
use catalog_core::{Error, ErrorCode, Result};
use datafusion::catalog::default_table_source::provider_as_source;
use datafusion::common::{Column, ScalarValue};
use datafusion::datasource::TableProvider;
use datafusion::functions::string::starts_with;
use datafusion::functions_aggregate::count::count_all;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit};
use datasets_store::GeoColumns;
use exchange_crypto::{Digest, MacKey};
use futures::{StreamExt, TryStreamExt, stream};

use crate::answer::QueryAnswer;
use crate::policy;
use crate::table::POSITION;
use crate::tables::TableName;
pub use condition::Condition;
pub(crate) use cursor::Cursor;
use cursor::Place;
pub use slice::Slice;

/// The most rows of one page.
const PAGE_ROWS: u32 = 10_000;
/// The most rows of a page that count as a look-up of those whom they are about.
const FEW_ROWS: usize = 100;
/// The most columns of an order.
const SORT_KEYS: usize = 16;

/// One column of an order. NULL comes last either way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortKey {
    /// The column, by machine name or title.
    pub column: String,
    /// Greatest first.
    pub descending: bool,
}

/// What is wanted of one dataset.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// The dataset.
    pub table: TableName,
    /// The version; a cursor keeps the version of its first page.
    pub version: VersionSelector,
    /// Columns by machine name or title; all visible ones when empty.
    pub columns: Vec<String>,
    /// Rows, over what the caller sees: a filter on a masked column compares the masked value.
    pub filter: Option<Filter>,
    /// Rows, by where they lie too: of those that the filter leaves.
    pub condition: Option<Condition>,
    /// Order, by at most 16 different columns; ties are broken by the key, or by all visible columns.
    pub sort: Vec<SortKey>,
    /// Whether pages without a `sort` go in the order in which rows are stored, of which they read no more than they give. Where
    /// that order tells of what is hidden, they go by key.
    pub as_stored: bool,
    /// Rows of a page, at most 10,000; `None` streams everything.
    pub limit: Option<u32>,
    /// Streams only these rows of the order, which ties do not leave open then. Not with a limit or a cursor.
    pub slice: Option<Slice>,
    /// Whether to count the rows of all pages, which reads all of them.
    pub count: bool,
    /// The page after the one that gave this cursor.
    pub cursor: Option<String>,
    /// The machine name of the column that names whom a row is about: of a page of at most 100 rows its values are told beside
    /// the answer, whether the column is selected or not. It must be visible, and takes no part in a cursor.
    pub subject: Option<String>,
}

impl Selection {
    /// All of the newest version.
    pub fn of(table: TableName) -> Self {
        Self {
            table,
            version: VersionSelector::Latest,
            columns: Vec::new(),
            filter: None,
            condition: None,
            sort: Vec::new(),
            as_stored: false,
            limit: None,
            slice: None,
            count: false,
            cursor: None,
            subject: None,
        }
    }

    /// The record, or few, with these values.
    pub fn record(table: TableName, key: BTreeMap<String, Literal>) -> Self {
        let parts = key.into_iter().map(|(column, value)| Filter::Eq(column, Operand::Literal(value)));
        Self { filter: Some(Filter::And(parts.collect())), limit: Some(100), ..Self::of(table) }
    }

    /// The cursor, once its authenticity is checked.
    pub(crate) fn opened_cursor(&self, key: &MacKey) -> Result<Option<Cursor>> {
        self.cursor.as_deref().map(|text| Cursor::open(text, key)).transpose()
    }

    fn digest(&self, source: &SourceRead) -> Result<String> {
        let sort: Vec<_> = self.sort.iter().map(|key| (&key.column, key.descending)).collect();
        let condition = self.condition.as_ref().map(|condition| format!("{condition:?}"));
        // The places of rows are those of one manifest.
        let manifest = self.as_stored.then_some(&source.manifest_digest);
        let rows = (&self.filter, condition, manifest);
        let asked = (&source.resource, source.version, &source.policy_digest, &self.columns, rows, sort);
        let text = serde_json::to_string(&asked).map_err(Error::internal)?;
        Ok(Digest::of(text.as_bytes()).to_hex())
    }
}

/// A planned page.
pub(crate) struct Page {
    logical: LogicalPlan,
    wanted: usize,
    /// Places of the order's columns in the planned rows.
    order: Vec<usize>,
    /// Place of the subject's column in them.
    subject: Option<usize>,
    limit: Option<usize>,
    slice: Option<Slice>,
    previous: Option<Cursor>,
    version: i64,
    digest: String,
}

impl Page {
    pub(crate) fn plan(
        selection: &Selection,
        cursor: Option<Cursor>,
        dataset: &Dataset,
        source: &SourceRead,
        provider: &Arc<dyn TableProvider>,
    ) -> Result<Self> {
        let schema = provider.schema();
        let digest = selection.digest(source)?;
        if cursor.as_ref().is_some_and(|cursor| cursor.digest != digest) {
            let message = "the cursor belongs to another selection or policy; start from the first page";
            return Err(Error::new(ErrorCode::Conflict, message));
        }
        let limit = page_rows(selection.limit)?;
        let slice = selection.slice;
        if slice.is_some() && (limit.is_some() || cursor.is_some()) {
            let message = "rows are chosen by a page or by their places, not by both";
            return Err(Error::new(ErrorCode::InvalidInput, message));
        }
        let is_total = limit.is_some() || slice.is_some();
        let names = Names { dataset, schema: &schema };
        let positioned = schema.index_of(POSITION[0]).is_ok();
        let mut columns = match selection.columns.as_slice() {
            [] => {
                let names = schema.fields().iter().map(|field| field.name());
                names.filter(|name| !POSITION.contains(&name.as_str())).cloned().collect()
            }
            asked => asked.iter().map(|name| names.machine(name)).collect::<Result<Vec<_>>>()?,
        };
        if let Some(twice) = columns.iter().enumerate().find(|(place, name)| columns[..*place].contains(name))
        {
            let message = format!("the selection names {} twice", twice.1);
            return Err(Error::new(ErrorCode::InvalidInput, message));
        }
        let wanted = columns.len();
        let order = match positioned {
            true => POSITION.map(|name| (name.to_owned(), false)).to_vec(),
            false => names.order(selection, is_total)?,
        };
        for (name, _) in &order {
            if limit.is_some() && !columns.contains(name) {
                columns.push(name.clone());
            }
        }
        let subject = selection.subject.as_ref().filter(|_| limit.is_some());
        let subject = subject.map(|name| names.machine(name)).transpose()?;
        columns.extend(subject.iter().filter(|name| !columns.contains(name)).cloned().collect::<Vec<_>>());
        let mut rows = names.rows(selection)?;
        if let Some(cursor) = cursor.as_ref().filter(|_| !positioned) {
            let from = cursor.rows_from(&order, &schema)?;
            rows = Some(rows.map_or_else(|| from.clone(), |filter| filter.and(from.clone())));
        }
        let skip = cursor.as_ref().map_or(0, |cursor| cursor.delivered);
        let (skip, fetch) = match slice {
            Some(slice) => slice.planned(),
            None => (skip, limit.map(|limit| limit + 1)),
        };
        // What comes as it is stored is not sorted again.
        let sort = if positioned { &[] } else { order.as_slice() };
        let logical = build(provider, rows, sort, &columns, (skip, fetch)).map_err(Error::internal)?;
        let place = |name: &String| columns.iter().position(|column| column == name);
        Ok(Self {
            logical,
            wanted,
            order: order.iter().filter_map(|(name, _)| place(name)).collect(),
            subject: subject.as_ref().and_then(place),
            limit,
            slice,
            previous: cursor,
            version: source.version,
            digest,
        })
    }

    pub(crate) fn logical(&self) -> &LogicalPlan {
        &self.logical
    }

    /// For a page: reads it, cuts off the row that only shows that there is more, and makes the next cursor.
    pub(crate) async fn finish(self, answer: QueryAnswer, key: &MacKey) -> Result<QueryAnswer> {
        let Some(limit) = self.limit else {
            return Ok(match self.slice {
                Some(slice) => QueryAnswer { records: slice.cut(answer.records), ..answer },
                None => answer,
            });
        };
        let QueryAnswer { schema, sources, limits, now, records, .. } = answer;
        let batches: Vec<RecordBatch> = records.try_collect().await?;
        let rows = concat_batches(&schema, &batches).map_err(Error::internal)?;
        let next = match rows.num_rows() > limit {
            true => Some(self.next_cursor(&rows, limit)?.seal(key)?),
            false => None,
        };
        let places: Vec<usize> = (0..self.wanted).collect();
        let whole = rows.slice(0, limit.min(rows.num_rows()));
        let subjects = match self.subject {
            Some(place) if whole.num_rows() <= FEW_ROWS => texts(whole.column(place))?,
            _ => Vec::new(),
        };
        let page = whole.project(&places).map_err(Error::internal)?;
        let schema = page.schema();
        Ok(QueryAnswer {
            schema,
            sources,
            limits,
            now,
            next,
            geo: GeoColumns::default(),
            total: None,
            subjects,
            records: stream::iter([Ok(page)]).boxed(),
        })
    }

    fn next_cursor(&self, rows: &RecordBatch, limit: usize) -> Result<Cursor> {
        let at = |row: usize| {
            let value = |place: &usize| ScalarValue::try_from_array(rows.column(*place), row);
            Place::of(self.order.iter().map(|place| value(place).map_err(Error::internal)))
        };
        let last = at(limit - 1)?;
        let mut delivered = 0;
        while delivered < limit && at(limit - 1 - delivered)? == last {
            delivered += 1;
        }
        let (values, cut) = (last.literals()?, last.cut);
        if let Some(previous) = &self.previous
            && delivered == limit
            && (&previous.values, previous.cut) == (&values, cut)
        {
            delivered += previous.delivered;
        }
        Ok(Cursor { digest: self.digest.clone(), version: self.version, values, cut, delivered })
    }
}

/// The plan that counts the rows of a selection, on whatever page.
pub(crate) fn count(
    selection: &Selection,
    dataset: &Dataset,
    provider: &Arc<dyn TableProvider>,
) -> Result<LogicalPlan> {
    let schema = provider.schema();
    let rows = Names { dataset, schema: &schema }.rows(selection)?;
    let plan = || {
        let scan = LogicalPlanBuilder::scan("selection", provider_as_source(Arc::clone(provider)), None)?;
        let rows = match rows {
            Some(rows) => scan.filter(rows)?,
            None => scan,
        };
        rows.aggregate(Vec::<Expr>::new(), [count_all()])?.build()
    };
    plan().map_err(Error::internal)
}

/// The number that a counting plan answers.
pub(crate) async fn counted(answer: QueryAnswer) -> Result<u64> {
    let batches: Vec<RecordBatch> = answer.records.try_collect().await?;
    let counts = batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values());
    Ok(counts.sum::<i64>().unsigned_abs())
}

/// The values of a column as text.
fn texts(column: &ArrayRef) -> Result<Vec<String>> {
    let column = cast(column, &DataType::Utf8).map_err(Error::internal)?;
    Ok(column.as_string::<i32>().iter().flatten().map(str::to_owned).collect())
}

fn page_rows(limit: Option<u32>) -> Result<Option<usize>> {
    match limit {
        Some(0) => Err(Error::new(ErrorCode::InvalidInput, "a page has at least one row")),
        Some(rows) if rows > PAGE_ROWS => {
            Err(Error::new(ErrorCode::LimitRows, format!("a page has at most {PAGE_ROWS} rows")))
        }
        other => Ok(other.and_then(|rows| usize::try_from(rows).ok())),
    }
}

fn build(
    provider: &Arc<dyn TableProvider>,
    rows: Option<Expr>,
    order: &[(String, bool)],
    columns: &[String],
    (skip, fetch): (usize, Option<usize>),
) -> datafusion::error::Result<LogicalPlan> {
    let column = |name: &String| Expr::Column(Column::from_name(name));
    let mut builder = LogicalPlanBuilder::scan("selection", provider_as_source(Arc::clone(provider)), None)?;
    if let Some(rows) = rows {
        builder = builder.filter(rows)?;
    }
    if !order.is_empty() {
        builder =
            builder.sort(order.iter().map(|(name, descending)| column(name).sort(!descending, false)))?;
    }
    if fetch.is_some() {
        builder = builder.limit(skip, fetch)?;
    }
    builder.project(columns.iter().map(column))?.build()
}

struct Names<'a> {
    dataset: &'a Dataset,
    schema: &'a SchemaRef,
}

impl Names<'_> {
    /// The machine name of a visible column, called by either name.
    fn machine(&self, name: &str) -> Result<String> {
        let columns = &self.dataset.granted.policy.columns;
        let found = columns.iter().find(|column| column.column.as_str() == name || column.title == name);
        match found.map(|column| column.column.to_string()) {
            Some(column) if self.schema.index_of(&column).is_ok() => Ok(column),
            _ => Err(Error::new(ErrorCode::UnknownColumn, format!("there is no column {name}"))),
        }
    }

    /// The order asked for; for a page completed by what tells rows apart.
    fn order(&self, selection: &Selection, page: bool) -> Result<Vec<(String, bool)>> {
        let invalid = |message| Err(Error::new(ErrorCode::InvalidInput, message));
        if selection.sort.len() > SORT_KEYS {
            return invalid(format!("an order has at most {SORT_KEYS} columns"));
        }
        let mut order: Vec<(String, bool)> = Vec::new();
        for key in &selection.sort {
            let column = self.machine(&key.column)?;
            if order.iter().any(|(name, _)| *name == column) {
                return invalid(format!("the order names {column} twice"));
            }
            if !self.is_ordered(&column) {
                return invalid(format!(
                    "{column} holds geometries, which have no order; sort by another item"
                ));
            }
            order.push((column, key.descending));
        }
        if page {
            for column in self.breaking_ties() {
                if !order.iter().any(|(name, _)| *name == column) {
                    order.push((column, false));
                }
            }
        }
        Ok(order)
    }

    /// The key where it is visible and unmasked; otherwise everything visible: rows equal in all of it are alike.
    fn breaking_ties(&self) -> Vec<String> {
        let visible = &self.dataset.granted.policy.columns;
        let key = &self.dataset.resource.key;
        let is_plain = |name: &&catalog_core::ColumnName| {
            visible.iter().any(|column| column.column == **name && column.mask.is_none())
                && self.schema.index_of(name.as_str()).is_ok()
        };
        if !key.is_empty() && key.iter().all(|name| is_plain(&name)) {
            return key.iter().map(ToString::to_string).collect();
        }
        let names = self.schema.fields().iter().map(|field| field.name());
        names.filter(|name| self.is_ordered(name)).cloned().collect()
    }

    /// Whether the column's values can be put in an order that a cursor holds a place of.
    fn is_ordered(&self, column: &str) -> bool {
        let field = self.schema.field_with_name(column);
        field.is_ok_and(|field| {
            !matches!(field.data_type(), DataType::Binary | DataType::LargeBinary | DataType::BinaryView)
        })
    }

    /// The rows that filter and condition leave.
    fn rows(&self, selection: &Selection) -> Result<Option<Expr>> {
        let filter = selection.filter.as_ref().map(|filter| self.filter(filter)).transpose()?;
        let condition =
            selection.condition.as_ref().map(|condition| self.condition(condition)).transpose()?;
        Ok(policy::balanced(filter.into_iter().chain(condition).collect(), Expr::and))
    }

    fn filter(&self, filter: &Filter) -> Result<Expr> {
        let columns = &self.dataset.granted.policy.columns;
        let shown = columns.iter().filter(|column| self.schema.index_of(column.column.as_str()).is_ok());
        let types: ColumnTypes<'_> = shown
            .filter_map(|column| {
                let stored = column.stored_type;
                let shown = column.mask.as_ref().map_or(Some(stored), |mask| mask.output_type(stored))?;
                Some((column.column.as_str(), shown))
            })
            .collect();
        let bound = filter.bind(&types, &BTreeMap::new())?;
        policy::expression(&bound, self.schema).map_err(Error::internal)
    }
}

/// Rows at or after a place in an order whose NULLs come last; where it is `cut`, the last value is the start of a text.
fn at_or_after(order: &[(String, bool)], values: &[ScalarValue], cut: bool) -> Expr {
    let column = |name: &String| Expr::Column(Column::from_name(name));
    let mut beyond = lit(false);
    let mut same = lit(true);
    for (place, ((name, descending), value)) in order.iter().zip(values).enumerate() {
        let (after, equal) = if value.is_null() {
            (lit(false), column(name).is_null())
        } else {
            let value = Expr::Literal(value.clone(), None);
            let further = match descending {
                true => column(name).lt(value.clone()),
                false => column(name).gt(value.clone()),
            };
            let equal = match cut && place + 1 == values.len() {
                true => starts_with().call(vec![column(name), value]),
                false => column(name).eq(value),
            };
            (further.or(column(name).is_null()), equal)
        };
        beyond = beyond.or(same.clone().and(after));
        same = same.and(equal);
    }
    beyond.or(same)
}

impl Cursor {
    fn rows_from(&self, order: &[(String, bool)], schema: &Schema) -> Result<Expr> {
        let values = order
            .iter()
            .zip(&self.values)
            .map(|((name, _), value)| match value {
                Some(literal) => policy::scalar(name, literal, schema),
                None => ScalarValue::try_from(schema.field_with_name(name)?.data_type()),
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(Error::internal)?;
        Ok(at_or_after(order, &values, self.cut))
    }
}
