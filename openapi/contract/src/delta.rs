//! Delta Sharing: the documents of its protocol that are plain JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Asks for a profile for oneself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileRequest {
    /// The one purpose it serves.
    #[serde(default)]
    pub purpose: Option<String>,
    /// Its life in seconds, at most 43,200.
    #[schema(example = 43_200)]
    pub seconds: i64,
}

/// A profile file: all that a client of Delta Sharing needs. It is as secret as its token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// The version of this format.
    #[schema(example = 1)]
    pub share_credentials_version: u32,
    /// The address of the door.
    pub endpoint: String,
    /// The token of a ticket, shown this once, or a developer key.
    pub bearer_token: String,
    /// When it ends.
    pub expiration_time: String,
}

/// A share: what one department gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Share {
    /// The department's machine name.
    pub name: String,
    /// The department's name.
    pub display_name: String,
}

/// One share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OneShare {
    /// The share.
    pub share: Share,
}

/// A schema of a share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ShareSchema {
    /// Its name.
    pub name: String,
    /// Its share.
    pub share: String,
}

/// A table that the holder of the token can read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ShareTable {
    /// The resource's machine name.
    pub name: String,
    /// Its schema.
    pub schema: String,
    /// Its share.
    pub share: String,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SharePage<T> {
    /// By name.
    pub items: Vec<T>,
    /// Leads to the next page, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
}

/// Which files of a table are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TableQuery {
    /// SQL conditions; they are hints, and all files are named whatever they say.
    pub predicate_hints: Option<Vec<String>>,
    /// A condition as JSON text; a hint as well.
    pub json_predicate_hints: Option<String>,
    /// So many rows are enough.
    pub limit_hint: Option<u32>,
    /// A version by number.
    pub version: Option<i64>,
    /// The version that was in effect at that time (RFC 3339).
    pub timestamp: Option<String>,
    /// What an earlier answer ended with: the same files with fresh addresses.
    pub refresh_token: Option<String>,
    /// The files that came and went since that version, where nothing of the table is hidden; else `changes` tells of rows.
    pub starting_version: Option<i64>,
    /// The same since a time (RFC 3339).
    pub starting_timestamp: Option<String>,
}

/// An error as the protocol writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SharingError {
    /// `RESOURCE_DOES_NOT_EXIST`, `INVALID_PARAMETER_VALUE`, `UNAUTHENTICATED`, `PERMISSION_DENIED`, `UNAVAILABLE` or
    /// `INTERNAL_ERROR`.
    pub error_code: String,
    /// What happened and what to do.
    pub message: String,
}
