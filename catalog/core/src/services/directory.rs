//! Writing, reviewing, publishing and finding directory entries.

use super::Services;
use super::lineage::Known;
use crate::context::OpContext;
use crate::directory::resource::Entry;
use crate::directory::{LifecycleStep, Resource, rules};
use crate::error::{Error, ErrorCode, Result};
use crate::evidence::{EvidenceRecord, Fact, entity};
use crate::ids::{DepartmentId, ResourceCode};
use crate::policy::{Action, Grant, Revocation};
use crate::ports::{CodePage, Cut, GrantEnding, SearchPage, SearchQuery};

/// The most hits on one page of a search.
const MAX_HITS: u32 = 100;

impl Services {
    /// The published resource of that code, whoever asks: for services that decide themselves what is shown.
    pub(super) async fn published(&self, code: &ResourceCode) -> Result<Resource> {
        let published = self.published_entry(code).await?.published;
        published.ok_or_else(|| Error::not_found(format!("resource {code}")))
    }

    /// The same with what the directory keeps of it.
    pub(super) async fn published_entry(&self, code: &ResourceCode) -> Result<Entry> {
        let entry = self.store.entry(code).await?.filter(|entry| entry.published.is_some());
        entry.ok_or_else(|| Error::not_found(format!("resource {code}")))
    }

    /// The published resource, if the caller's directory lists it: every published one for departments, open and
    /// conditionally open ones for everybody else.
    pub async fn resource(&self, ctx: &OpContext, code: &ResourceCode) -> Result<Resource> {
        let resource = self.published(code).await?;
        if !ctx.principal.sees_whole_directory() && !resource.is_publicly_listed() {
            return Err(Error::not_found(format!("resource {code}")));
        }
        self.shown_to(ctx, resource).await
    }

    /// The entry with its draft and state, for those who write or review it.
    pub async fn entry(&self, ctx: &OpContext, code: &ResourceCode) -> Result<Entry> {
        let missing = || Error::not_found(format!("resource {code}"));
        let entry = self.store.entry(code).await?.ok_or_else(missing)?;
        if !ctx.principal.acts_for(&entry.draft.provider) {
            return Err(missing());
        }
        Ok(entry)
    }

    /// All entries of the caller's department and of those that it continues, by department and code.
    pub async fn entries(&self, ctx: &OpContext) -> Result<Vec<Entry>> {
        if ctx.principal.department.is_none() {
            return Err(Error::new(ErrorCode::Forbidden, "entries belong to departments; sign in for one"));
        }
        let mut entries = Vec::new();
        for department in ctx.principal.departments() {
            entries.extend(self.store.entries(Some(department)).await?);
        }
        Ok(entries)
    }

    /// Searches the published directory; the public finds only what is open or conditionally open.
    pub async fn search(&self, ctx: &OpContext, mut query: SearchQuery) -> Result<SearchPage> {
        query.public_only = !ctx.principal.sees_whole_directory();
        query.now = ctx.now;
        query.limit = if query.limit == 0 { 20 } else { query.limit.min(MAX_HITS) };
        self.store.search(&query).await
    }

    /// The codes of what a search in the caller's directory finds, however many are asked for.
    pub async fn codes(&self, ctx: &OpContext, mut query: SearchQuery) -> Result<CodePage> {
        query.public_only = !ctx.principal.sees_whole_directory();
        query.now = ctx.now;
        self.store.codes(&query).await
    }

    /// A number that every change to the catalogue makes greater.
    pub async fn revision(&self) -> Result<i64> {
        self.store.revision().await
    }

    /// Takes a code for a new resource of a classification.
    pub async fn allocate_code(
        &self,
        ctx: &OpContext,
        provider: &DepartmentId,
        classification: &str,
    ) -> Result<ResourceCode> {
        Self::permit(ctx, Action::EditDirectory, Some(provider))?;
        ResourceCode::new(format!("{classification}/1"))?;
        let sequence = self.store.next_sequence(classification).await?;
        ResourceCode::new(format!("{classification}/{sequence:06}"))
    }

    /// Writes a draft: a new entry, or a change to one. All rules of the directory are checked.
    pub async fn save_draft(&self, ctx: &OpContext, resource: Resource) -> Result<Entry> {
        Self::permit(ctx, Action::EditDirectory, Some(&resource.provider))?;
        let problems = rules::check(&resource);
        if !problems.is_empty() {
            return Err(Error::invalid(format!("the resource {} breaks rules", resource.code), problems));
        }
        self.check_sources(ctx, &resource, Known::Nothing).await?;
        let known = self.store.entry(&resource.code).await?;
        if known.as_ref().is_some_and(|entry| entry.draft.provider != resource.provider) {
            let message = format!("the code {} belongs to another department", resource.code);
            return Err(Error::new(ErrorCode::Conflict, message));
        }
        let expected = known.as_ref().map(|entry| entry.revision);
        let author = &ctx.principal.id;
        let entry = match known {
            None => Entry::new(resource, author, ctx.now),
            Some(mut entry) => {
                entry.edit(resource, author, ctx.now)?;
                entry
            }
        };
        let change = entry_change(ctx, "resource.edited", &entry);
        self.store.save_entry(&entry, expected, &change).await?;
        self.relay().await?;
        Ok(entry)
    }

    /// Moves an entry one step on. A review step is taken by none of the draft's authors; a return, rejection or withdrawal
    /// carries a remark. A withdrawal ends all grants on the resource, also for the case that it is published again.
    pub async fn advance(
        &self,
        ctx: &OpContext,
        code: &ResourceCode,
        action: LifecycleStep,
        remark: Option<String>,
    ) -> Result<Entry> {
        let mut entry = self.entry(ctx, code).await?;
        let right = if action.is_review() { Action::ReviewDirectory } else { Action::EditDirectory };
        Self::permit(ctx, right, Some(&entry.draft.provider))?;
        match action {
            LifecycleStep::SubmitPublication => {
                self.check_sources(ctx, &entry.draft, Known::Entered).await?;
            }
            LifecycleStep::ApprovePublication => {
                self.check_sources(ctx, &entry.draft, Known::Published).await?;
            }
            _ => {}
        }
        let expected = entry.revision;
        entry.advance(action, &ctx.principal.id, remark, ctx.now)?;
        let change = entry_change(ctx, event_name(action), &entry);
        let saved = if action == LifecycleStep::Withdraw {
            let endings = self.endings(ctx, &entry).await?;
            self.store.withdraw_entry(&entry, expected, &endings, &change).await
        } else {
            self.store.save_entry(&entry, Some(expected), &change).await
        };
        // What is published anew shows perhaps less.
        if matches!(action, LifecycleStep::Withdraw | LifecycleStep::ApprovePublication) {
            self.cut(Cut::Resource(code.clone()));
        }
        saved?;
        self.relay().await?;
        Ok(entry)
    }

    /// The steps that an entry's state allows next, edits aside, each with what keeps the caller from taking it.
    pub fn entry_steps(&self, ctx: &OpContext, entry: &Entry) -> Vec<(LifecycleStep, Option<Error>)> {
        let steps = LifecycleStep::ALL.into_iter().filter(|step| *step != LifecycleStep::Edit);
        let steps = steps.filter(|step| entry.state.after(*step).is_some());
        // Of what was never published nothing can be taken out of force.
        let steps = steps.filter(|step| *step != LifecycleStep::Withdraw || entry.published.is_some());
        let hindrance = |step: LifecycleStep| {
            let right = if step.is_review() { Action::ReviewDirectory } else { Action::EditDirectory };
            let permitted = Self::permit(ctx, right, Some(&entry.draft.provider));
            let remark = Some("…".to_owned());
            permitted.and_then(|()| entry.clone().advance(step, &ctx.principal.id, remark, ctx.now)).err()
        };
        steps.map(|step| (step, hindrance(step))).collect()
    }

    /// The ends of all grants on a resource that is withdrawn, with their evidence.
    async fn endings(&self, ctx: &OpContext, entry: &Entry) -> Result<Vec<GrantEnding>> {
        let remark = entry.remark.as_deref().unwrap_or_default();
        let revocation = Revocation {
            at: ctx.now,
            by: ctx.principal.id.clone(),
            reason: format!("the resource was withdrawn: {remark}"),
        };
        let grants = self.store.grants_on(&entry.draft.code).await?;
        let running = grants.into_iter().filter(|grant| !grant.has_ended(ctx.now));
        let ending = |grant: Grant| GrantEnding {
            change: Self::change(ctx, "grant.revoked", entity::grant(&grant.id), &revocation),
            revocation: revocation.clone(),
            grant: grant.id,
        };
        Ok(running.map(ending).collect())
    }
}

/// The evidence of a change to an entry.
pub(super) fn entry_change(ctx: &OpContext, action: &str, entry: &Entry) -> EvidenceRecord {
    Services::change(ctx, action, entity::resource(&entry.draft.code), entry).stating(Fact::of_entry(entry))
}

fn event_name(step: LifecycleStep) -> &'static str {
    match step {
        LifecycleStep::Edit => "resource.edited",
        LifecycleStep::SubmitRegistration => "resource.registration_submitted",
        LifecycleStep::ApproveRegistration => "resource.registered",
        LifecycleStep::SubmitPublication => "resource.publication_submitted",
        LifecycleStep::ApprovePublication => "resource.published",
        LifecycleStep::Return => "resource.returned",
        LifecycleStep::Reject => "resource.rejected",
        LifecycleStep::Withdraw => "resource.withdrawn",
    }
}
