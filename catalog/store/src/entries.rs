//! What stands beside entries: their history, and unfinished drafts.

use async_trait::async_trait;
use catalog_core::directory::Resource;
use catalog_core::directory::history::Revision;
use catalog_core::directory::resource::Entry;
use catalog_core::directory::unfinished::{MOST_UNFINISHED, Unfinished, kept_meanwhile, too_many};
use catalog_core::evidence::EvidenceRecord;
use catalog_core::ports::EntryHistoryStore;
use catalog_core::{DepartmentId, Error, ResourceCode, Result, Timestamp};
use sqlx::AnyConnection;

use crate::change::Change;
use crate::failure::{failed, violated};
use crate::json;
use crate::store::CatalogStore;

#[async_trait]
impl EntryHistoryStore for CatalogStore {
    async fn entry_history(
        &self,
        code: &ResourceCode,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Revision>> {
        let sql = "SELECT document FROM entry_revisions WHERE code = $1 AND revision < $2 \
                   ORDER BY revision DESC LIMIT $3";
        let query = sqlx::query_scalar(sql).bind(code.as_str()).bind(after.unwrap_or(i64::MAX));
        self.documents(query.bind(i64::from(limit))).await
    }

    async fn draft_at(&self, code: &ResourceCode, revision: i64) -> Result<Option<Resource>> {
        let sql = "SELECT COUNT(*) FROM entry_revisions WHERE code = $1 AND revision = $2";
        let known: i64 = sqlx::query_scalar(sql)
            .bind(code.as_str())
            .bind(revision)
            .fetch_one(&self.reader)
            .await
            .map_err(failed)?;
        if known == 0 {
            return Ok(None);
        }
        // A draft stands where it differs from the one before. Within a text of it the marks would be escaped.
        let sql = "SELECT document FROM entry_revisions WHERE code = $1 AND revision <= $2 \
                   AND document NOT LIKE '%\"draft\":null%' ORDER BY revision DESC LIMIT 1";
        let query = sqlx::query_scalar(sql).bind(code.as_str()).bind(revision);
        let found: Option<Revision> = self.document(query).await?;
        Ok(found.and_then(|found| found.draft))
    }

    async fn unfinished(&self, id: &str) -> Result<Option<Unfinished>> {
        self.document(sqlx::query_scalar("SELECT document FROM unfinished_entries WHERE id = $1").bind(id))
            .await
    }

    async fn unfinished_of(&self, provider: &DepartmentId) -> Result<Vec<Unfinished>> {
        let sql = "SELECT document FROM unfinished_entries WHERE provider = $1 ORDER BY id";
        self.documents(sqlx::query_scalar(sql).bind(provider.as_str())).await
    }

    async fn put_unfinished(
        &self,
        draft: &Unfinished,
        kept: Option<Timestamp>,
        change: &EvidenceRecord,
    ) -> Result<()> {
        let mut write = Change::begin(self).await?;
        // No other change is under way: what is read and counted holds until this is written.
        let known = standing(&mut write.tx, &draft.id).await?;
        if known.is_some_and(|known| kept != Some(known.updated_at)) {
            return Err(kept_meanwhile());
        }
        if others(&mut write.tx, draft).await? >= MOST_UNFINISHED {
            return Err(too_many());
        }
        let sql = "INSERT INTO unfinished_entries (id, provider, document) VALUES ($1, $2, $3) \
                   ON CONFLICT (id) DO UPDATE SET provider = excluded.provider, document = excluded.document";
        sqlx::query(sql)
            .bind(&draft.id)
            .bind(draft.provider.as_str())
            .bind(json::to_text(draft)?)
            .execute(&mut *write.tx)
            .await
            .map_err(failed)?;
        write.commit(change).await
    }

    async fn delete_unfinished(&self, id: &str, kept: Timestamp, change: &EvidenceRecord) -> Result<()> {
        let mut write = Change::begin(self).await?;
        let known = standing(&mut write.tx, id).await?;
        let known = known.ok_or_else(|| Error::not_found("unfinished draft of that id"))?;
        if known.updated_at != kept {
            return Err(kept_meanwhile());
        }
        sqlx::query("DELETE FROM unfinished_entries WHERE id = $1")
            .bind(id)
            .execute(&mut *write.tx)
            .await
            .map_err(failed)?;
        write.commit(change).await
    }
}

/// The unfinished draft of that id, as a change finds it.
async fn standing(connection: &mut AnyConnection, id: &str) -> Result<Option<Unfinished>> {
    let sql = "SELECT document FROM unfinished_entries WHERE id = $1";
    let found: Option<String> =
        sqlx::query_scalar(sql).bind(id).fetch_optional(connection).await.map_err(failed)?;
    found.map(|document| json::from_text(&document)).transpose()
}

/// How many other unfinished drafts its department has.
async fn others(connection: &mut AnyConnection, draft: &Unfinished) -> Result<usize> {
    let sql = "SELECT COUNT(*) FROM unfinished_entries WHERE provider = $1 AND id <> $2";
    let others: i64 = sqlx::query_scalar(sql)
        .bind(draft.provider.as_str())
        .bind(&draft.id)
        .fetch_one(connection)
        .await
        .map_err(failed)?;
    Ok(usize::try_from(others).unwrap_or(usize::MAX))
}

/// Writes the revision that a change of an entry makes, as part of that change. Of an entry that is older than its history, what stood
/// before the first change goes before it.
pub(crate) async fn note(
    connection: &mut AnyConnection,
    before: Option<&Entry>,
    entry: &Entry,
    change: &EvidenceRecord,
) -> Result<()> {
    if let Some(before) = before
        && !has_history(&mut *connection, &before.draft.code).await?
    {
        write_revision(&mut *connection, &before.draft.code, &Revision::older(before)).await?;
    }
    write_revision(connection, &entry.draft.code, &Revision::made(before, entry, change)).await
}

async fn has_history(connection: &mut AnyConnection, code: &ResourceCode) -> Result<bool> {
    let newest: Option<i64> = sqlx::query_scalar("SELECT MAX(revision) FROM entry_revisions WHERE code = $1")
        .bind(code.as_str())
        .fetch_one(connection)
        .await
        .map_err(failed)?;
    Ok(newest.is_some())
}

async fn write_revision(
    connection: &mut AnyConnection,
    code: &ResourceCode,
    revision: &Revision,
) -> Result<()> {
    sqlx::query("INSERT INTO entry_revisions (code, revision, document) VALUES ($1, $2, $3)")
        .bind(code.as_str())
        .bind(revision.revision)
        .bind(json::to_text(revision)?)
        .execute(connection)
        .await
        .map_err(violated("this revision of the entry is written already"))?;
    Ok(())
}
