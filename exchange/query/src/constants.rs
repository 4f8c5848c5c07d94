//! Why a query fails by itself. Its constants are computed alone, without a table: what they tell is in the caller's own
//! text and the same for everyone, whatever rows there are.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::Schema;
use arrow::error::ArrowError;
use catalog_core::{Error, ErrorCode};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, DataFusionError, Result};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::physical_expr::create_physical_expr;

/// A failed query with the reason, where one of its constants can't be computed; every other error as it is.
pub(crate) fn told(failed: Error, state: &SessionState, plan: &LogicalPlan) -> Error {
    if failed.code != ErrorCode::QueryFailed {
        return failed;
    }
    match fault(state, plan) {
        Err(found) => Error::new(ErrorCode::QueryFailed, reason(&found)),
        Ok(()) => failed,
    }
}

/// The error of a literal that the planner could not read, if it is one.
pub(crate) fn unreadable(found: &DataFusionError) -> Option<Error> {
    let is_value = matches!(found.find_root(), DataFusionError::ArrowError(..));
    is_value.then(|| Error::new(ErrorCode::QueryFailed, reason(found)))
}

/// The error of the first constant that has one. What can't be planned alone is not judged.
fn fault(state: &SessionState, plan: &LogicalPlan) -> Result<()> {
    let plan = state.optimize(plan)?;
    let row = RecordBatchOptions::new().with_row_count(Some(1));
    let row = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &row)?;
    let compute = |expr: &Expr| {
        if !is_constant(expr)? {
            return Ok(TreeNodeRecursion::Continue);
        }
        let context = PhysicalPlanningContext::default();
        if let Ok(constant) =
            create_physical_expr(expr, &DFSchema::empty(), state.execution_props(), &context)
        {
            constant.evaluate(&row)?;
        }
        Ok(TreeNodeRecursion::Jump)
    };
    plan.apply_with_subqueries(|node| node.apply_expressions(|expr| expr.apply(compute))).map(|_| ())
}

/// Whether an expression depends on nothing but its own literals.
fn is_constant(expr: &Expr) -> Result<bool> {
    let depends = expr.exists(|part| {
        Ok(!matches!(
            part,
            Expr::Literal(..)
                | Expr::Alias(_)
                | Expr::BinaryExpr(_)
                | Expr::Like(_)
                | Expr::SimilarTo(_)
                | Expr::Not(_)
                | Expr::Negative(_)
                | Expr::IsNull(_)
                | Expr::IsNotNull(_)
                | Expr::Between(_)
                | Expr::Case(_)
                | Expr::Cast(_)
                | Expr::TryCast(_)
                | Expr::InList(_)
                | Expr::ScalarFunction(_)
        ))
    });
    depends.map(|depends| !depends)
}

fn reason(found: &DataFusionError) -> &'static str {
    let DataFusionError::ArrowError(found, _) = found.find_root() else {
        return "a constant of the query can't be computed";
    };
    match found.as_ref() {
        ArrowError::DivideByZero => "a constant of the query divides by zero",
        ArrowError::CastError(_) | ArrowError::ParseError(_) => {
            "a constant of the query is no value of its type, as a date that does not exist"
        }
        ArrowError::ArithmeticOverflow(_) => "a constant of the query is too large for its type",
        _ => "a constant of the query can't be computed",
    }
}
