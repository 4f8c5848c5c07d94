//! What the public contributes.

use async_trait::async_trait;

use crate::contribution::{Contribution, ContributionKind, ContributionState};
use crate::error::Result;
use crate::evidence::EvidenceRecord;
use crate::ids::{DepartmentId, ResourceCode};

/// Which contributions are listed. What is not named is not asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContributionFilter {
    /// Feedback, or works.
    pub kind: ContributionKind,
    /// How they stand.
    pub state: Option<ContributionState>,
    /// A dataset that they are about.
    pub resource: Option<ResourceCode>,
    /// Who provides a dataset that they are about, as the directory says now.
    pub provider: Option<DepartmentId>,
    /// Only those that came in before this one, by its id.
    pub before: Option<String>,
    /// How many, the newest first.
    pub limit: u32,
}

/// What the public contributes.
#[async_trait]
pub trait ContributionStore: Send + Sync {
    /// The contribution of that id.
    async fn contribution(&self, id: &str) -> Result<Option<Contribution>>;
    /// Those that a filter lets through, the newest first.
    async fn contributions(&self, filter: &ContributionFilter) -> Result<Vec<Contribution>>;
    /// Of the feedback on a dataset that is shown: how many, and the sum of their ratings.
    async fn ratings(&self, resource: &ResourceCode) -> Result<(u64, u64)>;
    /// Writes a contribution, raising its revision, which must be the one seen (0 for a new one), else `conflict`. A new one is
    /// refused with `unavailable` where as many wait as may, all together or about one of its datasets.
    async fn save_contribution(&self, contribution: &Contribution, change: &EvidenceRecord) -> Result<()>;
}
