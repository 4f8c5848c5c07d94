//! Developer keys and how they are used.

use async_trait::async_trait;
use catalog_core::api_key::{ApiKey, KeyUsage, MADE_PER_DAY};
use catalog_core::evidence::EvidenceRecord;
use catalog_core::ports::ApiKeyStore;
use catalog_core::{Error, ErrorCode, Result, Timestamp};
use chrono::NaiveDate;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use crate::change::Change;
use crate::failure::{failed, violated};
use crate::json;
use crate::store::CatalogStore;

const DAY_SECONDS: i64 = 86_400;

#[async_trait]
impl ApiKeyStore for CatalogStore {
    async fn api_key(&self, id: &str) -> Result<Option<ApiKey>> {
        self.document(sqlx::query_scalar("SELECT document FROM api_keys WHERE id = $1").bind(id)).await
    }

    async fn api_key_by_digest(&self, digest: &str) -> Result<Option<ApiKey>> {
        let sql = "SELECT document FROM api_keys WHERE digest = $1";
        self.document(sqlx::query_scalar(sql).bind(digest)).await
    }

    async fn api_keys(&self, person: Option<&str>) -> Result<Vec<ApiKey>> {
        // Ids are UUIDs of version 7: in the order in which they were made.
        match person {
            Some(person) => {
                let sql = "SELECT document FROM api_keys WHERE person = $1 ORDER BY id DESC";
                self.documents(sqlx::query_scalar(sql).bind(person)).await
            }
            None => {
                self.documents(sqlx::query_scalar("SELECT document FROM api_keys ORDER BY id DESC")).await
            }
        }
    }

    async fn add_api_key(&self, key: &ApiKey, most: u32, change: &EvidenceRecord) -> Result<()> {
        let mut write = Change::begin(self).await?;
        let own: Vec<String> = sqlx::query_scalar("SELECT document FROM api_keys WHERE person = $1")
            .bind(&key.person)
            .fetch_all(&mut *write.tx)
            .await
            .map_err(failed)?;
        let own = own.iter().map(|text| json::from_text::<ApiKey>(text)).collect::<Result<Vec<_>>>()?;
        check_number(&own, key.created_at, most as usize)?;
        sqlx::query("INSERT INTO api_keys (id, digest, person, document) VALUES ($1, $2, $3, $4)")
            .bind(&key.id)
            .bind(&key.digest)
            .bind(&key.person)
            .bind(json::to_text(key)?)
            .execute(&mut *write.tx)
            .await
            .map_err(violated("this developer key exists"))?;
        write.commit(change).await
    }

    async fn revoke_api_key(&self, key: &ApiKey, change: &EvidenceRecord) -> Result<()> {
        let mut write = Change::begin(self).await?;
        let stored: Option<String> = sqlx::query_scalar("SELECT document FROM api_keys WHERE id = $1")
            .bind(&key.id)
            .fetch_optional(&mut *write.tx)
            .await
            .map_err(failed)?;
        let stored = stored.ok_or_else(|| Error::not_found(format!("developer key `{}`", key.id)))?;
        if json::from_text::<ApiKey>(&stored)?.revoked_at.is_some() {
            return Err(Error::new(ErrorCode::IllegalState, "this key has been revoked already"));
        }
        sqlx::query("UPDATE api_keys SET document = $2 WHERE id = $1")
            .bind(&key.id)
            .bind(json::to_text(key)?)
            .execute(&mut *write.tx)
            .await
            .map_err(failed)?;
        write.commit(change).await
    }

    async fn count_key_usage(&self, usage: &[KeyUsage], since: NaiveDate) -> Result<()> {
        let mut tx = self.writer.begin().await.map_err(failed)?;
        let count = "INSERT INTO api_key_usage (api_key, day, requests, refused, bytes) VALUES ($1, $2, $3, $4, $5) \
                     ON CONFLICT (api_key, day) DO UPDATE SET requests = api_key_usage.requests + excluded.requests, \
                     refused = api_key_usage.refused + excluded.refused, bytes = api_key_usage.bytes + excluded.bytes";
        for one in usage {
            sqlx::query(count)
                .bind(&one.key)
                .bind(one.day.to_string())
                .bind(whole(one.requests))
                .bind(whole(one.refused))
                .bind(whole(one.bytes))
                .execute(&mut *tx)
                .await
                .map_err(failed)?;
            sqlx::query("DELETE FROM api_key_usage WHERE api_key = $1 AND day < $2")
                .bind(&one.key)
                .bind(since.to_string())
                .execute(&mut *tx)
                .await
                .map_err(failed)?;
        }
        tx.commit().await.map_err(failed)
    }

    async fn key_usage(&self, key: &str) -> Result<Vec<KeyUsage>> {
        let sql =
            "SELECT day, requests, refused, bytes FROM api_key_usage WHERE api_key = $1 ORDER BY day DESC";
        let rows = sqlx::query(sql).bind(key).fetch_all(&self.reader).await.map_err(failed)?;
        rows.iter().map(|row| usage_of(key, row)).collect()
    }
}

/// Refuses where these keys leave no room for one that is made then.
fn check_number(own: &[ApiKey], at: Timestamp, most: usize) -> Result<()> {
    let refused = |message: String| Err(Error::new(ErrorCode::LimitRate, message));
    let made = own.iter().filter(|key| at < key.created_at.plus_seconds(DAY_SECONDS)).count();
    if own.iter().filter(|key| key.is_valid_at(at)).count() >= most {
        return refused(format!("a developer has {most} keys at most: revoke one that is not used"));
    }
    if made >= most.saturating_mul(MADE_PER_DAY) {
        return refused("too many keys were made within a day: go on with those that there are".to_owned());
    }
    Ok(())
}

fn usage_of(key: &str, row: &AnyRow) -> Result<KeyUsage> {
    let day: String = row.try_get(0).map_err(failed)?;
    let number = |place: usize| {
        let stored: i64 = row.try_get(place).map_err(failed)?;
        u64::try_from(stored).map_err(Error::internal)
    };
    Ok(KeyUsage {
        key: key.to_owned(),
        day: day.parse().map_err(Error::internal)?,
        requests: number(1)?,
        refused: number(2)?,
        bytes: number(3)?,
    })
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
