//! Subscriptions: made, listed, resumed and ended by their owners. What they are told is found in `told`.

mod told;

use super::Services;
use super::words::only_operator;
use crate::context::{OpContext, PrincipalKind, Role};
use crate::error::{Error, ErrorCode, Result};
use crate::evidence::entity;
use crate::ids::ResourceCode;
use crate::policy::Action;
use crate::ports::{SearchOrder, SearchQuery};
use crate::subscription::{
    Happening, MOST_CONDITIONS, MOST_HITS, MOST_SUBSCRIPTIONS, Notification, SEARCH_BYTES, Subscriber,
    Subscription, SubscriptionState, Suspension, Target, too_many,
};

pub use told::Sights;

impl Services {
    /// In whose name the caller subscribes: a developer's own, or that of the department.
    ///
    /// # Errors
    /// `forbidden` to everybody else, and to those who show a ticket.
    pub fn subscriber(ctx: &OpContext) -> Result<Subscriber> {
        let who = &ctx.principal;
        match &who.department {
            _ if ctx.ticket.is_some() => {}
            Some(department) => {
                Self::permit(ctx, Action::Apply, None)?;
                return Ok(Subscriber::Department(department.clone()));
            }
            None if who.kind == PrincipalKind::Person && who.has(Role::Developer) => {
                return Ok(Subscriber::Developer(who.id.clone()));
            }
            None => {}
        }
        let message = "subscriptions are for departments and for registered developers who have signed in; everybody may follow \
                       /feed.atom, /feeds/search.atom and the feed of each dataset";
        Err(Error::new(ErrorCode::Forbidden, message))
    }

    /// Subscribes in the name of the caller. `reader` is what exchange-auth makes of the subscriber; `receiver` is sealed under `id`.
    ///
    /// # Errors
    /// `not_found` for a dataset that the subscriber's directory does not list, `invalid_input` for a search that is too long or
    /// finds too much, `limit_rate` where the owner has as many subscriptions as one may have.
    pub async fn subscribe(
        &self,
        ctx: &OpContext,
        reader: &OpContext,
        id: String,
        target: Target,
        receiver: String,
    ) -> Result<Subscription> {
        let owner = Self::subscriber(ctx)?;
        let target = checked(target)?;
        if self.store.subscriptions(Some(&owner)).await?.len() >= MOST_SUBSCRIPTIONS {
            return Err(too_many());
        }
        let (codes, total) = self.target_codes(reader, &target).await?;
        match &target {
            Target::Dataset(code) => drop(self.resource(reader, code).await?),
            Target::Search(_) if total > MOST_HITS as u64 => {
                let message = format!(
                    "the search finds {total} datasets, and {MOST_HITS} are followed at most: ask for less, or follow /feed.atom"
                );
                return Err(Error::new(ErrorCode::InvalidInput, message));
            }
            Target::Search(_) => {}
        }
        let mut subscription = Subscription::new(id, owner, target, receiver, ctx.now);
        // What is there already is no news.
        for code in codes {
            if let Some(sight) = self.sight(reader, &code).await? {
                subscription.seen.insert(code, sight.seen());
            }
        }
        let challenge = subscription.challenge(ctx.now);
        self.keep_subscription(ctx, &mut subscription, &[challenge], "subscription.made").await?;
        Ok(subscription)
    }

    /// The subscriptions of the caller, the oldest first.
    pub async fn subscriptions(&self, ctx: &OpContext) -> Result<Vec<Subscription>> {
        let mut found = self.store.subscriptions(Some(&Self::subscriber(ctx)?)).await?;
        // A successor has those of the departments that it continues, too.
        for department in ctx.principal.predecessors.keys() {
            let owner = Subscriber::Department(department.clone());
            found.extend(self.store.subscriptions(Some(&owner)).await?);
        }
        Ok(found)
    }

    /// One of the caller's subscriptions. Those of others are as if they were not there.
    pub async fn subscription(&self, ctx: &OpContext, id: &str) -> Result<Subscription> {
        Self::subscriber(ctx)?;
        let is_own = |subscription: &Subscription| match &subscription.owner {
            Subscriber::Developer(person) => *person == ctx.principal.id,
            Subscriber::Department(department) => ctx.principal.acts_for(department),
        };
        let found = self.store.subscription(id).await?.filter(is_own);
        found.ok_or_else(|| Error::not_found(format!("subscription `{id}`")))
    }

    /// Ends a subscription: nothing more is told, and it is forgotten with all that waits.
    pub async fn end_subscription(&self, ctx: &OpContext, id: &str) -> Result<()> {
        let subscription = self.subscription(ctx, id).await?;
        self.forget_subscription(ctx, &subscription, None).await
    }

    /// Goes on with a suspended subscription: its receiver is asked again whether it wants to be told, and what was asked before
    /// is not asked any more. Whoever continues the department that made it has it from then on.
    pub async fn resume_subscription(&self, ctx: &OpContext, id: &str) -> Result<Subscription> {
        let mut subscription = self.subscription(ctx, id).await?;
        if subscription.state != SubscriptionState::Suspended {
            return Err(Error::new(ErrorCode::IllegalState, "this subscription is not suspended"));
        }
        subscription.owner = Self::subscriber(ctx)?;
        let challenge = subscription.challenge(ctx.now);
        self.keep_subscription(ctx, &mut subscription, &[challenge], "subscription.resumed").await?;
        Ok(subscription)
    }

    /// What a subscription was told, is told and could not be told, the newest first.
    pub async fn notifications(&self, ctx: &OpContext, id: &str) -> Result<Vec<Notification>> {
        self.subscription(ctx, id).await?;
        self.store.notifications(id).await
    }

    /// Has a notification that was given up tried once more.
    pub async fn retry_notification(&self, ctx: &OpContext, id: &str, which: &str) -> Result<Notification> {
        let subscription = self.subscription(ctx, id).await?;
        let mut all = self.store.notifications(id).await?.into_iter();
        let found = all.find(|notification| notification.id == which);
        let mut notification = found.ok_or_else(|| Error::not_found(format!("notification `{which}`")))?;
        let wrong = |message: &str| Err(Error::new(ErrorCode::IllegalState, message));
        if !notification.is_given_up() || notification.what == Happening::Challenge {
            return wrong(
                "only what was given up is tried again; a challenge is when its subscription is resumed",
            );
        }
        if subscription.state != SubscriptionState::Active {
            return wrong("this subscription is not active: resume it first, and let its receiver confirm");
        }
        notification.attempts.again(ctx.now);
        self.store.save_subscription(&subscription, std::slice::from_ref(&notification), None).await?;
        Ok(notification)
    }

    /// Suspends all subscriptions after a restore: the catalogue may know some that had ended since. Their owners resume those that
    /// they still want. Answers their ids.
    pub(super) async fn suspend_restored(&self, ctx: &OpContext) -> Result<Vec<String>> {
        only_operator(ctx)?;
        let mut suspended = Vec::new();
        for mut subscription in self.store.subscriptions(None).await? {
            if subscription.state != SubscriptionState::Suspended {
                subscription.suspend(Suspension::Restored, ctx.now);
                self.keep_subscription(ctx, &mut subscription, &[], "subscription.suspended").await?;
                suspended.push(subscription.id);
            }
        }
        Ok(suspended)
    }

    /// The datasets that a target names or finds, by code and at most so many as are followed; and how many there are.
    async fn target_codes(&self, reader: &OpContext, target: &Target) -> Result<(Vec<ResourceCode>, u64)> {
        let search = match target {
            Target::Dataset(code) => return Ok((vec![code.clone()], 1)),
            Target::Search(search) => search,
        };
        let limit = u32::try_from(MOST_HITS).map_err(Error::internal)?;
        let all = SearchQuery { offset: 0, limit, order: SearchOrder::Code, ..(**search).clone() };
        let found = self.codes(reader, all).await?;
        Ok((found.codes, found.total))
    }

    async fn keep_subscription(
        &self,
        ctx: &OpContext,
        subscription: &mut Subscription,
        notifications: &[Notification],
        action: &str,
    ) -> Result<()> {
        let name = entity::subscription(&subscription.id);
        let change = Self::change(ctx, action, name, &subscription.facts());
        self.store.save_subscription(subscription, notifications, Some(&change)).await?;
        subscription.revision += 1;
        self.relay().await
    }

    /// Forgets it; where a revision was `seen`, only as that.
    async fn forget_subscription(
        &self,
        ctx: &OpContext,
        subscription: &Subscription,
        seen: Option<i64>,
    ) -> Result<()> {
        let id = &subscription.id;
        let change = Self::change(ctx, "subscription.ended", entity::subscription(id), &subscription.facts());
        self.store.end_subscription(id, seen, &change).await?;
        self.relay().await
    }
}

/// A target as it is kept: of a search what chooses hits, and neither its page nor its order.
fn checked(target: Target) -> Result<Target> {
    let Target::Search(search) = target else { return Ok(target) };
    let SearchQuery {
        text,
        classification,
        department,
        sharing,
        opening,
        update_cycle,
        format,
        conditions,
        ..
    } = *search;
    let search = SearchQuery {
        text,
        classification,
        department,
        sharing,
        opening,
        update_cycle,
        format,
        conditions,
        ..SearchQuery::default()
    };
    let alternatives = search.conditions.iter().map(Vec::len).sum::<usize>();
    if search.conditions.len().max(alternatives) > MOST_CONDITIONS {
        let message = format!("a search to subscribe to has at most {MOST_CONDITIONS} conditions");
        return Err(Error::new(ErrorCode::InvalidInput, message));
    }
    if serde_json::to_vec(&search).map_err(Error::internal)?.len() > SEARCH_BYTES {
        let message = format!("a search to subscribe to has at most {SEARCH_BYTES} bytes");
        return Err(Error::new(ErrorCode::InvalidInput, message));
    }
    Ok(Target::Search(Box::new(search)))
}
