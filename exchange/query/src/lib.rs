#![doc = include_str!("../README.md")]

mod answer;
mod barrier;
mod bounded;
mod catalog;
mod constants;
mod engine;
mod error;
mod explain;
pub mod export;
mod features;
mod functions;
mod geometry;
mod information;
mod limits;
mod mask;
mod mistakes;
mod past;
mod patterns;
mod plan;
mod policy;
pub mod replay;
mod revocation;
mod secrecy;
mod selection;
mod sql;
mod step;
mod stopping;
mod table;
mod tables;
#[cfg(test)]
mod tests;
mod verification;
mod weight;
mod workers;

pub use answer::{QueryAnswer, Records};
pub use catalog::CatalogTables;
pub use engine::{CHANGE_TYPE, EngineParts, Place, QueryEngine, QueryRequest};
pub use features::{Feature, Features};
pub use functions::{SqlFunction, functions};
pub use geometry::{Area, Located, Relation, Shape};
pub use limits::Limits;
pub use past::PastTables;
pub use revocation::{Revocations, Watch};
pub use selection::{Condition, Selection, Slice, SortKey};
pub use tables::{OpenTable, StoredFile, TableName, Tables};
