//! Tables as the engine sees them: a stored version, and the same version under a policy.

mod governed;
mod stored;

pub(crate) use governed::{GovernedTable, TablePolicy, VisibleColumn};
pub(crate) use stored::StoredTable;
