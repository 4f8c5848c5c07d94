//! Grants.

use async_trait::async_trait;
use catalog_core::evidence::EvidenceRecord;
use catalog_core::policy::{Grant, GrantKind, Revocation};
use catalog_core::ports::GrantStore;
use catalog_core::{Error, ErrorCode, GrantId, ResourceCode, Result};
use sqlx::AnyConnection;

use crate::change::Change;
use crate::failure::{failed, violated};
use crate::json;
use crate::search::touch;
use crate::store::CatalogStore;

#[async_trait]
impl GrantStore for CatalogStore {
    async fn grant(&self, id: &GrantId) -> Result<Option<Grant>> {
        self.document(sqlx::query_scalar("SELECT document FROM grants WHERE id = $1").bind(id.as_str())).await
    }

    async fn grants_on(&self, resource: &ResourceCode) -> Result<Vec<Grant>> {
        let sql = "SELECT document FROM grants WHERE resource = $1 ORDER BY created_at, id";
        self.documents(sqlx::query_scalar(sql).bind(resource.as_str())).await
    }

    async fn grants(&self) -> Result<Vec<Grant>> {
        self.documents(sqlx::query_scalar("SELECT document FROM grants ORDER BY created_at, id")).await
    }

    async fn revoke_grant(
        &self,
        id: &GrantId,
        revocation: &Revocation,
        change: &EvidenceRecord,
    ) -> Result<()> {
        let mut write = Change::begin(self).await?;
        revoke(&mut write, id, revocation).await?;
        write.commit(change).await
    }
}

/// Whether there are so many grants, in whatever state.
pub(crate) async fn is_count(connection: &mut AnyConnection, grants: usize) -> Result<bool> {
    let there: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM grants").fetch_one(connection).await.map_err(failed)?;
    Ok(usize::try_from(there) == Ok(grants))
}

/// Adds a grant on a resource that is published.
pub(crate) async fn insert(write: &mut Change, grant: &Grant) -> Result<()> {
    check_published(&mut write.tx, &grant.terms.resource).await?;
    let sql = "INSERT INTO grants (id, resource, created_at, revoked, document) VALUES ($1, $2, $3, $4, $5)";
    sqlx::query(sql)
        .bind(grant.id.as_str())
        .bind(grant.terms.resource.as_str())
        .bind(grant.created_at.0)
        .bind(i64::from(grant.revocation.is_some()))
        .bind(json::to_text(grant)?)
        .execute(&mut *write.tx)
        .await
        .map_err(violated(format!("the grant {} exists", grant.id)))?;
    noted(write, grant).await
}

/// What is opened to the public, or closed again, is seen to change.
async fn noted(write: &mut Change, grant: &Grant) -> Result<()> {
    match grant.terms.kind {
        GrantKind::Public => touch(write, &grant.terms.resource).await,
        _ => Ok(()),
    }
}

/// Ends a grant that nobody has ended before.
pub(crate) async fn revoke(write: &mut Change, id: &GrantId, revocation: &Revocation) -> Result<()> {
    let text: Option<String> = sqlx::query_scalar("SELECT document FROM grants WHERE id = $1")
        .bind(id.as_str())
        .fetch_optional(&mut *write.tx)
        .await
        .map_err(failed)?;
    let text = text.ok_or_else(|| Error::not_found(format!("the grant {id}")))?;
    let mut grant: Grant = json::from_text(&text)?;
    if grant.revocation.is_some() {
        return Err(Error::new(ErrorCode::IllegalState, format!("the grant {id} has been revoked already")));
    }
    grant.revocation = Some(revocation.clone());
    sqlx::query("UPDATE grants SET revoked = 1, document = $1 WHERE id = $2")
        .bind(json::to_text(&grant)?)
        .bind(id.as_str())
        .execute(&mut *write.tx)
        .await
        .map_err(failed)?;
    noted(write, &grant).await
}

/// The grants on a resource that nobody has revoked, whether or not their term runs.
pub(crate) async fn unrevoked(connection: &mut AnyConnection, resource: &ResourceCode) -> Result<Vec<Grant>> {
    let texts: Vec<String> =
        sqlx::query_scalar("SELECT document FROM grants WHERE resource = $1 AND revoked = 0")
            .bind(resource.as_str())
            .fetch_all(connection)
            .await
            .map_err(failed)?;
    texts.iter().map(|text| json::from_text(text)).collect()
}

/// Refuses a resource that is not published: what was withdrawn a moment ago takes no new grants.
async fn check_published(connection: &mut AnyConnection, resource: &ResourceCode) -> Result<()> {
    let sql = "SELECT COUNT(*) FROM entries WHERE code = $1 AND published IS NULL";
    let unpublished: i64 =
        sqlx::query_scalar(sql).bind(resource.as_str()).fetch_one(connection).await.map_err(failed)?;
    match unpublished {
        0 => Ok(()),
        _ => Err(Error::new(ErrorCode::IllegalState, format!("the resource {resource} is not published"))),
    }
}
