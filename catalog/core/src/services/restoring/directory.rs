//! Entries of the directory: what was withdrawn is withdrawn again, and what was published anew is out of force until it is
//! said anew.

use super::super::{Services, directory};
use super::{EndedAgain, again};
use crate::context::OpContext;
use crate::directory::LifecycleStep;
use crate::error::Result;
use crate::evidence::{EvidenceRecord, entity};
use crate::ids::ResourceCode;
use crate::policy::Revocation;
use crate::ports::GrantEnding;

impl Services {
    /// Withdraws an entry that is published, with all grants on it.
    pub(super) async fn withdraw_again(
        &self,
        ctx: &OpContext,
        code: &ResourceCode,
        reason: String,
    ) -> Result<bool> {
        let found = self.store.entry(code).await?;
        let Some(mut entry) = found.filter(|entry| entry.published.is_some()) else { return Ok(false) };
        let expected = entry.revision;
        // The operator may have edited the entry; here nobody reviews it.
        let by = "platform";
        entry.advance(LifecycleStep::Withdraw, by, Some(reason.clone()), ctx.now)?;
        let revocation = Revocation { at: ctx.now, by: by.to_owned(), reason };
        let grants = self.store.grants_on(code).await?;
        let endings: Vec<_> = grants
            .into_iter()
            .filter(|grant| grant.revocation.is_none())
            .map(|grant| GrantEnding {
                change: Self::change(ctx, "grant.revoked", entity::grant(&grant.id), &revocation),
                revocation: revocation.clone(),
                grant: grant.id,
            })
            .collect();
        let change = directory::entry_change(ctx, "resource.withdrawn", &entry);
        self.store.withdraw_entry(&entry, expected, &endings, &change).await?;
        Ok(true)
    }

    /// Takes an entry out of force that was published anew after the backup: the log does not say what was closed by that.
    /// Its grants stay, and hold again under what is published next.
    pub(super) async fn suspend_entry(
        &self,
        ctx: &OpContext,
        record: &EvidenceRecord,
        code: &ResourceCode,
    ) -> Result<Option<EndedAgain>> {
        let found = self.store.entry(code).await?;
        let Some(mut entry) = found.filter(|entry| entry.published.is_some()) else { return Ok(None) };
        let expected = entry.revision;
        entry.suspend(again(record), ctx.now);
        let change = directory::entry_change(ctx, "resource.suspended", &entry);
        self.store.save_entry(&entry, Some(expected), &change).await?;
        Ok(Some(EndedAgain::of(&change)))
    }
}
