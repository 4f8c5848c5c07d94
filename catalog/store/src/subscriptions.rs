//! Subscriptions and what is told to those who have them.

use async_trait::async_trait;
use catalog_core::evidence::EvidenceRecord;
use catalog_core::ports::SubscriptionStore;
use catalog_core::subscription::{
    ABREAST, Happening, MOST_SUBSCRIPTIONS, Notification, Subscriber, Subscription, too_many,
};
use catalog_core::{Error, ErrorCode, Result, Timestamp};
use sqlx::AnyConnection;

use crate::change::Change;
use crate::failure::{failed, violated};
use crate::json;
use crate::store::CatalogStore;

/// Places behind a notification after which it is forgotten, where it is over.
const KEPT: i64 = 100;

#[async_trait]
impl SubscriptionStore for CatalogStore {
    async fn subscription(&self, id: &str) -> Result<Option<Subscription>> {
        self.document(sqlx::query_scalar("SELECT document FROM subscriptions WHERE id = $1").bind(id)).await
    }

    async fn subscriptions(&self, owner: Option<&Subscriber>) -> Result<Vec<Subscription>> {
        match owner {
            Some(owner) => {
                let sql = "SELECT document FROM subscriptions WHERE owner = $1 ORDER BY id";
                self.documents(sqlx::query_scalar(sql).bind(owner.label())).await
            }
            None => {
                self.documents(sqlx::query_scalar("SELECT document FROM subscriptions ORDER BY id")).await
            }
        }
    }

    async fn some_subscriptions(
        &self,
        is_active: bool,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Subscription>> {
        let sql = match is_active {
            true => {
                "SELECT document FROM subscriptions WHERE state = 'active' AND id > $1 ORDER BY id LIMIT $2"
            }
            false => {
                "SELECT document FROM subscriptions WHERE state <> 'active' AND id > $1 ORDER BY id LIMIT $2"
            }
        };
        self.documents(sqlx::query_scalar(sql).bind(after).bind(i64::from(limit))).await
    }

    async fn save_subscription(
        &self,
        subscription: &Subscription,
        notifications: &[Notification],
        change: Option<&EvidenceRecord>,
    ) -> Result<()> {
        let mut write = Change::begin(self).await?;
        write_subscription(&mut write.tx, subscription).await?;
        for notification in notifications {
            if notification.what == Happening::Challenge {
                forget_challenges(&mut write.tx, notification).await?;
            }
            put(&mut write.tx, notification).await?;
        }
        sqlx::query("DELETE FROM notifications WHERE subscription = $1 AND next_at IS NULL AND place <= $2")
            .bind(&subscription.id)
            .bind(subscription.made - KEPT)
            .execute(&mut *write.tx)
            .await
            .map_err(failed)?;
        match change {
            Some(change) => write.commit(change).await,
            None => write.commit_silently().await,
        }
    }

    async fn end_subscription(&self, id: &str, seen: Option<i64>, change: &EvidenceRecord) -> Result<()> {
        let mut write = Change::begin(self).await?;
        let sql = "DELETE FROM subscriptions WHERE id = $1 AND revision = COALESCE($2, revision)";
        let ended = sqlx::query(sql).bind(id).bind(seen).execute(&mut *write.tx).await.map_err(failed)?;
        if ended.rows_affected() == 0 {
            return Err(Error::not_found(format!("subscription `{id}`")));
        }
        sqlx::query("DELETE FROM notifications WHERE subscription = $1")
            .bind(id)
            .execute(&mut *write.tx)
            .await
            .map_err(failed)?;
        write.commit(change).await
    }

    async fn notifications(&self, subscription: &str) -> Result<Vec<Notification>> {
        let sql = "SELECT document FROM notifications WHERE subscription = $1 ORDER BY place DESC";
        self.documents(sqlx::query_scalar(sql).bind(subscription)).await
    }

    async fn due_notifications(
        &self,
        subscription: Option<&str>,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Notification>> {
        // Counted by owner before the limit: the many of one keep no others out.
        let sql = "SELECT due.document FROM (SELECT n.document, n.next_at, n.id, \
                   ROW_NUMBER() OVER (PARTITION BY s.owner ORDER BY n.next_at, n.id) AS turn \
                   FROM notifications n JOIN subscriptions s ON s.id = n.subscription \
                   WHERE n.next_at <= $1 AND ($3 = '' OR n.subscription = $3) \
                   AND ((s.state = 'active' AND n.challenge = 0) OR (s.state = 'pending' AND n.challenge = 1)) \
                   AND NOT EXISTS (SELECT 1 FROM notifications e WHERE e.subscription = n.subscription \
                   AND e.challenge = n.challenge AND e.next_at IS NOT NULL AND e.place < n.place)) due \
                   WHERE due.turn <= $4 ORDER BY due.next_at, due.id LIMIT $2";
        self.documents(
            sqlx::query_scalar(sql)
                .bind(now.0)
                .bind(i64::from(limit))
                .bind(subscription.unwrap_or_default())
                .bind(i64::from(ABREAST)),
        )
        .await
    }

    async fn forget_notification(&self, id: &str) -> Result<()> {
        sqlx::query("DELETE FROM notifications WHERE id = $1")
            .bind(id)
            .execute(&self.writer)
            .await
            .map(drop)
            .map_err(failed)
    }
}

/// Forgets the challenges before this one that wait: only the last is asked.
async fn forget_challenges(connection: &mut AnyConnection, last: &Notification) -> Result<()> {
    let sql = "DELETE FROM notifications WHERE subscription = $1 AND challenge = 1 AND next_at IS NOT NULL \
               AND place < $2";
    sqlx::query(sql)
        .bind(&last.subscription)
        .bind(last.place)
        .execute(connection)
        .await
        .map(drop)
        .map_err(failed)
}

/// Whether the owner may have one more. No other change is under way, so that this holds until it is written.
async fn check_room(connection: &mut AnyConnection, owner: &Subscriber) -> Result<()> {
    let taken: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM subscriptions WHERE owner = $1")
        .bind(owner.label())
        .fetch_one(connection)
        .await
        .map_err(failed)?;
    match usize::try_from(taken).is_ok_and(|taken| taken < MOST_SUBSCRIPTIONS) {
        true => Ok(()),
        false => Err(too_many()),
    }
}

/// Writes a subscription over the revision that was seen.
async fn write_subscription(connection: &mut AnyConnection, subscription: &Subscription) -> Result<()> {
    if subscription.revision == 0 {
        check_room(&mut *connection, &subscription.owner).await?;
    }
    let next = Subscription { revision: subscription.revision + 1, ..subscription.clone() };
    let (state, document) = (json::to_word(next.state)?, json::to_text(&next)?);
    let sql = match subscription.revision {
        0 => "INSERT INTO subscriptions (id, owner, state, revision, document) VALUES ($1, $2, $3, $4, $5)",
        _ => {
            "UPDATE subscriptions SET owner = $2, state = $3, revision = $4, document = $5 \
             WHERE id = $1 AND revision = $4 - 1"
        }
    };
    let written = sqlx::query(sql)
        .bind(&next.id)
        .bind(next.owner.label())
        .bind(state)
        .bind(next.revision)
        .bind(document)
        .execute(connection)
        .await
        .map_err(violated("this subscription exists"))?;
    match written.rows_affected() {
        0 => Err(Error::new(ErrorCode::Conflict, "the subscription has changed or ended meanwhile")),
        _ => Ok(()),
    }
}

async fn put(connection: &mut AnyConnection, notification: &Notification) -> Result<()> {
    let sql = "INSERT INTO notifications (id, subscription, place, challenge, next_at, document) \
               VALUES ($1, $2, $3, $4, $5, $6) \
               ON CONFLICT (id) DO UPDATE SET next_at = excluded.next_at, document = excluded.document";
    sqlx::query(sql)
        .bind(&notification.id)
        .bind(&notification.subscription)
        .bind(notification.place)
        .bind(i64::from(notification.what == Happening::Challenge))
        .bind(notification.attempts.next_at.map(|at| at.0))
        .bind(json::to_text(notification)?)
        .execute(connection)
        .await
        .map(drop)
        .map_err(failed)
}
