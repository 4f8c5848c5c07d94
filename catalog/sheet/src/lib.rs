#![doc = include_str!("../README.md")]

mod budget;
mod csv;
mod excel;
#[cfg(test)]
mod tests;
mod xls_guard;
mod xlsx_guard;

pub use csv::write_csv;
pub use excel::write_xlsx;

use catalog_core::directory::sheet::{DIRECTORY_SHEET, EXTENSION_SHEET, Workbook};
use catalog_core::{Error, ErrorCode, Result};

/// How a ZIP container begins, and so an `.xlsx` file.
const ZIP_MAGIC: &[u8] = b"PK\x03\x04";
/// How an OLE container begins, and so an `.xls` file.
const OLE_MAGIC: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";

/// Reads the two sheets of a directory from a workbook, or from a CSV file with the sheet 扩展 in a second file.
///
/// # Errors
/// `unsupported_format` for what is none of these files, `too_large` beyond the limits, `invalid_input` where a second
/// file stands beside a workbook or a cell shows a formula's error.
pub fn read(file: &[u8], extension: Option<&[u8]>) -> Result<Workbook> {
    let workbook = file.starts_with(ZIP_MAGIC) || file.starts_with(OLE_MAGIC);
    match (workbook, extension) {
        (true, Some(_)) => {
            let message = "a workbook carries the sheet 扩展 itself; a second file goes with .csv only";
            Err(Error::new(ErrorCode::InvalidInput, message))
        }
        (true, None) if file.starts_with(ZIP_MAGIC) => excel::read_xlsx(file),
        (true, None) => excel::read_xls(file),
        (false, _) => Ok(Workbook {
            directory: csv::read_csv(file, DIRECTORY_SHEET)?,
            extension: extension.map(|file| csv::read_csv(file, EXTENSION_SHEET)).transpose()?,
        }),
    }
}

fn too_large(what: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::TooLarge, format!("the sheet is too large: {what}; split it by provider"))
}

fn unreadable(what: &str, cause: impl std::fmt::Display) -> Error {
    let message = format!("the file can't be read as {what}; save it anew as .xlsx or .csv");
    Error::new(ErrorCode::UnsupportedFormat, message).with_internal(cause)
}
