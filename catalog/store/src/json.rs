//! Documents as JSON text.

use catalog_core::{Error, ErrorCode, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The JSON text of a document.
pub(crate) fn to_text(document: &impl Serialize) -> Result<String> {
    serde_json::to_string(document).map_err(Error::internal)
}

/// Reads a stored document.
pub(crate) fn from_text<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(corrupt)
}

/// The word of an enumeration's value, as JSON writes it.
pub(crate) fn to_word(value: impl Serialize) -> Result<String> {
    match serde_json::to_value(value).map_err(Error::internal)? {
        serde_json::Value::String(word) => Ok(word),
        other => Err(Error::internal(format!("not a word: {other}"))),
    }
}

/// Reads the word of an enumeration's value.
pub(crate) fn from_word<T: DeserializeOwned>(word: String) -> Result<T> {
    serde_json::from_value(serde_json::Value::String(word)).map_err(corrupt)
}

fn corrupt(cause: serde_json::Error) -> Error {
    Error::new(ErrorCode::Corrupt, "a document in the catalogue's database can't be read; tell the operator")
        .with_internal(cause)
}
