//! How the platform works.

use catalog_core::Timestamp;
use catalog_core::subscription::SubscriptionCounts;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How the platform works, as far as it is the caller's business.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlatformStatus {
    /// The time of the answer.
    pub at: Timestamp,
    /// The version of the program.
    pub version: String,
    /// Whether the directory answers.
    pub has_directory: bool,
    /// When open data were last published; null where there are none.
    pub updated_at: Option<Timestamp>,
    /// The newest checkpoint of the evidence log; null where there is none yet.
    pub checkpoint: Option<CheckpointStatus>,
    /// What is told to those who maintain the platform, and to auditors; null for everybody else.
    pub operation: Option<OperationStatus>,
}

/// The newest checkpoint of the evidence log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CheckpointStatus {
    /// Records that it covers.
    pub size: u64,
    /// Root of their tree, in Base64.
    pub root: String,
    /// Records behind it, which the next one will cover.
    pub uncovered: u64,
    /// Witnesses that cosigned it.
    pub witnesses: u32,
    /// When the last of them did; null without one.
    pub cosigned_at: Option<Timestamp>,
}

/// How the platform is kept. It names no place and no receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OperationStatus {
    /// Whether the evidence of the year is read; until it is, after a start, nothing is known of backups.
    pub is_read: bool,
    /// The last backup that was made, as evidence says; null where none was made in a year.
    pub backup: Option<BackupStatus>,
    /// When a backup was begun behind it whose end is in no record: it runs, or it failed.
    pub backup_begun_at: Option<Timestamp>,
    /// Subscriptions, and notifications that were given up.
    pub subscriptions: SubscriptionCounts,
}

/// A backup that was made: each of its files was read and compared with its digest while it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BackupStatus {
    /// When it was whole.
    pub made_at: Timestamp,
    /// SHA-256 of its signed list in hex, by which a restore knows it.
    pub sha256: String,
}
