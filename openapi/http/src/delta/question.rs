//! What is asked of a table: a version, its files, or what became of its rows.

use std::fmt;

use catalog_core::evidence::SourceRead;
use catalog_core::services::VersionSelector;
use catalog_core::{Error, ErrorCode, Result, Timestamp};
use exchange_crypto::Digest;
use openapi_contract::TableQuery;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::IntoParams;

use super::history::{History, Step};
use crate::extract::invalid;
use crate::problem::Refusal;

/// Hex digits by which a refresh token knows again what was seen.
const SEEN_DIGITS: usize = 32;

/// Which version is meant.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(super) struct At {
    /// A version by number.
    version: Option<i64>,
    /// The version that was in effect at that time (RFC 3339).
    timestamp: Option<String>,
}

impl At {
    fn is_named(&self) -> bool {
        self.version.is_some() || self.timestamp.is_some()
    }

    pub(super) fn selector(&self) -> Result<VersionSelector, Refusal> {
        match (self.version, &self.timestamp) {
            (Some(_), Some(_)) => Err(invalid("name a version by `version` or by `timestamp`, not by both")),
            (Some(number), None) => Ok(VersionSelector::Number(number)),
            (None, Some(text)) => Ok(VersionSelector::At(time("timestamp", text)?)),
            (None, None) => Ok(VersionSelector::Latest),
        }
    }
}

/// Which changes are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub(super) struct Between {
    /// The first version.
    starting_version: Option<i64>,
    /// The first version at that time or later (RFC 3339).
    starting_timestamp: Option<String>,
    /// The last version; the newest when left out.
    ending_version: Option<i64>,
    /// The last version at that time or before (RFC 3339).
    ending_timestamp: Option<String>,
}

impl Between {
    fn is_named(&self) -> bool {
        *self != Self::default()
    }

    /// The first version, and what happened from it on.
    pub(super) fn steps(&self, history: &History) -> Result<(i64, Vec<Step>), Refusal> {
        let newest = history.newest().unwrap_or_default();
        let start = match (self.starting_version, &self.starting_timestamp) {
            (Some(number), None) => number,
            (None, Some(text)) => history.first_from(time("startingTimestamp", text)?)?,
            _ => return Err(invalid("name the start by `startingVersion` or by `startingTimestamp`")),
        };
        let end = match (self.ending_version, &self.ending_timestamp) {
            (Some(_), Some(_)) => {
                return Err(invalid("name the end by `endingVersion` or by `endingTimestamp`, not by both"));
            }
            (Some(number), None) => number,
            (None, Some(text)) => history.last_until(time("endingTimestamp", text)?)?,
            (None, None) => i64::MAX,
        };
        if start < 0 || start > newest {
            return Err(invalid(&format!("there is no version {start}: the newest is {newest}")));
        }
        if end < start {
            return Err(invalid("the end lies before the start"));
        }
        Ok((start, history.steps(start..=end)?))
    }
}

/// Which files of a table a body asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) selector: VersionSelector,
    /// So many rows are enough.
    pub(super) limit: Option<u32>,
    /// The read that goes on.
    pub(super) refresh: Option<RefreshToken>,
    /// Where only what came and went is asked for: since when.
    pub(super) since: Option<Between>,
}

impl Question {
    /// Reads a body; a missing one asks for everything.
    pub(super) fn of(body: &[u8]) -> Result<Self, Refusal> {
        let body = if body.is_empty() { b"{}" } else { body };
        let wrong = |found| invalid(&format!("the body is not what this operation takes: {found}"));
        // A list would be read as its fields in order.
        let fields: Map<String, Value> = serde_json::from_slice(body).map_err(wrong)?;
        let query: TableQuery = serde_json::from_value(Value::Object(fields)).map_err(wrong)?;
        let TableQuery { version, timestamp, refresh_token, limit_hint: limit, .. } = query;
        let (starting_version, starting_timestamp) = (query.starting_version, query.starting_timestamp);
        let at = At { version, timestamp };
        let since = Between { starting_version, starting_timestamp, ..Between::default() };
        let ways = [at.is_named(), since.is_named(), refresh_token.is_some()];
        if ways.into_iter().filter(|is_named| *is_named).count() > 1 {
            let message =
                "name one of a version, a start, and `refreshToken`, which names its version itself";
            return Err(invalid(message));
        }
        let refresh = refresh_token.as_deref().map(RefreshToken::parse).transpose()?;
        let selector = match &refresh {
            Some(refresh) => VersionSelector::Number(refresh.version),
            None => at.selector()?,
        };
        Ok(Self { selector, limit, refresh, since: since.is_named().then_some(since) })
    }
}

/// What an answer ends with, so that its reader goes on with the very same files at fresh addresses. It opens nothing: rights
/// are looked at as for any other question.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RefreshToken {
    version: i64,
    /// What of the version the reader saw, by its digest.
    seen: String,
}

impl RefreshToken {
    pub(super) fn of(source: &SourceRead) -> Self {
        let seen = format!("{}\n{}", source.manifest_digest, source.policy_digest);
        let seen = Digest::of(seen.as_bytes()).to_hex()[..SEEN_DIGITS].to_owned();
        Self { version: source.version, seen }
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        let read = || {
            let (version, seen) = text.split_once('-')?;
            Some(Self { version: version.parse().ok()?, seen: seen.to_owned() })
        };
        read().ok_or_else(|| invalid("`refreshToken` is not one that an answer gave"))
    }

    /// # Errors
    /// `invalid_input` where the reader sees something else by now: other files would not go with those that it has.
    pub(super) fn check(&self, source: &SourceRead) -> Result<()> {
        match *self == Self::of(source) {
            true => Ok(()),
            false => {
                let message = "what you may see of this version is no longer what your read began with: read the table anew";
                Err(Error::new(ErrorCode::InvalidInput, message))
            }
        }
    }
}

impl fmt::Display for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.version, self.seen)
    }
}

pub(super) fn time(name: &str, text: &str) -> Result<Timestamp, Refusal> {
    let wrong = || invalid(&format!("`{name}` is a time such as 2026-01-31T00:00:00Z"));
    Timestamp::parse(text).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(policy: &str) -> SourceRead {
        SourceRead {
            resource: catalog_core::ResourceCode::new("301001/000001").unwrap(),
            version: 3,
            manifest_digest: "m".to_owned(),
            policy_digest: policy.to_owned(),
            grant: None,
        }
    }

    #[test]
    fn hints_are_hints_and_wrong_types_are_refused() {
        let asked = |body: &str| {
            Question::of(body.as_bytes()).ok().map(|question| (question.selector, question.limit))
        };
        assert_eq!(asked(""), Some((VersionSelector::Latest, None)));
        let hints = r#"{"predicateHints":["no sql"],"jsonPredicateHints":"{","limitHint":7,"unknown":[]}"#;
        assert_eq!(asked(hints), Some((VersionSelector::Latest, Some(7))));
        assert_eq!(asked(r#"{"version":3}"#), Some((VersionSelector::Number(3), None)));
        for wrong in [
            "[]",
            "{",
            r#"{"version":"3"}"#,
            r#"{"version":99999999999999999999}"#,
            r#"{"limitHint":-1}"#,
            r#"{"limitHint":1.5}"#,
            r#"{"predicateHints":"a = 1"}"#,
            r#"{"version":1,"timestamp":"2026-01-01T00:00:00Z"}"#,
            r#"{"timestamp":"yesterday"}"#,
            r#"{"startingVersion":1,"version":1}"#,
            r#"{"refreshToken":"x"}"#,
            r#"{"refreshToken":"3"}"#,
            r#"{"refreshToken":"-3"}"#,
            r#"{"refreshToken":"3-x","version":3}"#,
            r#"{"refreshToken":"3-x","startingTimestamp":"2026-01-01T00:00:00Z"}"#,
        ] {
            assert_eq!(asked(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_refresh_token_goes_on_with_what_was_seen_and_nothing_else() {
        let body =
            serde_json::json!({"refreshToken": RefreshToken::of(&source("p")).to_string()}).to_string();
        let question = Question::of(body.as_bytes()).ok().unwrap();
        assert_eq!(question.selector, VersionSelector::Number(3));
        let refresh = question.refresh.unwrap();
        assert!(refresh.check(&source("p")).is_ok());
        assert_eq!(refresh.check(&source("q")).unwrap_err().code, ErrorCode::InvalidInput);
        assert!(refresh.check(&SourceRead { version: 4, ..source("p") }).is_err());
    }

    #[test]
    fn a_start_asks_for_what_came_and_went() {
        let question = Question::of(br#"{"startingVersion":2}"#).ok().unwrap();
        assert_eq!(question.since, Some(Between { starting_version: Some(2), ..Between::default() }));
        assert_eq!(Question::of(b"{}").ok().unwrap().since, None);
    }
}
