//! Developer keys 开发者密钥: long-lived secrets by which the programs of a registered developer read, and by which their
//! quota is counted. They open what the developer may read, and change nothing.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::time::Timestamp;

/// The longest life of a key, in days.
pub const MAX_DAYS: u32 = 366;
/// Days for which a key lives where none are named.
pub const DEFAULT_DAYS: u32 = 180;
/// The longest name of a key, in characters.
pub const NAME_LENGTH: usize = 64;

/// Keys that a developer may make within a day, for each of those that they may have at the same time: what is made and revoked
/// again stays in catalogue and evidence.
pub const MADE_PER_DAY: usize = 10;

/// One key of one developer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApiKey {
    /// Identity, by which it is listed and revoked; says nothing of the secret.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// Login name of its owner.
    pub person: String,
    /// SHA-256 of the secret, hex; the secret itself is never stored.
    pub digest: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl ApiKey {
    /// Whether it opens anything at that time.
    pub fn is_valid_at(&self, at: Timestamp) -> bool {
        self.revoked_at.is_none() && self.created_at <= at && at < self.expires_at
    }
}

/// What was asked with one key on one day. Counts, not evidence: a crash may forget the last of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyUsage {
    /// Id of the key.
    pub key: String,
    /// The day in Asia/Shanghai.
    pub day: NaiveDate,
    /// Requests, the refused ones too.
    pub requests: u64,
    /// Those of them that were beyond the quota.
    pub refused: u64,
    /// Bytes of the answers.
    pub bytes: u64,
}
