//! What the calls of a query may build at a time, and until when they run.
//!
//! A plan works in steps of one batch of rows in each partition. What a function builds in one is seen by no memory pool,
//! so rows and bytes of a step are chosen by what the plan builds of each row: all calls together stay within the memory
//! of the query.

use std::any::Any;
use std::sync::Arc;

use datafusion::common::config::{
    ConfigEntry, ConfigExtension, ConfigNonZeroUsize, ConfigOptions, ExtensionOptions,
};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, exec_err};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan};

use crate::stopping::Stop;

/// Rows of a step where the plan builds little of each.
const ROWS: usize = 8192;
/// What a call may build of a row on an average, in bytes, whatever else the query does.
const CALL_BYTES: usize = 2048;

/// What a function is told of the query that calls it.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) stop: Stop,
    /// Bytes that one call may build.
    pub(crate) call_bytes: u64,
}

impl Step {
    /// The step in which a function is called; `None` where a constant is worked out before the query runs.
    pub(crate) fn of(options: &ConfigOptions) -> Option<&Self> {
        options.extensions.get::<Self>()
    }

    /// Plans the session's steps for a query that may use so much memory.
    pub(crate) fn plan(
        state: &mut SessionState,
        plan: &LogicalPlan,
        memory: usize,
        stop: Stop,
    ) -> Result<()> {
        let built = Built::of(plan)?;
        let share = memory / state.config().target_partitions().max(1) / 2;
        let rows = share / built.row_bytes().max(1);
        state.config_mut().options_mut().execution.batch_size =
            ConfigNonZeroUsize::try_new(rows.clamp(1, ROWS))?;
        let call_bytes = (share / built.calls.max(1)) as u64;
        // The options of the session are not those of functions, which keep their defaults.
        let mut options = ConfigOptions::default();
        options.extensions.insert(Self { stop, call_bytes });
        state.execution_props_mut().config_options = Some(Arc::new(options));
        Ok(())
    }
}

/// What a plan builds of each row.
#[derive(Debug, Default)]
struct Built {
    /// Calls whose result may be text of its own.
    calls: usize,
    /// Bytes of text literals, which are repeated for every row.
    literals: usize,
}

impl Built {
    fn of(plan: &LogicalPlan) -> Result<Self> {
        let mut built = Self::default();
        plan.apply_with_subqueries(|node| match node {
            LogicalPlan::Values(_) => Ok(TreeNodeRecursion::Continue),
            node => node.apply_expressions(|expr| expr.apply(|expr| built.add(expr))),
        })?;
        Ok(built)
    }

    fn add(&mut self, expr: &Expr) -> Result<TreeNodeRecursion> {
        match expr {
            Expr::ScalarFunction(_) | Expr::Case(_) => self.calls += 1,
            Expr::Literal(value, _) => {
                let bytes = value.try_as_str().flatten().map_or(0, str::len);
                self.literals = self.literals.saturating_add(bytes);
            }
            // A list of literals is a set that the rows are looked up in; all else of it is computed for every row.
            Expr::InList(list) => {
                let computed = list.list.iter().filter(|member| !matches!(member, Expr::Literal(..)));
                for part in std::iter::once(list.expr.as_ref()).chain(computed) {
                    part.apply(|expr| self.add(expr))?;
                }
                return Ok(TreeNodeRecursion::Jump);
            }
            _ => {}
        }
        Ok(TreeNodeRecursion::Continue)
    }

    fn row_bytes(&self) -> usize {
        self.calls.saturating_mul(CALL_BYTES).saturating_add(self.literals)
    }
}

impl ConfigExtension for Step {
    const PREFIX: &'static str = "step";
}

impl ExtensionOptions for Step {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn cloned(&self) -> Box<dyn ExtensionOptions> {
        Box::new(self.clone())
    }

    fn set(&mut self, key: &str, _: &str) -> Result<()> {
        exec_err!("{key} is no setting")
    }

    fn entries(&self) -> Vec<ConfigEntry> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use datafusion::logical_expr::{lit, when};

    use super::*;

    #[test]
    fn what_stands_before_a_list_is_computed_for_every_row() {
        let call = when(lit(true), lit("x".repeat(100))).end().unwrap();
        let looked_up = call.clone().in_list(vec![lit("a"), lit("bc"), call.clone()], false);
        let mut built = Built::default();
        looked_up.apply(|expr| built.add(expr)).unwrap();
        assert_eq!((built.calls, built.literals), (2, 200), "members that are literals count for nothing");
    }
}
