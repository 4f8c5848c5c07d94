use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::{DFSchema, Result, internal_datafusion_err};
use datafusion::datasource::{TableProvider, TableType};
use datafusion::execution::context::ExecutionProps;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{PhysicalExpr, create_physical_expr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExecBuilder;
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};

use super::StoredTable;
use crate::barrier::PolicyBarrierExec;
use crate::mask::Mask;

/// One column that the policy leaves visible.
#[derive(Debug, Clone)]
pub(crate) struct VisibleColumn {
    /// Index in the stored schema.
    pub(crate) stored: usize,
    /// What is shown in place of the stored value.
    pub(crate) mask: Option<Mask>,
}

/// A bound policy in the engine's terms.
#[derive(Debug, Clone)]
pub(crate) struct TablePolicy {
    /// Visible columns, in the order of the answer.
    pub(crate) columns: Vec<VisibleColumn>,
    /// Which rows are visible: an infallible expression over the stored schema.
    pub(crate) filter: Option<Expr>,
}

impl VisibleColumn {
    /// What is shown of it, over rows that have the `input` columns of the `whole` version.
    pub(crate) fn over(&self, whole: &Schema, input: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
        let name = whole.field(self.stored).name();
        let stored: Arc<dyn PhysicalExpr> = Arc::new(Column::new(name, input.index_of(name)?));
        match &self.mask {
            Some(mask) => mask.over(stored, input),
            None => Ok(stored),
        }
    }
}

impl TablePolicy {
    /// The columns that the caller sees of the `whole` version.
    pub(crate) fn schema(&self, whole: &Schema) -> Result<Schema> {
        let fields = self.columns.iter().map(|column| {
            let field = whole
                .fields()
                .get(column.stored)
                .ok_or_else(|| internal_datafusion_err!("a policy names column {}", column.stored))?;
            match &column.mask {
                Some(mask) => mask.field(field),
                None => Ok(field.as_ref().clone()),
            }
        });
        Ok(Schema::new(fields.collect::<Result<Vec<_>>>()?))
    }

    /// The filter over rows of the `whole` version.
    pub(crate) fn predicate(&self, whole: &SchemaRef) -> Result<Option<Arc<dyn PhysicalExpr>>> {
        let Some(filter) = &self.filter else { return Ok(None) };
        let whole = DFSchema::try_from(Arc::clone(whole))?;
        let (props, planning) = (ExecutionProps::new(), PhysicalPlanningContext::default());
        create_physical_expr(filter, &whole, &props, &planning).map(Some)
    }
}

/// A version under a policy. It has no logical plan and no statistics, so the planner cannot look inside.
///
/// scan = stored scan -> policy filter -> masks -> barrier. A query's filters reach the scan only through the
/// barrier's allow-list, in the physical plan; that is the one gate.
#[derive(Debug)]
pub(crate) struct GovernedTable {
    stored: Arc<StoredTable>,
    columns: Vec<VisibleColumn>,
    filter: Option<Arc<dyn PhysicalExpr>>,
    schema: SchemaRef,
    /// Whether the stored order goes by a column that the caller does not see as it is.
    order_tells: bool,
}

impl GovernedTable {
    /// The table a caller gets: the stored one itself where the policy neither hides nor changes anything.
    pub(crate) fn provider(stored: Arc<StoredTable>, policy: &TablePolicy) -> Result<Arc<dyn TableProvider>> {
        let all = (0..stored.schema().fields().len()).eq(policy.columns.iter().map(|column| column.stored));
        let unmasked = policy.columns.iter().all(|column| column.mask.is_none());
        match all && unmasked && policy.filter.is_none() {
            true => Ok(stored),
            false => Ok(Arc::new(Self::try_new(stored, policy)?)),
        }
    }

    fn try_new(stored: Arc<StoredTable>, policy: &TablePolicy) -> Result<Self> {
        let whole = stored.schema();
        let schema = Arc::new(policy.schema(&whole)?);
        let filter = policy.predicate(&whole)?;
        let is_plain = |stored: &usize| {
            policy.columns.iter().any(|column| column.stored == *stored && column.mask.is_none())
        };
        let order_tells = !stored.order().iter().all(is_plain);
        Ok(Self { stored, columns: policy.columns.clone(), filter, schema, order_tells })
    }
}

#[async_trait]
impl TableProvider for GovernedTable {
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
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let wanted: Vec<&VisibleColumn> = match projection {
            Some(indices) => indices.iter().map(|index| &self.columns[*index]).collect(),
            None => self.columns.iter().collect(),
        };
        let shown: BTreeSet<usize> = wanted.iter().map(|column| column.stored).collect();
        let mut needed = shown.clone();
        if let Some(filter) = &self.filter {
            let columns = datafusion::physical_expr::utils::collect_columns(filter);
            needed.extend(columns.iter().map(Column::index));
        }
        let needed: Vec<usize> = needed.into_iter().collect();
        // Rows are counted before the filter hides some, so a limit stays above it. Which come first may tell, too.
        let limit = limit.filter(|_| self.filter.is_none() && !self.order_tells);
        let mut plan = self.stored.scan(state, Some(&needed), &[], limit).await?;
        if let Some(filter) = &self.filter {
            let schema = plan.schema();
            let filter =
                datafusion::physical_expr::utils::reassign_expr_columns(Arc::clone(filter), &schema)?;
            let kept = needed.iter().enumerate().filter(|(_, stored)| shown.contains(stored));
            plan = Arc::new(
                FilterExecBuilder::new(filter, plan)
                    .apply_projection(Some(kept.map(|(place, _)| place).collect()))?
                    .with_batch_size(state.config().batch_size())
                    .build()?,
            );
        }
        let plan = self.show(plan, &wanted)?;
        let plain = wanted.iter().map(|column| column.mask.is_none()).collect();
        let barrier = PolicyBarrierExec::try_new(plan, plain, self.stored.estimate())?;
        Ok(Arc::new(if self.order_tells { barrier.reordered() } else { barrier }))
    }
}

impl GovernedTable {
    /// Puts the wanted columns in order, masked ones behind their masks.
    fn show(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        wanted: &[&VisibleColumn],
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let (input, whole) = (plan.schema(), self.stored.schema());
        let expressions = wanted.iter().map(|column| {
            let name = whole.field(column.stored).name().clone();
            Ok(ProjectionExpr::new(column.over(&whole, &input)?, name))
        });
        let expressions = expressions.collect::<Result<Vec<_>>>()?;
        Ok(Arc::new(ProjectionExec::try_new(expressions, plan)?))
    }
}
