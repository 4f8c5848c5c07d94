//! How much may be asked without a proof of identity, and with a developer key: whoever asks without end would else keep
//! everybody waiting.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Problem, Result};

/// The most that a quota may be set to.
const MOST: u32 = 10_000_000;
/// The longest window, in seconds.
const LONGEST: u32 = 86_400;

/// Requests within a window. It begins with the first request, and the next one with the first request after its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quotas {
    /// Seconds of a window.
    pub window_seconds: u32,
    /// Requests without a proof of identity from one address (of IPv6: from one network of 64 bits).
    pub anonymous: u32,
    /// Requests with one developer key.
    pub key: u32,
    /// Keys that one developer has at the same time.
    pub keys_per_developer: u32,
}

impl Default for Quotas {
    fn default() -> Self {
        Self { window_seconds: 60, anonymous: 600, key: 3000, keys_per_developer: 10 }
    }
}

impl Quotas {
    /// The defaults with those that a JSON file sets otherwise: `{"anonymous": 120}`.
    pub fn with_file(text: &str) -> Result<Self> {
        let quotas: Self = serde_json::from_str(text).map_err(|error| {
            let problem = Problem::new(format!("line {}", error.line()), "quotas.form", error.to_string());
            Error::invalid("the file sets no quotas", vec![problem])
        })?;
        let Self { window_seconds, anonymous, key, keys_per_developer } = quotas;
        let bounds = [
            ("window_seconds", window_seconds, LONGEST),
            ("anonymous", anonymous, MOST),
            ("key", key, MOST),
            ("keys_per_developer", keys_per_developer, MOST),
        ];
        let wrong = bounds.into_iter().filter(|(_, value, most)| !(1..=*most).contains(value));
        let mut problems: Vec<_> = wrong
            .map(|(at, _, most)| Problem::new(at, "quotas.bounds", format!("it lies between 1 and {most}")))
            .collect();
        if key < anonymous {
            let message = "a developer key opens more than no key: set it to `anonymous` or more";
            problems.push(Problem::new("key", "quotas.order", message));
        }
        match problems.is_empty() {
            true => Ok(quotas),
            false => Err(Error::invalid("the quotas are not valid", problems)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_are_whole_or_an_error() {
        let set = Quotas::with_file("{\"anonymous\": 120}").unwrap();
        assert_eq!(set, Quotas { anonymous: 120, ..Quotas::default() });
        for wrong in [
            "{\"anonymous\": 0}",
            "{\"window_seconds\": 86401}",
            "{\"key\": 10}",
            "{\"keys_per_developer\": 0}",
            "{\"other\": 1}",
            "[",
        ] {
            assert!(Quotas::with_file(wrong).is_err(), "{wrong}");
        }
    }
}
