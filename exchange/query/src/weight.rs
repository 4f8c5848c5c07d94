//! How large a query may grow in the optimizer. It writes expressions in place of the columns that name them: a column that
//! names another twice doubles it, and thirty such in a row never end. Optimizing can't be interrupted.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use catalog_core::{Error, ErrorCode, Result};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion, TreeNodeVisitor};
use datafusion::common::{Column, DataFusionError, JoinType, TableReference};
use datafusion::logical_expr::expr::{Exists, InSubquery, SetComparison};
use datafusion::logical_expr::{Distinct, Expr, LogicalPlan, Subquery};

/// The most parts of an expression in which every column is written out down to the tables.
const MOST: u64 = 100_000;
/// Subqueries in subqueries: each rule of the optimizer goes through the inner ones once more for every one around them.
const DEEPEST: usize = 8;

/// Refuses a plan with an expression that is too large when its columns are written out.
pub(crate) fn check(plan: &LogicalPlan) -> Result<()> {
    let subqueries = Subqueries::default();
    match heaviest(plan, &subqueries) {
        Ok(_) if subqueries.height.get() > DEEPEST => {
            let message = format!("subqueries stand in subqueries to a depth of {DEEPEST} at most");
            Err(Error::new(ErrorCode::LimitSql, message))
        }
        Ok(weight) if weight <= MOST => Ok(()),
        Ok(_) => {
            let message = format!(
                "the SQL has an expression of more than {MOST} parts, columns of subqueries and WITH items counted as what \
                 they are made of"
            );
            Err(Error::new(ErrorCode::LimitSql, message))
        }
        Err(_) => Err(Error::internal("a plan can't be walked")),
    }
}

/// What is known of the subqueries in a query's expressions.
#[derive(Default)]
struct Subqueries {
    /// Weight and height of those that were weighed, by where they stand: one that is met in several expressions, or through
    /// several WITH items, is weighed once, or each level would double the work.
    weighed: RefCell<HashMap<*const LogicalPlan, (u64, usize)>>,
    /// How deep they stand in each other below the plan that is being weighed.
    height: Cell<usize>,
}

impl Subqueries {
    fn weight(&self, plan: &Arc<LogicalPlan>) -> Result<u64, DataFusionError> {
        let known = self.weighed.borrow().get(&Arc::as_ptr(plan)).copied();
        let (weight, height) = match known {
            Some(known) => known,
            None => {
                let beside = self.height.replace(0);
                let weight = heaviest(plan, self)?;
                (weight, self.height.replace(beside) + 1)
            }
        };
        self.weighed.borrow_mut().insert(Arc::as_ptr(plan), (weight, height));
        self.height.set(self.height.get().max(height));
        Ok(weight)
    }
}

/// The parts of the largest expression of a plan, or some number above [`MOST`].
fn heaviest(plan: &LogicalPlan, subqueries: &Subqueries) -> Result<u64, DataFusionError> {
    let mut scale = Scale { weighed: Vec::new(), heaviest: 0, subqueries };
    plan.visit(&mut scale)?;
    Ok(scale.heaviest)
}

/// Weighs the nodes of a plan, inputs first.
struct Scale<'s> {
    /// The columns' weights of what was weighed and is not yet read by its parent.
    weighed: Vec<Vec<u64>>,
    heaviest: u64,
    subqueries: &'s Subqueries,
}

impl<'n> TreeNodeVisitor<'n> for Scale<'_> {
    type Node = LogicalPlan;

    fn f_up(&mut self, node: &'n LogicalPlan) -> Result<TreeNodeRecursion, DataFusionError> {
        let inputs = node.inputs();
        let given = self.weighed.split_off(self.weighed.len().saturating_sub(inputs.len()));
        let known = Known::of(&inputs, &given, self.subqueries);
        node.apply_expressions(|expr| {
            self.heaviest = self.heaviest.max(known.weight(expr)?);
            Ok(TreeNodeRecursion::Continue)
        })?;
        if self.heaviest <= MOST {
            let columns = known.columns_of(node, given)?;
            self.heaviest = columns.iter().copied().fold(self.heaviest, u64::max);
            self.weighed.push(columns);
        }
        match self.heaviest <= MOST {
            true => Ok(TreeNodeRecursion::Continue),
            false => Ok(TreeNodeRecursion::Stop),
        }
    }
}

/// The weights of the columns that a node reads.
struct Known<'a> {
    /// By table and name, and by name alone.
    columns: HashMap<(Option<&'a TableReference>, &'a str), u64>,
    heaviest: u64,
    subqueries: &'a Subqueries,
}

impl<'a> Known<'a> {
    fn of(inputs: &[&'a LogicalPlan], given: &[Vec<u64>], subqueries: &'a Subqueries) -> Self {
        let (mut columns, mut heaviest) = (HashMap::new(), 1);
        for (input, weights) in inputs.iter().zip(given) {
            for ((table, field), weight) in input.schema().iter().zip(weights) {
                for table in [table, None] {
                    let known = columns.entry((table, field.name().as_str())).or_insert(*weight);
                    *known = (*known).max(*weight);
                }
                heaviest = heaviest.max(*weight);
            }
        }
        Self { columns, heaviest, subqueries }
    }

    /// A name that is written otherwise than in the schema may be of any column.
    fn column(&self, Column { relation, name, .. }: &Column) -> u64 {
        self.columns.get(&(relation.as_ref(), name.as_str())).copied().unwrap_or(self.heaviest)
    }

    fn weight(&self, expr: &Expr) -> Result<u64, DataFusionError> {
        let mut weight = 0_u64;
        expr.apply(|part| {
            let own = match part {
                Expr::Column(column) => self.column(column),
                Expr::ScalarSubquery(subquery)
                | Expr::Exists(Exists { subquery, .. })
                | Expr::InSubquery(InSubquery { subquery, .. })
                | Expr::SetComparison(SetComparison { subquery, .. }) => self.subquery(subquery)?,
                _ => 1,
            };
            weight = weight.saturating_add(own);
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(weight)
    }

    fn weights<'e>(&self, exprs: impl IntoIterator<Item = &'e Expr>) -> Result<Vec<u64>, DataFusionError> {
        exprs.into_iter().map(|expr| self.weight(expr)).collect()
    }

    /// Any part of a subquery may be a column of the query around it.
    fn subquery(&self, subquery: &Subquery) -> Result<u64, DataFusionError> {
        let outer = subquery.outer_ref_columns.iter().map(|outer| match outer {
            Expr::OuterReferenceColumn(_, column) => self.column(column),
            _ => self.heaviest,
        });
        let weight = self.subqueries.weight(&subquery.subquery)?;
        Ok(outer.fold(1, u64::saturating_add).saturating_mul(weight.max(1)))
    }

    /// The weights of the columns that a node gives, by those of its inputs.
    fn columns_of(&self, node: &LogicalPlan, given: Vec<Vec<u64>>) -> Result<Vec<u64>, DataFusionError> {
        let width = node.schema().fields().len();
        let mut columns = match node {
            LogicalPlan::Projection(projection) => self.weights(&projection.expr)?,
            LogicalPlan::Distinct(Distinct::On(distinct)) => self.weights(&distinct.select_expr)?,
            LogicalPlan::Window(window) => [given.concat(), self.weights(&window.window_expr)?].concat(),
            LogicalPlan::Aggregate(aggregate) => {
                let grouped = aggregate.group_expr.iter().flat_map(|expr| match expr {
                    Expr::GroupingSet(sets) => sets.distinct_expr(),
                    expr => vec![expr],
                });
                let mut columns = self.weights(grouped)?;
                // Grouping sets have a column more, which tells them apart.
                columns.resize(width.saturating_sub(aggregate.aggr_expr.len()), 1);
                [columns, self.weights(&aggregate.aggr_expr)?].concat()
            }
            LogicalPlan::Union(_) => {
                let larger = |one: Vec<u64>, other: Vec<u64>| -> Vec<u64> {
                    one.into_iter().zip(other).map(|(one, other)| one.max(other)).collect()
                };
                given.into_iter().reduce(larger).unwrap_or_default()
            }
            LogicalPlan::Join(join) => {
                let mut sides = given.into_iter();
                let (left, mut right) = (sides.next().unwrap_or_default(), sides.next().unwrap_or_default());
                if is_lateral(&join.right) {
                    let outer = left.iter().copied().max().unwrap_or(1).saturating_add(1);
                    right.iter_mut().for_each(|weight| *weight = weight.saturating_mul(outer));
                }
                match join.join_type {
                    JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => {
                        [left, right].concat()
                    }
                    JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => left,
                    JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => right,
                }
            }
            _ => given.concat(),
        };
        // Columns of tables, and what a node adds by itself.
        columns.resize(width, 1);
        Ok(columns)
    }
}

/// Whether a side of a join reads columns of the other side.
fn is_lateral(side: &LogicalPlan) -> bool {
    match side {
        LogicalPlan::SubqueryAlias(alias) => is_lateral(&alias.input),
        LogicalPlan::Subquery(subquery) => !subquery.outer_ref_columns.is_empty(),
        _ => false,
    }
}
