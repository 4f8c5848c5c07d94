#![doc = include_str!("../README.md")]

mod check;
mod convert;
mod delivery;
mod erase;
mod fault;
mod ingest;
mod keys;
mod materials;
mod quarantine;
mod read;
mod reference;
mod sort;
mod statistics;
mod stored;
#[cfg(test)]
mod tests;
mod validate;
mod write;

pub use delivery::{Delivery, SourceFormat};
pub use erase::Eraser;
pub use ingest::{Ingest, IngestOptions, Prepared, Progress, Progressed, SAMPLE_ROWS, Sample, Stage};
pub use quarantine::Violation;
pub use reference::{LoadedReferences, ReferenceCheck};

/// Rows handled at a time.
const BATCH_ROWS: usize = 8_192;
