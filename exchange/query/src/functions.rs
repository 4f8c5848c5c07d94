//! The functions a query may call: an allow-list kept as data, in `functions.txt`.

use std::ops::ControlFlow;
use std::sync::Arc;

use catalog_core::{Error, Result};
use datafusion::catalog::TableFunction;
use datafusion::execution::SessionStateDefaults;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArguments, ObjectName, ObjectNamePart, Query, VisitMut, VisitorMut,
};
use serde::Serialize;

use crate::mistakes;

/// A function that SQL offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SqlFunction {
    /// `scalar`, `aggregate`, `window` or `table`.
    pub kind: &'static str,
    /// Name in SQL.
    pub name: &'static str,
    /// What it gives.
    pub description: &'static str,
}

/// All functions that SQL offers, by kind and name.
pub fn functions() -> impl Iterator<Item = SqlFunction> {
    include_str!("functions.txt").lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let mut parts = line.split('\t');
        Some(SqlFunction { kind: parts.next()?, name: parts.next()?, description: parts.next()? })
    })
}

/// Whether a function of that kind and name is offered.
pub(crate) fn is_offered(kind: &str, name: &str) -> bool {
    functions().any(|function| function.kind == kind && function.name == name)
}

/// Registers what is offered and nothing else.
pub(crate) fn register(builder: SessionStateBuilder) -> SessionStateBuilder {
    let mut scalar = SessionStateDefaults::default_scalar_functions();
    scalar.retain(|function| is_offered("scalar", function.name()));
    let mut aggregate = SessionStateDefaults::default_aggregate_functions();
    aggregate.retain(|function| is_offered("aggregate", function.name()));
    let mut window = SessionStateDefaults::default_window_functions();
    window.retain(|function| is_offered("window", function.name()));
    let tables = SessionStateDefaults::default_table_functions();
    let tables: Vec<Arc<TableFunction>> =
        tables.into_iter().filter(|function| is_offered("table", function.name())).collect();
    builder
        .with_scalar_functions(
            scalar.into_iter().map(crate::bounded::bounded).chain(crate::geometry::functions()).collect(),
        )
        .with_aggregate_functions(aggregate)
        .with_window_functions(window)
        .with_table_function_list(tables)
}

/// Refuses a query that calls what is not registered, by whichever of a function's names.
pub(crate) fn check(query: &mut Query, state: &SessionState) -> Result<()> {
    match query.visit(&mut Calls(state)) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

struct Calls<'a>(&'a SessionState);

impl Calls<'_> {
    fn check(&self, name: &str, over: bool) -> Result<()> {
        let Self(state) = self;
        let over_windows =
            state.aggregate_functions().contains_key(name) || state.window_functions().contains_key(name);
        match (over_windows, state.scalar_functions().contains_key(name)) {
            (true, _) => Ok(()),
            (false, true) if !over => Ok(()),
            (false, true) => Err(mistakes::no_window(name)),
            (false, false) => Err(mistakes::unknown_function(name)),
        }
    }
}

impl VisitorMut for Calls<'_> {
    type Break = Error;

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        match expr {
            // Without parentheses it may be a column too.
            Expr::Function(Function { args: FunctionArguments::None, .. }) => ControlFlow::Continue(()),
            Expr::Function(Function { name, over, .. }) => match self.check(&called(name), over.is_some()) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => ControlFlow::Break(error),
            },
            _ => ControlFlow::Continue(()),
        }
    }
}

/// The name as the planner takes it.
fn called(name: &ObjectName) -> String {
    match name.0.as_slice() {
        [ObjectNamePart::Identifier(name)] if name.quote_style.is_some() => name.value.clone(),
        _ => name.to_string().to_lowercase(),
    }
}
