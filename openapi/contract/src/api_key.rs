//! Developer keys 开发者密钥.

use catalog_core::Timestamp;
use catalog_core::api_key::{ApiKey, KeyUsage};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Asks for a developer key for oneself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyRequest {
    /// What its owner calls it, 1 to 64 characters.
    #[schema(example = "地图应用")]
    pub name: String,
    /// Its life in days, 1 to 366; 180 when left out.
    #[serde(default)]
    pub days: Option<u32>,
}

/// A developer key as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApiKeyView {
    /// Identity, by which it is revoked.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// How it was used, the latest day first.
    pub usage: Vec<KeyDay>,
}

/// What was asked with a key on one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyDay {
    /// The day in Asia/Shanghai.
    #[schema(example = "2026-11-22")]
    pub day: String,
    /// Requests, the refused ones too.
    pub requests: u64,
    /// Those of them that were beyond the quota.
    pub refused: u64,
    /// Bytes of the answers.
    pub bytes: u64,
}

impl ApiKeyView {
    /// A key with how it was used.
    pub fn new(key: ApiKey, usage: Vec<KeyUsage>) -> Self {
        let ApiKey { id, name, created_at, expires_at, revoked_at, .. } = key;
        Self {
            id,
            name,
            created_at,
            expires_at,
            revoked_at,
            usage: usage.into_iter().map(KeyDay::from).collect(),
        }
    }
}

impl From<KeyUsage> for KeyDay {
    fn from(KeyUsage { day, requests, refused, bytes, .. }: KeyUsage) -> Self {
        Self { day: day.to_string(), requests, refused, bytes }
    }
}

/// A fresh key with its secret, which is shown this once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IssuedApiKey {
    /// The key.
    pub key: ApiKeyView,
    /// The secret, for `x-api-key` or `Authorization: Bearer`.
    pub secret: String,
}
