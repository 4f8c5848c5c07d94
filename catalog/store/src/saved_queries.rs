//! Queries that people have saved.

use async_trait::async_trait;
use catalog_core::evidence::EvidenceRecord;
use catalog_core::ports::SavedQueryStore;
use catalog_core::saved_query::{MOST_QUERIES, SavedQuery, too_many};
use catalog_core::{Error, Result};

use crate::change::Change;
use crate::failure::{failed, violated};
use crate::json;
use crate::store::CatalogStore;

#[async_trait]
impl SavedQueryStore for CatalogStore {
    async fn saved_query(&self, id: &str) -> Result<Option<SavedQuery>> {
        self.document(sqlx::query_scalar("SELECT document FROM saved_queries WHERE id = $1").bind(id)).await
    }

    async fn saved_queries(&self, person: &str) -> Result<Vec<SavedQuery>> {
        let sql = "SELECT document FROM saved_queries WHERE person = $1 ORDER BY id DESC";
        self.documents(sqlx::query_scalar(sql).bind(person)).await
    }

    async fn add_saved_query(&self, query: &SavedQuery, change: &EvidenceRecord) -> Result<()> {
        let mut write = Change::begin(self).await?;
        // No other change is under way: what is counted holds until this is written.
        let taken: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM saved_queries WHERE person = $1")
            .bind(&query.person)
            .fetch_one(&mut *write.tx)
            .await
            .map_err(failed)?;
        if !usize::try_from(taken).is_ok_and(|taken| taken < MOST_QUERIES) {
            return Err(too_many());
        }
        sqlx::query("INSERT INTO saved_queries (id, person, document) VALUES ($1, $2, $3)")
            .bind(&query.id)
            .bind(&query.person)
            .bind(json::to_text(query)?)
            .execute(&mut *write.tx)
            .await
            .map_err(violated("this query is saved already"))?;
        write.commit(change).await
    }

    async fn delete_saved_query(&self, id: &str, change: &EvidenceRecord) -> Result<()> {
        let mut write = Change::begin(self).await?;
        let deleted = sqlx::query("DELETE FROM saved_queries WHERE id = $1")
            .bind(id)
            .execute(&mut *write.tx)
            .await
            .map_err(failed)?;
        match deleted.rows_affected() {
            0 => Err(Error::not_found("saved query of that id")),
            _ => write.commit(change).await,
        }
    }
}
