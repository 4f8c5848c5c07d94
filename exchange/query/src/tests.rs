//! The attack suite: everything runs on real Parquet files, beside a copy that is physically filtered and masked.

mod attacks;
mod cells;
mod explain;
mod fixture;
mod heavy;
mod leak;
mod mistakes;
mod places;
mod random;
mod running;
pub(crate) mod world;
