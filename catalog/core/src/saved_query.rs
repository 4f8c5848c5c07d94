//! Saved queries 常用查询: what somebody asks again and again. Name and text may tell of people, so that both are sealed before
//! they come here, and nobody but their owner has them opened.

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorCode};
use crate::time::Timestamp;

/// Saved queries that one person has at a time.
pub const MOST_QUERIES: usize = 100;
/// Characters of a name.
pub const NAME_CHARACTERS: usize = 100;
/// Bytes of a text.
pub const QUERY_BYTES: usize = 32 << 10;

/// A query that a person has saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedQuery {
    /// Identity: a UUID of version 7, in the order in which they were saved.
    pub id: String,
    /// Whose it is: a login name.
    pub person: String,
    /// Name and text, sealed under `id`.
    pub sealed: String,
    /// When it was saved.
    pub saved_at: Timestamp,
}

/// The refusal of one more.
pub fn too_many() -> Error {
    let message = format!("{MOST_QUERIES} queries are saved already, which is the most: delete one first");
    Error::new(ErrorCode::LimitRate, message)
}
