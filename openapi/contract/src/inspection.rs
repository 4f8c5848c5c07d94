//! Evidence as auditors search it.

use std::collections::BTreeSet;

use catalog_core::evidence::{EvidenceRecord, SourceRead};
use catalog_core::{DepartmentId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A record at its place in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EvidenceLeaf {
    /// Epoch, counted from 0.
    pub epoch: u64,
    /// Place in the epoch, counted from 0.
    pub index: u64,
    /// Hash of the leaf (RFC 9162), base64: what a proof of inclusion begins with.
    pub hash: String,
    /// The record.
    #[schema(value_type = Object)]
    pub record: EvidenceRecord,
    /// Of the end of an access: its start, which says what was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<AccessStart>,
}

/// Where and with what an access began that a record ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccessStart {
    /// Place in the same epoch, counted from 0.
    pub index: u64,
    /// When.
    pub at: Timestamp,
    /// What is read.
    #[schema(value_type = Vec<Object>)]
    pub sources: Vec<SourceRead>,
}

/// A page of evidence, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EvidencePage {
    /// The records.
    pub records: Vec<EvidenceLeaf>,
    /// For `after` of the next page, if there may be more.
    pub next: Option<String>,
    /// Departments whose records stand here too, for the one that was looked for continues them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub predecessors: BTreeSet<DepartmentId>,
}
