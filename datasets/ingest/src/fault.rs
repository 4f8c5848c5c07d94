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
