//! How much one developer may ask at the same time: whoever registers themselves could else busy every department.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Problem, Result};

/// The most that a bound may be set to.
const MOST: u32 = 10_000;

/// Bounds on the matters that one developer opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeveloperBounds {
    /// Matters open at the same time.
    pub open: u32,
    /// Matters opened within 24 hours.
    pub per_day: u32,
}

impl Default for DeveloperBounds {
    fn default() -> Self {
        Self { open: 20, per_day: 10 }
    }
}

impl DeveloperBounds {
    /// The defaults with those that a JSON file sets otherwise: `{"open": 5}`.
    pub fn with_file(text: &str) -> Result<Self> {
        let bounds: Self = serde_json::from_str(text).map_err(|error| {
            let problem =
                Problem::new(format!("line {}", error.line()), "developers.form", error.to_string());
            Error::invalid("the file sets no bounds of developers", vec![problem])
        })?;
        let is_right = |bound: u32| (1..=MOST).contains(&bound);
        match is_right(bounds.open) && is_right(bounds.per_day) {
            true => Ok(bounds),
            false => {
                let message = format!("`open` and `per_day` lie between 1 and {MOST}");
                let problem = Problem::new("open, per_day", "developers.bounds", message);
                Err(Error::invalid("the bounds of developers are not valid", vec![problem]))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_whole_or_an_error() {
        assert_eq!(
            DeveloperBounds::with_file("{\"open\": 3}").unwrap(),
            DeveloperBounds { open: 3, per_day: 10 }
        );
        for wrong in ["{\"open\": 0}", "{\"per_day\": 10001}", "{\"other\": 1}", "[", "{\"open\": -1}"] {
            assert!(DeveloperBounds::with_file(wrong).is_err(), "{wrong}");
        }
    }
}
