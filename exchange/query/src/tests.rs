//! The attack suite: everything runs on real Parquet files, beside a copy that is physically filtered and masked.

mod at_hand;
mod attacks;
mod cells;
mod explain;
pub(crate) mod fixture;
mod heavy;
mod leak;
mod mistakes;
mod places;
mod random;
mod remembered;
mod running;
pub(crate) mod world;
