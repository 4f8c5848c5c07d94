//! Subscriptions and what is told to those who have them.

use async_trait::async_trait;

use crate::error::Result;
use crate::evidence::EvidenceRecord;
use crate::subscription::{Failure, Notification, Subscriber, Subscription};
use crate::time::Timestamp;

/// Subscriptions and their notifications.
#[async_trait]
pub trait SubscriptionStore: Send + Sync {
    /// The subscription of that id.
    async fn subscription(&self, id: &str) -> Result<Option<Subscription>>;
    /// The subscriptions of an owner, or of all, by id.
    async fn subscriptions(&self, owner: Option<&Subscriber>) -> Result<Vec<Subscription>>;
    /// Those behind an id that are active, or those that are not: by id, at most so many.
    async fn some_subscriptions(&self, is_active: bool, after: &str, limit: u32)
    -> Result<Vec<Subscription>>;
    /// Writes a subscription, raising its revision, which must be the one seen (0 for a new one), else `conflict`; and with it
    /// notifications of it. Those that are over and have 100 places behind them are forgotten. What its owner decides has its
    /// event; that something was told has none. A new one of an owner who has as many as one may have is refused with
    /// `limit_rate`. With a challenge all earlier ones that wait are forgotten.
    async fn save_subscription(
        &self,
        subscription: &Subscription,
        notifications: &[Notification],
        change: Option<&EvidenceRecord>,
    ) -> Result<()>;
    /// Forgets a subscription and all of its notifications; one that is gone already is `not_found`, and so is one that is of
    /// another revision than the one that was `seen`.
    async fn end_subscription(&self, id: &str, seen: Option<i64>, change: &EvidenceRecord) -> Result<()>;
    /// The notifications of a subscription, the newest first.
    async fn notifications(&self, subscription: &str) -> Result<Vec<Notification>>;
    /// What is to be tried by `now`, of one subscription or of all, at most so many, those that have waited longest first: of each
    /// active subscription the first that waits, of each pending one its challenge, and of one owner a few.
    async fn due_notifications(
        &self,
        subscription: Option<&str>,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Notification>>;
    /// Forgets a notification.
    async fn forget_notification(&self, id: &str) -> Result<()>;
}

/// Carries notifications out of the platform.
#[async_trait]
pub trait Herald: Send + Sync {
    /// Tries once; when this returns it has arrived, or why it has not.
    async fn tell(
        &self,
        subscription: &Subscription,
        notification: &Notification,
        now: Timestamp,
    ) -> std::result::Result<(), Failure>;
}
