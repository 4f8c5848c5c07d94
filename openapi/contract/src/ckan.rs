//! Answers and errors of CKAN's Action API.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// An answer as CKAN writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CkanAnswer {
    /// Where the action is described.
    pub help: String,
    /// `true`.
    pub success: bool,
    /// What the action gives.
    pub result: Value,
}

/// An error as CKAN writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CkanRefusal {
    /// Where the action is described.
    pub help: String,
    /// `false`.
    pub success: bool,
    /// What is wrong.
    pub error: CkanError,
}

/// What CKAN says of an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CkanError {
    /// `Not Found Error`, `Authorization Error`, `Validation Error`, `Bad Request`, `Rate Limit Error` or
    /// `Internal Server Error`.
    #[serde(rename = "__type")]
    pub kind: String,
    /// What happened and what to do.
    pub message: String,
    /// The code of the closed list that all doors have.
    pub code: String,
    /// Parameters, each with what is wrong with it.
    #[serde(flatten)]
    pub parameters: BTreeMap<String, Vec<String>>,
}
