//! Words and what was told.

use async_trait::async_trait;
use catalog_core::ports::{Telling, WordStore};
use catalog_core::words::{Delivery, Told};
use catalog_core::{Result, Timestamp};
use chrono::NaiveDate;
use sqlx::AnyConnection;

use crate::change::Change;
use crate::failure::{failed, violated};
use crate::json;
use crate::store::CatalogStore;

#[async_trait]
impl WordStore for CatalogStore {
    async fn told(&self) -> Result<Vec<Told>> {
        self.documents(sqlx::query_scalar("SELECT document FROM told ORDER BY matter")).await
    }

    async fn is_listed(&self, day: NaiveDate) -> Result<bool> {
        let sql = "SELECT COUNT(*) FROM morning_lists WHERE day = $1";
        let count: i64 =
            sqlx::query_scalar(sql).bind(day.to_string()).fetch_one(&self.reader).await.map_err(failed)?;
        Ok(count > 0)
    }

    async fn tell(&self, telling: &Telling) -> Result<()> {
        let Telling { told, over, listed, deliveries, events } = telling;
        let mut write = Change::begin(self).await?;
        for limit in over.iter().chain(told) {
            forget(&mut write.tx, limit).await?;
        }
        for limit in told {
            remember(&mut write.tx, limit).await?;
        }
        if let Some(day) = listed {
            sqlx::query("INSERT INTO morning_lists (day) VALUES ($1)")
                .bind(day.to_string())
                .execute(&mut *write.tx)
                .await
                .map_err(violated("this day has had its list"))?;
        }
        for delivery in deliveries {
            put(&mut write.tx, delivery).await?;
        }
        match events.split_last() {
            None => write.commit_silently().await,
            Some((last, others)) => {
                for event in others {
                    write.record(event).await?;
                }
                write.commit(last).await
            }
        }
    }

    async fn deliveries(&self) -> Result<Vec<Delivery>> {
        self.documents(sqlx::query_scalar("SELECT document FROM deliveries ORDER BY id")).await
    }

    async fn due_deliveries(&self, now: Timestamp, limit: u32) -> Result<Vec<Delivery>> {
        let sql = "SELECT document FROM deliveries WHERE next_at <= $1 ORDER BY next_at, id LIMIT $2";
        self.documents(sqlx::query_scalar(sql).bind(now.0).bind(i64::from(limit))).await
    }

    async fn put_delivery(&self, delivery: &Delivery) -> Result<()> {
        let mut connection = self.writer.acquire().await.map_err(failed)?;
        put(&mut connection, delivery).await
    }

    async fn delivered(&self, id: &str) -> Result<()> {
        sqlx::query("DELETE FROM deliveries WHERE id = $1")
            .bind(id)
            .execute(&self.writer)
            .await
            .map(drop)
            .map_err(failed)
    }
}

async fn forget(connection: &mut AnyConnection, limit: &Told) -> Result<()> {
    sqlx::query("DELETE FROM told WHERE matter = $1 AND limit_kind = $2 AND since = $3")
        .bind(&limit.matter)
        .bind(json::to_word(limit.limit)?)
        .bind(limit.since.0)
        .execute(connection)
        .await
        .map(drop)
        .map_err(failed)
}

async fn remember(connection: &mut AnyConnection, limit: &Told) -> Result<()> {
    sqlx::query("INSERT INTO told (matter, limit_kind, since, document) VALUES ($1, $2, $3, $4)")
        .bind(&limit.matter)
        .bind(json::to_word(limit.limit)?)
        .bind(limit.since.0)
        .bind(json::to_text(limit)?)
        .execute(connection)
        .await
        .map(drop)
        .map_err(failed)
}

async fn put(connection: &mut AnyConnection, delivery: &Delivery) -> Result<()> {
    let sql = "INSERT INTO deliveries (id, next_at, document) VALUES ($1, $2, $3) \
               ON CONFLICT (id) DO UPDATE SET next_at = excluded.next_at, document = excluded.document";
    sqlx::query(sql)
        .bind(&delivery.id)
        .bind(delivery.attempts.next_at.map(|at| at.0))
        .bind(json::to_text(delivery)?)
        .execute(connection)
        .await
        .map(drop)
        .map_err(failed)
}
