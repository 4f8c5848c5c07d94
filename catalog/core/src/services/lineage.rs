//! Sources of a resource: they exist, and none is made from it.

use super::Services;
use crate::context::OpContext;
use crate::directory::Resource;
use crate::directory::lineage::Walk;
use crate::error::{Error, Problem, Result};
use crate::ids::ResourceCode;

/// What must be known of each source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// Nothing: a directory is written in any order.
    Nothing,
    /// It is published, or entered by the same department.
    Entered,
    /// It is published.
    Published,
}

impl Services {
    /// Refuses sources that are not known as they must be, or that are made from the resource. Of other departments only what is
    /// published counts: nobody learns of their drafts, and what they publish is checked when they do.
    ///
    /// # Errors
    /// `invalid_input` at `derived_from`.
    pub(super) async fn check_sources(
        &self,
        ctx: &OpContext,
        resource: &Resource,
        known: Known,
    ) -> Result<()> {
        if resource.derived_from.is_empty() {
            return Ok(());
        }
        let mut problems = Vec::new();
        for code in &resource.derived_from {
            if !self.is_known(ctx, code, known).await? {
                let message = format!(
                    "{code} is not in the directory, or not published: correct it, or publish it first"
                );
                problems.push(Problem::new("derived_from", "derived_from.unknown", message));
            }
        }
        let mut walk = Walk::from(resource);
        while let Some(code) = walk.next_code() {
            let Some(entry) = self.store.entry(&code).await? else { continue };
            let is_own = known != Known::Published && ctx.principal.acts_for(&entry.draft.provider);
            let own = is_own.then_some(&entry.draft);
            walk.found(own.into_iter().chain(&entry.published).flat_map(|source| &source.derived_from));
        }
        if walk.comes_back() {
            let message =
                format!("{} would be made from itself, by way of others: one of them must go", resource.code);
            problems.push(Problem::new("derived_from", "derived_from.circle", message));
        }
        match problems.is_empty() {
            true => Ok(()),
            false => Err(Error::invalid(format!("the sources of {} are not right", resource.code), problems)),
        }
    }

    async fn is_known(&self, ctx: &OpContext, code: &ResourceCode, known: Known) -> Result<bool> {
        if known == Known::Nothing {
            return Ok(true);
        }
        let entry = self.store.entry(code).await?;
        Ok(entry.is_some_and(|entry| {
            let is_own = known == Known::Entered && ctx.principal.acts_for(&entry.draft.provider);
            is_own || entry.published.is_some()
        }))
    }
}
