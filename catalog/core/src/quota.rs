//! How much may be asked without a proof of identity, and by developers: whoever asks without end would else keep everybody
//! waiting.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Problem, Result};

/// The most requests that a quota may be set to.
const MOST: u64 = 10_000_000;
/// The most bytes that a quota may be set to: numbers in header fields have 15 digits.
const MOST_BYTES: u64 = 1 << 45;
/// The longest window, in seconds.
const LONGEST: u64 = 86_400;

/// Requests and bytes within a window. It begins with the first request, and the next one with the first request after its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quotas {
    /// Seconds of a window.
    pub window_seconds: u32,
    /// Requests without a proof of identity from one address (of IPv6: from one network of 64 bits).
    pub anonymous: u32,
    /// Bytes that are answered to them. An answer that has begun is sent to its end.
    pub anonymous_bytes: u64,
    /// Requests with one developer key.
    pub key: u32,
    /// Requests of one developer, whatever proves them: all of their keys, their sessions, signatures and tickets.
    pub developer: u32,
    /// Bytes that are answered to them. An answer that has begun is sent to its end.
    pub developer_bytes: u64,
    /// Keys that one developer has at the same time.
    pub keys_per_developer: u32,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            window_seconds: 60,
            anonymous: 600,
            anonymous_bytes: 4 << 30,
            key: 3000,
            developer: 6000,
            developer_bytes: 16 << 30,
            keys_per_developer: 10,
        }
    }
}

impl Quotas {
    /// The defaults with those that a JSON file sets otherwise: `{"anonymous": 120}`.
    pub fn with_file(text: &str) -> Result<Self> {
        let quotas: Self = serde_json::from_str(text).map_err(|error| {
            let problem = Problem::new(format!("line {}", error.line()), "quotas.form", error.to_string());
            Error::invalid("the file sets no quotas", vec![problem])
        })?;
        let mut problems = quotas.out_of_bounds();
        problems.extend(quotas.out_of_order());
        match problems.is_empty() {
            true => Ok(quotas),
            false => Err(Error::invalid("the quotas are not valid", problems)),
        }
    }

    fn out_of_bounds(&self) -> Vec<Problem> {
        let bounds = [
            ("window_seconds", self.window_seconds.into(), LONGEST),
            ("anonymous", self.anonymous.into(), MOST),
            ("anonymous_bytes", self.anonymous_bytes, MOST_BYTES),
            ("key", self.key.into(), MOST),
            ("developer", self.developer.into(), MOST),
            ("developer_bytes", self.developer_bytes, MOST_BYTES),
            ("keys_per_developer", self.keys_per_developer.into(), MOST),
        ];
        let wrong = bounds.into_iter().filter(|(_, value, most): &(_, u64, _)| !(1..=*most).contains(value));
        wrong
            .map(|(at, _, most)| Problem::new(at, "quotas.bounds", format!("it lies between 1 and {most}")))
            .collect()
    }

    /// Whoever says more about themselves may ask more.
    fn out_of_order(&self) -> Vec<Problem> {
        let order = [
            ("key", "anonymous", u64::from(self.key), u64::from(self.anonymous)),
            ("developer", "key", self.developer.into(), self.key.into()),
            ("developer_bytes", "anonymous_bytes", self.developer_bytes, self.anonymous_bytes),
        ];
        let wrong = order.into_iter().filter(|(_, _, more, less)| more < less);
        wrong
            .map(|(at, other, ..)| Problem::new(at, "quotas.order", format!("set it to `{other}` or more")))
            .collect()
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
            "{\"anonymous_bytes\": 0}",
            "{\"window_seconds\": 86401}",
            "{\"key\": 10}",
            "{\"key\": 6001}",
            "{\"developer_bytes\": 1000}",
            "{\"developer_bytes\": 35184372088833}",
            "{\"keys_per_developer\": 0}",
            "{\"other\": 1}",
            "[",
        ] {
            assert!(Quotas::with_file(wrong).is_err(), "{wrong}");
        }
    }
}
