//! The attack suite: everything runs on real Parquet files, beside a copy that is physically filtered and masked.

mod fixture;
mod leak;
