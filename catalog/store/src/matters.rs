//! Matters.

use async_trait::async_trait;
use catalog_core::evidence::EvidenceRecord;
use catalog_core::matter::Matter;
use catalog_core::ports::{MatterBound, MatterChange, MatterQuery, MatterStore};
use catalog_core::{Error, ErrorCode, Result};

use crate::change::Change;
use crate::failure::{failed, violated};
use crate::store::CatalogStore;
use crate::{confidential, grants, json, versions};

#[async_trait]
impl MatterStore for CatalogStore {
    async fn next_matter(&self, series: &str) -> Result<u64> {
        let sql = "INSERT INTO sequences (name, taken) VALUES ($1, 1) \
                   ON CONFLICT (name) DO UPDATE SET taken = sequences.taken + 1 RETURNING taken";
        let taken: i64 = sqlx::query_scalar(sql)
            .bind(format!("matter:{series}"))
            .fetch_one(&self.writer)
            .await
            .map_err(failed)?;
        u64::try_from(taken).map_err(Error::internal)
    }

    async fn matter(&self, number: &str) -> Result<Option<Matter>> {
        self.document(sqlx::query_scalar("SELECT document FROM matters WHERE number = $1").bind(number)).await
    }

    async fn matters(&self, query: &MatterQuery) -> Result<Vec<Matter>> {
        // An empty text stands for no condition: the drivers can't tell the type of a bare NULL.
        let sql = "SELECT document FROM matters \
                   WHERE ($1 = '' OR kind = $1) AND ($2 = '' OR applicant = $2 OR handler = $2) \
                   AND ($3 = '' OR parent = $3) AND (settled <= $4 OR ($5 = 1 AND state = 'in_use')) \
                   AND ($7 = '' OR COALESCE(due, 9223372036854775807) > $6 \
                        OR (COALESCE(due, 9223372036854775807) = $6 AND number > $7)) \
                   ORDER BY COALESCE(due, 9223372036854775807), number LIMIT $8";
        let kind = query.kind.map(json::to_word).transpose()?.unwrap_or_default();
        let (due, number) = match &query.after {
            Some(place) => (place.due.0, place.number.clone()),
            None => (0, String::new()),
        };
        self.documents(
            sqlx::query_scalar(sql)
                .bind(kind)
                .bind(query.party.clone().unwrap_or_default())
                .bind(query.parent.clone().unwrap_or_default())
                .bind(i64::from(!query.open_only && !query.running_only))
                .bind(i64::from(query.running_only))
                .bind(due)
                .bind(number)
                .bind(query.limit.map_or(i64::MAX, i64::from)),
        )
        .await
    }

    async fn save_matters(&self, change: &MatterChange) -> Result<()> {
        let mut write = Change::begin(self).await?;
        let mut events = Vec::new();
        if let Some(bound) = &change.bound {
            check(&mut write, bound).await?;
        }
        for (matter, expected, event) in &change.matters {
            save(&mut write, matter, *expected).await?;
            events.push(event);
        }
        if !change.grants.is_empty() && !grants::is_count(&mut write.tx, change.grants_seen).await? {
            return Err(Error::new(
                ErrorCode::Conflict,
                "another grant was made meanwhile; take the step again",
            ));
        }
        if let Some((number, sealed)) = &change.confidential {
            confidential::put(&mut write, number, sealed).await?;
        }
        for (grant, event) in &change.grants {
            grants::insert(&mut write, grant).await?;
            events.push(event);
        }
        for (id, revocation, event) in &change.revocations {
            grants::revoke(&mut write, id, revocation).await?;
            events.push(event);
        }
        if let Some((version, event)) = &change.version {
            versions::insert(&mut write, version).await?;
            events.push(event);
        }
        for (version, event) in &change.cleared {
            versions::clear(&mut write, version).await?;
            events.push(event);
        }
        finish(write, &events).await
    }
}

/// Refuses one more matter of an applicant who has used up what is allowed. Writers come one after the other, so that many
/// at the same time are no way around it.
async fn check(write: &mut Change, bound: &MatterBound) -> Result<()> {
    let open_sql = "SELECT COUNT(*) FROM matters WHERE applicant = $1 AND parent IS NULL AND settled = 0";
    let open: i64 = sqlx::query_scalar(open_sql)
        .bind(&bound.applicant)
        .fetch_one(&mut *write.tx)
        .await
        .map_err(failed)?;
    let opened_sql = "SELECT COUNT(*) FROM matters WHERE applicant = $1 AND parent IS NULL AND received > $2";
    let opened: i64 = sqlx::query_scalar(opened_sql)
        .bind(&bound.applicant)
        .bind(bound.since.0)
        .fetch_one(&mut *write.tx)
        .await
        .map_err(failed)?;
    let message = match () {
        () if open >= i64::from(bound.open) => {
            format!(
                "{open} matters of yours are open, and more are not taken: withdraw some, or wait for their answers"
            )
        }
        () if opened >= i64::from(bound.opened) => {
            format!("{opened} matters were opened in 24 hours, and more are not taken: try again tomorrow")
        }
        () => return Ok(()),
    };
    Err(Error::new(ErrorCode::LimitRate, message))
}

async fn finish(mut write: Change, events: &[&EvidenceRecord]) -> Result<()> {
    let Some((last, others)) = events.split_last() else { return Ok(()) };
    for event in others {
        write.record(event).await?;
    }
    write.commit(last).await
}

pub(crate) async fn save(write: &mut Change, matter: &Matter, expected: Option<i64>) -> Result<()> {
    let sql = match expected {
        None => {
            "INSERT INTO matters (kind, state, settled, applicant, handler, parent, due, revision, document, number, received) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
        }
        Some(_) => {
            "UPDATE matters SET kind = $1, state = $2, settled = $3, applicant = $4, handler = $5, parent = $6, \
             due = $7, revision = $8, document = $9 WHERE number = $10 AND revision = $11"
        }
    };
    let query = sqlx::query(sql)
        .bind(json::to_word(matter.kind())?)
        .bind(json::to_word(matter.state)?)
        .bind(i64::from(matter.state.is_settled()))
        .bind(matter.applicant.label())
        .bind(matter.handler.label())
        .bind(matter.parent.clone())
        .bind(matter.limit().and_then(|limit| limit.reckoning.due).map(|due| due.0))
        .bind(matter.revision)
        .bind(json::to_text(matter)?)
        .bind(matter.number.clone());
    let query = match expected {
        None => query.bind(matter.received().0),
        Some(revision) => query.bind(revision),
    };
    let written = query
        .execute(&mut *write.tx)
        .await
        .map_err(violated(format!("the matter {} exists", matter.number)))?
        .rows_affected();
    match written {
        0 => {
            let message = format!("{} 刚被他人处理，请重新打开后再办", matter.number);
            Err(Error::new(ErrorCode::Conflict, message))
        }
        _ => Ok(()),
    }
}
