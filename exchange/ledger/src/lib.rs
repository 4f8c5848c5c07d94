#![doc = include_str!("../README.md")]

mod commitment;
mod error;
mod evidence_file;
mod line_file;
mod scan;

pub use commitment::{Commitment, Committed, SaltFile, commit, opens};
pub use error::LedgerError;
pub use evidence_file::{EvidenceFile, leaf_hash};
pub use line_file::{Opened, TornLine};
pub use scan::{Filter, Leaf, Scan};

#[cfg(test)]
mod tests;
