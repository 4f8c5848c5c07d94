//! Unfinished drafts 未完成的草稿: what somebody has typed for an entry and what breaks rules as yet. They are no entries: nothing
//! searches, exports, submits or publishes them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::sheet::form::EntryCells;
use crate::error::{Error, ErrorCode, Result};
use crate::ids::{DepartmentId, ResourceCode};
use crate::time::Timestamp;

/// Unfinished drafts that a department has at a time: lists read all of them whole.
pub const MOST_UNFINISHED: usize = 50;
/// Bytes that one of them holds, the names and texts of its fields together.
pub const MOST_UNFINISHED_BYTES: usize = 256 * 1024;

/// An unfinished draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Unfinished {
    /// Identity: a UUID for a new entry, the code in the form of addresses for a known one.
    pub id: String,
    /// Whose it is.
    pub provider: DepartmentId,
    /// The entry that it is to change; `None` where it is to be a new one.
    pub code: Option<ResourceCode>,
    /// The revision of the entry that it was made from; 0 for a new one.
    pub revision: i64,
    /// What was typed, by the names of the editor's fields: `d-0-7` is the title.
    pub fields: BTreeMap<String, String>,
    /// Who typed last.
    pub author: String,
    /// When.
    pub updated_at: Timestamp,
}

impl Unfinished {
    /// What was typed, cell by cell.
    ///
    /// # Errors
    /// `too_large` for more items than a form holds.
    pub fn cells(&self) -> Result<EntryCells> {
        EntryCells::filled(self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    }
}

/// Refuses one that holds more than [`MOST_UNFINISHED_BYTES`].
///
/// # Errors
/// `too_large`.
pub fn check_size(fields: &BTreeMap<String, String>) -> Result<()> {
    let bytes: usize = fields.iter().map(|(name, text)| name.len() + text.len()).sum();
    if bytes > MOST_UNFINISHED_BYTES {
        let message = "this is more than an unfinished draft holds: mend it and save the entry, or import the \
                       spreadsheet instead";
        return Err(Error::new(ErrorCode::TooLarge, message));
    }
    Ok(())
}

/// The refusal of writing over what the writer has not seen.
pub fn kept_meanwhile() -> Error {
    let message = "an unfinished draft of this has been kept since you opened it: open it again in another window \
                   and compare";
    Error::new(ErrorCode::Conflict, message)
}

/// The refusal of one more.
pub fn too_many() -> Error {
    let message =
        format!("{MOST_UNFINISHED} drafts are unfinished, which is the most: finish or discard one first");
    Error::new(ErrorCode::LimitRate, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_holds_so_much_and_no_more() {
        let holding = |bytes: usize| BTreeMap::from([("d-0-10".to_owned(), "x".repeat(bytes - 6))]);
        assert_eq!(check_size(&holding(MOST_UNFINISHED_BYTES)), Ok(()));
        let refused = check_size(&holding(MOST_UNFINISHED_BYTES + 1)).map_err(|error| error.code);
        assert_eq!(refused, Err(ErrorCode::TooLarge));
    }
}
