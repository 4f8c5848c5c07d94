//! The machine check before data become open: what is looked for, and how it is counted in bounded memory.
//!
//! It reads the rows of a version that would be open, behind the policy's barrier, in two passes: one looks at every value
//! as it would be seen, beside what its mask hides, and counts the rows that give something away; the other groups by the
//! quasi-identifiers and counts the rows in groups that are too small. The second is the engine's own aggregation, which
//! spills to disk. Nothing that is found leaves but its count. Materials are looked into as well: text as cells are, and what
//! is no plain text is left to people.

mod materials;
mod seen;
mod text;

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use catalog_core::directory::ValueFormat;
use catalog_core::matter::Finding;
use catalog_core::secrecy::SecrecyRules;
use catalog_core::services::Dataset;
use catalog_core::{ColumnName, OpContext, Result};
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
use seen::Seen;

type Plan = datafusion::error::Result<LogicalPlan>;

impl QueryEngine {
    /// Counts what must not be open in a version as the table shows it. Combinations are those of the visible items by
    /// which people are recognised, where it is about people, and of the further ones named: nobody can name fewer.
    pub async fn check_secrecy(
        &self,
        place: Place,
        ctx: &OpContext,
        open: &OpenTable,
        further: &[ColumnName],
        rules: &SecrecyRules,
    ) -> Result<Vec<Finding>> {
        let answer = self.look_through(Arc::clone(&place), ctx, &unmasked(open), rows).await?;
        let columns = Seen::of(&open.dataset, &answer.schema, self.mask_key(), rules.max_values)?;
        let (mut seen, of) = self.work(look_at(columns, answer.records)).await?;
        let about_people = is_about_people(&open.dataset) || seen.iter().any(Seen::shows_people);
        let is_combined =
            |column: &&Seen| about_people && column.is_quasi_identifier() || further.contains(column.name());
        let mut findings: Vec<Finding> = seen.iter().flat_map(|column| column.findings(of)).collect();
        let shown: Vec<ColumnName> =
            seen.iter().filter(is_combined).map(|column| column.name().clone()).collect();
        for column in &mut seen {
            let Some(materials) = column.take_materials() else { continue };
            let register = (open.dataset.resource.code.clone(), column.name().clone());
            let among = (open.dataset.version.manifest_digest.clone(), of);
            let looking = materials::findings(Arc::clone(self.objects()), register, materials, among);
            findings.extend(self.work(looking).await?);
        }
        if !shown.is_empty() {
            let plan = |table: &Arc<dyn TableProvider>| rare(table, &shown, rules.min_group);
            let answer = self.look_through(place, ctx, open, plan).await?;
            let rows = total(answer.records).await?;
            if rows > 0 {
                let rule = "rare_combination".to_owned();
                findings.push(Finding { rule, columns: shown, rows, of, materials: None });
            }
        }
        Ok(findings)
    }
}

/// Whether its rows may be about people: an item of it is personal or holds their numbers, shown or not.
fn is_about_people(dataset: &Dataset) -> bool {
    let mut items = dataset.resource.items.iter();
    items.any(|item| item.personal || item.format == Some(ValueFormat::CitizenId))
}

/// The same rows and items without masks.
fn unmasked(open: &OpenTable) -> OpenTable {
    let mut bare = open.clone();
    bare.dataset.granted.policy.columns.iter_mut().for_each(|column| column.mask = None);
    bare
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

/// Looks at all rows; answers how many they are, too.
async fn look_at(mut columns: Vec<Seen>, mut records: Records) -> Result<(Vec<Seen>, u64)> {
    let mut rows = 0;
    while let Some(batch) = records.try_next().await? {
        rows += batch.num_rows() as u64;
        for (place, column) in columns.iter_mut().enumerate() {
            column.look_at(&batch, place)?;
        }
        tokio::task::yield_now().await;
    }
    Ok((columns, rows))
}
