use std::sync::Arc;

use arrow::datatypes::{DataType, Schema, SchemaRef};
use async_trait::async_trait;
use catalog_core::policy::Statistics;
use datafusion::catalog::Session;
use datafusion::catalog::default_table_source::provider_as_source;
use datafusion::common::{Column, Result};
use datafusion::datasource::{TableProvider, TableType};
use datafusion::functions_aggregate::expr_fn::{count, sum};
use datafusion::logical_expr::{
    Expr, LogicalPlan, LogicalPlanBuilder, TableProviderFilterPushDown, cast, lit, when,
};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::expressions::Column as PhysicalColumn;
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};

use crate::barrier::{Estimate, PolicyBarrierExec};

/// A version under a statistics-only grant: a table of cells, each about enough subjects.
///
/// scan = visible rows -> group by all dimensions and the subject -> group by all dimensions -> drop small cells, and sums
/// to which too few subjects have a part -> barrier. Nothing of a query crosses this barrier, so whatever it computes, it
/// computes over whole cells. Sums are of types that hold every sum: none fails, on a cell that is dropped as little as on
/// one that stays.
#[derive(Debug)]
pub(crate) struct CellsTable {
    cells: LogicalPlan,
    schema: SchemaRef,
    estimate: Estimate,
}

impl CellsTable {
    /// The cells of `rows` by `dimensions`; `rows` has the measures and the subject too.
    pub(crate) fn try_new(
        rows: Arc<dyn TableProvider>,
        dimensions: &[&str],
        statistics: &Statistics,
        estimate: Estimate,
    ) -> Result<Self> {
        let schema = rows.schema();
        let sums = statistics.measures.iter().enumerate();
        let sums: Vec<Sum> =
            sums.map(|(place, measure)| Sum::of(place, measure.as_str(), &schema)).collect::<Result<_>>()?;
        let subject = || column(statistics.subject.as_str());
        let by = || dimensions.iter().copied().map(column);
        let mut of_subject = vec![count(lit(1)).alias(RECORDS)];
        of_subject.extend(sums.iter().map(Sum::of_subject));
        let mut of_cell = vec![
            sum(column(RECORDS)).alias(Statistics::RECORDS),
            count(subject()).alias(Statistics::SUBJECTS),
        ];
        for sum in &sums {
            of_cell.extend(sum.of_cell(subject())?);
        }
        let least = || lit(i64::from(statistics.min_group));
        let shown = [column(Statistics::RECORDS), column(Statistics::SUBJECTS)];
        let shown_sums = statistics.measures.iter().zip(&sums);
        let shown_sums = shown_sums
            .map(|(measure, sum)| Ok(sum.shown(least())?.alias(Statistics::sum_of(measure))))
            .collect::<Result<Vec<_>>>()?;
        let cells = LogicalPlanBuilder::scan("rows", provider_as_source(rows), None)?
            .aggregate(by().chain([subject()]), of_subject)?
            .aggregate(by(), of_cell)?
            .filter(column(Statistics::SUBJECTS).gt_eq(least()))?
            .project(by().chain(shown).chain(shown_sums))?
            .build()?;
        let schema = Arc::clone(cells.schema().inner());
        Ok(Self { cells, schema, estimate })
    }
}

/// Records of one subject in a cell.
const RECORDS: &str = "records of subject";

/// A column by its exact name.
fn column(name: &str) -> Expr {
    Expr::Column(Column::from_name(name))
}

/// How a measure is summed: for each subject first, so that the subjects who have one are counted too.
struct Sum {
    measure: Expr,
    sum: String,
    having: String,
}

impl Sum {
    fn of(place: usize, measure: &str, schema: &Schema) -> Result<Self> {
        // A type that holds every sum.
        let wide = match schema.field_with_name(measure)?.data_type() {
            DataType::Decimal128(_, scale) => DataType::Decimal128(38, *scale),
            DataType::Float32 | DataType::Float64 => DataType::Float64,
            _ => DataType::Decimal128(38, 0),
        };
        let measure = cast(column(measure), wide);
        Ok(Self { measure, sum: format!("sum {place}"), having: format!("having {place}") })
    }

    /// The sum of one subject in a cell; NULL where no record has the measure.
    fn of_subject(&self) -> Expr {
        sum(self.measure.clone()).alias(&self.sum)
    }

    /// The sum of a cell, and how many subjects have a part in it.
    fn of_cell(&self, subject: Expr) -> Result<[Expr; 2]> {
        let having = when(column(&self.sum).is_not_null(), subject).end()?;
        Ok([sum(column(&self.sum)).alias(&self.sum), count(having).alias(&self.having)])
    }

    /// The sum where it is about enough subjects.
    fn shown(&self, least: Expr) -> Result<Expr> {
        when(column(&self.having).gt_eq(least), column(&self.sum)).end()
    }
}

#[async_trait]
impl TableProvider for CellsTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Unsupported; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut plan = state.create_physical_plan(&self.cells).await?;
        if let Some(places) = projection {
            let shown = places.iter().map(|place| {
                let name = self.schema.field(*place).name();
                ProjectionExpr::new(Arc::new(PhysicalColumn::new(name, *place)) as _, name.clone())
            });
            plan = Arc::new(ProjectionExec::try_new(shown, plan)?);
        }
        // No column counts as stored: a filter below would leave a cell some of its rows.
        let barred = vec![false; plan.schema().fields().len()];
        Ok(Arc::new(PolicyBarrierExec::try_new(plan, barred, self.estimate)?.reordered()))
    }
}
