#![doc = include_str!("../README.md")]

mod archive;
mod audit;
mod checkpoints;
mod commitment;
mod committer;
mod confidential_keys;
mod copy;
mod durable;
mod epoch;
mod error;
mod files;
mod ledger;
pub mod merkle;
mod nonces;
pub mod note;
mod received;
mod scan;
mod segment;
mod starts;
mod texts;
mod tree_file;
mod vault;
mod witness;
mod writer;

pub use archive::Archived;
pub use audit::{AuditKeys, Audited, Finding, audit};
pub use checkpoints::SignedCheckpoint;
pub use commitment::{Commitment, commit, opens};
pub use confidential_keys::ConfidentialKeys;
pub use copy::{Content, LogCopy, LogFile};
pub use durable::TornLine;
pub use error::LedgerError;
pub use ledger::{Inclusion, Ledger, Opened, Settings, platform_actor};
pub use nonces::NonceLog;
pub use scan::{Filter, Leaf, Scan};
pub use vault::{Committed, Kept, Vault};
pub use witness::{AddCheckpoint, Refusal, Witness};

#[cfg(test)]
mod tests;
