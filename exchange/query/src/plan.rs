//! The second fence: what the planner made of a query must consist of known nodes and offered functions.

use catalog_core::{Error, ErrorCode, Result};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DataFusionError, plan_err};
use datafusion::logical_expr::{Expr, LogicalPlan, Operator, WindowFunctionDefinition};
use datafusion::prelude::SQLOptions;

use crate::functions::is_offered;
use crate::mistakes::FUNCTIONS;
use crate::{patterns, weight};

/// Functions that the planner puts in by itself for syntax, and that read nothing but their arguments.
const OF_SYNTAX: [&str; 4] = ["||", "make_array", "array_element", "get_field"];

/// Aggregates that give a window's next value without going through all its rows again.
const OVER_WINDOWS: [&str; 14] = [
    "avg",
    "bool_and",
    "bool_or",
    "corr",
    "count",
    "covar_pop",
    "covar_samp",
    "max",
    "min",
    "stddev",
    "stddev_pop",
    "sum",
    "var",
    "var_pop",
];

/// Refuses a plan that does anything but read, or that would grow too large in the optimizer.
pub(crate) fn check(plan: &LogicalPlan) -> Result<()> {
    let options = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    options
        .verify_plan(plan)
        .map_err(|_| Error::new(ErrorCode::SqlUnsupported, "only a query is offered"))?;
    let visited = plan.apply_with_subqueries(|node| {
        if !is_reading(node) {
            return plan_err!("this form of query is not offered");
        }
        node.apply_expressions(|expr| expr.apply(check_expr))
    });
    match visited {
        Ok(_) => weight::check(plan),
        Err(DataFusionError::Plan(message)) => Err(Error::new(ErrorCode::SqlUnsupported, message)),
        Err(_) => Err(Error::internal("a plan can't be walked")),
    }
}

/// Rows that one core goes through before others would have begun.
pub const SHORT_ROWS: u64 = 131_072;

/// Whether one core answers the query in no more time than several: it goes through so few rows that are stored, each once.
pub(crate) fn is_short(plan: &LogicalPlan, stored_rows: u64) -> datafusion::error::Result<bool> {
    let mut scans = 0;
    plan.apply_with_subqueries(|node| {
        scans += match node {
            LogicalPlan::TableScan(_) => 1,
            // Rows are multiplied, or gone through again.
            LogicalPlan::Join(_) | LogicalPlan::Unnest(_) | LogicalPlan::Subquery(_) => 2,
            _ => 0,
        };
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(scans <= 1 && (1..=SHORT_ROWS).contains(&stored_rows))
}

fn is_reading(node: &LogicalPlan) -> bool {
    match node {
        LogicalPlan::Projection(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::Window(_)
        | LogicalPlan::Aggregate(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Join(_)
        | LogicalPlan::Union(_)
        | LogicalPlan::TableScan(_)
        | LogicalPlan::EmptyRelation(_)
        | LogicalPlan::Subquery(_)
        | LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Limit(_)
        | LogicalPlan::Values(_)
        | LogicalPlan::Distinct(_) => true,
        LogicalPlan::Repartition(_)
        | LogicalPlan::Statement(_)
        | LogicalPlan::Explain(_)
        | LogicalPlan::Analyze(_)
        | LogicalPlan::Extension(_)
        | LogicalPlan::Dml(_)
        | LogicalPlan::Ddl(_)
        | LogicalPlan::Copy(_)
        | LogicalPlan::DescribeTable(_)
        | LogicalPlan::Unnest(_)
        | LogicalPlan::RecursiveQuery(_) => false,
    }
}

fn check_expr(expr: &Expr) -> Result<TreeNodeRecursion, DataFusionError> {
    patterns::check(expr)?;
    let refused = |name: &str| plan_err!("the function {name} is not offered; see {FUNCTIONS}");
    match expr {
        Expr::ScalarFunction(call)
            if !is_offered("scalar", call.name()) && !OF_SYNTAX.contains(&call.name()) =>
        {
            refused(call.name())
        }
        Expr::AggregateFunction(call) if !is_offered("aggregate", call.func.name()) => {
            refused(call.func.name())
        }
        Expr::WindowFunction(call) => match &call.fun {
            WindowFunctionDefinition::AggregateUDF(function) if !is_offered("aggregate", function.name()) => {
                refused(function.name())
            }
            WindowFunctionDefinition::AggregateUDF(function)
                if call.params.distinct || !OVER_WINDOWS.contains(&function.name()) =>
            {
                plan_err!(
                    "{} over a window is not offered in this form; aggregate with GROUP BY",
                    function.name()
                )
            }
            WindowFunctionDefinition::WindowUDF(function) if !is_offered("window", function.name()) => {
                refused(function.name())
            }
            _ => Ok(TreeNodeRecursion::Continue),
        },
        Expr::BinaryExpr(binary) if binary.op == Operator::StringConcat => refused("||"),
        Expr::ScalarVariable(..) | Expr::Placeholder(_) => plan_err!("a variable is not offered"),
        _ => Ok(TreeNodeRecursion::Continue),
    }
}
