//! Developer keys and how they are used.

use async_trait::async_trait;
use chrono::NaiveDate;

use crate::api_key::{ApiKey, KeyUsage};
use crate::error::Result;
use crate::evidence::EvidenceRecord;

/// Developer keys and how they are used.
#[async_trait]
pub trait ApiKeyStore: Send + Sync {
    /// The key of that id.
    async fn api_key(&self, id: &str) -> Result<Option<ApiKey>>;
    /// The key whose secret has that digest.
    async fn api_key_by_digest(&self, digest: &str) -> Result<Option<ApiKey>>;
    /// All keys, of one person or of everybody, newest first.
    async fn api_keys(&self, person: Option<&str>) -> Result<Vec<ApiKey>>;
    /// Adds a key, unless its owner has `most` others that are valid when it is made, or has made
    /// [`MADE_PER_DAY`](crate::api_key::MADE_PER_DAY) times as many in the 24 hours before: then `limit_rate`, whoever was
    /// faster. Another key of the same secret is a `conflict`.
    async fn add_api_key(&self, key: &ApiKey, most: u32, change: &EvidenceRecord) -> Result<()>;
    /// Writes that a key is revoked; one that has been before is `illegal_state`, one that is not there `not_found`.
    async fn revoke_api_key(&self, key: &ApiKey, change: &EvidenceRecord) -> Result<()>;
    /// Adds to what was counted, and forgets of these keys the days before one.
    async fn count_key_usage(&self, usage: &[KeyUsage], since: NaiveDate) -> Result<()>;
    /// What was counted of a key, the latest day first.
    async fn key_usage(&self, key: &str) -> Result<Vec<KeyUsage>>;
}
