//! One module per group of tables: the columns, and how a row is made.

pub(crate) mod certificates;
pub(crate) mod credit;
pub(crate) mod places;
pub(crate) mod reference;
pub(crate) mod registry;
pub(crate) mod social_security;
