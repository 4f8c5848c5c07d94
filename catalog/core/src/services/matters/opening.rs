//! Opening a matter: who may, to whom it goes, what must be right from the start.

use std::collections::BTreeSet;

use super::{MatterView, Services};
use crate::context::{OpContext, PrincipalKind, Role};
use crate::directory::{DataClass, Resource, Sharing};
use crate::error::{Error, ErrorCode, Problem, Result};
use crate::evidence::{Fact, entity};
use crate::ids::DepartmentId;
use crate::matter::emergency_grant::LONGEST_HOURS;
use crate::matter::{
    Applicant, Application, Ask, Content, DeveloperBounds, Event, Matter, MatterKind, Objection,
    ObjectionSubject, State,
};
use crate::policy::{Action, GrantKind, GrantTerms, Grantee};
use crate::ports::{MatterBound, MatterChange};

/// The most resources in one application.
const MAX_ASKS: usize = 100;
/// Seconds of a day.
const DAY: i64 = 86_400;

impl Services {
    /// Opens a matter. An application is checked against the directory, and what is shared without a condition is granted at
    /// once.
    pub async fn open_matter(&self, ctx: &OpContext, content: Content) -> Result<MatterView> {
        let (applicant, department, state) = self.parties(ctx, &content).await?;
        let mut matter = self.new_matter(ctx, content, (applicant, department), state).await?;
        let number = matter.number.clone();
        let mut change =
            MatterChange { bound: self.bound(ctx, &matter.applicant), ..MatterChange::default() };
        if matter.kind() == MatterKind::Application {
            self.grant_unconditional(ctx, &mut matter, &mut change).await?;
        }
        let event = Self::change(ctx, "matter.opened", entity::matter(&number), &matter)
            .stating(Fact::of_matter(&matter));
        change.matters.insert(0, (matter, None, event));
        self.store.save_matters(&change).await?;
        self.relay().await?;
        self.matter(ctx, &number).await
    }

    /// What a developer must not have used up; departments answer for their people themselves.
    fn bound(&self, ctx: &OpContext, applicant: &Applicant) -> Option<MatterBound> {
        let DeveloperBounds { open, per_day } = self.settings.developers;
        matches!(applicant, Applicant::Developer(_)).then(|| MatterBound {
            applicant: applicant.label(),
            open,
            opened: per_day,
            since: ctx.now.plus_seconds(-DAY),
        })
    }

    /// Applicant, handling department and first state of a new matter; refuses what can't be opened so.
    async fn parties(
        &self,
        ctx: &OpContext,
        content: &Content,
    ) -> Result<(Applicant, Option<DepartmentId>, State)> {
        Self::permit(ctx, Action::Apply, None)?;
        match content {
            Content::Application(application) => {
                let applicant = applicant(ctx)?;
                self.check_application(ctx, &applicant, application).await?;
                Ok((applicant, None, State::Submitted))
            }
            Content::EmergencyGrant(emergency) => {
                authority_only(ctx)?;
                if !(1..=LONGEST_HOURS).contains(&emergency.hours) {
                    let message = format!("an emergency grant lasts 1 to {LONGEST_HOURS} hours");
                    return Err(Error::new(ErrorCode::InvalidInput, message));
                }
                let words = (emergency.purpose.as_str(), emergency.legal_basis.as_str());
                let provider = self.check_ask(ctx, &emergency.grantee, &emergency.ask, words).await?;
                Ok((Applicant::Authority, Some(provider), State::Confirming))
            }
            Content::GrantImport(import) => {
                authority_only(ctx)?;
                require(&[
                    ("approved_by", &import.approved_by),
                    ("document_number", &import.document_number),
                ])?;
                let words = (import.purpose.as_str(), import.legal_basis.as_str());
                self.check_ask(ctx, &import.grantee, &import.ask, words).await?;
                Ok((Applicant::Authority, None, State::Confirming))
            }
            Content::Objection(objection) => {
                let applicant = applicant(ctx)?;
                require(&[("description", &objection.description)])?;
                let handler = self.handler_of(ctx, objection).await?;
                Ok((applicant, handler, State::Checking))
            }
            Content::Demand(demand) => {
                let fields = [
                    ("title", &demand.title),
                    ("purpose", &demand.purpose),
                    ("legal_basis", &demand.legal_basis),
                ];
                require(&fields)?;
                Ok((applicant(ctx)?, None, State::Routing))
            }
            Content::SecrecyReview(review) => {
                let provider = self.check_opening(ctx, &review.opening).await?;
                Ok((Applicant::Department(provider.clone()), Some(provider), State::Checking))
            }
            Content::OpeningItem(item) => {
                authority_only(ctx)?;
                require(&[("title", &item.title)])?;
                let department = self.department(ctx, &item.department).await?.id;
                Ok((Applicant::Authority, Some(department), State::Planned))
            }
            // Parts are made by the platform; what the public writes comes in by a door that gives it a code.
            Content::Provision(_)
            | Content::Disclosure(_)
            | Content::Letter(_)
            | Content::CorrectionNotice(_) => {
                let message = format!("“{}”不能这样发起", content.kind());
                Err(Error::new(ErrorCode::InvalidInput, message))
            }
        }
    }

    /// Who checks an objection: the provider; the data authority, where the provider's own use is said to be wrong.
    async fn handler_of(&self, ctx: &OpContext, objection: &Objection) -> Result<Option<DepartmentId>> {
        let provider = self.resource(ctx, &objection.resource).await?.provider;
        let user = match (objection.subject, &objection.user) {
            (ObjectionSubject::Use, Some(user)) => self.department(ctx, user).await?.id,
            (ObjectionSubject::Use, None) => {
                let message = "name in `user` the department whose use is wrong";
                return Err(Error::new(ErrorCode::InvalidInput, message));
            }
            _ => return Ok(Some(provider)),
        };
        let successions = self.all_successions().await?;
        let heir = |department: &DepartmentId| successions.heir_of(department, ctx.now);
        Ok(Some(provider).filter(|provider| heir(provider) != heir(&user)))
    }

    /// Checks what one ask would give, and answers who decides about it.
    async fn check_ask(
        &self,
        ctx: &OpContext,
        grantee: &DepartmentId,
        ask: &Ask,
        words: (&str, &str),
    ) -> Result<DepartmentId> {
        let resource = self.published(&ask.resource).await?;
        let grantee = self.department(ctx, grantee).await?.id;
        not_own(&resource, std::iter::once(&grantee))?;
        let terms = ask.terms(GrantKind::Conditional, Grantee::Department(grantee), words, (ctx.now, None));
        terms.check(&resource)?;
        Ok(resource.provider)
    }

    /// Checks an application against the directory, every ask of it.
    pub(super) async fn check_application(
        &self,
        ctx: &OpContext,
        applicant: &Applicant,
        application: &Application,
    ) -> Result<()> {
        require(&[("purpose", &application.purpose), ("legal_basis", &application.legal_basis)])?;
        let wrong = |message: &str| Err(Error::new(ErrorCode::InvalidInput, message));
        if application.valid_until <= ctx.now {
            return wrong("the term ends before it begins: set `valid_until` later");
        }
        let resources: BTreeSet<_> = application.asks.iter().map(|ask| &ask.resource).collect();
        if application.asks.is_empty()
            || application.asks.len() > MAX_ASKS
            || resources.len() < application.asks.len()
        {
            return wrong("name 1 to 100 resources in `asks`, each once");
        }
        let Some(grantee) = applicant.grantee() else {
            return wrong("departments and developers apply for data");
        };
        for ask in &application.asks {
            let resource = self.resource(ctx, &ask.resource).await?;
            not_own(&resource, ctx.principal.departments())?;
            let from = self.term_start(ctx, applicant, application, ask).await?;
            let ask = self.within_opening(ctx, applicant, ask).await?;
            let terms = application.terms(&ask, GrantKind::Conditional, grantee.clone(), from);
            terms.check(&resource)?;
            self.check_single(&terms).await?;
        }
        Ok(())
    }

    /// Refuses a second grant where one of the same holder, purpose and kind would run beside it: no read could tell them
    /// apart.
    pub(super) async fn check_single(&self, terms: &GrantTerms) -> Result<()> {
        let starts = terms.valid_from.unwrap_or_default();
        let grants = self.store.grants_on(&terms.resource).await?;
        let held = grants.iter().find(|grant| {
            let other = &grant.terms;
            other.grantee == terms.grantee
                && other.kind == terms.kind
                && (terms.kind == GrantKind::Unconditional || other.purpose == terms.purpose)
                && grant.revocation.is_none()
                && other.valid_until.is_none_or(|end| starts < end)
                && terms.valid_until.is_none_or(|end| other.valid_from.unwrap_or(grant.created_at) < end)
        });
        match held {
            None => Ok(()),
            Some(grant) => {
                let scope = match terms.kind {
                    GrantKind::Unconditional => "for every purpose",
                    _ => "for this purpose",
                };
                let message = format!(
                    "the grant {} gives {} {scope} already: renew the matter that made it",
                    grant.id, terms.resource
                );
                Err(Error::new(ErrorCode::Conflict, message))
            }
        }
    }

    /// Grants at once, as parts of their own, what the application asks without a condition. If nothing else is left, the
    /// application needs no check.
    async fn grant_unconditional(
        &self,
        ctx: &OpContext,
        matter: &mut Matter,
        change: &mut MatterChange,
    ) -> Result<()> {
        let Content::Application(application) = matter.content.clone() else { return Ok(()) };
        let Applicant::Department(_) = &matter.applicant else { return Ok(()) };
        let mut at_once = Vec::new();
        for ask in &application.asks {
            let resource = self.published(&ask.resource).await?;
            if is_unconditional(&resource, ask) {
                at_once.push(ask.clone());
            }
        }
        let is_all = at_once.len() == application.asks.len();
        for (provider, asks) in self.by_provider(at_once).await? {
            let mut part = self.part(ctx, matter, provider, asks.clone(), State::Activating).await?;
            self.make_grants(ctx, &mut part, (GrantKind::Unconditional, &asks), change).await?;
            if self.has_data_now(ctx, &part).await? {
                part.take_by_machine(Event::GrantAtOnce, ctx.now, &self.settings.deadlines)?;
            }
            let event = Self::matter_event(ctx, &part);
            change.matters.push((part, None, event));
        }
        if is_all {
            matter.take_by_machine(Event::AcceptAtOnce, ctx.now, &self.settings.deadlines)?;
            if change.matters.iter().all(|(part, ..)| part.state.is_settled()) {
                matter.take_by_machine(Event::End, ctx.now, &self.settings.deadlines)?;
            }
        }
        Ok(())
    }
}

/// Whether every item asked for is shared without a condition.
fn is_unconditional(resource: &Resource, ask: &Ask) -> bool {
    let item = |column: &crate::ids::ColumnName| resource.item(column.as_str());
    ask.items.iter().all(|column| item(column).is_some_and(|item| item.sharing == Sharing::Unconditional))
}

/// Whether an item asked for is personal, important or core.
pub(super) fn is_sensitive(resource: &Resource, ask: &Ask) -> bool {
    let item = |column: &crate::ids::ColumnName| resource.item(column.as_str());
    let sensitive =
        |column| item(column).is_some_and(|item| item.personal || item.data_class != DataClass::General);
    ask.items.iter().any(sensitive)
}

/// On whose behalf the caller opens a matter.
fn applicant(ctx: &OpContext) -> Result<Applicant> {
    let principal = &ctx.principal;
    match &principal.department {
        Some(department) => Ok(Applicant::Department(department.clone())),
        None if principal.kind == PrincipalKind::Person && principal.has(Role::Developer) => {
            Ok(Applicant::Developer(principal.id.clone()))
        }
        None => Err(Error::new(ErrorCode::Forbidden, "a department or a registered developer opens this")),
    }
}

fn authority_only(ctx: &OpContext) -> Result<()> {
    match ctx.principal.has(Role::AuthorityOfficer) && ctx.principal.kind != PrincipalKind::Machine {
        true => Ok(()),
        false => Err(Error::new(ErrorCode::Forbidden, "an officer of the data authority opens this")),
    }
}

fn not_own<'a>(resource: &Resource, mut own: impl Iterator<Item = &'a DepartmentId>) -> Result<()> {
    match own.any(|own| *own == resource.provider) {
        false => Ok(()),
        true => {
            let message = format!(
                "{} is provided by the department itself, which reads it without a grant",
                resource.code
            );
            Err(Error::new(ErrorCode::InvalidInput, message))
        }
    }
}

pub(in crate::services) fn require(fields: &[(&str, &String)]) -> Result<()> {
    let empty = fields.iter().filter(|(_, text)| text.trim().is_empty());
    let problems: Vec<_> =
        empty.map(|(at, _)| Problem::new(*at, "matter.field", format!("`{at}` is empty"))).collect();
    match problems.is_empty() {
        true => Ok(()),
        false => Err(Error::invalid("the matter lacks what must stand in it", problems)),
    }
}
