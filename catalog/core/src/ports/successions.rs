//! Departments that continue others.

use async_trait::async_trait;

use crate::directory::Succession;
use crate::error::Result;
use crate::evidence::EvidenceRecord;

/// Departments that continue others.
#[async_trait]
pub trait SuccessionStore: Send + Sync {
    /// All successions, by date.
    async fn successions(&self) -> Result<Vec<Succession>>;
    /// Adds one. A department that has a successor is a `conflict`.
    async fn add_succession(&self, succession: &Succession, change: &EvidenceRecord) -> Result<()>;
}
