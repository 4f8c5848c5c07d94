use std::time::Duration;

use serde::Serialize;

/// The longest SQL text, in bytes.
pub(crate) const SQL_BYTES: usize = 256 * 1024;

/// What one query may use. Every limit aborts the answer with an error of its own; none ever shortens it silently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Time from acceptance to the last row.
    pub time: Duration,
    /// Memory of the operators of one query, in bytes: every running query has as much again. Sorts and aggregations
    /// beyond it spill to disk.
    pub memory: usize,
    /// Disk for spilling, in bytes, of all queries together.
    pub spill: u64,
    /// Rows in the answer.
    pub rows: u64,
    /// Bytes in the answer, as Arrow arrays in memory.
    pub bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(300),
            memory: 1 << 30,
            spill: 20 << 30,
            rows: 20_000_000,
            bytes: 8 << 30,
        }
    }
}

impl Limits {
    /// What a query of the public may use of them: strangers may be many, and extracts of theirs spill.
    pub(crate) fn of_the_public(self) -> Self {
        Self { memory: self.memory / 8, ..self }
    }
}
