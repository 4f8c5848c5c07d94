//! The history of an entry, for its department and for those who supervise.

use super::Services;
use crate::context::{OpContext, Role};
use crate::directory::Resource;
use crate::directory::diff::{Change, diff};
use crate::directory::history::{HistoryPart, steps};
use crate::directory::resource::Entry;
use crate::error::{Error, Result};
use crate::ids::ResourceCode;

/// Steps that are told at a time: each may hold all of a draft.
const PART: usize = 50;

impl Services {
    /// The steps of an entry, the newest first, those behind a revision in that order: for the people of its department with what each changed, for officers of the
    /// authority and auditors without, for drafts are the department's own.
    ///
    /// # Errors
    /// `not_found` to everybody else.
    pub async fn entry_history(
        &self,
        ctx: &OpContext,
        code: &ResourceCode,
        after: Option<i64>,
    ) -> Result<HistoryPart> {
        let entry = self.overseen_entry(ctx, code).await?;
        let is_own = ctx.principal.acts_for(&entry.draft.provider);
        let limit = u32::try_from(PART + 1).unwrap_or(u32::MAX);
        let mut history = self.store.entry_history(code, after, limit).await?;
        // One more than is told: what the oldest that is told has changed is told by it.
        let earlier = history.get(PART).map(|revision| revision.revision);
        history.truncate(PART);
        let next = history.last().map(|oldest| oldest.revision).filter(|_| earlier.is_some());
        let before = match earlier.filter(|_| is_own) {
            Some(earlier) => self.store.draft_at(code, earlier).await?,
            None => None,
        };
        Ok(HistoryPart { steps: steps(history, before, is_own), next })
    }

    /// The entry for who may see its history.
    ///
    /// # Errors
    /// `not_found` to everybody else.
    pub async fn overseen_entry(&self, ctx: &OpContext, code: &ResourceCode) -> Result<Entry> {
        let principal = &ctx.principal;
        let oversees = principal.has(Role::AuthorityOfficer) || principal.has(Role::Auditor);
        let found = self.store.entry(code).await?;
        let seen = found.filter(|entry| oversees || principal.acts_for(&entry.draft.provider));
        seen.ok_or_else(|| Error::not_found(format!("resource {code}")))
    }

    /// What differs in the draft between two revisions, for its department.
    ///
    /// # Errors
    /// `not_found` for a revision that the history does not know.
    pub async fn entry_difference(
        &self,
        ctx: &OpContext,
        code: &ResourceCode,
        from: i64,
        to: i64,
    ) -> Result<Vec<Change>> {
        self.entry(ctx, code).await?;
        let (from, to) = (self.draft_at(code, from).await?, self.draft_at(code, to).await?);
        Ok(diff(Some(&from), &to))
    }

    async fn draft_at(&self, code: &ResourceCode, revision: i64) -> Result<Resource> {
        let unknown = || Error::not_found(format!("revision {revision} of {code} in its history"));
        self.store.draft_at(code, revision).await?.ok_or_else(unknown)
    }
}
