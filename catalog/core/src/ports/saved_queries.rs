//! Saved queries.

use async_trait::async_trait;

use crate::error::Result;
use crate::evidence::EvidenceRecord;
use crate::saved_query::SavedQuery;

/// Queries that people have saved.
#[async_trait]
pub trait SavedQueryStore: Send + Sync {
    /// The query of that id.
    async fn saved_query(&self, id: &str) -> Result<Option<SavedQuery>>;
    /// The queries of a person, the newest first.
    async fn saved_queries(&self, person: &str) -> Result<Vec<SavedQuery>>;
    /// Adds a query. One of somebody who has as many as one may have is refused with `limit_rate`, one whose id is taken with
    /// `conflict`.
    async fn add_saved_query(&self, query: &SavedQuery, change: &EvidenceRecord) -> Result<()>;
    /// Forgets a query; one that is gone already is `not_found`.
    async fn delete_saved_query(&self, id: &str, change: &EvidenceRecord) -> Result<()>;
}
