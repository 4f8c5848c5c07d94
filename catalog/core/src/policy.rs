//! Who may see what: the filter language, masks, grants, the decision, and the bound policy that a query engine enforces.

mod blur;
mod bound;
mod decide;
mod explain;
pub mod filter;
mod grant;
mod linkage;
mod mask;
mod roles;
mod row;
mod statistics;
#[cfg(test)]
mod tests;

pub use blur::AboutRows;
pub use bound::{BoundPolicy, GrantedPolicy, VisibleColumn};
pub use decide::{DecidedBy, Decision, Effect, audience_of, decide_read, decide_version};
pub use explain::ItemVerdict;
pub use filter::{BoundFilter, Filter, Literal, Operand, TypedLiteral};
pub use grant::{Grant, GrantKind, GrantTerms, Grantee, Revocation, column_types};
pub use linkage::Sight;
pub use mask::Mask;
pub use roles::{Action, decide_action};
pub use row::{KnownValues, RowVerdict};
pub use statistics::Statistics;
