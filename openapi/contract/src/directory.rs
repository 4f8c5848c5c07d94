//! The directory: steps of the life cycle, codes, import.

use std::collections::BTreeMap;

use catalog_core::directory::{LifecycleState, LifecycleStep};
use catalog_core::{DepartmentId, Problem, ResourceCode, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ProblemDetails;

/// Takes a code for a new resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCode {
    /// The provider.
    pub provider: DepartmentId,
    /// The classification 类-项-目-细目, as digits.
    #[schema(example = "301001")]
    pub classification: String,
}

/// A code that was taken and is never given again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TakenCode {
    /// The code.
    pub code: ResourceCode,
}

/// One step of an entry's life cycle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The step.
    pub step: LifecycleStep,
    /// Why: mandatory for a return, rejection or withdrawal.
    #[serde(default)]
    pub remark: Option<String>,
}

/// The same step for many entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkStep {
    /// The entries, at most 1,000.
    pub codes: Vec<ResourceCode>,
    /// The step.
    pub step: LifecycleStep,
    /// Why: mandatory for a return, rejection or withdrawal.
    #[serde(default)]
    pub remark: Option<String>,
}

/// What became of one entry of a bulk step. Entries succeed and fail one by one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StepOutcome {
    /// The entry.
    pub code: ResourceCode,
    /// Its state after the step; none where it failed.
    pub state: Option<LifecycleState>,
    /// Why it failed.
    pub problem: Option<ProblemDetails>,
}

/// What an import did: all or nothing for each resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportReport {
    /// Codes of the resources taken, as drafts.
    pub imported: Vec<ResourceCode>,
    /// Resources left out, by name or code.
    pub refused: Vec<String>,
    /// Every problem, with sheet row and column, rule and how to fix it.
    pub problems: Vec<Problem>,
}

/// What was typed for an entry and may break rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnfinishedInput {
    /// The revision of the entry that it was made from; 0 for a new one.
    #[serde(default)]
    pub revision: i64,
    /// `updated_at` of the draft in whose place it is kept; nothing where there was none. Where another one stands there by now
    /// nothing is kept.
    #[serde(default)]
    pub kept: Option<Timestamp>,
    /// What was typed, by the names of the editor's fields: `d-0-7` is the title, other names are passed over.
    pub fields: BTreeMap<String, String>,
}
