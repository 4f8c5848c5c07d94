//! Datasets 挂接数据: the immutable versions mounted on a resource, as the catalogue records them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::{ColumnName, ResourceCode};
use crate::time::Timestamp;

/// How a version came from the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// All rows anew.
    Replace,
    /// Rows added.
    Append,
    /// Rows added or replaced by key.
    Upsert,
}

/// Where a version stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VersionState {
    /// Readable.
    Published,
    /// Unreadable at every door; a tombstone remains.
    Withdrawn,
}

/// One version of a resource's dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Version {
    /// The resource.
    pub resource: ResourceCode,
    /// 1, 2, 3 and so on within the resource; never reused.
    pub number: i64,
    /// How it came about.
    pub change: ChangeKind,
    /// Rows in it.
    pub rows: i64,
    /// Bytes of its Parquet parts.
    pub bytes: i64,
    /// SHA-256 of the canonical manifest, hex: the version's identity in evidence.
    pub manifest_digest: String,
    /// When it became visible.
    pub published_at: Timestamp,
    /// Who published it.
    pub published_by: String,
    /// Readable or withdrawn.
    pub state: VersionState,
    /// Why and when it was withdrawn.
    pub tombstone: Option<Tombstone>,
}

/// What remains of something withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tombstone {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// Why, for the public.
    pub reason: String,
}

/// Records withdrawn from all versions of a dataset, by their keys: one more row filter in every bound policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecordWithdrawal {
    /// Identity, a UUID.
    pub id: String,
    /// The resource.
    pub resource: ResourceCode,
    /// The key columns when it was withdrawn: the directory may name others later.
    pub columns: Vec<ColumnName>,
    /// Key values in the order of `columns`, as text.
    pub keys: Vec<Vec<String>>,
    /// When, who and why.
    pub tombstone: Tombstone,
}
