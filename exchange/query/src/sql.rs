//! From SQL text to one checked syntax tree whose tables and columns bear the engine's names.

mod columns;
mod dialect;
mod guard;
mod names;
mod size;
#[cfg(test)]
mod tests;

pub(crate) use columns::{Shown, unique};
pub(crate) use guard::{Parsed, parse};
pub(crate) use names::{Resolved, TableUse, has_tables, rename, table_uses};
