#![doc = include_str!("../README.md")]

mod entry;
mod index;
mod key;
mod mapped;
mod records;
mod scratch;
#[cfg(test)]
mod tests;
mod writer;

use std::io;

use arrow::error::ArrowError;
pub use entry::Entry;
pub use index::Index;
pub use key::IndexKey;
pub use records::{BATCH_ROWS, Records, RecordsWriter};
pub use writer::Writer;

/// What an index can't do.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The file can't be read or written.
    #[error("the index can't be read or written: {0}")]
    Io(#[from] io::Error),
    /// The file is not what was written, or was written about something else. Build it again.
    #[error("the index is damaged or of something else ({0}); build it again")]
    Damaged(&'static str),
    /// The rows can't be encoded, or what stands in the file can't be decoded.
    #[error("the rows can't be encoded or decoded: {0}")]
    Arrow(#[from] ArrowError),
    /// No key could be made.
    #[error(transparent)]
    Crypto(#[from] exchange_crypto::CryptoError),
}
