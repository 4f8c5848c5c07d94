//! What a step brings about beyond the matter itself: parts, grants, their end.

use std::collections::BTreeMap;

use super::disclosures::decide;
use super::opening::is_sensitive;
use super::ready::check_not_by_law;
use super::{Act, Services, application_mut};
use crate::context::OpContext;
use crate::dataset::{RecordAct, Standing, Version, latest};
use crate::error::{Error, ErrorCode, Result};
use crate::ids::{DepartmentId, ResourceCode};
use crate::matter::{
    Applicant, Application, Ask, Content, Event, Matter, MatterKind, ObjectionSubject, Provision, State,
};
use crate::policy::{GrantKind, GrantTerms, Grantee};
use crate::ports::MatterChange;
use crate::time::Timestamp;

impl Services {
    /// Does what follows from a step that has just been taken, in the state before it.
    pub(super) async fn bring_about(
        &self,
        ctx: &OpContext,
        matter: &mut Matter,
        (before, act): (State, &Act),
        change: &mut MatterChange,
    ) -> Result<()> {
        match (matter.kind(), act.event) {
            (MatterKind::Application, Event::Complete) => self.completed(ctx, matter, act).await,
            (MatterKind::Application, Event::Accept) => self.spread(ctx, matter, change).await,
            (MatterKind::Provision, Event::Propose | Event::Grant | Event::GrantInPart) => {
                self.decide_part(ctx, matter, (before, act), change).await
            }
            (MatterKind::Provision, Event::Deliver) => self.check_delivered(ctx, matter).await,
            (MatterKind::EmergencyGrant | MatterKind::GrantImport, Event::Grant) => {
                self.grant_by_authority(ctx, matter, change).await
            }
            (MatterKind::SecrecyReview, event) => {
                self.review_opening(ctx, matter, (event, act), change).await
            }
            (_, event) if event.ends_grants() => {
                let reason = act.reason.as_deref().unwrap_or("申请人办结");
                for id in &matter.grants {
                    // What a withdrawal has ended already has its own reason.
                    if self.store.grant(id).await?.is_some_and(|grant| grant.revocation.is_none()) {
                        Self::grant_ends(ctx, id, reason, change);
                    }
                }
                Ok(())
            }
            (MatterKind::Demand | MatterKind::Disclosure | MatterKind::Letter, Event::Route) => {
                let department =
                    act.department.as_ref().ok_or_else(|| missing("department", "to whom it goes"))?;
                matter.handler.department = Some(self.department(ctx, department).await?.id);
                Ok(())
            }
            (MatterKind::Demand | MatterKind::Disclosure | MatterKind::Letter, Event::Return) => {
                matter.handler.department = None;
                Ok(())
            }
            (MatterKind::Demand, Event::Deliver) => self.meet(ctx.now, matter, act).await,
            (MatterKind::OpeningItem, Event::Publish) => self.publish_item(ctx, matter, act).await,
            (MatterKind::OpeningItem, Event::Postpone) => {
                check_not_by_law(matter)?;
                let due = act.due.ok_or_else(|| missing("due", "the new day"))?;
                matter.postpone(due, ctx.now, &self.settings.deadlines);
                Ok(())
            }
            (MatterKind::Objection, Event::Correct) => {
                self.correct(ctx, matter, act).await?;
                self.tell_receivers(ctx, matter, change).await
            }
            (MatterKind::Disclosure, Event::Consult | Event::Consulted) => {
                self.consult(matter, act, change).await
            }
            (MatterKind::Disclosure, Event::Grant | Event::GrantInPart | Event::Refuse) => {
                decide(matter, act)
            }
            (MatterKind::Disclosure, Event::Publish) => self.plan_opening(ctx, matter, act, change).await,
            _ => Ok(()),
        }
    }

    /// An application as it reads after completion. What was granted at once stays as it is.
    async fn completed(&self, ctx: &OpContext, matter: &mut Matter, act: &Act) -> Result<()> {
        let Some(replacement) = &act.application else { return Ok(()) };
        self.check_application(ctx, &matter.applicant, replacement).await?;
        let parts = self.parts_of(&matter.number).await?;
        for given in parts.iter().filter_map(provision).flat_map(|part| &part.application.asks) {
            if replacement.asks.iter().any(|ask| ask.resource == given.resource && ask != given) {
                let message = format!(
                    "{} is granted already as it was asked: leave that ask as it is, and apply for more in another application",
                    given.resource
                );
                return Err(Error::new(ErrorCode::InvalidInput, message));
            }
        }
        if let Some(application) = application_mut(matter) {
            *application = replacement.clone();
        }
        Ok(())
    }

    /// Gives each provider its part of an accepted application. If completion has left nothing to decide, the whole is at
    /// its end.
    async fn spread(&self, ctx: &OpContext, matter: &mut Matter, change: &mut MatterChange) -> Result<()> {
        let Content::Application(application) = matter.content.clone() else { return Ok(()) };
        let parts = self.parts_of(&matter.number).await?;
        let has_part = |ask: &Ask| {
            let resources = parts.iter().filter_map(provision).flat_map(|part| &part.application.asks);
            resources.into_iter().any(|given| given.resource == ask.resource)
        };
        let asks = application.asks.iter().filter(|ask| !has_part(ask)).cloned().collect();
        for (provider, asks) in self.by_provider(asks).await? {
            let mut sensitive = false;
            for ask in &asks {
                sensitive |= is_sensitive(&self.published(&ask.resource).await?, ask);
            }
            let state = if sensitive { State::Proposing } else { State::Deciding };
            let part = self.part(ctx, matter, provider, asks, state).await?;
            let event = Self::matter_event(ctx, &part);
            change.matters.push((part, None, event));
        }
        let is_done = change.matters.is_empty() && parts.iter().all(|part| part.state.is_settled());
        match is_done {
            true => matter.take_by_machine(Event::End, ctx.now, &self.settings.deadlines),
            false => Ok(()),
        }
    }

    /// Asks by their providers.
    pub(super) async fn by_provider(&self, asks: Vec<Ask>) -> Result<BTreeMap<DepartmentId, Vec<Ask>>> {
        let mut parts: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for ask in asks {
            let provider = self.published(&ask.resource).await?.provider;
            parts.entry(provider).or_default().push(ask);
        }
        Ok(parts)
    }

    /// One provider's part of an application.
    pub(super) async fn part(
        &self,
        ctx: &OpContext,
        whole: &Matter,
        provider: DepartmentId,
        asks: Vec<Ask>,
        state: State,
    ) -> Result<Matter> {
        let Content::Application(application) = &whole.content else {
            return Err(Error::internal("only applications have parts"));
        };
        let application = Application { asks, ..application.clone() };
        let sensitive = state == State::Proposing;
        let content = Content::Provision(Provision { application, sensitive, proposed: None });
        let parties = (whole.applicant.clone(), Some(provider));
        let mut part = self.new_matter(ctx, content, parties, state).await?;
        part.parent = Some(whole.number.clone());
        Ok(part)
    }

    /// Makes the grants of a part.
    pub(super) async fn make_grants(
        &self,
        ctx: &OpContext,
        matter: &mut Matter,
        (kind, asks): (GrantKind, &[Ask]),
        change: &mut MatterChange,
    ) -> Result<()> {
        let Content::Provision(Provision { application, .. }) = matter.content.clone() else { return Ok(()) };
        let Some(grantee) = matter.applicant.grantee() else { return Ok(()) };
        for ask in asks {
            let from = self.term_start(ctx, &matter.applicant, &application, ask).await?;
            let ask = self.within_opening(ctx, &matter.applicant, ask).await?;
            let terms = application.terms(&ask, kind, grantee.clone(), from);
            self.make_grant(ctx, matter, terms, change).await?;
        }
        Ok(())
    }

    pub(in crate::services) async fn make_grant(
        &self,
        ctx: &OpContext,
        matter: &mut Matter,
        terms: GrantTerms,
        change: &mut MatterChange,
    ) -> Result<()> {
        let resource = self.published(&terms.resource).await?;
        self.check_single(&terms).await?;
        let beside: Vec<_> = change.grants.iter().map(|(grant, _)| grant.clone()).collect();
        let grant = Self::new_grant(ctx, terms, &resource)?;
        let seen = self.check_linkage(&grant, &resource, &beside).await?;
        if change.grants.is_empty() {
            change.grants_seen = seen;
        }
        let event = Self::grant_created(ctx, &grant);
        matter.grants.push(grant.id.clone());
        change.grants.push((grant, event));
        Ok(())
    }

    /// The grant of an emergency, or of an agreement from before.
    async fn grant_by_authority(
        &self,
        ctx: &OpContext,
        matter: &mut Matter,
        change: &mut MatterChange,
    ) -> Result<()> {
        let terms = match &matter.content {
            Content::EmergencyGrant(emergency) => {
                let until = ctx.now.plus_seconds(i64::from(emergency.hours) * 3600);
                let grantee = Grantee::Department(emergency.grantee.clone());
                let words = (emergency.purpose.as_str(), emergency.legal_basis.as_str());
                emergency.ask.terms(GrantKind::Conditional, grantee, words, (ctx.now, Some(until)))
            }
            Content::GrantImport(import) => {
                let grantee = Grantee::Department(import.grantee.clone());
                let basis =
                    format!("{}（{} {}）", import.legal_basis, import.approved_by, import.document_number);
                let words = (import.purpose.as_str(), basis.as_str());
                import.ask.terms(GrantKind::Conditional, grantee, words, (ctx.now, Some(import.valid_until)))
            }
            _ => return Ok(()),
        };
        self.make_grant(ctx, matter, terms, change).await
    }

    /// When the term of a grant begins: now, or where the grant that it renews ends.
    pub(super) async fn term_start(
        &self,
        ctx: &OpContext,
        applicant: &Applicant,
        application: &Application,
        ask: &Ask,
    ) -> Result<Timestamp> {
        let Some(number) = &application.renews else { return Ok(ctx.now) };
        let wrong = || {
            let message = format!(
                "{number} is no provision of {} to this applicant, so it can't be renewed",
                ask.resource
            );
            Error::new(ErrorCode::InvalidInput, message)
        };
        let renewed = self.store.matter(number).await?.filter(|matter| matter.applicant == *applicant);
        let renewed = renewed.filter(|matter| matter.kind() == MatterKind::Provision).ok_or_else(wrong)?;
        for id in &renewed.grants {
            if let Some(grant) = self.store.grant(id).await?
                && grant.terms.resource == ask.resource
            {
                let end = grant.terms.valid_until.filter(|_| grant.revocation.is_none());
                return Ok(end.unwrap_or(ctx.now).max(ctx.now));
            }
        }
        Err(wrong())
    }

    /// Delivered is what has a version to read.
    async fn check_delivered(&self, ctx: &OpContext, matter: &Matter) -> Result<()> {
        let asks = provision(matter).into_iter().flat_map(|part| &part.application.asks);
        for ask in asks {
            if latest(&self.store.versions(&ask.resource).await?, ctx.now).is_none() {
                let message = format!("{} has no version in effect: publish the data first", ask.resource);
                return Err(Error::new(ErrorCode::IllegalState, message));
            }
        }
        Ok(())
    }

    async fn meet(&self, now: Timestamp, matter: &mut Matter, act: &Act) -> Result<()> {
        let code = act.resource.as_ref().ok_or_else(|| missing("resource", "what meets the demand"))?;
        let resource = self.published(code).await?;
        let successions = self.all_successions().await?;
        let today = |department| successions.heir_of(department, now);
        if matter.handler.department.as_ref().map(today) != Some(today(&resource.provider)) {
            let message = format!("{code} is another department's");
            return Err(Error::new(ErrorCode::InvalidInput, message));
        }
        if let Content::Demand(demand) = &mut matter.content {
            demand.met_by = Some(resource.code);
        }
        Ok(())
    }

    /// Corrected is by a version that was made after the objection came in, and that readers see.
    async fn correct(&self, ctx: &OpContext, matter: &mut Matter, act: &Act) -> Result<()> {
        let received = matter.received();
        if let Content::Objection(objection) = &mut matter.content
            && objection.subject == ObjectionSubject::Data
        {
            let number =
                act.version.ok_or_else(|| missing("version", "the version that corrects the data"))?;
            let versions = self.store.versions(&objection.resource).await?;
            let corrects = |version: &Version| {
                version.number == number
                    && version.standing(ctx.now) == Standing::Published
                    && version.made_at >= received
            };
            if !versions.iter().any(corrects) {
                let message = format!(
                    "version {number} of {} corrects nothing: name one in effect that was made after the objection",
                    objection.resource
                );
                return Err(Error::new(ErrorCode::IllegalState, message));
            }
            if act.wrong_since.is_some_and(|since| !(1..number).contains(&since)) {
                let message = "`wrong_since` is a version before the one that corrects the data";
                return Err(Error::new(ErrorCode::InvalidInput, message));
            }
            objection.wrong_since = act.wrong_since;
            objection.corrected_by = Some(number);
        }
        match &matter.content {
            Content::Objection(objection) if objection.subject == ObjectionSubject::Penalty => {
                self.check_withdrawn(&objection.resource, received).await
            }
            _ => Ok(()),
        }
    }

    /// What was published of a penalty that is no more is corrected by its withdrawal.
    async fn check_withdrawn(&self, resource: &ResourceCode, since: Timestamp) -> Result<()> {
        let acts = self.store.record_withdrawals(resource).await?;
        let versions = self.store.versions(resource).await?;
        let records = acts.iter().any(|act| act.act == RecordAct::Withdraw && act.tombstone.at >= since);
        let version = versions.iter().filter_map(|version| version.tombstone.as_ref());
        match records || version.into_iter().any(|tombstone| tombstone.at >= since) {
            true => Ok(()),
            false => {
                let message = format!(
                    "nothing of {resource} was withdrawn since the objection: withdraw the records first"
                );
                Err(Error::new(ErrorCode::IllegalState, message))
            }
        }
    }
}

pub(super) fn provision(matter: &Matter) -> Option<&Provision> {
    match &matter.content {
        Content::Provision(part) => Some(part),
        _ => None,
    }
}

pub(in crate::services) fn missing(field: &str, what: &str) -> Error {
    Error::new(ErrorCode::InvalidInput, format!("this step names {what} in `{field}`"))
}
