//! Subscriptions 订阅 and what they were told.

use catalog_core::subscription::{
    Happening, Notification, Subscription, SubscriptionState, Suspension, Target,
};
use catalog_core::{ResourceCode, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Asks to be told of what happens to a dataset, or to what a search finds.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubscriptionRequest {
    /// What of: `{"dataset": "301001/000001"}`, or `{"search": {"text": "处罚"}}`.
    pub target: Target,
    /// Where requests are sent: https, at most 2,048 characters, in a network that the operator named. It is kept sealed.
    #[schema(example = "https://app.example.cn/hooks/shuqiao")]
    pub receiver: String,
}

/// A subscription as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SubscriptionView {
    /// Identity.
    pub id: String,
    /// What it is about.
    pub target: Target,
    /// Scheme, host and port of the receiver; the rest of its address is not shown again.
    pub receiver: String,
    /// How it stands.
    pub state: SubscriptionState,
    /// Why it is suspended.
    pub suspension: Option<Suspension>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Notifications given up since the last that arrived; the third in a row suspends it.
    pub given_up: u32,
}

impl SubscriptionView {
    /// A subscription whose receiver is shown so.
    pub fn new(subscription: Subscription, receiver: String) -> Self {
        let Subscription { id, target, state, suspension, created_at, given_up, .. } = subscription;
        Self { id, target, receiver, state, suspension, created_at, given_up }
    }
}

/// How far a notification has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It is tried at `next_at`, or when those before it are over.
    Waiting,
    /// The receiver has answered 2xx.
    Arrived,
    /// It was given up; its owner may have it tried once more.
    Dead,
}

/// A notification on its way to the receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NotificationView {
    /// Identity, which is the event's `id`: a repetition has the same.
    pub id: String,
    /// What it tells.
    pub what: Happening,
    /// Of which dataset; none for a challenge.
    pub dataset: Option<ResourceCode>,
    /// Of which version.
    pub version: Option<i64>,
    /// When it was made.
    pub at: Timestamp,
    /// How far it has come.
    pub state: DeliveryState,
    /// Tries so far.
    pub tries: u32,
    /// When it is tried next.
    pub next_at: Option<Timestamp>,
    /// When it arrived.
    pub arrived_at: Option<Timestamp>,
    /// Why the last try failed: `not_permitted`, `not_reached`, `redirected`, `refused` or `not_confirmed`.
    pub problem: Option<String>,
}

impl From<Notification> for NotificationView {
    fn from(notification: Notification) -> Self {
        let state = match notification.arrived_at {
            Some(_) => DeliveryState::Arrived,
            None if notification.is_given_up() => DeliveryState::Dead,
            None => DeliveryState::Waiting,
        };
        let Notification { id, what, resource: dataset, version, at, attempts, arrived_at, .. } =
            notification;
        let (tries, next_at, problem) = (attempts.tries, attempts.next_at, attempts.problem);
        Self { id, what, dataset, version, at, state, tries, next_at, arrived_at, problem }
    }
}
