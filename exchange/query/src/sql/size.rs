//! How much a query asks of the planner, counted before anything is planned: planning can't be interrupted.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use catalog_core::{Error, ErrorCode, Result};
use datafusion::sql::sqlparser::ast::{
    Expr, ObjectName, ObjectNamePart, Query, Select, TableFactor, VisitMut, VisitorMut,
};

/// The most tables and SELECTs, a WITH item counted again wherever it is named.
const PARTS: usize = 400;
/// The deepest expression; every operand of a chain is one level.
const LEVELS: usize = 200;
/// The most values of an IN list.
const LIST_VALUES: usize = 5_000;

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
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<Error> {
        let Some(query) = self.open.pop() else { return ControlFlow::Continue(()) };
        self.known.truncate(query.outside);
        if query.parts > PARTS {
            return too_much(format!(
                "more than {PARTS} tables and SELECTs, WITH items counted where they are named"
            ));
        }
        match self.open.last_mut().and_then(|outer| outer.items.pop_front()) {
            Some(item) => self.known.push((item, query.parts)),
            None => self.add(query.parts),
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, _: &mut Select) -> ControlFlow<Error> {
        self.add(1);
        ControlFlow::Continue(())
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
            _ => ControlFlow::Continue(()),
        }
    }

    fn post_visit_expr(&mut self, _: &mut Expr) -> ControlFlow<Error> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }
}

fn too_much(what: String) -> ControlFlow<Error> {
    ControlFlow::Break(Error::new(ErrorCode::LimitSql, format!("the SQL has {what}")))
}
