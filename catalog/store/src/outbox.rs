//! Events that wait for the evidence log.

use async_trait::async_trait;
use catalog_core::Result;
use catalog_core::evidence::EvidenceRecord;
use catalog_core::ports::Outbox;

use crate::failure::failed;
use crate::store::CatalogStore;

#[async_trait]
impl Outbox for CatalogStore {
    async fn pending(&self, limit: u32) -> Result<Vec<EvidenceRecord>> {
        self.documents(
            sqlx::query_scalar("SELECT document FROM outbox ORDER BY seq LIMIT $1").bind(i64::from(limit)),
        )
        .await
    }

    async fn moved(&self, ids: &[String]) -> Result<()> {
        let mut tx = self.writer.begin().await.map_err(failed)?;
        for id in ids {
            sqlx::query("DELETE FROM outbox WHERE id = $1")
                .bind(id)
                .execute(&mut *tx)
                .await
                .map_err(failed)?;
        }
        tx.commit().await.map_err(failed)
    }
}
