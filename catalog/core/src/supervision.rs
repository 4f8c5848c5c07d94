//! Supervision 电子监察, assessment 考核评估 and annual reports 年度报告, computed from the evidence log and from nothing else: whoever has the log
//! computes the same.
//!
//! All are folds over its records, oldest first. What changes say for them stands in [`crate::evidence::fact`].

mod access;
pub mod anomaly;
pub mod assessment;
pub mod behind;
pub mod breach;
pub mod disclosure;
mod duty;
pub mod sharing;
mod update;

#[cfg(test)]
mod tests;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::evidence::{EvidenceRecord, Undone};
use crate::time::Timestamp;

pub use anomaly::{Anomalies, Anomaly, AnomalyKind, Thresholds};
pub use assessment::{Assessment, Assessor, Indicators, Ratio};
pub use behind::{Behind, Indicator};
pub use breach::{Breach, Breaches};
pub use disclosure::{DisclosureCounter, DisclosureReport, ReportRow};
pub use sharing::{SharingCounter, SharingReport, SharingRow};
pub use update::due;

/// Where a record stands in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub struct Place {
    /// The epoch, counted from 0.
    pub epoch: u64,
    /// The leaf, counted from 0.
    pub index: u64,
}

/// A record where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Where.
    pub place: Place,
    /// What.
    pub record: EvidenceRecord,
}

impl Placed {
    /// The record without what it says of a change that was taken back. Reads stay: what was shown was shown.
    pub fn without(mut self, undone: &Undone) -> Self {
        if undone.has((self.place.epoch, self.place.index)) {
            self.record.fact = None;
        }
        self
    }
}

/// From the first instant up to the second, which is not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Period {
    /// Its begin.
    pub from: Timestamp,
    /// Its end, excluded.
    pub until: Timestamp,
}

impl Period {
    /// Its last instant.
    pub(crate) fn last(&self) -> Timestamp {
        Timestamp(self.until.0.saturating_sub(1))
    }

    /// A calendar year in Asia/Shanghai; `None` where the calendar ends.
    pub fn year(year: i32) -> Option<Self> {
        let start = |year| NaiveDate::from_ymd_opt(year, 1, 1).map(Timestamp::start_of_shanghai_day);
        Some(Self { from: start(year)?, until: start(year.checked_add(1)?)? })
    }

    /// Whether the instant lies in it.
    pub fn contains(&self, at: Timestamp) -> bool {
        (self.from..self.until).contains(&at)
    }
}
