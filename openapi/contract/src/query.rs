//! SQL as people write it: saved queries, what was asked before, and which tables are in view.

use catalog_core::policy::GrantKind;
use catalog_core::{ErrorCode, ResourceCode, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A query to be saved.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewQuery {
    /// What its owner calls it: 1 to 100 characters.
    #[schema(example = "九江各县区处罚数")]
    pub name: String,
    /// The text, at most 32 KiB. It need not be a whole query.
    #[schema(example = "select county, count(*) from scjg.penalty group by 1")]
    pub sql: String,
}

/// A saved query, as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SavedQueryView {
    /// Identity.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// The text.
    pub sql: String,
    /// When it was saved.
    pub saved_at: Timestamp,
}

/// How a query of the past ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PastState {
    /// The whole answer has left.
    Complete,
    /// The answer was cut: `code` says why.
    Stopped,
    /// There was no answer: `code` says why.
    Refused,
    /// It runs, or the server stopped in it.
    Running,
}

/// A query that the caller has asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PastQuery {
    /// When.
    pub at: Timestamp,
    /// The id of its receipt.
    pub receipt: String,
    /// Its text; none where the texts of its month are erased.
    pub sql: Option<String>,
    /// The purpose that was stated.
    pub purpose: Option<String>,
    /// The matter that was stated.
    pub matter: Option<String>,
    /// The datasets read, with their versions: `301001-000001=3`.
    pub tables: Vec<String>,
    /// How it ended.
    pub state: PastState,
    /// Rows that have left, once it has ended.
    pub rows: Option<u64>,
    /// Why it was refused or cut.
    pub code: Option<String>,
}

/// The tables that the caller can read now, and some of those that it can't.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TablesInView {
    /// Those that can be read, by code.
    pub tables: Vec<TableInView>,
    /// Others of the caller's directory, the first that are found, each with the reason.
    pub others: Vec<TableOutOfView>,
    /// The code after which more tables are, if there are more.
    pub next: Option<ResourceCode>,
}

/// A table that the caller can read, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TableInView {
    /// The provider: the name of the schema in SQL.
    pub department: String,
    /// The provider's Chinese name, which SQL takes too.
    pub department_name: String,
    /// The name of the table in SQL.
    pub name: String,
    /// Its Chinese name, which SQL takes too.
    pub title: String,
    /// Its code.
    pub code: ResourceCode,
    /// The version that is read.
    pub version: i64,
    /// The kind of the grant.
    pub kind: GrantKind,
    /// The grant; none for what the caller's own department provides.
    pub grant: Option<String>,
    /// The article that the grant rests on.
    pub article: Option<String>,
    /// The columns in view.
    pub columns: Vec<ColumnInView>,
    /// How many columns of the table are not.
    pub hidden: usize,
    /// Which rows are in view, as a condition of SQL; all without it.
    pub rows: Option<String>,
    /// Whether rows are shown as counts and sums of cells alone.
    pub is_cells: bool,
}

/// A column in view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ColumnInView {
    /// Its name in SQL.
    pub name: String,
    /// Its Chinese name, which SQL takes too.
    pub title: String,
    /// Its type, as the directory writes it, with the mask applied.
    pub data_type: String,
    /// How it is masked: `null`, `constant`, `keep_first`, `keep_last`, `year`, `bucket` or `pseudonym`.
    pub mask: Option<String>,
}

/// A table of the caller's directory that it can't read now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TableOutOfView {
    /// Its code.
    pub code: ResourceCode,
    /// Its Chinese name.
    pub title: String,
    /// The provider's Chinese name.
    pub department_name: String,
    /// The code of the reason.
    pub reason_code: ErrorCode,
    /// What is missing, and what to do.
    pub reason: String,
}
