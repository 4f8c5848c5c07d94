//! What the public contributes: taken in from anyone, looked at, shown, answered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Services;
use crate::context::{OpContext, PrincipalKind, Role};
use crate::contribution::{
    Author, Contributed, Contribution, ContributionKind, ContributionState, Look, Reply, check_contact,
};
use crate::error::{Error, ErrorCode, Result};
use crate::evidence::{Event, EvidenceRecord, entity};
use crate::ids::{DepartmentId, ResourceCode};
use crate::policy::Action;
use crate::ports::ContributionFilter;
use crate::time::Timestamp;

/// The most contributions on one page.
const MOST_LISTED: u32 = 100;

/// What somebody contributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Feedback or a work.
    pub content: Contributed,
    /// How to reach them: for the data authority alone, and kept sealed.
    pub contact: Option<String>,
}

/// Of the feedback on a dataset that is shown: how many, and how good on average.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ratings {
    /// How many.
    pub count: u64,
    /// The mean of the ratings in tenths, from 10 to 50; 0 where there are none.
    pub mean_tenths: u64,
}

/// A contribution as everybody sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ShownContribution {
    /// Identity.
    pub id: String,
    /// When it came in.
    pub at: Timestamp,
    /// Who contributes: `public`, `developer` or the name of a department.
    pub author: String,
    /// What. Of its datasets those that the public's directory lists.
    pub content: Contributed,
    /// The titles of these datasets, in their order.
    pub titles: Vec<String>,
    /// The provider's answer.
    pub reply: Option<ShownReply>,
}

/// The provider's answer as everybody sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ShownReply {
    /// In words.
    pub text: String,
    /// The name of the department.
    pub department: String,
    /// When.
    pub at: Timestamp,
}

/// A contribution as those see it who decide about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReviewedContribution {
    /// Identity.
    pub id: String,
    /// When it came in.
    pub at: Timestamp,
    /// Who contributes.
    pub author: Author,
    /// What.
    pub content: Contributed,
    /// The titles of its datasets, in their order.
    pub titles: Vec<String>,
    /// How it stands.
    pub state: ContributionState,
    /// The last decision.
    pub look: Option<Look>,
    /// The provider's answer.
    pub reply: Option<Reply>,
    /// Whether a contact was left that the authority may read.
    pub has_contact: bool,
    /// Whether the caller may decide now.
    pub may_decide: bool,
    /// Whether the caller may answer now.
    pub may_answer: bool,
}

impl Services {
    /// Takes in a contribution; answers its id. It is shown when somebody has looked at it.
    ///
    /// # Errors
    /// `not_found` for a dataset that the public's directory does not list, `invalid_input` with what is not filled in right,
    /// `unavailable` where too many wait.
    pub async fn contribute(&self, ctx: &OpContext, draft: Draft) -> Result<String> {
        let Draft { content, contact } = draft;
        content.check()?;
        for code in content.resources() {
            self.open_to_contributions(code).await?;
        }
        let id = uuid::Uuid::now_v7().to_string();
        let contact = match contact {
            Some(contact) => {
                check_contact(&contact)?;
                Some(self.safe()?.seal(&id, contact.as_bytes())?)
            }
            None => None,
        };
        let has_contact = contact.is_some();
        let contribution = Contribution::new(id.clone(), ctx.now, author(ctx), content, contact);
        let made = Self::change(ctx, "contribution.made", entity::contribution(&id), &contribution);
        let saved = self.store.save_contribution(&contribution, &made).await;
        // What is saved keeps its key, whatever becomes of its event now.
        if saved.is_err() && has_contact {
            self.safe()?.destroy(&id)?;
        }
        saved?;
        self.relay().await?;
        Ok(id)
    }

    /// What is shown, the newest first: feedback or works, about one dataset or about all.
    ///
    /// # Errors
    /// `not_found` for a dataset that the public's directory does not list.
    pub async fn shown_contributions(
        &self,
        kind: ContributionKind,
        resource: Option<&ResourceCode>,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<ShownContribution>> {
        if let Some(code) = resource {
            self.open_to_contributions(code).await?;
        }
        let limit = limit.min(MOST_LISTED);
        let mut filter = ContributionFilter {
            kind,
            state: Some(ContributionState::Shown),
            resource: resource.cloned(),
            provider: None,
            before: before.map(str::to_owned),
            limit,
        };
        let mut titles = BTreeMap::new();
        let mut shown = Vec::new();
        // Those of which nothing is listed any more make no page shorter: a short one is the last.
        loop {
            let page = self.store.contributions(&filter).await?;
            let is_last = page.is_empty() || page.len() < limit as usize;
            filter.before = page.last().map(|last| last.id.clone());
            for contribution in page {
                shown.extend(self.shown_contribution(contribution, &mut titles).await?);
                if shown.len() == limit as usize {
                    return Ok(shown);
                }
            }
            if is_last {
                return Ok(shown);
            }
        }
    }

    /// How a dataset that the public's directory lists is rated.
    pub async fn ratings(&self, code: &ResourceCode) -> Result<Ratings> {
        self.open_to_contributions(code).await?;
        let (count, sum) = self.store.ratings(code).await?;
        let mean_tenths = (sum * 10 + count / 2).checked_div(count).unwrap_or_default();
        Ok(Ratings { count, mean_tenths })
    }

    /// Contributions for who decides about them, the newest first: all for the authority, feedback on its own datasets for a
    /// department.
    pub async fn contributions_to_review(
        &self,
        ctx: &OpContext,
        kind: ContributionKind,
        state: Option<ContributionState>,
        before: Option<&str>,
    ) -> Result<Vec<ReviewedContribution>> {
        let filter = ContributionFilter {
            kind,
            state,
            resource: None,
            provider: None,
            before: before.map(str::to_owned),
            limit: MOST_LISTED,
        };
        let mut found = Vec::new();
        if Self::reviews_all(ctx) {
            found = self.store.contributions(&filter).await?;
        } else {
            may_review(ctx, kind)?;
            for department in ctx.principal.departments() {
                let own = ContributionFilter { provider: Some(department.clone()), ..filter.clone() };
                found.extend(self.store.contributions(&own).await?);
            }
            found.sort_by(|one, other| other.id.cmp(&one.id));
            found.truncate(MOST_LISTED as usize);
        }
        let mut reviewed = Vec::new();
        for contribution in found {
            reviewed.push(self.reviewed(ctx, contribution).await?);
        }
        Ok(reviewed)
    }

    /// Decides whether a contribution is shown. What is refused loses its contact.
    ///
    /// # Errors
    /// `forbidden` and `not_found` to who has nothing to decide, `illegal_state` to a provider where it has been decided,
    /// `invalid_input` for a refusal without a reason.
    pub async fn decide_contribution(
        &self,
        ctx: &OpContext,
        id: &str,
        is_shown: bool,
        reason: Option<String>,
    ) -> Result<ReviewedContribution> {
        let (mut contribution, for_authority) = self.to_decide(ctx, id).await?;
        if !for_authority && is_own_word(ctx, &contribution) {
            let message = "what your own department wrote is for the data authority to look at";
            return Err(Error::new(ErrorCode::Forbidden, message));
        }
        let by = ctx.principal.id.clone();
        contribution.decide(Look { is_shown, reason, by, for_authority, at: ctx.now })?;
        let action = if is_shown { "contribution.shown" } else { "contribution.refused" };
        self.keep_decided(ctx, &mut contribution, action).await?;
        self.reviewed(ctx, contribution).await
    }

    /// Answers feedback in public, for its provider.
    pub async fn answer_contribution(
        &self,
        ctx: &OpContext,
        id: &str,
        text: String,
    ) -> Result<ReviewedContribution> {
        let (mut contribution, _) = self.to_decide(ctx, id).await?;
        let provider = self.provider_of(&contribution).await?;
        Self::permit(ctx, Action::AnswerFeedback, provider.as_ref())?;
        let department = provider.ok_or_else(|| Error::not_found(format!("feedback `{id}`")))?;
        contribution.answer(Reply { text, department, by: ctx.principal.id.clone(), at: ctx.now })?;
        self.keep_contribution(ctx, &contribution, "contribution.answered").await?;
        contribution.revision += 1;
        self.reviewed(ctx, contribution).await
    }

    /// How to reach who contributed, for the authority. Each reading is evidence.
    ///
    /// # Errors
    /// `not_found` where no contact was left, or it was erased.
    pub async fn contribution_contact(&self, ctx: &OpContext, id: &str) -> Result<String> {
        Self::permit(ctx, Action::ReviewContributions, None)?;
        let found = self.store.contribution(id).await?.and_then(|contribution| contribution.contact);
        let sealed =
            found.ok_or_else(|| Error::not_found(format!("a contact of the contribution `{id}`")))?;
        let opened = self.safe()?.open(id, &sealed)?;
        let digest = exchange_crypto::Digest::of(sealed.as_bytes()).to_hex();
        let read = Event::Changed {
            action: "contribution.contact_read".to_owned(),
            entity: entity::contribution(id),
            entity_digest: digest,
        };
        self.log.append(EvidenceRecord::new(ctx, read)).await.map_err(|error| {
            let message = "evidence can't be written, so nothing is handed out; try again later";
            Error::new(ErrorCode::EvidenceUnavailable, message).with_internal(error)
        })?;
        String::from_utf8(opened).map_err(Error::internal)
    }

    /// After a restore: takes away again what the log knows to have been refused.
    pub(super) async fn refuse_again(
        &self,
        ctx: &OpContext,
        id: &str,
        (by, at, reason): (String, Timestamp, String),
    ) -> Result<bool> {
        let found = self.store.contribution(id).await?;
        let Some(mut contribution) = found.filter(|found| found.state != ContributionState::Refused) else {
            return Ok(false);
        };
        let look = Look { is_shown: false, reason: Some(reason), by, for_authority: true, at };
        contribution.decide(look)?;
        self.keep_decided(ctx, &mut contribution, "contribution.refused").await?;
        Ok(true)
    }

    /// Keeps a decision; of what is not shown the contact is erased, with its key.
    async fn keep_decided(
        &self,
        ctx: &OpContext,
        contribution: &mut Contribution,
        action: &str,
    ) -> Result<()> {
        let is_refused = contribution.state == ContributionState::Refused;
        let erased = contribution.contact.take_if(|_| is_refused).is_some();
        let change = Self::change(ctx, action, entity::contribution(&contribution.id), &*contribution);
        self.store.save_contribution(contribution, &change).await?;
        contribution.revision += 1;
        if erased {
            self.safe()?.destroy(&contribution.id)?;
        }
        self.relay().await
    }

    async fn keep_contribution(
        &self,
        ctx: &OpContext,
        contribution: &Contribution,
        action: &str,
    ) -> Result<()> {
        let change = Self::change(ctx, action, entity::contribution(&contribution.id), contribution);
        self.store.save_contribution(contribution, &change).await?;
        self.relay().await
    }

    /// Whether the caller reviews for the authority.
    fn reviews_all(ctx: &OpContext) -> bool {
        Self::permit(ctx, Action::ReviewContributions, None).is_ok()
    }

    /// A contribution that the caller decides about, and whether for the authority. Those that others decide about are as if they
    /// were not there.
    async fn to_decide(&self, ctx: &OpContext, id: &str) -> Result<(Contribution, bool)> {
        let reviews_all = Self::reviews_all(ctx);
        if !reviews_all {
            may_review(ctx, ContributionKind::Feedback)?;
        }
        let missing = || Error::not_found(format!("contribution `{id}`"));
        let contribution = self.store.contribution(id).await?.ok_or_else(missing)?;
        let is_work = contribution.content.kind() == ContributionKind::Work;
        if reviews_all {
            return Ok((contribution, true));
        }
        let provider = self.provider_of(&contribution).await?;
        match Self::permit(ctx, Action::AnswerFeedback, provider.as_ref()) {
            Ok(()) if !is_work => Ok((contribution, false)),
            _ => Err(missing()),
        }
    }

    /// The provider of the dataset that feedback is about, as the directory says now.
    async fn provider_of(&self, contribution: &Contribution) -> Result<Option<DepartmentId>> {
        let Contributed::Feedback(feedback) = &contribution.content else { return Ok(None) };
        let entry = self.store.entry(&feedback.resource).await?;
        Ok(entry.map(|entry| entry.published.map_or(entry.draft.provider, |published| published.provider)))
    }

    async fn open_to_contributions(&self, code: &ResourceCode) -> Result<String> {
        let listed = self.listed_for_all(code).await?;
        listed.map(|resource| resource.title).ok_or_else(|| Error::not_found(format!("resource {code}")))
    }

    /// The title of a dataset, where the public's directory lists it.
    async fn listed_title(
        &self,
        code: &ResourceCode,
        known: &mut BTreeMap<ResourceCode, Option<String>>,
    ) -> Result<Option<String>> {
        if let Some(title) = known.get(code) {
            return Ok(title.clone());
        }
        let title = self.listed_for_all(code).await?.map(|resource| resource.title);
        known.insert(code.clone(), title.clone());
        Ok(title)
    }

    /// As everybody sees it; nothing where its dataset is not listed any more.
    async fn shown_contribution(
        &self,
        contribution: Contribution,
        known: &mut BTreeMap<ResourceCode, Option<String>>,
    ) -> Result<Option<ShownContribution>> {
        let Contribution { id, at, author, mut content, reply, .. } = contribution;
        let (mut codes, mut titles) = (Vec::new(), Vec::new());
        for code in content.resources() {
            if let Some(title) = self.listed_title(code, known).await? {
                codes.push(code.clone());
                titles.push(title);
            }
        }
        if codes.is_empty() {
            return Ok(None);
        }
        if let Contributed::Work(work) = &mut content {
            work.resources = codes;
        }
        let author = match author {
            Author::Public => "public".to_owned(),
            Author::Developer(_) => "developer".to_owned(),
            Author::Department(department) => self.department_name(Some(&department)).await?,
        };
        let reply = match reply {
            Some(Reply { text, department, at, .. }) => {
                Some(ShownReply { text, department: self.department_name(Some(&department)).await?, at })
            }
            None => None,
        };
        Ok(Some(ShownContribution { id, at, author, content, titles, reply }))
    }

    async fn reviewed(&self, ctx: &OpContext, contribution: Contribution) -> Result<ReviewedContribution> {
        let mut titles = Vec::new();
        for code in contribution.content.resources() {
            let entry = self.store.entry(code).await?;
            titles.push(entry.map_or_else(|| code.to_string(), |entry| entry.draft.title));
        }
        let reviews_all = Self::reviews_all(ctx);
        let provider = self.provider_of(&contribution).await?;
        let is_provider = Self::permit(ctx, Action::AnswerFeedback, provider.as_ref()).is_ok();
        let waits = contribution.state == ContributionState::Waiting;
        let may_decide = reviews_all || (is_provider && waits && !is_own_word(ctx, &contribution));
        let may_answer = is_provider && contribution.state == ContributionState::Shown;
        let Contribution { id, at, author, content, contact, state, look, reply, .. } = contribution;
        let has_contact = reviews_all && contact.is_some();
        Ok(ReviewedContribution {
            id,
            at,
            author,
            content,
            titles,
            state,
            look,
            reply,
            has_contact,
            may_decide,
            may_answer,
        })
    }
}

/// Permits who may review something of that kind, of whichever department.
fn may_review(ctx: &OpContext, kind: ContributionKind) -> Result<()> {
    match kind {
        ContributionKind::Feedback => Services::permit_any(ctx, Action::AnswerFeedback),
        ContributionKind::Work => Services::permit(ctx, Action::ReviewContributions, None),
    }
}

/// Whether the caller's own department wrote it.
fn is_own_word(ctx: &OpContext, contribution: &Contribution) -> bool {
    matches!(&contribution.author, Author::Department(department) if ctx.principal.acts_for(department))
}

fn author(ctx: &OpContext) -> Author {
    let who = &ctx.principal;
    match &who.department {
        Some(department) => Author::Department(department.clone()),
        None if who.kind == PrincipalKind::Person && who.has(Role::Developer) => {
            Author::Developer(who.id.clone())
        }
        None => Author::Public,
    }
}
