//! Writing, reviewing, publishing and finding directory entries.

use super::Services;
use crate::context::OpContext;
use crate::directory::resource::Entry;
use crate::directory::{LifecycleState, LifecycleStep, Resource, rules};
use crate::error::{Error, ErrorCode, Result};
use crate::ids::{DepartmentId, ResourceCode};
use crate::policy::Action;
use crate::ports::{SearchPage, SearchQuery};

/// The most hits on one page of a search.
const MAX_HITS: u32 = 100;

impl Services {
    /// The published resource of that code, whoever asks: for services that decide themselves what is shown.
    pub(super) async fn published(&self, code: &ResourceCode) -> Result<Resource> {
        let entry = self.store.entry(code).await?;
        entry.and_then(|entry| entry.published).ok_or_else(|| Error::not_found(format!("resource {code}")))
    }

    /// The published resource, if the caller's directory lists it: every published one for departments, open and
    /// conditionally open ones for everybody else.
    pub async fn resource(&self, ctx: &OpContext, code: &ResourceCode) -> Result<Resource> {
        let resource = self.published(code).await?;
        if !ctx.principal.sees_whole_directory() && !resource.is_publicly_listed() {
            return Err(Error::not_found(format!("resource {code}")));
        }
        Ok(resource)
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

    /// All entries of the caller's department, by code.
    pub async fn entries(&self, ctx: &OpContext) -> Result<Vec<Entry>> {
        match &ctx.principal.department {
            Some(department) => self.store.entries(Some(department)).await,
            None => Err(Error::new(ErrorCode::Forbidden, "entries belong to departments; sign in for one")),
        }
    }

    /// Searches the published directory; the public finds only what is open or conditionally open.
    pub async fn search(&self, ctx: &OpContext, mut query: SearchQuery) -> Result<SearchPage> {
        query.public_only = !ctx.principal.sees_whole_directory();
        query.limit = if query.limit == 0 { 20 } else { query.limit.min(MAX_HITS) };
        self.store.search(&query).await
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
        let known = self.store.entry(&resource.code).await?;
        if known.as_ref().is_some_and(|entry| entry.draft.provider != resource.provider) {
            let message = format!("the code {} belongs to another department", resource.code);
            return Err(Error::new(ErrorCode::Conflict, message));
        }
        let state = match &known {
            Some(entry) => step(entry.state, LifecycleStep::Edit)?,
            None => LifecycleState::Draft,
        };
        let expected = known.as_ref().map(|entry| entry.revision);
        let entry = Entry {
            draft: resource,
            published: known.and_then(|entry| entry.published),
            state,
            revision: expected.unwrap_or(0) + 1,
            author: ctx.principal.id.clone(),
            remark: None,
            updated_at: ctx.now,
        };
        self.save(ctx, entry, expected, "resource.edited").await
    }

    /// Moves an entry one step on. A review step is another person's than the author's; a return or rejection
    /// carries a remark.
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
        if action.is_review() && entry.author == ctx.principal.id {
            let message = format!("you wrote {code}; another person of the department reviews it");
            return Err(Error::new(ErrorCode::Forbidden, message));
        }
        let needs_remark =
            matches!(action, LifecycleStep::Return | LifecycleStep::Reject | LifecycleStep::Withdraw);
        if needs_remark && remark.as_deref().is_none_or(|text| text.trim().is_empty()) {
            return Err(Error::new(ErrorCode::InvalidInput, "say why, in a remark"));
        }
        entry.state = step(entry.state, action)?;
        if action == LifecycleStep::Withdraw && entry.published.is_none() {
            let message = format!("{code} is not published, so there is nothing to withdraw");
            return Err(Error::new(ErrorCode::IllegalState, message));
        }
        match action {
            LifecycleStep::ApprovePublication => publish(ctx, &mut entry),
            LifecycleStep::Withdraw => entry.published = None,
            _ => {}
        }
        let expected = entry.revision;
        entry.revision += 1;
        entry.remark = remark;
        entry.updated_at = ctx.now;
        self.save(ctx, entry, Some(expected), event_name(action)).await
    }

    async fn save(
        &self,
        ctx: &OpContext,
        entry: Entry,
        expected: Option<i64>,
        action: &str,
    ) -> Result<Entry> {
        let change = Self::change(ctx, action, format!("resource {}", entry.draft.code), &entry);
        self.store.save_entry(&entry, expected, &change).await?;
        self.relay().await?;
        Ok(entry)
    }
}

fn publish(ctx: &OpContext, entry: &mut Entry) {
    entry.draft.published_on.get_or_insert(ctx.now.shanghai_date());
    entry.published = Some(entry.draft.clone());
}

fn step(state: LifecycleState, step: LifecycleStep) -> Result<LifecycleState> {
    state.after(step).ok_or_else(|| {
        let offered = LifecycleStep::ALL.into_iter().filter(|step| state.after(*step).is_some());
        let offered: Vec<_> = offered.map(LifecycleStep::label).collect();
        let message = format!(
            "an entry in state {} can't take the step {}; it can take: {}",
            state.label(),
            step.label(),
            offered.join(", ")
        );
        Error::new(ErrorCode::IllegalState, message)
    })
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
