//! Versions of datasets and withdrawals.

use async_trait::async_trait;
use catalog_core::dataset::{BreakingReview, RecordWithdrawal, Tombstone, Version, VersionState};
use catalog_core::evidence::EvidenceRecord;
use catalog_core::ports::{VersionPlace, VersionStore};
use catalog_core::{Error, ErrorCode, ResourceCode, Result};

use crate::change::Change;
use crate::failure::{failed, violated};
use crate::json;
use crate::search::touch;
use crate::store::CatalogStore;

#[async_trait]
impl VersionStore for CatalogStore {
    async fn with_versions(&self) -> Result<Vec<ResourceCode>> {
        let sql = "SELECT DISTINCT resource FROM versions ORDER BY resource";
        let codes: Vec<String> = sqlx::query_scalar(sql).fetch_all(&self.reader).await.map_err(failed)?;
        codes.iter().map(ResourceCode::new).collect()
    }

    async fn versions(&self, resource: &ResourceCode) -> Result<Vec<Version>> {
        let sql = "SELECT document FROM versions WHERE resource = $1 ORDER BY number";
        self.documents(sqlx::query_scalar(sql).bind(resource.as_str())).await
    }

    async fn breaking_versions(&self, resource: &ResourceCode) -> Result<Vec<Version>> {
        // Within a text of the document the marks would be escaped.
        let sql = "SELECT document FROM versions WHERE resource = $1 AND document LIKE '%\"breaking\":{%' \
                   ORDER BY number";
        self.documents(sqlx::query_scalar(sql).bind(resource.as_str())).await
    }

    async fn version(&self, resource: &ResourceCode, number: i64) -> Result<Option<Version>> {
        let sql = "SELECT document FROM versions WHERE resource = $1 AND number = $2";
        self.document(sqlx::query_scalar(sql).bind(resource.as_str()).bind(number)).await
    }

    async fn recent_versions(&self, after: Option<&VersionPlace>, limit: u32) -> Result<Vec<Version>> {
        let (time, code, number) = match after {
            Some(place) => (place.published_at.0, place.resource.as_str(), place.number),
            None => (i64::MAX, "", 0),
        };
        let sql = "SELECT document FROM versions WHERE published_at < $1 \
                   OR published_at = $1 AND (resource > $2 OR resource = $2 AND number < $3) \
                   ORDER BY published_at DESC, resource, number DESC LIMIT $4";
        let query = sqlx::query_scalar(sql).bind(time).bind(code).bind(number).bind(i64::from(limit));
        self.documents(query).await
    }

    async fn withdraw_version(
        &self,
        resource: &ResourceCode,
        number: i64,
        tombstone: &Tombstone,
        change: &EvidenceRecord,
    ) -> Result<()> {
        let mut write = Change::begin(self).await?;
        let mut version = read_version(&mut write, resource, number).await?;
        if version.state == VersionState::Withdrawn {
            return Err(Error::new(
                ErrorCode::IllegalState,
                format!("version {number} of {resource} has been withdrawn already"),
            ));
        }
        version.state = VersionState::Withdrawn;
        version.tombstone = Some(tombstone.clone());
        save_version(&mut write, &version).await?;
        write.commit(change).await
    }

    async fn review_version(
        &self,
        resource: &ResourceCode,
        number: i64,
        review: &BreakingReview,
        change: &EvidenceRecord,
    ) -> Result<()> {
        let mut write = Change::begin(self).await?;
        let mut version = read_version(&mut write, resource, number).await?;
        let waiting = version.breaking.as_mut().filter(|change| change.review.is_none());
        let Some(breaking) = waiting.filter(|_| version.state == VersionState::Published) else {
            let message = format!("version {number} of {resource} awaits no review");
            return Err(Error::new(ErrorCode::IllegalState, message));
        };
        breaking.review = Some(review.clone());
        save_version(&mut write, &version).await?;
        write.commit(change).await
    }

    async fn replace_version(
        &self,
        seen: &Version,
        version: &Version,
        change: &EvidenceRecord,
    ) -> Result<()> {
        let mut write = Change::begin(self).await?;
        if read_version(&mut write, &seen.resource, seen.number).await? != *seen {
            return Err(changed_meanwhile(seen));
        }
        save_version(&mut write, version).await?;
        write.commit(change).await
    }

    async fn record_withdrawals(&self, resource: &ResourceCode) -> Result<Vec<RecordWithdrawal>> {
        let sql = "SELECT document FROM record_withdrawals WHERE resource = $1 ORDER BY seq";
        self.documents(sqlx::query_scalar(sql).bind(resource.as_str())).await
    }

    async fn withdraw_records(&self, withdrawal: &RecordWithdrawal, change: &EvidenceRecord) -> Result<()> {
        let mut write = Change::begin(self).await?;
        sqlx::query("INSERT INTO record_withdrawals (id, resource, seq, document) VALUES ($1, $2, $3, $4)")
            .bind(&withdrawal.id)
            .bind(withdrawal.resource.as_str())
            .bind(write.seq)
            .bind(json::to_text(withdrawal)?)
            .execute(&mut *write.tx)
            .await
            .map_err(violated(format!("the withdrawal {} exists", withdrawal.id)))?;
        write.commit(change).await
    }
}

/// Adds the next version of a resource.
pub(crate) async fn insert(write: &mut Change, version: &Version) -> Result<()> {
    let newest: Option<i64> = sqlx::query_scalar("SELECT MAX(number) FROM versions WHERE resource = $1")
        .bind(version.resource.as_str())
        .fetch_one(&mut *write.tx)
        .await
        .map_err(failed)?;
    let next = newest.unwrap_or(0) + 1;
    let taken = format!(
        "version {} of {} was published by somebody else in between, the next is {next}: send the delivery again",
        version.number, version.resource
    );
    if version.number != next {
        return Err(Error::new(ErrorCode::Conflict, taken));
    }
    if let Some(base) = version.based_on
        && read_version(write, &version.resource, base).await?.state == VersionState::Withdrawn
    {
        let message = format!(
            "version {base} of {}, whose rows it takes over, was withdrawn in between: deliver again",
            version.resource
        );
        return Err(Error::new(ErrorCode::Conflict, message));
    }
    let sql =
        "INSERT INTO versions (resource, number, state, published_at, document) VALUES ($1, $2, $3, $4, $5)";
    sqlx::query(sql)
        .bind(version.resource.as_str())
        .bind(version.number)
        .bind(json::to_word(version.state)?)
        .bind(version.published_at.0)
        .bind(json::to_text(version)?)
        .execute(&mut *write.tx)
        .await
        .map_err(violated(taken))?;
    touch(write, &version.resource).await
}

/// Writes for whom a version is cleared. A withdrawal meanwhile stays; another change is a conflict.
pub(crate) async fn clear(write: &mut Change, cleared: &Version) -> Result<()> {
    let mut version = read_version(write, &cleared.resource, cleared.number).await?;
    version.cleared.clone_from(&cleared.cleared);
    let (state, tombstone) = (version.state, version.tombstone.clone());
    if version != (Version { state, tombstone, ..cleared.clone() }) {
        return Err(changed_meanwhile(&version));
    }
    save_version(write, &version).await
}

fn changed_meanwhile(version: &Version) -> Error {
    let message =
        format!("version {} of {} was changed meanwhile: try again", version.number, version.resource);
    Error::new(ErrorCode::Conflict, message)
}

async fn read_version(write: &mut Change, resource: &ResourceCode, number: i64) -> Result<Version> {
    let sql = "SELECT document FROM versions WHERE resource = $1 AND number = $2";
    let text: Option<String> = sqlx::query_scalar(sql)
        .bind(resource.as_str())
        .bind(number)
        .fetch_optional(&mut *write.tx)
        .await
        .map_err(failed)?;
    json::from_text(&text.ok_or_else(|| Error::not_found(format!("version {number} of {resource}")))?)
}

async fn save_version(write: &mut Change, version: &Version) -> Result<()> {
    sqlx::query("UPDATE versions SET state = $1, document = $2 WHERE resource = $3 AND number = $4")
        .bind(json::to_word(version.state)?)
        .bind(json::to_text(version)?)
        .bind(version.resource.as_str())
        .bind(version.number)
        .execute(&mut *write.tx)
        .await
        .map_err(failed)?;
    touch(write, &version.resource).await
}
