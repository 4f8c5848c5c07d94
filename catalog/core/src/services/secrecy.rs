//! Openings 开放: secrecy reviews with their machine check, what follows from their steps, and the check of every later
//! version of what is open.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::matters::effects::missing;
use super::matters::opening::require;
use super::{Act, Dataset, MatterView, Services};
use crate::context::{OpContext, PrincipalKind};
use crate::dataset::{Audience, Version, VersionState, latest};
use crate::directory::resource::Entry;
use crate::directory::{DataClass, Resource};
use crate::error::{Error, ErrorCode, Result};
use crate::evidence::entity;
use crate::ids::{ColumnName, DepartmentId, ResourceCode};
use crate::matter::{
    Applicant, CheckItem, Content, Event, Finding, JustifiedFinding, Matter, MatterKind, OpeningTerms,
    SecrecyReview, State,
};
use crate::policy::{Action, BoundPolicy, GrantedPolicy, Grantee};
use crate::ports::{MatterChange, MatterQuery, SecrecyCheck, Shapes};
use crate::time::Timestamp;

/// An opening that stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = StandingOpening)]
pub struct Opening {
    /// The review that passed it: what a developer names to accept its terms.
    pub number: String,
    /// Since when.
    pub since: Timestamp,
    /// What is open, and under which condition.
    pub terms: OpeningTerms,
    /// What people have let pass.
    #[serde(skip)]
    justified: Vec<JustifiedFinding>,
}

impl Opening {
    /// What keeps any of it from being read by those for whom it is open.
    pub(super) fn lacks(
        &self,
        resource: &Resource,
        versions: &[Version],
        now: Timestamp,
    ) -> Result<Option<String>> {
        let shown = BoundPolicy::bind(&self.terms.grant(now), resource, &BTreeMap::new())?.columns;
        let is_closed = |column: &&ColumnName| !shown.iter().any(|shown| shown.column == **column);
        if let Some(column) = self.terms.items.iter().find(is_closed) {
            return Ok(Some(format!("the directory does not open `{column}`: change the entry")));
        }
        let audience = Some(self.terms.audience());
        let cleared: Vec<_> =
            versions.iter().filter(|version| version.is_cleared_for(audience)).cloned().collect();
        let nothing = || "no version of it is cleared and in effect: publish the data".to_owned();
        Ok(latest(&cleared, now).is_none().then(nothing))
    }

    /// The findings that nobody has let pass.
    fn new_findings(&self, findings: &[Finding]) -> Vec<Finding> {
        unjustified(findings, &self.justified)
    }
}

/// With what data are read and looked through.
pub struct Look<'a> {
    /// What versions look like.
    pub shapes: &'a dyn Shapes,
    /// The machine check.
    pub check: &'a dyn SecrecyCheck,
}

impl Services {
    /// Opens a secrecy review, and checks the data of all versions by machine.
    pub async fn open_secrecy_review(
        &self,
        ctx: &OpContext,
        look: &Look<'_>,
        opening: OpeningTerms,
    ) -> Result<MatterView> {
        let questions = self.settings.secrecy.questions.iter().cloned();
        let checklist =
            questions.map(|question| CheckItem { question, answer: None, note: String::new() }).collect();
        let review = SecrecyReview {
            opening,
            version: None,
            checklist,
            checked: Vec::new(),
            findings: Vec::new(),
            justified: Vec::new(),
        };
        let matter = self.open_matter(ctx, Content::SecrecyReview(review)).await?.matter;
        self.check_secrecy(ctx, look, &matter.number).await
    }

    /// Runs the machine check of a review that waits for it. Safe to repeat where it was cut short.
    pub async fn check_secrecy(&self, ctx: &OpContext, look: &Look<'_>, number: &str) -> Result<MatterView> {
        let mut matter = self.visible_matter(ctx, number).await?;
        let seen = matter.revision;
        let Content::SecrecyReview(mut review) = matter.content.clone() else {
            let message = format!("{number} is no secrecy review");
            return Err(Error::new(ErrorCode::InvalidInput, message));
        };
        let entry = self.published_entry(&review.opening.resource).await?;
        Self::permit(ctx, Action::Apply, None)?;
        if !matter.applicant.covers(&ctx.principal) {
            return Err(Error::new(ErrorCode::Forbidden, "the department whose data it is has it checked"));
        }
        crate::matter::next(MatterKind::SecrecyReview, matter.state, Event::Clear)?;
        let versions = self.store.versions(&review.opening.resource).await?;
        (review.checked, review.findings) = (Vec::new(), Vec::new());
        for version in versions.iter().filter(|version| version.state == VersionState::Published) {
            if review.version.is_some_and(|only| only != version.number) {
                continue;
            }
            let checked =
                self.checked(ctx, look, &entry, (&review.opening, version), Some(&versions)).await?;
            merge(&mut review.findings, checked);
            review.checked.push(version.number);
        }
        let mut justified = review.justified.clone();
        if let Some(opening) = self.parent_of(ctx, &matter).await? {
            justified.extend(opening.justified);
        }
        let event = match unjustified(&review.findings, &justified).is_empty() {
            true => Event::Clear,
            false => Event::Find,
        };
        matter.content = Content::SecrecyReview(review);
        matter.take_by_machine(event, ctx.now, &self.settings.deadlines)?;
        let event = Self::matter_event(ctx, &matter);
        let change = MatterChange { matters: vec![(matter, Some(seen), event)], ..MatterChange::default() };
        self.store.save_matters(&change).await?;
        self.relay().await?;
        self.matter(ctx, number).await
    }

    /// The openings of a resource that stand, with the terms that a developer accepts.
    pub async fn openings(&self, ctx: &OpContext, code: &ResourceCode) -> Result<Vec<Opening>> {
        let resource = self.resource(ctx, code).await?;
        self.openings_of(ctx, &resource).await
    }

    /// Checks a new version as each opening shows it: clears it, or opens a review of it where something new is found.
    pub(super) async fn clear(
        &self,
        ctx: &OpContext,
        look: &Look<'_>,
        entry: &Entry,
        version: &mut Version,
    ) -> Result<Vec<Matter>> {
        let Some(resource) = &entry.published else { return Ok(Vec::new()) };
        let mut waiting = Vec::new();
        version.cleared.clear();
        for opening in self.openings_of(ctx, resource).await? {
            let checked = self.checked(ctx, look, entry, (&opening.terms, version), None).await?;
            let findings = opening.new_findings(&checked);
            match findings.is_empty() {
                true => drop(version.cleared.insert(opening.terms.audience())),
                false => waiting.push(self.review_of(ctx, opening, version.number, findings).await?),
            }
        }
        Ok(waiting)
    }

    /// A review of one version of what is open, with what the machine has found in it.
    async fn review_of(
        &self,
        ctx: &OpContext,
        opening: Opening,
        version: i64,
        findings: Vec<Finding>,
    ) -> Result<Matter> {
        let provider = self.published(&opening.terms.resource).await?.provider;
        let review = SecrecyReview {
            opening: opening.terms,
            version: Some(version),
            checklist: Vec::new(),
            checked: vec![version],
            findings,
            justified: Vec::new(),
        };
        let parties = (Applicant::Department(provider.clone()), Some(provider));
        let mut matter =
            self.new_matter(ctx, Content::SecrecyReview(review), parties, State::Checking).await?;
        matter.parent = Some(opening.number);
        matter.take_by_machine(Event::Find, ctx.now, &self.settings.deadlines)?;
        Ok(matter)
    }

    /// What the machine finds in a version as it would be open.
    async fn checked(
        &self,
        ctx: &OpContext,
        look: &Look<'_>,
        entry: &Entry,
        (terms, version): (&OpeningTerms, &Version),
        versions: Option<&[Version]>,
    ) -> Result<Vec<Finding>> {
        let Some(resource) = &entry.published else { return Ok(Vec::new()) };
        let stored = resource.as_stored(&entry.retired, look.shapes.shape(version).await?);
        let grant = terms.grant(ctx.now);
        // What is closed today is looked at too: the directory may open it again without another check.
        let mut opened = stored.clone();
        for item in opened.items.iter_mut().filter(|item| terms.items.contains(&item.column)) {
            (item.opening, item.data_class) = (crate::directory::Opening::Open, DataClass::General);
        }
        let mut policy = BoundPolicy::bind(&grant, &opened, &BTreeMap::new())?;
        if policy.columns.is_empty() {
            return Ok(Vec::new());
        }
        match self.hide_withdrawn(&mut policy, &stored, version, versions).await {
            // Nobody reads it until its withdrawals are said again; then it may show any row that is left.
            Err(error) if error.code == ErrorCode::Withdrawn => {}
            hidden => hidden?,
        }
        let granted = GrantedPolicy { grant: None, kind: grant.kind, policy };
        let dataset = Dataset { resource: stored, granted, version: version.clone(), until: None };
        let further = terms.quasi_identifiers.as_deref().unwrap_or_default();
        look.check.check(ctx, dataset, further, &self.settings.secrecy).await
    }

    /// Checks what somebody wants to open, and answers whose it is.
    pub(super) async fn check_opening(&self, ctx: &OpContext, terms: &OpeningTerms) -> Result<DepartmentId> {
        let resource = self.published(&terms.resource).await?;
        Self::permit(ctx, Action::PublishData, Some(&resource.provider))?;
        if let Some(condition) = &terms.condition {
            require(&[("condition", condition)])?;
            if terms.valid_until.is_some() {
                let message =
                    "an opening under a condition ends when it is revoked; its applications have terms";
                return Err(Error::new(ErrorCode::InvalidInput, message));
            }
        }
        let stranger = |column: &&ColumnName| !terms.items.contains(column);
        if let Some(column) = terms.quasi_identifiers.iter().flatten().find(stranger) {
            let message = format!("`{column}` is among the quasi-identifiers and does not become open");
            return Err(Error::new(ErrorCode::InvalidInput, message));
        }
        // A filter that asks who reads can't be bound: nobody outside government has attributes.
        let grant = Self::new_grant(ctx, terms.grant(ctx.now), &resource)?;
        BoundPolicy::bind(&grant.terms, &resource, &BTreeMap::new())?;
        self.check_only(ctx, &resource, terms).await?;
        Ok(resource.provider)
    }

    /// Of each sort a resource has one opening: what is open must be clear.
    async fn check_only(&self, ctx: &OpContext, resource: &Resource, terms: &OpeningTerms) -> Result<()> {
        let openings = self.openings_of(ctx, resource).await?;
        match openings.iter().find(|other| other.terms.audience() == terms.audience()) {
            None => Ok(()),
            Some(other) => {
                let message = format!(
                    "{} is open by {} already: revoke that opening first",
                    terms.resource, other.number
                );
                Err(Error::new(ErrorCode::Conflict, message))
            }
        }
    }

    /// The openings of a resource that stand.
    pub(super) async fn openings_of(&self, ctx: &OpContext, resource: &Resource) -> Result<Vec<Opening>> {
        let query = MatterQuery {
            kind: Some(MatterKind::SecrecyReview),
            party: Some(format!("department:{}", resource.provider)),
            ..MatterQuery::default()
        };
        let passed = self.store.matters(&query).await?;
        let mut openings = Vec::new();
        for matter in passed.iter().filter(|matter| matter.state == State::Passed && matter.parent.is_none())
        {
            let Content::SecrecyReview(review) = &matter.content else { continue };
            if review.opening.resource != resource.code || !self.stands(ctx, matter).await? {
                continue;
            }
            let of_versions = passed.iter().filter(|other| {
                other.parent.as_ref() == Some(&matter.number) && other.state == State::Passed
            });
            let reviews = of_versions.chain([matter]).filter_map(|matter| match &matter.content {
                Content::SecrecyReview(review) => Some(review.justified.clone()),
                _ => None,
            });
            openings.push(Opening {
                number: matter.number.clone(),
                since: matter.history.last().map_or(ctx.now, |step| step.at),
                terms: review.opening.clone(),
                justified: reviews.flatten().collect(),
            });
        }
        Ok(openings)
    }

    /// Whether the grant that an opening to the public has made is still there; a conditional one has made none.
    async fn stands(&self, ctx: &OpContext, opening: &Matter) -> Result<bool> {
        for id in &opening.grants {
            if self.store.grant(id).await?.is_none_or(|grant| grant.has_ended(ctx.now)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The opening whose version a review is about, if it is about one.
    async fn parent_of(&self, ctx: &OpContext, matter: &Matter) -> Result<Option<Opening>> {
        let (Some(parent), Content::SecrecyReview(review)) = (&matter.parent, &matter.content) else {
            return Ok(None);
        };
        let resource = self.published(&review.opening.resource).await?;
        let openings = self.openings_of(ctx, &resource).await?;
        let found = openings.into_iter().find(|opening| opening.number == *parent);
        found.map(Some).ok_or_else(|| {
            let message = format!("the opening {parent} has ended: withdraw this review of its version");
            Error::new(ErrorCode::IllegalState, message)
        })
    }

    /// Does what follows from a step in a secrecy review.
    pub(super) async fn review_opening(
        &self,
        ctx: &OpContext,
        matter: &mut Matter,
        (event, act): (Event, &Act),
        change: &mut MatterChange,
    ) -> Result<()> {
        let decides = matches!(event, Event::Grant | Event::Refuse | Event::Return);
        let Content::SecrecyReview(review) = &mut matter.content else { return Ok(()) };
        match &act.answers {
            Some(answers) if decides => answer(&mut review.checklist, answers)?,
            Some(_) => {
                let message =
                    "the check list is answered by whoever decides: send `answers` with the decision";
                return Err(Error::new(ErrorCode::InvalidInput, message));
            }
            None => {}
        }
        match event {
            Event::Complete => {
                // They were given about what stood there before.
                review.checklist.iter_mut().for_each(|item| item.answer = None);
                self.completed_opening(ctx, matter, act).await
            }
            Event::Justify => {
                if ctx.principal.kind == PrincipalKind::Machine {
                    return Err(Error::new(
                        ErrorCode::Forbidden,
                        "a person justifies what the machine found",
                    ));
                }
                let reason = act.reason.clone().unwrap_or_default();
                for finding in unjustified(&review.findings, &review.justified) {
                    let Finding { rule, columns, rows, of, materials } = finding;
                    let reason = reason.clone();
                    review.justified.push(JustifiedFinding { rule, columns, reason, rows, of, materials });
                }
                Ok(())
            }
            Event::Grant => self.open_up(ctx, matter, change).await,
            Event::Revoke => self.close(ctx, matter, act.reason.as_deref().unwrap_or_default(), change).await,
            _ => Ok(()),
        }
    }

    /// What becomes open, as it reads after completion; a review of one version keeps the terms of its opening.
    async fn completed_opening(&self, ctx: &OpContext, matter: &mut Matter, act: &Act) -> Result<()> {
        let Some(terms) = &act.opening else { return Ok(()) };
        let Content::SecrecyReview(review) = &mut matter.content else { return Ok(()) };
        if matter.parent.is_some() || terms.resource != review.opening.resource {
            let message =
                "this review is of what is open already, or of another resource: open a review of its own";
            return Err(Error::new(ErrorCode::InvalidInput, message));
        }
        self.check_opening(ctx, terms).await?;
        if *terms != review.opening {
            // What was let pass was so many rows of what would have been open before.
            review.justified.clear();
            review.opening = terms.clone();
        }
        Ok(())
    }

    /// Opens what has passed: to everyone by a grant, and of all versions those that were checked.
    async fn open_up(&self, ctx: &OpContext, matter: &mut Matter, change: &mut MatterChange) -> Result<()> {
        let Content::SecrecyReview(review) = matter.content.clone() else { return Ok(()) };
        if let Some(open) = review.checklist.iter().find(|item| !item.is_settled()) {
            let message = format!(
                "“{}” is not answered: answer the check list in `answers`, each no with a note",
                open.question
            );
            return Err(Error::new(ErrorCode::InvalidInput, message));
        }
        let alone = self.parent_of(ctx, matter).await?.is_none();
        let (terms, now) = (&review.opening, ctx.now);
        if alone {
            let resource = self.published(&terms.resource).await?;
            self.check_only(ctx, &resource, terms).await?;
            let versions = self.store.versions(&terms.resource).await?;
            let unchecked = versions.iter().find(|version| {
                version.state == VersionState::Published && !review.checked.contains(&version.number)
            });
            if let Some(version) = unchecked {
                let message = format!(
                    "version {} of {} came after the check: return the review, so that it is checked too",
                    version.number, terms.resource
                );
                return Err(Error::new(ErrorCode::IllegalState, message));
            }
            match terms.condition {
                None => {
                    self.make_grant(ctx, matter, terms.grant(now), change).await?;
                    self.is_published(ctx, &resource, change).await?;
                }
                Some(_) => drop(Self::new_grant(ctx, terms.grant(now), &resource)?),
            }
        }
        let versions = self.store.versions(&terms.resource).await?;
        for version in versions {
            match review.checked.contains(&version.number) {
                true => Self::show(ctx, version, (terms.audience(), true), change),
                // An opening shows what was checked for it, and nothing from an earlier one.
                false if alone => Self::show(ctx, version, (terms.audience(), false), change),
                false => {}
            }
        }
        Ok(())
    }

    /// Clears a version for an audience, or takes it away.
    fn show(
        ctx: &OpContext,
        mut version: Version,
        (audience, is_cleared): (Audience, bool),
        change: &mut MatterChange,
    ) {
        let is_changed = match is_cleared {
            true => version.cleared.insert(audience),
            false => version.cleared.remove(&audience),
        };
        if is_changed {
            (version.state, version.tombstone) = (VersionState::Published, None);
            let name = entity::version(version.number, &version.resource);
            let event = Self::change(ctx, "version.cleared", name, &version);
            change.cleared.push((version, event));
        }
    }

    /// Ends an opening: the grant to the public, or those of developers within it.
    async fn close(
        &self,
        ctx: &OpContext,
        matter: &Matter,
        reason: &str,
        change: &mut MatterChange,
    ) -> Result<()> {
        let Content::SecrecyReview(review) = &matter.content else { return Ok(()) };
        let terms = &review.opening;
        if matter.parent.is_some() {
            let message =
                "a version of what is open is withdrawn, or the opening revoked: this review has passed";
            return Err(Error::new(ErrorCode::IllegalState, message));
        }
        for grant in self.store.grants_on(&terms.resource).await? {
            let is_within = match &grant.terms.grantee {
                Grantee::Public => matter.grants.contains(&grant.id),
                Grantee::Developer(_) => terms.condition.is_some(),
                Grantee::Department(_) => false,
            };
            if is_within && grant.revocation.is_none() {
                Self::grant_ends(ctx, &grant.id, reason, change);
            }
        }
        Ok(())
    }
}

/// The findings that nobody has let pass.
fn unjustified(findings: &[Finding], justified: &[JustifiedFinding]) -> Vec<Finding> {
    let is_new = |finding: &&Finding| !justified.iter().any(|passed| passed.covers(finding));
    findings.iter().filter(is_new).cloned().collect()
}

/// Adds what was found in another version: of the same in two versions, what has both more rows and the larger share of them
/// stands for the other.
fn merge(all: &mut Vec<Finding>, new: Vec<Finding>) {
    for finding in new {
        if !all.iter().any(|known| known.includes(&finding)) {
            all.retain(|known| !finding.includes(known));
            all.push(finding);
        }
    }
}

/// Answers a check list, question by question.
fn answer(checklist: &mut [CheckItem], answers: &[crate::matter::CheckAnswer]) -> Result<()> {
    if answers.len() != checklist.len() {
        return Err(missing("answers", &format!("the {} answers to its check list", checklist.len())));
    }
    for (item, given) in checklist.iter_mut().zip(answers) {
        (item.answer, item.note) = (Some(given.answer), given.note.clone());
    }
    Ok(())
}
