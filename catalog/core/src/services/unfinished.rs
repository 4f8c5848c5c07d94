//! Unfinished drafts of a department's directory editors.

use std::collections::BTreeMap;

use super::Services;
use crate::context::OpContext;
use crate::directory::LifecycleStep;
use crate::directory::sheet::form::EntryCells;
use crate::directory::unfinished::{Unfinished, check_size};
use crate::error::{Error, ErrorCode, Result};
use crate::evidence::entity;
use crate::ids::{DepartmentId, ResourceCode};
use crate::policy::Action;
use crate::time::Timestamp;

impl Services {
    /// The unfinished drafts of the caller's department and of those that it continues, for its directory editors.
    pub async fn unfinished_drafts(&self, ctx: &OpContext) -> Result<Vec<Unfinished>> {
        Self::permit(ctx, Action::EditDirectory, ctx.principal.department.as_ref())?;
        let mut drafts = Vec::new();
        for department in ctx.principal.departments() {
            drafts.extend(self.store.unfinished_of(department).await?);
        }
        Ok(drafts)
    }

    /// One of them. Those of others are as if they were not there.
    pub async fn unfinished(&self, ctx: &OpContext, id: &str) -> Result<Unfinished> {
        Self::permit(ctx, Action::EditDirectory, ctx.principal.department.as_ref())?;
        let found = self.store.unfinished(id).await?;
        let own = found.filter(|draft| ctx.principal.acts_for(&draft.provider));
        own.ok_or_else(|| Error::not_found("unfinished draft of that id"))
    }

    /// Keeps what was typed, whatever rules it breaks, in the place of what was kept under the same id at `kept`: of a known entry
    /// its code in the form of addresses, of a new one a UUID.
    ///
    /// # Errors
    /// `conflict` where something else was kept since, `illegal_state` while the entry is under review, `too_large` for more than
    /// a form or a draft holds, `limit_rate` for more drafts than a department has.
    pub async fn keep_unfinished(
        &self,
        ctx: &OpContext,
        id: &str,
        revision: i64,
        kept: Option<Timestamp>,
        fields: &BTreeMap<String, String>,
    ) -> Result<Unfinished> {
        let (provider, code) = self.to_be_finished(ctx, id).await?;
        Self::permit(ctx, Action::EditDirectory, Some(&provider))?;
        let known = self.store.unfinished(id).await?;
        let is_own = known.as_ref().is_none_or(|known| ctx.principal.acts_for(&known.provider));
        if code.is_none() && !is_own {
            return Err(Error::not_found("unfinished draft of that id"));
        }
        // What stands there from before the entry was handed over is shown to nobody of its new department, and nobody of the old
        // one can save it: it gives way.
        let kept = known.as_ref().filter(|_| !is_own).map_or(kept, |known| Some(known.updated_at));
        let typed = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let fields = EntryCells::filled(typed)?.fields();
        check_size(&fields)?;
        let draft = Unfinished {
            id: id.to_owned(),
            provider,
            code,
            revision,
            fields,
            author: ctx.principal.id.clone(),
            // Two drafts of one id never have the same time, by which they are told apart.
            updated_at: known
                .map_or(ctx.now, |known| ctx.now.max(Timestamp(known.updated_at.0.saturating_add(1)))),
        };
        let change = Self::change(ctx, "unfinished.saved", entity::unfinished(id), &draft);
        self.store.put_unfinished(&draft, kept, &change).await?;
        self.relay().await?;
        Ok(draft)
    }

    /// Whose draft that is, and of which entry.
    async fn to_be_finished(
        &self,
        ctx: &OpContext,
        id: &str,
    ) -> Result<(DepartmentId, Option<ResourceCode>)> {
        if uuid::Uuid::try_parse(id).is_ok_and(|uuid| uuid.to_string() == id) {
            let none = || Error::new(ErrorCode::Forbidden, "entries belong to departments; sign in for one");
            return Ok((ctx.principal.department.clone().ok_or_else(none)?, None));
        }
        let unnamed =
            |_| Error::new(ErrorCode::InvalidInput, "name the draft by the code of its entry, or by a UUID");
        let code = ResourceCode::from_path(id).map_err(unnamed)?;
        let entry = self.entry(ctx, &code).await?;
        if code.path_form() != id {
            return Err(Error::not_found("unfinished draft of that id"));
        }
        if entry.state.after(LifecycleStep::Edit).is_none() {
            let message = format!("{code} is under review: nothing is edited until it is decided");
            return Err(Error::new(ErrorCode::IllegalState, message));
        }
        Ok((entry.draft.provider, Some(code)))
    }

    /// Forgets one of them: it is finished, or given up. Where the caller names the time at which it was kept, no other one.
    ///
    /// # Errors
    /// `conflict` where something else was kept since.
    pub async fn discard_unfinished(&self, ctx: &OpContext, id: &str, kept: Option<Timestamp>) -> Result<()> {
        let draft = self.unfinished(ctx, id).await?;
        let change = Self::change(ctx, "unfinished.discarded", entity::unfinished(id), &draft);
        self.store.delete_unfinished(id, kept.unwrap_or(draft.updated_at), &change).await?;
        self.relay().await
    }
}
