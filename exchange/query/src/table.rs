//! Tables as the engine sees them: a stored version, and the same version under a policy, as rows or as cells.

mod cells;
mod governed;
mod reach;
mod stored;

pub(crate) use cells::CellsTable;
pub(crate) use governed::{GovernedTable, TablePolicy, VisibleColumn};
pub(crate) use reach::{POSITION, Position, Reach};
pub(crate) use stored::{StoredTable, viewed};
