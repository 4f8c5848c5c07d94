//! What became of the past: answers computed again, who saw a subject's record; and what a grant would show.

use catalog_core::policy::{AboutRows, Grantee, VisibleColumn};
use catalog_core::{Channel, ColumnName, DepartmentId, GrantId, ResourceCode, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What came of computing an answer again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The same rows, as a multiset, floats to 12 digits.
    Same,
    /// Other rows.
    Differs,
    /// It can't be computed again, for the stated reason.
    NotReplayable,
    /// The bytes are not those of the receipt's answer.
    OtherAnswer,
}

/// An answer computed again on the versions, at the time and under the policies of then. Rows are never shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Replay {
    /// Id of the receipt.
    pub receipt: String,
    /// What came of it.
    pub verdict: Verdict,
    /// Why, where that is to be said.
    pub reason: Option<String>,
    /// Rows of the answer.
    pub rows: u64,
    /// Rows of the answer that did not come again.
    pub missing: u64,
    /// Rows that came and are not in the answer.
    pub added: u64,
}

/// Whose record, and which accesses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubjectQuery {
    /// The number that names the subject: in a body alone, and in no log.
    pub subject: String,
    /// Accesses to this resource alone.
    #[serde(default)]
    pub resource: Option<ResourceCode>,
    /// From this time on.
    #[serde(default)]
    pub from: Option<Timestamp>,
    /// Before this time.
    #[serde(default)]
    pub until: Option<Timestamp>,
    /// What `next` of the page before said.
    #[serde(default)]
    pub after: Option<String>,
}

/// How sure it is that an access showed the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// It did.
    Certain,
    /// It may have: the policy showed the row, and what was asked of it is not known here.
    Possible,
}

/// One access to a dataset with the subject's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SubjectAccess {
    /// When.
    pub at: Timestamp,
    /// Id of the request, under which evidence and receipt stand.
    pub request: String,
    /// For which department.
    pub department: Option<DepartmentId>,
    /// For which purpose, as asserted.
    pub purpose: Option<String>,
    /// Matter number 办件号, as asserted.
    pub matter: Option<String>,
    /// Through which door.
    pub door: Channel,
    /// The resource.
    pub resource: ResourceCode,
    /// Its version.
    pub version: i64,
    /// Under which grant; the provider's own without one.
    pub grant: Option<GrantId>,
    /// Items that the policy showed, by their titles.
    pub items: Vec<String>,
    /// How sure it is.
    pub certainty: Certainty,
    /// Why that sure.
    pub reason: String,
}

/// A page of who saw a subject's record, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SubjectAccesses {
    /// Keyed hash of the subject's number, as evidence names it.
    pub subject: String,
    /// The accesses.
    pub accesses: Vec<SubjectAccess>,
    /// For `after` of the next page, if there may be more.
    pub next: Option<String>,
}

/// What a grant would show if it were made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GrantPreview {
    /// The resource.
    pub resource: ResourceCode,
    /// To whom.
    pub grantee: Grantee,
    /// The newest version, which the counts are of; none where there is no data yet.
    pub version: Option<i64>,
    /// Visible items, with masks.
    pub columns: Vec<VisibleColumn>,
    /// Items that stay hidden.
    pub hidden: Vec<ColumnName>,
    /// About how many rows it would show, or for a statistics-only grant, cells: exact where it has no filter of rows. None
    /// where its filter tells single subjects or records apart.
    pub rows: Option<AboutRows>,
    /// The item of the filter by which it does.
    pub singles_out: Option<ColumnName>,
    /// Rows of the version.
    pub of_rows: Option<i64>,
    /// Why it would be refused: what its holder could put together with what it has.
    pub undoes: Option<String>,
}
