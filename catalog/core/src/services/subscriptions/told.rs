//! What subscribers are told: found by comparing what they see with what they were told last, and decided anew at each try.

use std::collections::BTreeMap;

use exchange_crypto::Digest;

use crate::context::{Channel, OpContext};
use crate::dataset::{self, Audience, Standing, Version};
use crate::directory::Resource;
use crate::error::{Error, ErrorCode, Result};
use crate::evidence::entity;
use crate::ids::{DepartmentId, ResourceCode};
use crate::policy::Grant;
use crate::ports::Herald;
use crate::services::Services;
use crate::services::datasets::sees_versions;
use crate::services::words::only_operator;
use crate::subscription::{
    Failure, Notification, Sight, Subscription, SubscriptionState, Suspension, VERSIONS, VersionSight,
};

/// Notifications of one round.
const ROUND: u32 = 1_000;
/// Subscriptions fetched at a time: each remembers what was told of many datasets.
const PAGE: u32 = 20;
/// Seconds that a withdrawn version stays in sight behind newer ones: longer than a server is down unnoticed.
const WITHDRAWN_SECONDS: i64 = 7 * 86_400;
/// How often the end of a try is written again where another writer was faster.
const RACES: u32 = 5;

/// What was found in one round, so that whoever sees the same is looked at once: by department, none for the public.
#[derive(Default)]
pub struct Sights(BTreeMap<(Option<DepartmentId>, ResourceCode), Option<Sight>>);

impl Services {
    /// Some subscriptions behind an id, those that are active or the others: for the operator's round. None are behind the last.
    pub async fn some_subscriptions(
        &self,
        ctx: &OpContext,
        is_active: bool,
        after: &str,
    ) -> Result<Vec<Subscription>> {
        only_operator(ctx)?;
        self.store.some_subscriptions(is_active, after, PAGE).await
    }

    /// Ends a subscription whose owner is no more, or does not want it any more; `not_found` where it was resumed meanwhile. For
    /// the operator's round.
    pub async fn end_forsaken(&self, ctx: &OpContext, subscription: &Subscription) -> Result<()> {
        only_operator(ctx)?;
        self.forget_subscription(ctx, subscription, Some(subscription.revision)).await
    }

    /// Makes the notifications of what has happened since the last round in what a subscription is about; answers how many.
    /// `reader` is what exchange-auth makes of its owner: what that one may not see is not told, and not remembered.
    pub async fn watch(
        &self,
        reader: &OpContext,
        subscription: &Subscription,
        sights: &mut Sights,
    ) -> Result<usize> {
        if subscription.state != SubscriptionState::Active
            || self.has_been_continued(reader, subscription).await?
        {
            return Ok(0);
        }
        let (mut after, mut seen, mut made) = (subscription.clone(), BTreeMap::new(), Vec::new());
        let (codes, _) = self.target_codes(reader, &subscription.target).await?;
        for code in codes {
            let key = (reader.principal.department.clone(), code);
            if !sights.0.contains_key(&key) {
                let found = self.sight(reader, &key.1).await?;
                sights.0.insert(key.clone(), found);
            }
            let Some(Some(sight)) = sights.0.get(&key) else { continue };
            for news in sight.news(subscription.seen.get(&key.1)) {
                made.push(after.tell(&key.1, news, reader.now));
            }
            seen.insert(key.1, sight.seen());
        }
        if seen != subscription.seen {
            after.seen = seen;
            self.store.save_subscription(&after, &made, None).await?;
        }
        Ok(made.len())
    }

    /// Suspends a subscription of a department that another one continues: its receiver is the old department's, and what the
    /// successor may see is more than it was ever shown. Answers whether it is such a one.
    async fn has_been_continued(&self, reader: &OpContext, subscription: &Subscription) -> Result<bool> {
        if !subscription.owner.is_continued_by(&reader.principal) {
            return Ok(false);
        }
        let mut subscription = subscription.clone();
        subscription.suspend(Suspension::Continued, reader.now);
        self.keep_subscription(reader, &mut subscription, &[], "subscription.suspended").await?;
        Ok(true)
    }

    /// What is to be tried by now, of one subscription or of all, each with its subscription: of one owner no more than a few.
    pub async fn due_notifications(
        &self,
        ctx: &OpContext,
        of: Option<&str>,
    ) -> Result<Vec<(Subscription, Notification)>> {
        only_operator(ctx)?;
        let mut due = Vec::new();
        for notification in self.store.due_notifications(of, ctx.now, ROUND).await? {
            let subscription = self.store.subscription(&notification.subscription).await?;
            due.extend(subscription.map(|subscription| (subscription, notification)));
        }
        Ok(due)
    }

    /// Tries a notification once, and writes down how that ended. What its owner may no longer see is forgotten, and `None` is
    /// answered. What a department is told leaves evidence before it leaves the platform, once however often it is tried.
    pub async fn notify(
        &self,
        reader: &OpContext,
        (subscription, notification): (Subscription, Notification),
        herald: &dyn Herald,
    ) -> Result<Option<Notification>> {
        if self.has_been_continued(reader, &subscription).await? {
            return Ok(None);
        }
        if !self.may_be_told(reader, &notification).await? {
            self.store.forget_notification(&notification.id).await?;
            return Ok(None);
        }
        if notification.resource.is_some() && reader.principal.department.is_some() {
            let name = entity::notification(&notification.id);
            let told = (notification.what, &notification.resource, notification.version);
            let mut record = Self::change(reader, "subscriber.told", name, &told);
            record.id.clone_from(&notification.id);
            self.log.append(record).await?;
        }
        let outcome = herald.tell(&subscription, &notification, reader.now).await;
        self.note_try(reader, subscription, notification, outcome).await.map(Some)
    }

    /// Writes how a try ended, however the subscription has changed meanwhile; where it has ended, or the
    /// notification is forgotten, there is nothing to write.
    async fn note_try(
        &self,
        reader: &OpContext,
        subscription: Subscription,
        notification: Notification,
        outcome: Result<(), Failure>,
    ) -> Result<Notification> {
        let id = subscription.id.clone();
        let mut current = Some(subscription);
        for _ in 0..RACES {
            let mut noted = notification.clone();
            let Some(mut subscription) = current else { return Ok(noted) };
            subscription.note(&mut noted, outcome, reader.now);
            match self.store.save_subscription(&subscription, std::slice::from_ref(&noted), None).await {
                Err(error) if error.code == ErrorCode::Conflict => {
                    let kept = self.store.notifications(&id).await?;
                    if kept.iter().all(|one| one.id != notification.id) {
                        return Ok(noted);
                    }
                    current = self.store.subscription(&id).await?;
                }
                written => return written.map(|()| noted),
            }
        }
        Err(Error::new(ErrorCode::Conflict, "the subscription is being changed; its try is made again"))
    }

    async fn may_be_told(&self, reader: &OpContext, notification: &Notification) -> Result<bool> {
        let Some(code) = &notification.resource else { return Ok(true) };
        let Some((_, versions)) = self.shown_versions(reader, code).await? else { return Ok(false) };
        Ok(notification.version.is_none_or(|number| versions.iter().any(|version| version.number == number)))
    }

    /// A dataset as the reader's directory and grants show it now, through whichever door; `None` where it is not listed.
    pub(super) async fn sight(&self, reader: &OpContext, code: &ResourceCode) -> Result<Option<Sight>> {
        let Some((resource, versions)) = self.shown_versions(reader, code).await? else { return Ok(None) };
        let description = serde_json::to_vec(&resource).map_err(Error::internal)?;
        let mut sight = Sight { description: Digest::of(&description).to_hex(), ..Sight::default() };
        sight.latest = dataset::latest(&versions, reader.now).map(|version| version.number);
        let older = versions.len().saturating_sub(VERSIONS);
        let is_fresh = |version: &Version| {
            let end =
                version.tombstone.as_ref().map(|tombstone| tombstone.at.plus_seconds(WITHDRAWN_SECONDS));
            end.is_some_and(|end| reader.now < end)
        };
        let near =
            versions.iter().enumerate().filter(|(place, version)| *place >= older || is_fresh(version));
        sight.versions = near.map(|(_, version)| (version.number, seen(version, reader))).collect();
        Ok(Some(sight))
    }

    /// A dataset as the reader's directory has it now, and all versions of it that the reader may know of, by number; `None`
    /// where it is not listed.
    async fn shown_versions(
        &self,
        reader: &OpContext,
        code: &ResourceCode,
    ) -> Result<Option<(Resource, Vec<Version>)>> {
        let resource = match self.resource(reader, code).await {
            Err(error) if error.code == ErrorCode::NotFound => return Ok(None),
            found => found?,
        };
        let grants = self.store.grants_on(code).await?;
        let Some(audience) = audience(reader, &resource, &grants)? else {
            return Ok(Some((resource, Vec::new())));
        };
        let mut versions = self.store.versions(code).await?;
        versions.retain(|version| {
            version.standing(reader.now) != Standing::AwaitsReview && version.is_cleared_for(audience)
        });
        Ok(Some((resource, versions)))
    }
}

fn seen(version: &Version, reader: &OpContext) -> VersionSight {
    let withdrawn = version.tombstone.as_ref().map(|tombstone| tombstone.at);
    VersionSight {
        standing: version.standing(reader.now),
        since: withdrawn.or_else(|| version.effective_from()),
    }
}

/// The audience of which the reader is at one door at least; `None` where no grant shows them anything.
fn audience(reader: &OpContext, resource: &Resource, grants: &[Grant]) -> Result<Option<Option<Audience>>> {
    for channel in [Channel::File, Channel::Api, Channel::Sql] {
        let ctx = OpContext { channel, ..reader.clone() };
        let seen = match sees_versions(&ctx, resource, grants) {
            // A purpose would choose one: each is looked at alone, and a department's goes before the public's.
            Err(error) if error.code == ErrorCode::AmbiguousGrant => {
                let each =
                    grants.iter().map(|grant| sees_versions(&ctx, resource, std::slice::from_ref(grant)));
                each.collect::<Result<Vec<_>>>()?.into_iter().flatten().min()
            }
            seen => seen?,
        };
        if seen.is_some() {
            return Ok(seen);
        }
    }
    Ok(None)
}
