//! The machine check before data become open: what is looked for, and how it is counted in bounded memory.
//!
//! It reads a version as it would be open, behind the policy's barrier, in two passes: one looks at every value and counts
//! the rows that give something away; the other groups by the quasi-identifiers and counts the rows in groups that are too
//! small. The second is the engine's own aggregation, which spills to disk. Nothing that is found leaves but its count.

mod text;

use std::collections::HashSet;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use catalog_core::matter::Finding;
use catalog_core::secrecy::SecrecyRules;
use catalog_core::services::Dataset;
use catalog_core::{ColumnName, Error, OpContext, Result};
use datafusion::catalog::default_table_source::provider_as_source;
use datafusion::common::Column;
use datafusion::datasource::TableProvider;
use datafusion::functions_aggregate::count::count_all;
use datafusion::functions_aggregate::sum::sum;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit};
use futures::TryStreamExt;

use crate::answer::Records;
use crate::engine::{Place, QueryEngine};
use crate::tables::OpenTable;
use text::{KINDS, is_name, kinds_in};

type Plan = datafusion::error::Result<LogicalPlan>;

impl QueryEngine {
    /// Counts what must not be open in a version as the table shows it. Combinations are those of the items named; where
    /// none are and the resource is about people, of the visible items of few values.
    pub async fn check_secrecy(
        &self,
        place: Place,
        ctx: &OpContext,
        open: &OpenTable,
        quasi_identifiers: Option<&[ColumnName]>,
        rules: &SecrecyRules,
    ) -> Result<Vec<Finding>> {
        let answer = self.look_through(Arc::clone(&place), ctx, open, rows).await?;
        let columns = Seen::of(&open.dataset, &answer.schema, rules.max_values);
        let seen = self.work(look_at(columns, answer.records)).await?;
        let quasi_identifiers = match quasi_identifiers {
            Some(named) => named.to_vec(),
            None if is_about_people(&open.dataset) => seen
                .iter()
                .filter(|column| column.is_quasi_identifier())
                .map(|column| column.name.clone())
                .collect(),
            None => Vec::new(),
        };
        let mut findings: Vec<Finding> = seen.iter().flat_map(Seen::findings).collect();
        let shown: Vec<ColumnName> = quasi_identifiers
            .iter()
            .filter(|name| seen.iter().any(|one| one.name == **name))
            .cloned()
            .collect();
        if !shown.is_empty() {
            let plan = |table: &Arc<dyn TableProvider>| rare(table, &shown, rules.min_group);
            let answer = self.look_through(place, ctx, open, plan).await?;
            let rows = total(answer.records).await?;
            if rows > 0 {
                findings.push(Finding { rule: "rare_combination".to_owned(), columns: shown, rows });
            }
        }
        Ok(findings)
    }
}

/// Whether its rows may be about people: an item of it is personal, shown or not.
fn is_about_people(dataset: &Dataset) -> bool {
    dataset.resource.items.iter().any(|item| item.personal)
}

fn rows(table: &Arc<dyn TableProvider>) -> Plan {
    LogicalPlanBuilder::scan("opening", provider_as_source(Arc::clone(table)), None)?.build()
}

/// How many rows share their values in those columns with too few others.
fn rare(table: &Arc<dyn TableProvider>, columns: &[ColumnName], min_group: u32) -> Plan {
    let column = |name: &str| Expr::Column(Column::from_name(name));
    let groups = columns.iter().map(|name| column(name.as_str()));
    // No item has that name: machine names begin with a letter.
    let size = "_size";
    LogicalPlanBuilder::scan("opening", provider_as_source(Arc::clone(table)), None)?
        .aggregate(groups, [count_all().alias(size)])?
        .filter(column(size).lt(lit(i64::from(min_group))))?
        .aggregate(Vec::<Expr>::new(), [sum(column(size))])?
        .build()
}

async fn total(records: Records) -> Result<u64> {
    let batches: Vec<RecordBatch> = records.try_collect().await?;
    let sums = batches.iter().filter(|batch| batch.num_rows() > 0 && batch.column(0).null_count() == 0);
    Ok(sums.map(|batch| batch.column(0).as_primitive::<Int64Type>().value(0)).sum::<i64>().unsigned_abs())
}

async fn look_at(mut columns: Vec<Seen>, mut records: Records) -> Result<Vec<Seen>> {
    while let Some(batch) = records.try_next().await? {
        for (column, values) in columns.iter_mut().zip(batch.columns()) {
            column.look_at(values)?;
        }
        tokio::task::yield_now().await;
    }
    Ok(columns)
}

/// What has been seen of one column.
struct Seen {
    name: ColumnName,
    /// Whether it is personal, and shown as it is.
    is_personal: bool,
    /// Whether it tells rows apart by itself.
    is_key: bool,
    /// Values that are there.
    values: u64,
    /// Rows that give away one of [`KINDS`].
    found: [u64; KINDS.len()],
    names: u64,
    /// Hashes of the different values, until there are too many.
    different: Option<HashSet<u64>>,
    max_values: usize,
}

impl Seen {
    fn of(dataset: &Dataset, schema: &arrow::datatypes::Schema, max_values: usize) -> Vec<Self> {
        let visible = dataset.granted.policy.columns.iter();
        let shown = visible.filter(|column| schema.index_of(column.column.as_str()).is_ok());
        let seen = shown.map(|column| Self {
            name: column.column.clone(),
            is_personal: column.mask.is_none()
                && dataset.resource.item(column.column.as_str()).is_some_and(|item| item.personal),
            is_key: dataset.resource.key.contains(&column.column),
            values: 0,
            found: [0; KINDS.len()],
            names: 0,
            different: Some(HashSet::new()),
            max_values,
        });
        seen.collect()
    }

    fn look_at(&mut self, values: &ArrayRef) -> Result<()> {
        let is_text = matches!(values.data_type(), DataType::Utf8View | DataType::Utf8 | DataType::LargeUtf8);
        let is_number = matches!(values.data_type(), DataType::Int64 | DataType::Decimal128(_, 0));
        if matches!(values.data_type(), DataType::Binary | DataType::LargeBinary | DataType::BinaryView) {
            self.different = None;
            self.values += (values.len() - values.null_count()) as u64;
            return Ok(());
        }
        let options = FormatOptions::default();
        let formatter = ArrayFormatter::try_new(values.as_ref(), &options).map_err(Error::internal)?;
        let mut text = String::new();
        for row in (0..values.len()).filter(|row| values.is_valid(*row)) {
            text.clear();
            write!(text, "{}", formatter.value(row)).map_err(Error::internal)?;
            self.values += 1;
            if is_text || is_number {
                for (count, is_there) in self.found.iter_mut().zip(kinds_in(&text)) {
                    *count += u64::from(is_there);
                }
                self.names += u64::from(is_text && is_name(&text));
            }
            self.remember(&text);
        }
        Ok(())
    }

    fn remember(&mut self, text: &str) {
        let Some(different) = &mut self.different else { return };
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        different.insert(hasher.finish());
        if different.len() > self.max_values {
            self.different = None;
        }
    }

    /// Whether it has few values, yet more than one, and is no key.
    fn is_quasi_identifier(&self) -> bool {
        !self.is_key && self.different.as_ref().is_some_and(|values| values.len() > 1)
    }

    fn findings(&self) -> Vec<Finding> {
        let finding =
            |rule: &str, rows: u64| Finding { rule: rule.to_owned(), columns: vec![self.name.clone()], rows };
        let mut all: Vec<_> = KINDS.iter().zip(self.found).map(|(rule, rows)| finding(rule, rows)).collect();
        // A word that happens to look like a name is none; a column of them is.
        let are_names = self.names * 2 > self.values;
        all.push(finding("name", if are_names { self.names } else { 0 }));
        all.push(finding("personal_item", if self.is_personal { self.values } else { 0 }));
        all.retain(|finding| finding.rows > 0);
        all
    }
}
