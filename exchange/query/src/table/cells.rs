use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use async_trait::async_trait;
use catalog_core::policy::Statistics;
use datafusion::catalog::Session;
use datafusion::catalog::default_table_source::provider_as_source;
use datafusion::common::{Column, Result};
use datafusion::datasource::{TableProvider, TableType};
use datafusion::functions_aggregate::expr_fn::{count, count_distinct, sum};
use datafusion::logical_expr::{
    Expr, LogicalPlan, LogicalPlanBuilder, TableProviderFilterPushDown, cast, lit,
};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::expressions::Column as PhysicalColumn;
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};

use crate::barrier::{Estimate, PolicyBarrierExec};

/// A version under a statistics-only grant: a table of cells, each about enough subjects.
///
/// scan = visible rows -> group by all dimensions -> drop small cells -> barrier. Nothing of a query crosses this
/// barrier, so whatever it computes, it computes over whole cells. Sums are of types that hold every sum: none fails, on
/// a cell that is dropped as little as on one that stays.
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
        let column = |name: &str| Expr::Column(Column::from_name(name));
        let mut aggregates = vec![
            count(lit(1)).alias(Statistics::RECORDS),
            count_distinct(column(statistics.subject.as_str())).alias(Statistics::SUBJECTS),
        ];
        for measure in &statistics.measures {
            let wide = match schema.field_with_name(measure.as_str())?.data_type() {
                DataType::Decimal128(_, scale) => DataType::Decimal128(38, *scale),
                DataType::Float32 | DataType::Float64 => DataType::Float64,
                _ => DataType::Decimal128(38, 0),
            };
            aggregates.push(sum(cast(column(measure.as_str()), wide)).alias(Statistics::sum_of(measure)));
        }
        let enough = column(Statistics::SUBJECTS).gt_eq(lit(i64::from(statistics.min_group)));
        let names: Vec<String> = aggregates.iter().map(|expr| expr.schema_name().to_string()).collect();
        let shown = dimensions.iter().copied().map(column).chain(names.iter().map(|name| column(name)));
        let cells = LogicalPlanBuilder::scan("rows", provider_as_source(rows), None)?
            .aggregate(dimensions.iter().copied().map(column), aggregates)?
            .filter(enough)?
            .project(shown.collect::<Vec<_>>())?
            .build()?;
        let schema = Arc::clone(cells.schema().inner());
        Ok(Self { cells, schema, estimate })
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
