//! Subscriptions and what is told to those who have them.

use std::collections::BTreeMap;
use std::sync::Arc;

use catalog_core::attempts::Attempts;
use catalog_core::ports::Store;
use catalog_core::subscription::{
    Happening, MOST_SUBSCRIPTIONS, Notification, Seen, Subscriber, Subscription, SubscriptionState, Target,
};
use catalog_core::{ErrorCode, ResourceCode, Result, Timestamp};

use super::refused;
use super::samples::event;

fn subscription(id: &str, owner: &Subscriber, state: SubscriptionState) -> Result<Subscription> {
    let code = ResourceCode::new("301001/000001")?;
    Ok(Subscription {
        id: id.to_owned(),
        owner: owner.clone(),
        target: Target::Dataset(code.clone()),
        receiver: "sealed".to_owned(),
        created_at: Timestamp(1),
        state,
        suspension: None,
        since: None,
        given_up: 0,
        made: 0,
        seen: BTreeMap::from([(code, Seen::default())]),
        revision: 0,
    })
}

fn notification(subscription: &str, place: i64, next_at: Option<i64>) -> Notification {
    let attempts = Attempts { next_at: next_at.map(Timestamp), ..Attempts::due(Timestamp(0)) };
    Notification {
        id: format!("{subscription}-{place}"),
        subscription: subscription.to_owned(),
        place,
        what: if place == 1 { Happening::Challenge } else { Happening::DescriptionChanged },
        resource: None,
        version: None,
        since: None,
        at: Timestamp(0),
        attempts,
        arrived_at: None,
    }
}

fn names(list: &[Notification]) -> Vec<&str> {
    list.iter().map(|notification| notification.id.as_str()).collect()
}

pub(super) async fn kept_and_ended(store: Arc<dyn Store>) -> Result<()> {
    let owner = Subscriber::Developer("dev-a".to_owned());
    let other = Subscriber::Developer("dev-b".to_owned());
    let mut one = subscription("a", &owner, SubscriptionState::Active)?;
    let two = subscription("b", &other, SubscriptionState::Pending)?;
    let first = notification("a", 2, Some(5));
    store.save_subscription(&one, std::slice::from_ref(&first), Some(&event("subscription.made"))).await?;
    store.save_subscription(&two, &[], None).await?;
    assert_eq!(store.pending(9).await?.len(), 1, "what was told is no event");
    one.revision = 1;
    assert_eq!(store.subscription("a").await?, Some(one.clone()));
    assert_eq!(store.subscriptions(Some(&owner)).await?, [one.clone()]);
    assert_eq!(store.subscriptions(None).await?.len(), 2);
    assert_eq!(store.some_subscriptions(true, "", 9).await?, [one.clone()]);
    assert_eq!(store.some_subscriptions(true, "a", 9).await?, []);
    assert_eq!(store.some_subscriptions(false, "", 9).await?.len(), 1);
    assert_eq!(store.some_subscriptions(false, "", 0).await?, []);

    // Of two writers one wins, and the other leaves nothing.
    one.made = 200;
    let late = notification("a", 200, None);
    store.save_subscription(&one, std::slice::from_ref(&late), None).await?;
    let lost = notification("a", 201, Some(1));
    let change = event("subscription.resumed");
    refused(store.save_subscription(&one, &[lost], Some(&change)).await, ErrorCode::Conflict);
    assert_eq!(names(&store.notifications("a").await?), ["a-200", "a-2"], "what waits is never too old");
    assert_eq!(store.pending(9).await?.len(), 1);
    one.revision = 2;
    let over = notification("a", 2, None);
    store.save_subscription(&one, &[over], None).await?;
    assert_eq!(names(&store.notifications("a").await?), ["a-200"]);

    let ended = event("subscription.ended");
    refused(store.end_subscription("a", Some(one.revision), &ended).await, ErrorCode::NotFound);
    store.end_subscription("a", Some(one.revision + 1), &ended).await?;
    refused(store.end_subscription("a", None, &ended).await, ErrorCode::NotFound);
    assert_eq!(store.subscription("a").await?, None);
    assert_eq!(store.notifications("a").await?, []);
    one.revision = 3;
    refused(store.save_subscription(&one, &[], None).await, ErrorCode::Conflict);

    // One more than an owner may have is not written; of another owner it is.
    for number in 0..MOST_SUBSCRIPTIONS {
        let more = subscription(&format!("m{number}"), &owner, SubscriptionState::Pending)?;
        store.save_subscription(&more, &[], None).await?;
    }
    let more = |owner: &Subscriber| subscription("more", owner, SubscriptionState::Pending);
    refused(store.save_subscription(&more(&owner)?, &[], None).await, ErrorCode::LimitRate);
    store.save_subscription(&more(&other)?, &[], None).await
}

pub(super) async fn told_in_order(store: Arc<dyn Store>) -> Result<()> {
    let owner = Subscriber::Developer("dev-a".to_owned());
    for (id, state) in [
        ("a", SubscriptionState::Active),
        ("p", SubscriptionState::Pending),
        ("s", SubscriptionState::Suspended),
    ] {
        let told: Vec<_> = [(1, Some(4)), (2, Some(3)), (3, Some(2))]
            .map(|(place, next_at)| notification(id, place, next_at))
            .into();
        store.save_subscription(&subscription(id, &owner, state)?, &told, None).await?;
    }
    let due = async |now: i64| store.due_notifications(None, Timestamp(now), 9).await;
    assert_eq!(names(&due(2).await?), [""; 0], "the first that waits keeps the others waiting");
    assert_eq!(names(&due(3).await?), ["a-2"]);
    assert_eq!(names(&due(4).await?), ["a-2", "p-1"], "before it is confirmed nothing but the challenge");
    assert_eq!(store.due_notifications(None, Timestamp(4), 1).await?.len(), 1);
    assert_eq!(names(&store.due_notifications(Some("p"), Timestamp(4), 9).await?), ["p-1"]);
    assert_eq!(names(&store.due_notifications(Some("s"), Timestamp(4), 9).await?), [""; 0]);
    store.forget_notification("a-2").await?;
    assert_eq!(names(&due(3).await?), ["a-3"]);

    // Asked anew, only the last question is.
    let again = Notification { what: Happening::Challenge, ..notification("p", 4, Some(4)) };
    let asked = Subscription { revision: 1, ..subscription("p", &owner, SubscriptionState::Pending)? };
    store.save_subscription(&asked, &[again], None).await?;
    assert_eq!(names(&store.notifications("p").await?), ["p-4", "p-3", "p-2"]);

    // Of one owner a few at a time, however many wait.
    for id in ["b", "c", "d", "e"] {
        let told = [notification(id, 2, Some(3))];
        store.save_subscription(&subscription(id, &owner, SubscriptionState::Active)?, &told, None).await?;
    }
    let other = Subscriber::Developer("dev-b".to_owned());
    let told = [notification("o", 2, Some(3))];
    store.save_subscription(&subscription("o", &other, SubscriptionState::Active)?, &told, None).await?;
    assert_eq!(names(&due(3).await?), ["a-3", "b-2", "c-2", "d-2", "o-2"]);
    Ok(())
}
