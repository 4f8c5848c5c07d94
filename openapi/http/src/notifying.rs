//! The round in which subscribers are told.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use catalog_core::services::{Deliveries, Sights};
use catalog_core::subscription::{Notification, Subscriber, Subscription};
use catalog_core::{Error, OpContext, Result};
use futures::{StreamExt as _, stream};
use uuid::Uuid;

use crate::app::App;

/// Subscriptions that are told at the same time. Each try takes ten seconds at most.
const ABREAST: usize = 256;
/// How long a round begins further tries at a receiver that takes one after the other.
const ROUND: Duration = Duration::from_secs(10);

impl App {
    /// The operator's round: finds what has happened to what is subscribed to, and tries what is to be tried by now. Each
    /// notification is made once, in one transaction with the memory of it; a crash behind a try makes it arrive twice, with the
    /// same id. What one subscription is told arrives in order: the next waits until the one before has arrived or was given up.
    /// One whose owner is no more, or does not confirm or resume it for a month, ends.
    pub async fn notify_subscribers(&self, clock: &OpContext) -> Result<Deliveries> {
        self.watch(clock).await?;
        let end = Instant::now() + ROUND;
        let due = self.services.due_notifications(clock, None).await?;
        let mut tries =
            stream::iter(due).map(|due| self.try_in_turn(clock, due, end)).buffer_unordered(ABREAST);
        let mut round = Deliveries::default();
        while let Some(tried) = tries.next().await {
            round.arrived += tried.arrived;
            round.waiting += tried.waiting;
            round.given_up += tried.given_up;
        }
        Ok(round)
    }

    /// Tries the notifications of one subscription one after the other, while they arrive.
    async fn try_in_turn(
        &self,
        clock: &OpContext,
        mut due: (Subscription, Notification),
        end: Instant,
    ) -> Deliveries {
        let mut tries = Deliveries::default();
        // Those that are begun late find that the round is over.
        while Instant::now() < end {
            let id = due.0.id.clone();
            let tried = match self.try_once(clock, due).await {
                Ok(tried) => tried,
                Err(error) => {
                    failed(&id, &error);
                    return tries;
                }
            };
            match tried {
                None => {}
                Some(tried) if tried.arrived_at.is_some() => tries.arrived += 1,
                Some(tried) if tried.is_given_up() => {
                    tries.given_up += 1;
                    return tries;
                }
                Some(_) => {
                    tries.waiting += 1;
                    return tries;
                }
            }
            match self.services.due_notifications(clock, Some(&id)).await {
                Ok(mut next) if !next.is_empty() => due = next.swap_remove(0),
                Ok(_) => return tries,
                Err(error) => {
                    failed(&id, &error);
                    return tries;
                }
            }
        }
        tries
    }

    async fn watch(&self, clock: &OpContext) -> Result<()> {
        let (mut readers, mut sights) = (BTreeMap::new(), Sights::default());
        for is_active in [true, false] {
            let mut after = String::new();
            loop {
                let some = self.services.some_subscriptions(clock, is_active, &after).await?;
                let Some(last) = some.last() else { break };
                after.clone_from(&last.id);
                for subscription in &some {
                    let owner = &subscription.owner;
                    if !readers.contains_key(owner) {
                        readers.insert(owner.clone(), self.reader_of(owner, clock).await?);
                    }
                    let watched = match readers.get(owner).and_then(Option::as_ref) {
                        Some(reader) if !subscription.is_forsaken(clock.now) => {
                            self.services.watch(reader, subscription, &mut sights).await.map(drop)
                        }
                        _ => self.services.end_forsaken(clock, subscription).await,
                    };
                    // One that fails hides no other's.
                    watched.unwrap_or_else(|error| failed(&subscription.id, &error));
                }
            }
        }
        Ok(())
    }

    async fn try_once(
        &self,
        clock: &OpContext,
        due: (Subscription, Notification),
    ) -> Result<Option<Notification>> {
        match self.reader_of(&due.0.owner, clock).await? {
            Some(reader) => self.services.notify(&reader, due, &self.notifier).await,
            // The next round ends it.
            None => Err(Error::not_found("its owner")),
        }
    }

    async fn reader_of(&self, owner: &Subscriber, clock: &OpContext) -> Result<Option<OpContext>> {
        let request_id = Uuid::now_v7().to_string();
        Ok(self.authenticator.reader_of(owner, request_id, clock.now).await?)
    }
}

fn failed(subscription: &str, error: &Error) {
    let cause = error.internal_cause();
    tracing::error!(subscription, code = %error.code, cause, "a subscriber was not told");
}
