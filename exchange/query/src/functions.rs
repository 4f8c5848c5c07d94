//! The functions a query may call: an allow-list kept as data, in `functions.txt`.

use std::sync::Arc;

use datafusion::catalog::TableFunction;
use datafusion::execution::SessionStateDefaults;
use datafusion::execution::session_state::SessionStateBuilder;
use serde::Serialize;

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
        .with_scalar_functions(scalar.into_iter().map(crate::bounded::bounded).collect())
        .with_aggregate_functions(aggregate)
        .with_window_functions(window)
        .with_table_function_list(tables)
}
