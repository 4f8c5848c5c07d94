//! Supervision 电子监察 and assessment 考核评估.

use catalog_core::services::Lights;
use catalog_core::supervision::{Anomaly, Assessment, Breach, Indicator, Period, Place};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What supervision shows of a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Supervision {
    /// The period.
    pub period: Period,
    /// The newest record of the log that was read for it.
    pub last: Option<Place>,
    /// Open matters by department and light, as of now.
    pub lights: Vec<Lights>,
    /// Limits that passed in the period, with the record that says so.
    pub breaches: Vec<Breach>,
    /// What was out of the ordinary in the period, with the records behind it.
    pub anomalies: Vec<Anomaly>,
}

/// An assessment that the platform vouches for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignedAssessment {
    /// The assessment.
    pub assessment: Assessment,
    /// Detached JWS (RFC 7515 appendix F, EdDSA, `typ` `shuqiao-assessment`) over its canonical JSON (RFC 8785).
    pub signature: String,
}

/// The records behind one figure of an assessment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AssessedRecords {
    /// The period.
    pub period: Period,
    /// The department; `authority` is the data authority.
    pub department: String,
    /// The figure.
    pub indicator: Indicator,
    /// How many records there are.
    pub total: u64,
    /// Where the first of them stand in the log, the oldest first.
    pub records: Vec<Place>,
}
