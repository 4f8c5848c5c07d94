//! Departments that continue others, or take over resources of theirs.

use async_trait::async_trait;

use crate::directory::Succession;
use crate::directory::resource::Entry;
use crate::error::Result;
use crate::evidence::EvidenceRecord;
use crate::matter::Matter;

/// Departments that continue others, or take over resources of theirs.
#[async_trait]
pub trait SuccessionStore: Send + Sync {
    /// All successions, by date, whatever their state.
    async fn successions(&self) -> Result<Vec<Succession>>;
    /// Adds one. A confirmed one that ends a department that has a successor is a `conflict`.
    async fn add_succession(&self, succession: &Succession, change: &EvidenceRecord) -> Result<()>;
    /// Replaces one that still is as it was `seen`, else it is a `conflict`; so is a second successor of a department.
    async fn change_succession(
        &self,
        succession: &Succession,
        seen: &Succession,
        change: &EvidenceRecord,
    ) -> Result<()>;
    /// Writes everything that a handover of resources changes, or nothing.
    async fn hand_over(&self, handover: &Handover) -> Result<()>;
}

/// A succession of resources that is carried out. Each part stands with its evidence.
#[derive(Debug, Clone)]
pub struct Handover {
    /// The succession as it is now, and as it was.
    pub succession: (Succession, Succession),
    /// The evidence of it.
    pub change: EvidenceRecord,
    /// Entries of the directory with their new provider, and the revisions that were seen.
    pub entries: Vec<(Entry, i64, EvidenceRecord)>,
    /// Matters with their new handler, and the revisions that were seen; `None` for a new one.
    pub matters: Vec<(Matter, Option<i64>, EvidenceRecord)>,
}
