//! Identifiers: citizen identity numbers (GB 11643), unified social credit codes (GB 32100), division codes.
//!
//! All checks are pure functions of the text and allocate nothing, so that ingest can run them on every cell. Whether
//! a division exists in a given year is a question to a [`DivisionTable`], which the caller fills.

mod canonical;
mod citizen;
mod credit;
mod division;
#[cfg(test)]
mod tests;

pub use canonical::{canonical_identifier, canonical_name};
pub use citizen::{CitizenId, citizen_check};
pub use credit::{CreditCode, credit_check, organisation_check};
pub use division::{Division, DivisionTable, is_division_code};

/// Whether the text is a unified social credit code with a right check character.
pub fn is_credit_code(text: &str) -> bool {
    CreditCode::parse(text).is_ok()
}

/// What is wrong with an identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdentityFault {
    /// Wrong length or characters.
    #[error("it has the wrong length or a character that does not belong there")]
    Shape,
    /// The birth date inside is not a day of the calendar.
    #[error("the date inside is not a day of the calendar")]
    Date,
    /// The check character does not fit the others: a typing error, or digits that a spreadsheet has lost.
    #[error("the check character does not fit: a typing error, or a spreadsheet has changed the last digits")]
    Check,
}
