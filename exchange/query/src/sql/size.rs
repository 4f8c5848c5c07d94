//! How much a query asks of the planner, counted before anything is planned: planning can't be interrupted.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use catalog_core::{Error, ErrorCode, Result};
use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArguments, GroupByExpr, ObjectName, ObjectNamePart, OrderByKind, Query, Select,
    TableFactor, VisitMut, VisitorMut, WindowType,
};

/// The most tables and SELECTs, a WITH item counted again wherever it is named.
const PARTS: usize = 400;
/// The deepest expression; every operand of a chain is one level.
const LEVELS: usize = 200;
/// The most columns of one list: of what is selected, grouped, ordered or given to a function. The planner compares each with
/// all others.
const LIST_COLUMNS: usize = 1_000;
/// Columns of a SELECT that count as one part more.
const COLUMNS_OF_A_PART: usize = 10;
/// The most values of an IN list.
const LIST_VALUES: usize = 5_000;
/// The most sets that one GROUP BY makes: CUBE over ten columns.
const SETS: usize = 1 << 10;
/// The most bytes of a GROUP BY, counted again for each set: the planner writes them all out.
const SET_BYTES: usize = 1 << 20;

/// Refuses a query that is small as text and huge as a plan.
pub(super) fn check(query: &mut Query) -> Result<()> {
    match query.visit(&mut Meter::default()) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

#[derive(Default)]
struct Meter {
    /// Queries around the current place, the outermost first.
    open: Vec<Measured>,
    /// WITH items known at the current place, with their parts.
    known: Vec<(String, usize)>,
    depth: usize,
}

struct Measured {
    parts: usize,
    /// WITH items not met yet: they are visited first and in order.
    items: VecDeque<String>,
    /// How many WITH items were known around this query.
    outside: usize,
}

impl Meter {
    fn add(&mut self, parts: usize) {
        if let Some(query) = self.open.last_mut() {
            query.parts = query.parts.saturating_add(parts);
        }
    }

    /// Parts behind a name, whichever spelling and scope the planner goes by.
    fn behind(&self, name: &ObjectName) -> usize {
        let [ObjectNamePart::Identifier(name)] = name.0.as_slice() else { return 0 };
        let name = name.value.to_lowercase();
        self.known.iter().filter(|(known, _)| *known == name).map(|(_, parts)| *parts).max().unwrap_or(0)
    }
}

impl VisitorMut for Meter {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        let items = query.with.iter().flat_map(|with| &with.cte_tables);
        let items = items.map(|item| item.alias.name.value.to_lowercase()).collect();
        self.open.push(Measured { parts: 0, items, outside: self.known.len() });
        let ordered = query.order_by.as_ref().map_or(0, |order| match &order.kind {
            OrderByKind::Expressions(list) => list.len(),
            OrderByKind::All(_) => 0,
        });
        short(ordered)
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<Error> {
        let Some(query) = self.open.pop() else { return ControlFlow::Continue(()) };
        self.known.truncate(query.outside);
        if query.parts > PARTS {
            return too_much(format!(
                "more than {PARTS} tables, SELECTs and tens of columns, WITH items counted where they are named"
            ));
        }
        match self.open.last_mut().and_then(|outer| outer.items.pop_front()) {
            Some(item) => self.known.push((item, query.parts)),
            None => self.add(query.parts),
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Error> {
        let columns = select.projection.len();
        let grouped = match &select.group_by {
            GroupByExpr::Expressions(list, _) => list.len(),
            GroupByExpr::All(_) => 0,
        };
        self.add(1 + columns / COLUMNS_OF_A_PART);
        short(columns.max(grouped))?;
        match &select.group_by {
            GroupByExpr::Expressions(list, _) => few_sets(list),
            GroupByExpr::All(_) => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Error> {
        if let TableFactor::Table { name, .. } = factor {
            self.add(1 + self.behind(name));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        self.depth += 1;
        if self.depth > LEVELS {
            return too_much(format!("an expression of more than {LEVELS} levels or operands in a row"));
        }
        match expr {
            Expr::InList { list, .. } if list.len() > LIST_VALUES => {
                too_much(format!("an IN list of more than {LIST_VALUES} values"))
            }
            Expr::Function(function) => short(longest(function)),
            _ => ControlFlow::Continue(()),
        }
    }

    fn post_visit_expr(&mut self, _: &mut Expr) -> ControlFlow<Error> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }
}

/// The longest list in a call.
fn longest(Function { args, over, .. }: &Function) -> usize {
    let given = match args {
        FunctionArguments::List(list) => list.args.len(),
        FunctionArguments::None | FunctionArguments::Subquery(_) => 0,
    };
    match over {
        Some(WindowType::WindowSpec(window)) => {
            given.max(window.partition_by.len()).max(window.order_by.len())
        }
        _ => given,
    }
}

/// Refuses what makes too many sets of grouping columns: several items of one list make each with each.
fn few_sets(list: &[Expr]) -> ControlFlow<Error> {
    let sets_of = |item: &Expr| match item {
        Expr::Cube(columns) => 1_usize.checked_shl(u32::try_from(columns.len()).unwrap_or(u32::MAX)),
        Expr::Rollup(columns) => columns.len().checked_add(1),
        Expr::GroupingSets(sets) => Some(sets.len().max(1)),
        _ => Some(1),
    };
    let sets: Vec<usize> = list.iter().map(|item| sets_of(item).unwrap_or(usize::MAX)).collect();
    let all = sets.iter().copied().fold(1, usize::saturating_mul);
    if all == 1 {
        return ControlFlow::Continue(());
    }
    let bytes = list.iter().zip(sets).map(|(item, sets)| match item {
        // The text of GROUPING SETS holds each of its sets already.
        Expr::GroupingSets(_) => item.to_string().len() / sets,
        _ => item.to_string().len(),
    });
    match all <= SETS && all.saturating_mul(bytes.sum()) <= SET_BYTES {
        true => ControlFlow::Continue(()),
        false => too_much(format!(
            "a GROUP BY that makes more than {SETS} sets, or sets of more than {SET_BYTES} bytes in all"
        )),
    }
}

fn short(columns: usize) -> ControlFlow<Error> {
    match columns <= LIST_COLUMNS {
        true => ControlFlow::Continue(()),
        false => too_much(format!("a list of more than {LIST_COLUMNS} columns")),
    }
}

fn too_much(what: String) -> ControlFlow<Error> {
    ControlFlow::Break(Error::new(ErrorCode::LimitSql, format!("the SQL has {what}")))
}
