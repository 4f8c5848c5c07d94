//! What the public confided, sealed.

use async_trait::async_trait;
use catalog_core::Result;
use catalog_core::confidential::ConfidentialStore;
use catalog_core::evidence::EvidenceRecord;

use crate::change::Change;
use crate::failure::failed;
use crate::store::CatalogStore;

#[async_trait]
impl ConfidentialStore for CatalogStore {
    async fn confidential(&self, number: &str) -> Result<Option<String>> {
        sqlx::query_scalar("SELECT sealed FROM confidential WHERE number = $1")
            .bind(number)
            .fetch_optional(&self.reader)
            .await
            .map_err(failed)
    }

    async fn confidential_numbers(&self) -> Result<Vec<String>> {
        sqlx::query_scalar("SELECT number FROM confidential ORDER BY number")
            .fetch_all(&self.reader)
            .await
            .map_err(failed)
    }

    async fn erase_confidential(&self, number: &str, change: &EvidenceRecord) -> Result<()> {
        let mut write = Change::begin(self).await?;
        let erased = sqlx::query("DELETE FROM confidential WHERE number = $1")
            .bind(number)
            .execute(&mut *write.tx)
            .await
            .map_err(failed)?
            .rows_affected();
        match erased {
            0 => Ok(()),
            _ => write.commit(change).await,
        }
    }
}

/// Writes, or replaces, what is confided with a matter.
pub(crate) async fn put(write: &mut Change, number: &str, sealed: &str) -> Result<()> {
    let sql = "INSERT INTO confidential (number, sealed) VALUES ($1, $2) \
               ON CONFLICT (number) DO UPDATE SET sealed = excluded.sealed";
    sqlx::query(sql).bind(number).bind(sealed).execute(&mut *write.tx).await.map_err(failed)?;
    Ok(())
}
