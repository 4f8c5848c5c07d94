//! Developer keys and how they are used.

use async_trait::async_trait;
use chrono::NaiveDate;

use crate::api_key::{ApiKey, KeyUsage};
use crate::error::Result;
use crate::evidence::EvidenceRecord;

/// Developer keys and how they are used.
#[async_trait]
pub trait ApiKeyStore: Send + Sync {
    /// The key whose secret has that digest.
    async fn api_key_by_digest(&self, digest: &str) -> Result<Option<ApiKey>>;
    /// All keys, of one person or of everybody, newest first.
    async fn api_keys(&self, person: Option<&str>) -> Result<Vec<ApiKey>>;
    /// Adds a key, or sets that it is revoked. Another key of the same secret is a `conflict`.
    async fn put_api_key(&self, key: &ApiKey, change: &EvidenceRecord) -> Result<()>;
    /// Adds to what was counted, and forgets of these keys the days before one.
    async fn count_key_usage(&self, usage: &[KeyUsage], since: NaiveDate) -> Result<()>;
    /// What was counted of a key, the latest day first.
    async fn key_usage(&self, key: &str) -> Result<Vec<KeyUsage>>;
}
