//! What the public contributes.

use async_trait::async_trait;
use catalog_core::contribution::{Contribution, ContributionState, MOST_WAITING, MOST_WAITING_ABOUT_ONE};
use catalog_core::evidence::EvidenceRecord;
use catalog_core::ports::{ContributionFilter, ContributionStore};
use catalog_core::{Error, ErrorCode, ResourceCode, Result};
use sqlx::{AnyConnection, Row as _};

use crate::change::Change;
use crate::failure::{failed, violated};
use crate::json;
use crate::store::CatalogStore;

/// An empty text asks for nothing.
const LISTED: &str = "SELECT c.document FROM contributions c WHERE c.kind = $1 AND ($2 = '' OR c.state = $2) \
     AND ($3 = '' OR c.id < $3) \
     AND ($4 = '' OR EXISTS (SELECT 1 FROM contribution_resources r WHERE r.contribution = c.id AND r.resource = $4)) \
     AND ($5 = '' OR EXISTS (SELECT 1 FROM contribution_resources r JOIN entries e ON e.code = r.resource \
     WHERE r.contribution = c.id AND e.provider = $5)) \
     ORDER BY c.id DESC LIMIT $6";
const RATINGS: &str = "SELECT COUNT(*), CAST(COALESCE(SUM(c.rating), 0) AS BIGINT) FROM contributions c \
     JOIN contribution_resources r ON r.contribution = c.id \
     WHERE c.kind = 'feedback' AND c.state = 'shown' AND r.resource = $1";
const WAITING: &str = "SELECT COUNT(*) FROM contributions WHERE state = 'waiting'";
const WAITING_ABOUT: &str = "SELECT COUNT(*) FROM contributions c \
     JOIN contribution_resources r ON r.contribution = c.id WHERE c.state = 'waiting' AND r.resource = $1";

#[async_trait]
impl ContributionStore for CatalogStore {
    async fn contribution(&self, id: &str) -> Result<Option<Contribution>> {
        self.document(sqlx::query_scalar("SELECT document FROM contributions WHERE id = $1").bind(id)).await
    }

    async fn contributions(&self, filter: &ContributionFilter) -> Result<Vec<Contribution>> {
        let state = filter.state.map(json::to_word).transpose()?.unwrap_or_default();
        let resource = filter.resource.as_ref().map_or("", ResourceCode::as_str);
        let provider = filter.provider.as_ref().map_or("", |provider| provider.as_str());
        self.documents(
            sqlx::query_scalar(LISTED)
                .bind(json::to_word(filter.kind)?)
                .bind(state)
                .bind(filter.before.clone().unwrap_or_default())
                .bind(resource)
                .bind(provider)
                .bind(i64::from(filter.limit)),
        )
        .await
    }

    async fn ratings(&self, resource: &ResourceCode) -> Result<(u64, u64)> {
        let row =
            sqlx::query(RATINGS).bind(resource.as_str()).fetch_one(&self.reader).await.map_err(failed)?;
        let number = |place: usize| {
            let stored: i64 = row.try_get(place).map_err(failed)?;
            u64::try_from(stored).map_err(Error::internal)
        };
        Ok((number(0)?, number(1)?))
    }

    async fn save_contribution(&self, contribution: &Contribution, change: &EvidenceRecord) -> Result<()> {
        let mut write = Change::begin(self).await?;
        if contribution.revision == 0 {
            check_room(&mut write.tx, contribution).await?;
            for resource in contribution.content.resources() {
                sqlx::query("INSERT INTO contribution_resources (contribution, resource) VALUES ($1, $2)")
                    .bind(&contribution.id)
                    .bind(resource.as_str())
                    .execute(&mut *write.tx)
                    .await
                    .map_err(violated("this contribution exists"))?;
            }
        }
        put(&mut write.tx, contribution).await?;
        write.commit(change).await
    }
}

/// Whether one more may wait. No other change is under way, so that this holds until it is written.
async fn check_room(connection: &mut AnyConnection, contribution: &Contribution) -> Result<()> {
    let full = || {
        let message = "too many contributions wait to be looked at; come again in some days";
        Error::new(ErrorCode::Unavailable, message)
    };
    let has_room = |waiting: i64, most: usize| usize::try_from(waiting).is_ok_and(|waiting| waiting < most);
    if contribution.state != ContributionState::Waiting {
        return Ok(());
    }
    let waiting = sqlx::query_scalar(WAITING).fetch_one(&mut *connection).await.map_err(failed)?;
    if !has_room(waiting, MOST_WAITING) {
        return Err(full());
    }
    for resource in contribution.content.resources() {
        let waiting = sqlx::query_scalar(WAITING_ABOUT)
            .bind(resource.as_str())
            .fetch_one(&mut *connection)
            .await
            .map_err(failed)?;
        if !has_room(waiting, MOST_WAITING_ABOUT_ONE) {
            return Err(full());
        }
    }
    Ok(())
}

/// Writes a contribution over the revision that was seen.
async fn put(connection: &mut AnyConnection, contribution: &Contribution) -> Result<()> {
    let next = Contribution { revision: contribution.revision + 1, ..contribution.clone() };
    let sql = match contribution.revision {
        0 => {
            "INSERT INTO contributions (id, kind, state, rating, revision, document) \
             VALUES ($1, $2, $3, $4, $5, $6)"
        }
        _ => {
            "UPDATE contributions SET kind = $2, state = $3, rating = $4, revision = $5, document = $6 \
             WHERE id = $1 AND revision = $5 - 1"
        }
    };
    let written = sqlx::query(sql)
        .bind(&next.id)
        .bind(json::to_word(next.content.kind())?)
        .bind(json::to_word(next.state)?)
        .bind(i64::from(next.content.rating().unwrap_or(0)))
        .bind(next.revision)
        .bind(json::to_text(&next)?)
        .execute(connection)
        .await
        .map_err(violated("this contribution exists"))?;
    match written.rows_affected() {
        0 => Err(Error::new(ErrorCode::Conflict, "somebody else has decided meanwhile: look again")),
        _ => Ok(()),
    }
}
