//! When the public last saw an entry change, for searches by time.
//!
//! The times stand in `search_values` beside keywords, those of announced versions too: which of them have come is asked by
//! each search. A version or an opening changes them as the entry does.

use catalog_core::dataset::{Audience, Version};
use catalog_core::directory::resource::Entry;
use catalog_core::policy::{Grant, GrantKind};
use catalog_core::services::changes;
use catalog_core::{ResourceCode, Result};
use serde::de::DeserializeOwned;
use sqlx::AnyConnection;

use crate::change::Change;
use crate::directory::entry_with_id;
use crate::failure::failed;
use crate::json;

/// Their field in `search_values`.
pub(super) const CHANGED: &str = "changed";

/// Brings the times of a resource up to date, of which a version or a grant has changed.
pub(crate) async fn touch(write: &mut Change, code: &ResourceCode) -> Result<()> {
    let found = entry_with_id(&mut write.tx, code).await?;
    let Some((id, entry)) = found.filter(|(_, entry)| entry.published.is_some()) else { return Ok(()) };
    sqlx::query("DELETE FROM search_values WHERE id = $1 AND field = $2")
        .bind(id)
        .bind(CHANGED)
        .execute(&mut *write.tx)
        .await
        .map_err(failed)?;
    put(&mut write.tx, id, &entry).await?;
    sqlx::query("UPDATE search_entries SET changed = $1 WHERE id = $2")
        .bind(write.seq)
        .bind(id)
        .execute(&mut *write.tx)
        .await
        .map_err(failed)?;
    Ok(())
}

/// Adds the times of an entry that has none.
pub(super) async fn put(connection: &mut AnyConnection, id: i64, entry: &Entry) -> Result<()> {
    let code = &entry.draft.code;
    let versions = "SELECT document FROM versions WHERE resource = $1 ORDER BY number";
    let versions: Vec<Version> = documents(connection, versions, code).await?;
    let grants = "SELECT document FROM grants WHERE resource = $1 ORDER BY created_at, id";
    let grants: Vec<Grant> = documents(connection, grants, code).await?;
    for time in seen(entry, &versions, &grants) {
        sqlx::query("INSERT INTO search_values (id, field, value) VALUES ($1, $2, $3)")
            .bind(id)
            .bind(CHANGED)
            .bind(time.to_string())
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
    }
    Ok(())
}

/// In micros: what the public sees of an entry, and of the versions that are open to it.
fn seen(entry: &Entry, versions: &[Version], grants: &[Grant]) -> Vec<i64> {
    let is_open =
        grants.iter().any(|grant| grant.terms.kind == GrantKind::Public && grant.revocation.is_none());
    let shown = versions.iter().filter(|version| is_open && version.cleared.contains(&Audience::Public));
    let mut times: Vec<i64> = changes(entry, shown, grants).into_iter().map(|time| time.0).collect();
    times.sort_unstable();
    times.dedup();
    times
}

async fn documents<T: DeserializeOwned>(
    connection: &mut AnyConnection,
    sql: &'static str,
    code: &ResourceCode,
) -> Result<Vec<T>> {
    let texts: Vec<String> =
        sqlx::query_scalar(sql).bind(code.as_str()).fetch_all(connection).await.map_err(failed)?;
    texts.iter().map(|text| json::from_text(text)).collect()
}
