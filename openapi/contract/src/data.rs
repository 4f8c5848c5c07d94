//! Data: uploads, records, SQL.

use catalog_core::dataset::{
    BreakingChange, ChangeKind, Notice, RecordAct, RecordWithdrawal, Standing, Version,
};
use catalog_core::policy::Filter;
use catalog_core::{ColumnName, Problem, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What an upload came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UploadReport {
    /// The version that was written and that nobody sees until it is published.
    pub prepared: PreparedVersion,
    /// The version, if it was published.
    pub published: Option<Version>,
    /// The quality of what was delivered.
    pub quality: QualityReport,
}

/// Names a written version: publishing it takes number and digest, so that nobody publishes what they have not seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreparedVersion {
    /// Its number.
    pub number: i64,
    /// SHA-256 of its canonical manifest, hex.
    pub manifest_digest: String,
}

/// A version that was uploaded and waits to be published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WaitingVersion {
    /// Its number.
    pub number: i64,
    /// SHA-256 of its canonical manifest, hex: it is published by both.
    pub manifest_digest: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// The name of the delivered file.
    pub file: String,
    /// Its rows.
    pub rows: u64,
    /// Rows of the delivery that were set aside.
    pub set_aside: u64,
    /// Whether it removes or retypes columns.
    pub breaking: bool,
}

/// How far the upload of a material is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MaterialUpload {
    /// Bytes of the whole.
    pub length: u64,
    /// Bytes that are on the server's disk.
    pub offset: u64,
    /// When the upload is forgotten, if nobody continues it.
    pub expires: Timestamp,
    /// SHA-256 of the whole, hex, once it has ended: what rows name it by.
    pub sha256: Option<String>,
}

/// Counts of one delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QualityReport {
    /// Rows in the delivered file.
    pub rows_read: u64,
    /// Rows that satisfy every rule.
    pub rows_accepted: u64,
    /// Rows that break one or more.
    pub rows_quarantined: u64,
    /// Violations by column and rule.
    pub rules: Vec<RuleViolations>,
    /// Columns whose references were not checked 未核查: they lead into data of another department that has given no
    /// grant for verification.
    #[serde(default)]
    pub unchecked_references: Vec<String>,
}

/// How often a rule was broken in a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuleViolations {
    /// The column; `*` where the rule is about the whole row.
    pub column: String,
    /// The rule.
    pub rule: String,
    /// Violations.
    pub count: u64,
}

/// What is wrong with the first rows of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SampleReport {
    /// What is wrong with its header: columns that are missing, unknown, or there twice. Then no row is looked at.
    pub header: Vec<Problem>,
    /// The counts.
    pub quality: QualityReport,
    /// The first bad cells.
    pub cells: Vec<BadCell>,
}

/// A cell that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BadCell {
    /// Where its row stands in the file: its line, counted from 1.
    pub row: u64,
    /// Its column; `*` where the rule is about the whole row.
    pub column: String,
    /// The rule.
    pub rule: String,
    /// What it holds, or its beginning.
    pub value: String,
    /// How to mend it, where the rule does not say.
    pub hint: Option<String>,
}

/// What an upload is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UploadStage {
    /// All bytes are here.
    #[default]
    Received,
    /// Rows are checked.
    Checking,
    /// Good rows are written.
    Writing,
    /// What was written is read again, and signed.
    Verifying,
    /// The catalogue takes the version in.
    Publishing,
}

/// How far an upload is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct UploadProgress {
    /// What is done now.
    pub stage: UploadStage,
    /// Bytes of the file that were checked, as far as its format tells.
    pub bytes_read: u64,
    /// Bytes of the file; 0 until they are counted.
    pub bytes_total: u64,
    /// Rows that were checked.
    pub rows_read: u64,
    /// Rows of them that break a rule.
    pub rows_quarantined: u64,
    /// Rows that were written.
    pub rows_written: u64,
}

/// A version as the caller may know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VersionView {
    /// 1, 2, 3 and so on within the resource; never reused.
    pub number: i64,
    /// How it came about.
    pub change: ChangeKind,
    /// When it was published.
    pub published_at: Timestamp,
    /// How it stands: readable, withdrawn, or a breaking change that is still to come.
    pub state: Standing,
    /// From when it is the dataset's data; none while it awaits review.
    pub effective_from: Option<Timestamp>,
    /// The announcement, where it removes or retypes columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaking: Option<BreakingView>,
    /// When it was withdrawn.
    pub withdrawn_at: Option<Timestamp>,
    /// Why it was withdrawn.
    pub withdrawn_because: Option<String>,
    /// Rows; only for those who see all of them, withdrawn ones too.
    pub rows: Option<i64>,
    /// SHA-256 of the canonical manifest, hex; only for those who see all of it. The manifest under `/datasets` is that of
    /// what its reader sees, and has another.
    pub manifest_digest: Option<String>,
}

impl VersionView {
    /// The version now, for someone who sees `everything` of it, or less.
    pub fn of(version: Version, everything: bool, now: Timestamp) -> Self {
        let (state, effective_from) = (version.standing(now), version.effective_from());
        let (withdrawn_at, withdrawn_because) =
            version.tombstone.map(|tombstone| (tombstone.at, tombstone.reason)).unzip();
        Self {
            number: version.number,
            change: version.change,
            published_at: version.published_at,
            state,
            effective_from,
            breaking: version.breaking.map(BreakingView::from),
            withdrawn_at,
            withdrawn_because,
            rows: everything.then_some(version.rows),
            manifest_digest: everything.then_some(version.manifest_digest),
        }
    }
}

/// What was done to records, without saying which they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecordActView {
    /// Identity, by which a withdrawal is said again.
    pub id: String,
    /// Withdrawn, or reinstated for later deliveries.
    pub act: RecordAct,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
    /// How many records were named; for their provider, as a reader may see a part of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<usize>,
    /// The columns that name them; for their provider, as a reader may not know of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<ColumnName>>,
    /// The first withdrawal of the same records, where this one says it again by another key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<String>,
}

impl RecordActView {
    /// An act as its provider sees it, or others.
    pub fn of(done: RecordWithdrawal, is_own: bool) -> Self {
        let RecordWithdrawal { id, act, columns, again, keys, tombstone, .. } = done;
        let (records, columns) = (is_own.then_some(keys.len()), is_own.then_some(columns));
        Self { id, act, at: tombstone.at, reason: tombstone.reason, records, columns, again }
    }
}

/// A breaking change as its readers are told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BreakingView {
    /// Why, and how long before.
    pub notice: Notice,
    /// Columns that are removed or retyped.
    pub columns: Vec<ColumnName>,
    /// When it was reviewed; none while it waits for that.
    pub reviewed_at: Option<Timestamp>,
}

impl From<BreakingChange> for BreakingView {
    fn from(change: BreakingChange) -> Self {
        let BreakingChange { notice, columns, review, .. } = change;
        Self { notice, columns, reviewed_at: review.map(|review| review.at) }
    }
}

/// A typed selection of records.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RecordsQuery {
    /// Columns by machine name or Chinese name; all visible ones when empty.
    pub items: Vec<String>,
    /// Rows, in the filter language: `{"and": [{"=": ["county", "360481"]}, {">": ["amount", 100]}]}`.
    #[schema(value_type = Option<Object>)]
    pub filter: Option<Filter>,
    /// Order; ties are broken by the key.
    pub sort: Vec<Sort>,
    /// A version by number; the newest when left out.
    pub version: Option<i64>,
    /// The version that was the newest at that time (RFC 3339), instead of a number.
    pub as_of: Option<Timestamp>,
    /// Rows of a page, 1 to 10,000; 100 when left out.
    pub limit: Option<u32>,
    /// Whether to count the rows of all pages, which costs a read of all of them.
    pub count: bool,
    /// The page after the one that gave this cursor.
    pub cursor: Option<String>,
}

/// One column of an order. NULL comes last either way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Sort {
    /// The column.
    pub item: String,
    /// Greatest first.
    #[serde(default)]
    pub descending: bool,
}

/// A page of rows in JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Rows {
    /// The rows: objects by column.
    #[schema(value_type = Vec<Object>)]
    pub data: Vec<serde_json::Value>,
    /// How many rows there are on all pages, if that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// The cursor of the next page, if there is more.
    pub next: Option<String>,
    /// Always true: an answer that could not be completed has no end.
    pub complete: bool,
}

/// One SQL query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SqlQuery {
    /// The text: exactly one query.
    #[schema(example = "select count(*) from scjg.legal_entity")]
    pub sql: String,
}

/// A function that SQL offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SqlFunction {
    /// `scalar`, `aggregate`, `window` or `table`.
    pub kind: String,
    /// Name in SQL.
    pub name: String,
    /// What it gives.
    pub description: String,
}
