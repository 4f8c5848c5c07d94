//! Signed documents as they are: whatever stands in one and is not covered by its signature must not look as if it were.

use catalog_core::{Error, ErrorCode, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Reads a document of which everything is known. What is signed is its meaning, written anew: a field that reading drops
/// would pass unseen.
///
/// # Errors
/// `corrupt`, naming the field that nobody signed, or saying what is no such document.
pub(super) fn read<T: Serialize + DeserializeOwned>(content: &[u8], what: &str) -> Result<T> {
    let corrupt = |message: String| Error::new(ErrorCode::Corrupt, message);
    let foreign = |error: serde_json::Error| corrupt(format!("{what} is not one of this platform: {error}"));
    let document: T = serde_json::from_slice(content).map_err(foreign)?;
    let read: Value = serde_json::from_slice(content).map_err(foreign)?;
    let known = serde_json::to_value(&document).map_err(Error::internal)?;
    match foreign_part(&read, &known) {
        None => Ok(document),
        Some(place) => Err(corrupt(format!(
            "{what} holds `{}`, which is not written by this platform and covered by no signature",
            place.trim_start_matches('.').escape_debug()
        ))),
    }
}

/// The place of what is read and is not what is known.
fn foreign_part(read: &Value, known: &Value) -> Option<String> {
    match (read, known) {
        (Value::Object(read), Value::Object(known)) => read.iter().find_map(|(name, value)| {
            let inner = match known.get(name) {
                Some(known) => foreign_part(value, known)?,
                None => String::new(),
            };
            Some(format!(".{name}{inner}"))
        }),
        (Value::Array(read), Value::Array(known)) if read.len() == known.len() => {
            let mut pairs = read.iter().zip(known).enumerate();
            pairs.find_map(|(place, (read, known))| Some(format!("[{place}]{}", foreign_part(read, known)?)))
        }
        // Canonical JSON writes 1.0 as 1.
        (Value::Number(read), Value::Number(known)) if read.as_f64() == known.as_f64() => None,
        _ => (read != known).then(String::new),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Serialize, Deserialize)]
    struct Known {
        rows: Vec<Row>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    }

    #[derive(Debug, Serialize, Deserialize)]
    struct Row {
        share: f64,
    }

    #[test]
    fn what_reading_would_drop_is_named() {
        let of = |document: Value| read::<Known>(document.to_string().as_bytes(), "the document");
        of(json!({"rows": [{"share": 1}, {"share": 0.5}]})).unwrap();
        of(json!({"note": "x", "rows": []})).unwrap();
        for (document, place) in [
            (json!({"rows": [], "more": 1}), "`more`"),
            (json!({"rows": [{"share": 1}, {"share": 1, "by": "x"}]}), "`rows[1].by`"),
            (json!({"rows": [], "note": null}), "`note`"),
        ] {
            let error = of(document).unwrap_err();
            assert!(error.code == ErrorCode::Corrupt && error.message.contains(place), "{}", error.message);
        }
        assert_eq!(of(json!({"rows": 1})).unwrap_err().code, ErrorCode::Corrupt);
    }
}
