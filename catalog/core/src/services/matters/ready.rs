//! What follows from data being there: unconditional access is delivered, and what the directory says is open to everyone must
//! be published within the limit of law.

use super::Services;
use super::effects::provision;
use crate::context::OpContext;
use crate::dataset::{Standing, latest};
use crate::deadline::{LimitKind, RunningLimit};
use crate::directory::{Opening, Resource};
use crate::error::{Error, ErrorCode, Result};
use crate::ids::ResourceCode;
use crate::matter::{Applicant, Content, Event, Matter, MatterKind, OpeningItem, State};
use crate::policy::Grantee;
use crate::ports::{MatterChange, MatterQuery};
use crate::time::Timestamp;

impl Services {
    /// Adds to a change by which a version of a resource comes into effect what it brings about.
    pub(in crate::services) async fn data_are_there(
        &self,
        ctx: &OpContext,
        resource: &Resource,
        change: &mut MatterChange,
    ) -> Result<()> {
        for mut part in self.unsettled(resource, MatterKind::Provision).await? {
            let asks_for_it = provision(&part)
                .is_some_and(|part| part.application.asks.iter().any(|ask| ask.resource == resource.code));
            if asks_for_it && self.may_be_used(ctx, &part, Some(&resource.code)).await? {
                let seen = part.revision;
                part.take_by_machine(Event::GrantAtOnce, ctx.now, &self.settings.deadlines)?;
                let event = Self::matter_event(ctx, &part);
                change.matters.push((part, Some(seen), event));
            }
        }
        Ok(())
    }

    /// Whether an unconditional part waits for nothing any longer.
    pub(super) async fn has_data_now(&self, ctx: &OpContext, part: &Matter) -> Result<bool> {
        self.may_be_used(ctx, part, None).await
    }

    /// Whether it is granted without a condition, and each of its resources has data or is the one that gets them now.
    async fn may_be_used(
        &self,
        ctx: &OpContext,
        part: &Matter,
        ready: Option<&ResourceCode>,
    ) -> Result<bool> {
        let Some(content) = provision(part).filter(|_| part.state == State::Activating) else {
            return Ok(false);
        };
        for ask in content.application.asks.iter().filter(|ask| Some(&ask.resource) != ready) {
            if latest(&self.store.versions(&ask.resource).await?, ctx.now).is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Begins the limit of active publication for all that the directory says is open to everyone, of which there are data, and
    /// that is not open. Answers how many limits began. For the clock.
    pub(super) async fn watch_publication(&self, ctx: &OpContext) -> Result<usize> {
        let mut change = MatterChange::default();
        for code in self.store.with_versions().await? {
            let published = self.store.entry(&code).await?.and_then(|entry| entry.published);
            let open = published.filter(|resource| *resource.opening() == Opening::Open);
            let Some(resource) = open else { continue };
            if let Some(since) = self.unpublished_since(ctx, &resource).await?
                && !self.is_watched(&resource).await?
            {
                let item = self.by_law(ctx, &resource, since).await?;
                let event = Self::matter_event(ctx, &item);
                change.matters.push((item, None, event));
            }
        }
        let begun = change.matters.len();
        self.store.save_matters(&change).await?;
        Ok(begun)
    }

    /// Since when there are data that everyone could have and nobody of the public has; `None` where there are none, or where
    /// they are open.
    async fn unpublished_since(&self, ctx: &OpContext, resource: &Resource) -> Result<Option<Timestamp>> {
        let versions = self.store.versions(&resource.code).await?;
        let in_effect = versions.iter().filter(|version| version.standing(ctx.now) == Standing::Published);
        let Some(first) = in_effect.map(|version| version.published_at).min() else { return Ok(None) };
        let grants = self.store.grants_on(&resource.code).await?;
        let mut since = first;
        for grant in grants.iter().filter(|grant| grant.terms.grantee == Grantee::Public) {
            if !grant.has_ended(ctx.now) {
                return Ok(None);
            }
            let revoked = grant.revocation.as_ref().map(|revocation| revocation.at);
            since = since.max(revoked.or(grant.terms.valid_until).unwrap_or(since));
        }
        Ok(Some(since))
    }

    async fn by_law(&self, ctx: &OpContext, resource: &Resource, since: Timestamp) -> Result<Matter> {
        let rules = &self.settings.deadlines;
        let limit = RunningLimit::start(LimitKind::ActivePublication, since, rules);
        let last = limit.reckoning.due.map(|end| end.plus_seconds(-1).shanghai_date());
        let due = last.unwrap_or(ctx.now.shanghai_date());
        let item = OpeningItem {
            year: chrono::Datelike::year(&due),
            department: resource.provider.clone(),
            title: resource.title.clone(),
            due,
            resource: Some(resource.code.clone()),
            data_since: Some(since),
        };
        let number = self.new_number(ctx, MatterKind::OpeningItem).await?;
        let (content, department) = (Content::OpeningItem(item), Some(resource.provider.clone()));
        let opened = (None, ctx.now);
        Matter::open(number, content, Applicant::Authority, department, State::Planned, opened, rules)
    }

    /// Whether its active publication is watched already, or the authority has cancelled it.
    async fn is_watched(&self, resource: &Resource) -> Result<bool> {
        let query = MatterQuery {
            kind: Some(MatterKind::OpeningItem),
            party: Some(format!("department:{}", resource.provider)),
            ..MatterQuery::default()
        };
        let items = self.store.matters(&query).await?;
        let watches = |item: &Matter| !item.state.is_settled() || item.state == State::Withdrawn;
        Ok(items.iter().any(|item| is_by_law(item, &resource.code) && watches(item)))
    }

    /// What has become open to everyone no longer has to.
    pub(in crate::services) async fn is_published(
        &self,
        ctx: &OpContext,
        resource: &Resource,
        change: &mut MatterChange,
    ) -> Result<()> {
        for mut item in self.unsettled(resource, MatterKind::OpeningItem).await? {
            if is_by_law(&item, &resource.code) {
                let seen = item.revision;
                item.take_by_machine(Event::Fulfil, ctx.now, &self.settings.deadlines)?;
                let event = Self::matter_event(ctx, &item);
                change.matters.push((item, Some(seen), event));
            }
        }
        Ok(())
    }

    async fn unsettled(&self, resource: &Resource, kind: MatterKind) -> Result<Vec<Matter>> {
        let query = MatterQuery {
            kind: Some(kind),
            party: Some(format!("department:{}", resource.provider)),
            open_only: true,
            ..MatterQuery::default()
        };
        self.store.matters(&query).await
    }
}

/// Refuses to put off what the law asks for: active publication of data that are there.
pub(super) fn check_not_by_law(item: &Matter) -> Result<()> {
    match &item.content {
        Content::OpeningItem(OpeningItem { data_since: Some(_), .. }) => {
            Err(Error::new(ErrorCode::IllegalState, "主动公开的期限由法律规定，不能调整"))
        }
        _ => Ok(()),
    }
}

fn is_by_law(matter: &Matter, code: &ResourceCode) -> bool {
    match &matter.content {
        Content::OpeningItem(item) => item.data_since.is_some() && item.resource.as_ref() == Some(code),
        _ => false,
    }
}
