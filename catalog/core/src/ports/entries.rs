//! What stands beside entries: their history, and unfinished drafts.

use async_trait::async_trait;

use crate::directory::Resource;
use crate::directory::history::Revision;
use crate::directory::unfinished::Unfinished;
use crate::error::Result;
use crate::evidence::EvidenceRecord;
use crate::ids::{DepartmentId, ResourceCode};
use crate::time::Timestamp;

/// Histories of entries, which the store writes itself with every change of one, and unfinished drafts.
#[async_trait]
pub trait EntryHistoryStore: Send + Sync {
    /// The revisions of an entry that are known, the newest first: at most `limit` behind a revision in that order. Where the entry is
    /// older than its history, the oldest of them is how it stood when the history began.
    async fn entry_history(
        &self,
        code: &ResourceCode,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Revision>>;
    /// What the draft of an entry said at a revision, if its history knows that one.
    async fn draft_at(&self, code: &ResourceCode, revision: i64) -> Result<Option<Resource>>;

    /// The unfinished draft of that id.
    async fn unfinished(&self, id: &str) -> Result<Option<Unfinished>>;
    /// The unfinished drafts of a department, by id.
    async fn unfinished_of(&self, provider: &DepartmentId) -> Result<Vec<Unfinished>>;
    /// Keeps an unfinished draft in the place of the one of its id that was kept at `kept`; where there is none, it is the first.
    /// Where another one stands there it is a `conflict`, and one more of a department that has as many as it may is `limit_rate`.
    async fn put_unfinished(
        &self,
        draft: &Unfinished,
        kept: Option<Timestamp>,
        change: &EvidenceRecord,
    ) -> Result<()>;
    /// Forgets the one that was kept at that time: another one is a `conflict`, one that is gone already is `not_found`.
    async fn delete_unfinished(&self, id: &str, kept: Timestamp, change: &EvidenceRecord) -> Result<()>;
}
