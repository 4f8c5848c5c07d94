//! Departments that continue others.

use async_trait::async_trait;
use catalog_core::Result;
use catalog_core::directory::Succession;
use catalog_core::evidence::EvidenceRecord;
use catalog_core::ports::SuccessionStore;

use crate::change::Change;
use crate::failure::violated;
use crate::json;
use crate::store::CatalogStore;

#[async_trait]
impl SuccessionStore for CatalogStore {
    async fn successions(&self) -> Result<Vec<Succession>> {
        let sql = "SELECT document FROM successions ORDER BY begins, predecessor";
        self.documents(sqlx::query_scalar(sql)).await
    }

    async fn add_succession(&self, succession: &Succession, change: &EvidenceRecord) -> Result<()> {
        let mut write = Change::begin(&self.writer).await?;
        sqlx::query("INSERT INTO successions (predecessor, begins, document) VALUES ($1, $2, $3)")
            .bind(succession.predecessor.as_str())
            .bind(succession.from.0)
            .bind(json::to_text(succession)?)
            .execute(&mut *write.tx)
            .await
            .map_err(violated(format!("{} has a successor already", succession.predecessor)))?;
        write.commit(change).await
    }
}
