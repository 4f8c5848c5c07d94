//! How long versions of datasets are kept: all of them for some months, then the last of each month for some years. And how
//! long withdrawn records, which nobody sees, stay in the stored objects.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike as _, Months};
use serde::{Deserialize, Serialize};

use crate::dataset::{self, Version, VersionState};
use crate::error::{Error, Problem, Result};
use crate::ids::ResourceCode;
use crate::time::Timestamp;

#[cfg(test)]
mod tests;

/// The longest times that can be said, in months: a hundred years.
const LONGEST: u32 = 1_200;
/// The same in days.
const LONGEST_DAYS: u32 = 36_500;

/// For how long the versions of a dataset are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Keep {
    /// Months for which every version is kept.
    pub all_months: u32,
    /// Months for which the last version of each month is kept.
    pub month_end_months: u32,
    /// Days after which withdrawn records, hidden at once, are erased from the stored objects too.
    pub withdrawn_days: u32,
}

impl Default for Keep {
    fn default() -> Self {
        Self { all_months: 3, month_end_months: 36, withdrawn_days: 30 }
    }
}

/// For how long versions are kept, by dataset. A file `retention.json` in the data folder sets others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// Where nothing else is said.
    pub default: Keep,
    /// By the code of the resource.
    pub resources: BTreeMap<ResourceCode, Keep>,
}

impl Retention {
    /// The defaults with those that a JSON file sets otherwise.
    pub fn with_file(text: &str) -> Result<Self> {
        let wrong = |at: String, message: &str| {
            let problem = Problem::new(at, "retention", message);
            Error::invalid("the file says not how long versions are kept", vec![problem])
        };
        let read: Self = serde_json::from_str(text)
            .map_err(|error| wrong(format!("line {}", error.line()), &error.to_string()))?;
        let named = read.resources.iter().map(|(code, keep)| (code.to_string(), keep));
        for (at, keep) in named.chain([("default".to_owned(), &read.default)]) {
            if keep.all_months > LONGEST || keep.month_end_months > LONGEST {
                return Err(wrong(at, "at most 1200 months"));
            }
            if keep.withdrawn_days > LONGEST_DAYS {
                return Err(wrong(at, "at most 36500 days"));
            }
        }
        Ok(read)
    }

    /// Until when withdrawals must have been made whose records are to be erased by now.
    pub fn erased_until(&self, code: &ResourceCode, now: Timestamp) -> Timestamp {
        now.plus_seconds(-86_400 * i64::from(self.keep(code).withdrawn_days))
    }

    fn keep(&self, code: &ResourceCode) -> &Keep {
        self.resources.get(code).unwrap_or(&self.default)
    }

    /// The versions of a resource whose time is over, oldest first. The newest is never among them, nor is one that is yet to
    /// come or that somebody reviews.
    pub fn expired(&self, code: &ResourceCode, versions: &[Version], now: Timestamp) -> Vec<i64> {
        let keep = self.keep(code);
        let newest = dataset::latest(versions, now).map(|version| version.number);
        let readable: Vec<_> = dataset::in_effect(versions, now)
            .into_iter()
            .filter(|version| version.state == VersionState::Published)
            .collect();
        let month = |version: &Version| {
            let day = version.effective_from().unwrap_or(version.published_at).shanghai_date();
            (day.year(), day.month())
        };
        // A later one of the same month takes the place of an earlier one.
        let last: BTreeMap<_, _> = readable.iter().map(|version| (month(version), version.number)).collect();
        let last: BTreeSet<_> = last.into_values().collect();
        let is_over = |version: &&Version| {
            let months = match last.contains(&version.number) {
                true => keep.all_months.max(keep.month_end_months),
                false => keep.all_months,
            };
            let from = version.effective_from().unwrap_or(version.published_at);
            Some(version.number) != newest && is_older(from, months, now)
        };
        readable.into_iter().filter(is_over).map(|version| version.number).collect()
    }
}

/// Whether so many months, by the calendar in Asia/Shanghai, have passed since.
fn is_older(since: Timestamp, months: u32, now: Timestamp) -> bool {
    let day = now.shanghai_date().checked_sub_months(Months::new(months));
    day.is_some_and(|day| since < Timestamp::start_of_shanghai_day(day))
}
