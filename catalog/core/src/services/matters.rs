//! Matters: opening, acting on, listing. What a step brings about beyond the matter itself stands in `effects`.

mod corrections;
pub(super) mod deciding;
mod disclosures;
pub(super) mod effects;
mod listing;
pub(super) mod opening;
mod opening_plan;
mod public;
mod ready;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Services;
use crate::context::{OpContext, PrincipalKind, Role};
use crate::deadline::Light;
use crate::error::{Error, ErrorCode, Result};
use crate::evidence::{Fact, entity};
use crate::ids::{DepartmentId, GrantId, ResourceCode};
use crate::matter::{
    Applicant, Application, Ask, CheckAnswer, Content, Event, Matter, MatterKind, Move, OpeningTerms,
    Outcome, State, legal_events,
};
use crate::policy::Revocation;
use crate::ports::{Cut, MatterChange, MatterQuery};
use crate::time::Timestamp;

pub use disclosures::ThirdParty;
pub use listing::{MatterFilter, MatterPage, Side};
pub use public::{PublicMatter, PublicStep};

/// A step as a caller asks for it. Which fields it takes depends on the event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Act {
    /// What happens.
    pub event: Event,
    /// Why, for people.
    #[serde(default)]
    pub reason: Option<String>,
    /// The article it rests on.
    #[serde(default)]
    pub legal_basis: Option<String>,
    /// For 补正 of an application: how it reads now.
    #[serde(default)]
    pub application: Option<Application>,
    /// For 提出初审意见: the scope that is proposed, if any. For 部分同意: what is granted; without it what was proposed. Each lies within
    /// what was asked, and what is granted within what was proposed.
    #[serde(default)]
    pub asks: Option<Vec<Ask>>,
    /// For 分派: to whom.
    #[serde(default)]
    pub department: Option<DepartmentId>,
    /// For 交付 of a demand: the resource that meets it. For 转主动公开: the resource, where the matter names none yet.
    #[serde(default)]
    pub resource: Option<ResourceCode>,
    /// For 更正 of data: the version that corrects them.
    #[serde(default)]
    pub version: Option<i64>,
    /// For 更正 of data: the first version that holds the wrong record; the first of all if it is not known.
    #[serde(default)]
    pub wrong_since: Option<i64>,
    /// For 征求第三方意见 and 收到第三方意见: whom, and what was asked or answered.
    #[serde(default)]
    pub third_party: Option<ThirdParty>,
    /// For the decision about a disclosure request: what is given, what is withheld, and why.
    #[serde(default)]
    pub outcome: Option<Outcome>,
    /// For 调整时间: the new day.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Date)]
    pub due: Option<NaiveDate>,
    /// For the decision about a secrecy review: the answers to its check list, in its order.
    #[serde(default)]
    pub answers: Option<Vec<CheckAnswer>>,
    /// For 补正 of a secrecy review: what becomes open now.
    #[serde(default)]
    pub opening: Option<OpeningTerms>,
    /// The revision of the matter that the caller has seen: if it is another one by now, the step is refused.
    #[serde(default)]
    pub revision: Option<i64>,
}

impl Act {
    /// A step with its words alone.
    pub fn new(event: Event, reason: Option<String>, legal_basis: Option<String>) -> Self {
        Self {
            event,
            reason,
            legal_basis,
            application: None,
            asks: None,
            department: None,
            resource: None,
            version: None,
            wrong_since: None,
            third_party: None,
            outcome: None,
            due: None,
            answers: None,
            opening: None,
            revision: None,
        }
    }
}

/// A matter with its light at the time of asking.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MatterView {
    /// The matter.
    #[serde(flatten)]
    pub matter: Matter,
    /// The worst light of its open limits.
    pub light: Option<Light>,
    /// When the nearest limit ends.
    pub due: Option<Timestamp>,
    /// What can happen next, whoever may bring it about.
    pub next: Vec<Event>,
    /// Those of them that the caller may bring about as they are.
    #[serde(default)]
    pub yours: Vec<Event>,
    /// The matters that it has brought about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<String>,
}

/// What one round of the clock did.
#[derive(Debug, Default)]
pub struct Round {
    /// Matters that changed.
    pub changed: usize,
    /// Limits of active publication that began.
    pub begun: usize,
    /// Numbers of those that could not be moved, or whose applicants' identities could not be erased, and why.
    pub failed: Vec<(String, Error)>,
    /// Matters whose applicants' identities were erased, their term being over.
    pub erased: usize,
}

impl MatterView {
    fn of(mut matter: Matter, ctx: &OpContext) -> Self {
        hide_proposal(&mut matter, ctx);
        let next: Vec<_> = legal_events(matter.kind(), matter.state).collect();
        Self {
            light: matter.light(ctx.now),
            due: matter.limit().and_then(|limit| limit.reckoning.due),
            yours: next.iter().copied().filter(|event| matter.may_take(&ctx.principal, *event)).collect(),
            next,
            parts: Vec::new(),
            matter,
        }
    }
}

impl Services {
    /// A matter with its parts, for those whom it concerns: applicant, handler, the authority, auditors.
    pub async fn matter(&self, ctx: &OpContext, number: &str) -> Result<MatterView> {
        let matter = self.visible_matter(ctx, number).await?;
        self.view(ctx, matter).await
    }

    async fn view(&self, ctx: &OpContext, matter: Matter) -> Result<MatterView> {
        let parts = self.parts_of(&matter.number).await?;
        let mut view = MatterView::of(matter, ctx);
        view.parts = parts.into_iter().map(|part| part.number).collect();
        Ok(view)
    }

    /// Takes a step in a matter, with everything that it brings about, in one transaction.
    pub async fn act_on_matter(&self, ctx: &OpContext, number: &str, act: &Act) -> Result<MatterView> {
        let mut matter = self.visible_matter(ctx, number).await?;
        let (seen, before) = (matter.revision, matter.state);
        if act.revision.is_some_and(|revision| revision != seen) {
            let message = "the matter has gone on meanwhile: look again";
            return Err(Error::new(ErrorCode::Conflict, message));
        }
        let step = Move {
            event: act.event,
            reason: act.reason.as_deref(),
            legal_basis: act.legal_basis.as_deref(),
            at: ctx.now,
        };
        matter.take(&ctx.principal, &step, &self.settings.deadlines)?;
        let mut change = MatterChange::default();
        self.bring_about(ctx, &mut matter, (before, act), &mut change).await?;
        let event = Self::matter_event(ctx, &matter);
        // Whoever gives a matter back sees it no longer, but is told what the step has made of it.
        let after = matter.clone();
        // Parents before parts, which refer to them.
        change.matters.insert(0, (matter, Some(seen), event));
        self.end_whole(ctx, &mut change).await?;
        let saved = self.store.save_matters(&change).await;
        change.revocations.into_iter().for_each(|(grant, ..)| self.cut(Cut::Grant(grant)));
        saved?;
        self.relay().await?;
        self.view(ctx, after).await
    }

    /// The platform's round, by the operator: reckons open limits anew where the calendar has changed, and ends what has
    /// expired. Safe to repeat; a matter that can't be moved now stays for the next round.
    pub async fn run_clock(&self, ctx: &OpContext) -> Result<Round> {
        if ctx.principal.kind != PrincipalKind::Operator {
            return Err(Error::new(ErrorCode::Forbidden, "the clock is run by the operator"));
        }
        let mut round = Round::default();
        let mut running = MatterQuery { running_only: true, ..MatterQuery::default() };
        while let Some(page) = self.next_page(&mut running).await? {
            for matter in page {
                let number = matter.number.clone();
                match self.move_by_clock(ctx, matter).await {
                    Ok(has_moved) => round.changed += usize::from(has_moved),
                    Err(error) => round.failed.push((number, error)),
                }
            }
        }
        round.begun = self.watch_publication(ctx).await?;
        self.erase_overdue(ctx, &mut round).await?;
        self.relay().await?;
        Ok(round)
    }

    async fn move_by_clock(&self, ctx: &OpContext, mut matter: Matter) -> Result<bool> {
        let (seen, steps) = (matter.revision, matter.history.len());
        if self.has_expired(ctx, &matter).await? {
            matter.take_by_machine(Event::Expire, ctx.now, &self.settings.deadlines)?;
        } else if self.has_data_now(ctx, &matter).await? {
            matter.take_by_machine(Event::GrantAtOnce, ctx.now, &self.settings.deadlines)?;
        } else if self.is_settled_in_parts(&matter).await? {
            matter.take_by_machine(Event::End, ctx.now, &self.settings.deadlines)?;
        } else if matter.recompute(&self.settings.deadlines) {
            matter.revision += 1;
        }
        if matter.revision == seen {
            return Ok(false);
        }
        let event = match matter.history.len() > steps {
            true => Self::matter_event(ctx, &matter),
            false => Self::kept_event(ctx, &matter),
        };
        let mut change =
            MatterChange { matters: vec![(matter, Some(seen), event)], ..MatterChange::default() };
        self.end_whole(ctx, &mut change).await?;
        self.store.save_matters(&change).await?;
        Ok(true)
    }

    /// Whether an application is still open although all of its parts are settled: two providers that settle the last
    /// two at the same moment each see the other's part open.
    async fn is_settled_in_parts(&self, matter: &Matter) -> Result<bool> {
        if matter.kind() != MatterKind::Application || matter.state != State::Accepted {
            return Ok(false);
        }
        let parts = self.parts_of(&matter.number).await?;
        Ok(!parts.is_empty() && parts.iter().all(|part| part.state.is_settled()))
    }

    async fn has_expired(&self, ctx: &OpContext, matter: &Matter) -> Result<bool> {
        let may_expire = legal_events(matter.kind(), matter.state).any(|event| event == Event::Expire);
        if !may_expire || matter.grants.is_empty() {
            return Ok(false);
        }
        for id in &matter.grants {
            let grant = self.store.grant(id).await?;
            if grant.is_some_and(|grant| !grant.has_ended(ctx.now)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// When the last part of an application is settled, the platform ends the whole.
    async fn end_whole(&self, ctx: &OpContext, change: &mut MatterChange) -> Result<()> {
        let Some(number) = change.matters.first().and_then(|(matter, ..)| matter.parent.clone()) else {
            return Ok(());
        };
        let Some(mut whole) = self.store.matter(&number).await? else { return Ok(()) };
        if whole.state != State::Accepted {
            return Ok(());
        }
        let parts = self.parts_of(&number).await?;
        let now = |part: &Matter| {
            let moved = change.matters.iter().find(|(matter, ..)| matter.number == part.number);
            moved.map_or(part.state, |(matter, ..)| matter.state)
        };
        if parts.iter().all(|part| now(part).is_settled()) {
            let seen = whole.revision;
            whole.take_by_machine(Event::End, ctx.now, &self.settings.deadlines)?;
            let event = Self::matter_event(ctx, &whole);
            change.matters.push((whole, Some(seen), event));
        }
        Ok(())
    }

    pub(super) async fn parts_of(&self, number: &str) -> Result<Vec<Matter>> {
        self.store.matters(&MatterQuery { parent: Some(number.to_owned()), ..MatterQuery::default() }).await
    }

    pub(super) async fn visible_matter(&self, ctx: &OpContext, number: &str) -> Result<Matter> {
        let matter = self.store.matter(number).await?.filter(|matter| {
            let principal = &ctx.principal;
            let handles =
                matter.handler.department.as_ref().is_some_and(|department| principal.acts_for(department));
            sees_all(ctx) || handles || matter.applicant.covers(principal)
        });
        matter.ok_or_else(|| Error::not_found(format!("matter {number}")))
    }

    /// A matter that the caller opens, or brings about, under the next number of its kind. Nothing is stored by this.
    pub(super) async fn new_matter(
        &self,
        ctx: &OpContext,
        content: Content,
        (applicant, department): (Applicant, Option<DepartmentId>),
        state: State,
    ) -> Result<Matter> {
        let number = self.new_number(ctx, content.kind()).await?;
        let by = (Some(ctx.principal.id.clone()), ctx.now);
        Matter::open(number, content, applicant, department, state, by, &self.settings.deadlines)
    }

    pub(super) async fn new_number(&self, ctx: &OpContext, kind: MatterKind) -> Result<String> {
        let series = format!("{}-{}", kind.series(), ctx.now.shanghai_date().year());
        let sequence = self.store.next_matter(&series).await?;
        Ok(format!("{series}-{sequence:06}"))
    }

    /// The evidence of a matter's newest step.
    pub(super) fn matter_event(ctx: &OpContext, matter: &Matter) -> crate::evidence::EvidenceRecord {
        let event = matter.history.last().and_then(|step| step.event);
        let word = event.and_then(|event| serde_json::to_value(event).ok());
        let word = word.as_ref().and_then(|word| word.as_str()).unwrap_or("opened");
        Self::change(ctx, &format!("matter.{word}"), entity::matter(&matter.number), matter)
            .stating(Fact::of_matter(matter))
    }

    pub(super) fn grant_ends(ctx: &OpContext, id: &GrantId, reason: &str, change: &mut MatterChange) {
        let revocation = Revocation { at: ctx.now, by: ctx.principal.id.clone(), reason: reason.to_owned() };
        let event = Self::change(ctx, "grant.revoked", entity::grant(id), &revocation);
        change.revocations.push((id.clone(), revocation, event));
    }
}

pub(super) fn sees_all(ctx: &OpContext) -> bool {
    ctx.principal.has(Role::AuthorityOfficer) || ctx.principal.has(Role::Auditor)
}

/// Takes what was proposed from a matter before its decision for whoever stands on the applicant's side alone: a draft of an answer is
/// no answer, and the decision may be another one.
fn hide_proposal(matter: &mut Matter, ctx: &OpContext) {
    let principal = &ctx.principal;
    let is_undecided = matches!(matter.state, State::Proposing | State::Confirming | State::Withdrawn);
    let handles = matter.handler.department.as_ref().is_some_and(|department| principal.acts_for(department));
    let supervises = sees_all(ctx) && !matter.applicant.covers(principal);
    if let Content::Provision(part) = &mut matter.content
        && is_undecided
        && !handles
        && !supervises
    {
        part.proposed = None;
        // Its reason may say in words what the scope says, and so may that of whoever gave it back. What the authority says of a
        // dispute stays.
        let mut before = None;
        for step in &mut matter.history {
            let is_given_back = step.event == Some(Event::Return) && before == Some(State::Confirming);
            before = Some(step.state);
            if is_given_back || step.event == Some(Event::Propose) {
                (step.reason, step.legal_basis) = (None, None);
            }
        }
    }
}

/// Whether the content is an application, which completion may replace.
fn application_mut(matter: &mut Matter) -> Option<&mut Application> {
    match &mut matter.content {
        Content::Application(application) => Some(application),
        _ => None,
    }
}
