//! What can be wrong with a cell or a row, and with a whole file.

use std::fmt;

use catalog_core::{Error, ErrorCode};

/// A rule that a row breaks. The name is what reports and quarantine files say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Rule {
    /// No value where one is due.
    Required,
    /// Not a value of the type.
    Type,
    /// Text longer than the item allows.
    Length,
    /// Below the minimum or above the maximum.
    Range,
    /// Not one of the values allowed.
    Enumeration,
    /// Not of the item's value format.
    Format,
    /// A key that an earlier row of the delivery has.
    Unique,
    /// A key that the dataset already has.
    Exists,
    /// A value that the resource referred to does not have.
    Reference,
    /// The digest of a material that the resource does not have.
    Material,
    /// A number of which a spreadsheet has lost the last digits.
    NumberPrecision,
    /// More or fewer fields than the header, or members without an item.
    Columns,
    /// Bytes that are no text in the file's encoding.
    Encoding,
    /// Not a record of the file's format.
    Syntax,
}

impl Rule {
    /// The stable name.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Type => "type",
            Self::Length => "length",
            Self::Range => "range",
            Self::Enumeration => "enumeration",
            Self::Format => "format",
            Self::Unique => "unique",
            Self::Exists => "exists",
            Self::Reference => "reference",
            Self::Material => "material",
            Self::NumberPrecision => "number_precision",
            Self::Columns => "columns",
            Self::Encoding => "encoding",
            Self::Syntax => "syntax",
        }
    }

    /// What is wrong with a value, for who delivered it.
    pub(crate) fn broken_by(self, value: &str) -> String {
        match self {
            Self::Required => "the cell is empty, and its item needs a value".to_owned(),
            Self::Type => format!("`{value}` is no value of the item's type"),
            Self::Length => format!("`{value}` is longer than the item allows"),
            Self::Range => format!("`{value}` lies outside the item's range"),
            Self::Enumeration => format!("`{value}` is none of the item's values"),
            Self::Format => format!("`{value}` is not of the item's value format"),
            Self::Unique => format!("`{value}` is a key that an earlier row of the file has"),
            Self::Exists => {
                format!("`{value}` is a key that the dataset has: send it as an upsert to replace the row")
            }
            Self::Reference => format!("`{value}` does not exist where the item refers to"),
            Self::Material => {
                format!(
                    "`{value}` is no material of the resource: upload it to its `materials` first, then the \
                     register"
                )
            }
            Self::NumberPrecision => format!(
                "`{value}` has lost its last digits in a spreadsheet, which keeps 15: export it again from the \
                 source as text"
            ),
            Self::Columns => {
                format!("`{value}`: more or fewer fields than the header, or one that is no item")
            }
            Self::Encoding => format!("`{value}` is no text in the file's encoding"),
            Self::Syntax => format!("`{value}` is no record of the file's format"),
        }
    }

    /// What to do about it, where the name does not say.
    pub(crate) fn hint(self) -> Option<&'static str> {
        match self {
            Self::NumberPrecision => Some(
                "a spreadsheet stored this text as a number and keeps 15 digits: the last ones are lost. Export \
                 again from the source with the column formatted as text",
            ),
            Self::Material => Some("upload the file to the resource's `materials` first, then its register"),
            Self::Exists => Some("send it as an upsert to replace the row"),
            _ => None,
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The file as a whole cannot be read; says where and what to do.
pub(crate) fn malformed(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::InvalidInput, message)
}

/// The file is larger than can be read; says what to do.
pub(crate) fn too_large(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::TooLarge, message)
}

/// The object store or the disk failed while writing.
pub(crate) fn storage(cause: impl fmt::Display) -> Error {
    Error::new(ErrorCode::Unavailable, "the data could not be written; check space and access of the store")
        .with_internal(cause)
}
