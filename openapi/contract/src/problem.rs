use catalog_core::{ErrorCode, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The body of every error: problem details (RFC 9457) with a stable code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProblemDetails {
    /// `urn:shuqiao:problem:` and the code.
    #[serde(rename = "type")]
    #[schema(example = "urn:shuqiao:problem:not_granted")]
    pub kind: String,
    /// What kind of problem it is, in a few words; the same for every occurrence.
    pub title: String,
    /// The HTTP status.
    #[schema(example = 403)]
    pub status: u16,
    /// What happened and what to do.
    pub detail: String,
    /// `urn:uuid:` and the request id.
    pub instance: String,
    /// The code, of a closed list.
    pub code: ErrorCode,
    /// Every single problem, where the code is about input.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
}
