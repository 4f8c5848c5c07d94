//! The plan node below which only the policy and leakproof filters run.

mod leakproof;

use std::fmt;
use std::sync::Arc;

use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{ColumnStatistics, Result, Statistics, internal_err};
use datafusion::config::ConfigOptions;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{
    Distribution, LexOrdering, OrderingRequirements, PhysicalExpr, PhysicalSortExpr,
};
use datafusion::physical_plan::filter_pushdown::{
    ChildFilterDescription, FilterDescription, FilterPushdownPhase,
};
use datafusion::physical_plan::projection::{
    EmbeddedProjection, ProjectionExec, ProjectionExpr, try_embed_projection,
};
use datafusion::physical_plan::statistics::{ChildStats, StatisticsArgs};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, InputDistributionRequirements,
    PlanProperties,
};

pub(crate) use leakproof::like_pattern_is_sound;

/// What the optimizer may know about the rows below a barrier: numbers of the manifest, never of the policy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Estimate {
    /// Rows of the version, hidden ones included.
    pub(crate) rows: usize,
    /// Bytes of the version's objects.
    pub(crate) bytes: usize,
}

/// A pass-through node that no expression of a query crosses unless it is leakproof.
///
/// The optimizer merges filters and moves casts in front of a policy's filter, where they fail on hidden rows and
/// show them in the error. This node answers every such attempt: filters pass by allow-list, limits, sorts and
/// computed projections not at all, statistics only as estimates.
#[derive(Debug, Clone)]
pub(crate) struct PolicyBarrierExec {
    input: Arc<dyn ExecutionPlan>,
    /// By output column: whether it is the stored value itself.
    plain: Arc<[bool]>,
    estimate: Estimate,
    /// Whether rows come in the order of their visible values instead of the stored one.
    reordered: bool,
}

impl PolicyBarrierExec {
    /// A barrier over a governed plan; `plain[i]` says that output column `i` carries stored, unmasked values.
    pub(crate) fn try_new(
        input: Arc<dyn ExecutionPlan>,
        plain: Vec<bool>,
        estimate: Estimate,
    ) -> Result<Self> {
        if plain.len() != input.schema().fields().len() {
            return internal_err!("a barrier needs to know of every column whether it is masked");
        }
        Ok(Self { input, plain: plain.into(), estimate, reordered: false })
    }

    /// The barrier where the stored order would tell of what is hidden. Its rows are sorted by what they show, as a
    /// requirement that the optimizer fulfils and does not take away.
    pub(crate) fn reordered(self) -> Self {
        Self { reordered: true, ..self }
    }

    fn visible_order(&self) -> Option<OrderingRequirements> {
        let schema = self.schema();
        let columns = schema.fields().iter().enumerate();
        let columns =
            columns.map(|(place, field)| Arc::new(Column::new(field.name(), place)) as Arc<dyn PhysicalExpr>);
        LexOrdering::new(columns.map(PhysicalSortExpr::new_default)).map(OrderingRequirements::from)
    }
}

impl DisplayAs for PolicyBarrierExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PolicyBarrierExec")
    }
}

impl ExecutionPlan for PolicyBarrierExec {
    fn name(&self) -> &'static str {
        "PolicyBarrierExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(input), true) => Ok(Arc::new(Self { input, ..(*self).clone() })),
            _ => internal_err!("a barrier has exactly one input"),
        }
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        InputDistributionRequirements::new(vec![match self.reordered {
            true => Distribution::SinglePartition,
            false => Distribution::UnspecifiedDistribution,
        }])
    }

    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        vec![self.visible_order().filter(|_| self.reordered)]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        self.input.execute(partition, context)
    }

    fn child_stats_requests(&self, _: Option<usize>) -> Vec<ChildStats> {
        vec![ChildStats::Skip]
    }

    /// Estimates only: an exact count would be answered without reading, and column bounds would show hidden values.
    fn statistics_from_inputs(
        &self,
        _: &[Arc<Statistics>],
        args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        let parts = match args.partition() {
            Some(_) => self.input.output_partitioning().partition_count().max(1),
            None => 1,
        };
        Ok(Arc::new(Statistics {
            num_rows: Precision::Inexact(self.estimate.rows / parts),
            total_byte_size: Precision::Inexact(self.estimate.bytes / parts),
            column_statistics: vec![ColumnStatistics::new_unknown(); self.plain.len()],
        }))
    }

    /// Only plain columns are asked of the input; everything computed stays above. An order stays that of all columns.
    fn try_swapping_with_projection(
        &self,
        projection: &ProjectionExec,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        match self.reordered {
            true => Ok(None),
            false => try_embed_projection(projection, self),
        }
    }

    fn gather_filters_for_pushdown(
        &self,
        _: FilterPushdownPhase,
        parent_filters: Vec<Arc<dyn PhysicalExpr>>,
        _: &ConfigOptions,
    ) -> Result<FilterDescription> {
        let schema = self.schema();
        // The optimizer maps answers to filters by position, so a barred filter leaves one that fits no child.
        let barred: Arc<dyn PhysicalExpr> = Arc::new(Column::new("barred by policy", usize::MAX));
        let filters: Vec<_> = parent_filters
            .into_iter()
            .map(|filter| match leakproof::is_leakproof(&filter, &schema, &self.plain) {
                true => filter,
                false => Arc::clone(&barred),
            })
            .collect();
        let child = ChildFilterDescription::from_child(&filters, &self.input)?;
        Ok(FilterDescription::new().with_child(child))
    }
}

impl EmbeddedProjection for PolicyBarrierExec {
    fn with_projection(&self, projection: Option<Vec<usize>>) -> Result<Self> {
        let Some(indices) = projection else { return Ok(self.clone()) };
        let schema = self.schema();
        let columns = indices.iter().map(|index| {
            let name = schema.field(*index).name();
            ProjectionExpr::new(Arc::new(Column::new(name, *index)) as _, name.clone())
        });
        let narrowed = ProjectionExec::try_new(columns, Arc::clone(&self.input))?;
        let plain = indices.iter().map(|index| self.plain[*index]).collect();
        Self::try_new(Arc::new(narrowed), plain, self.estimate)
    }
}
