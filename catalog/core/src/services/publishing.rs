//! Publishing versions, and the review of those that change the shape of a dataset.

use super::datasets::is_refusal;
use super::{Look, Services};
use crate::context::OpContext;
use crate::dataset::Version;
use crate::error::{Error, ErrorCode, Result};
use crate::evidence::{Fact, entity};
use crate::ids::ResourceCode;
use crate::matter::Matter;
use crate::policy::Action;
use crate::ports::MatterChange;

impl Services {
    /// The next version number of a resource, for the one who is about to write its objects.
    pub async fn next_version(&self, ctx: &OpContext, code: &ResourceCode) -> Result<i64> {
        Self::permit_any(ctx, Action::IngestData)?;
        let resource = self.published(code).await?;
        Self::permit(ctx, Action::IngestData, Some(&resource.provider))?;
        let versions = self.store.versions(code).await?;
        Ok(versions.last().map_or(1, |version| version.number + 1))
    }

    /// Publishes a written and verified version, in one catalogue transaction, and answers it as it is recorded.
    ///
    /// A breaking change is announced by it and is in effect after review and notice. One in the shape of a change that
    /// is announced already belongs to that announcement: it keeps its notice, its review and its date.
    ///
    /// Readers outside government see it once it is cleared: at once where the machine finds nothing new in what is open of
    /// it, else when a review of it has passed. Until then they keep the last one that is.
    pub async fn publish_version(
        &self,
        ctx: &OpContext,
        look: &Look<'_>,
        mut version: Version,
    ) -> Result<Version> {
        let entry = self.published_entry(&version.resource).await?;
        let provider = entry.published.as_ref().map(|resource| &resource.provider);
        Self::permit(ctx, Action::PublishData, provider)?;
        let versions = self.store.versions(&version.resource).await?;
        // Uploads that began earlier may end later, and clocks are set back: versions keep the order of their numbers.
        version.published_at = versions.iter().fold(version.published_at, |at, one| at.max(one.published_at));
        join_announcement(ctx, &mut version, &versions)?;
        let name = entity::version(version.number, &version.resource);
        let action = if version.breaking.is_some() { "version.announced" } else { "version.published" };
        let waiting = self.clear(ctx, look, &entry, &mut version).await?;
        let published =
            Self::change(ctx, action, name, &version).stating(Fact::of_version(&version, ctx.now));
        let opened = |matter: Matter| {
            let event = Self::matter_event(ctx, &matter);
            (matter, None, event)
        };
        let mut change = MatterChange {
            matters: waiting.into_iter().map(opened).collect(),
            version: Some((version.clone(), published)),
            ..MatterChange::default()
        };
        if let Some(resource) = entry.published.as_ref().filter(|_| version.breaking.is_none()) {
            self.data_are_there(ctx, resource, &mut change).await?;
        }
        self.store.save_matters(&change).await?;
        self.relay().await?;
        Ok(version)
    }

    /// The changes of columns that await review in the caller's departments: the newest of each resource with its title, and what keeps
    /// the caller from reviewing it.
    pub async fn versions_to_review(&self, ctx: &OpContext) -> Result<Vec<(String, Version, Option<Error>)>> {
        let mut found = Vec::new();
        for entry in self.entries(ctx).await? {
            let Some(resource) = &entry.published else { continue };
            match self.permit_versions(ctx, &resource.code).await {
                // Who may know of no version is shown none.
                Err(error) if is_refusal(error.code) => continue,
                permitted => permitted?,
            };
            let versions = self.store.breaking_versions(&resource.code).await?;
            let Some(version) = awaiting(&versions, ctx) else { continue };
            let permitted = Self::permit(ctx, Action::ReviewData, Some(&resource.provider));
            let hindrance = permitted.err().or_else(|| self.review_hindrance(ctx, &versions));
            found.push((resource.title.clone(), version.clone(), hindrance));
        }
        Ok(found)
    }

    /// What keeps a reviewer of the provider from reviewing the change that awaits it among the versions of a resource, the oldest first.
    pub fn review_hindrance(&self, ctx: &OpContext, versions: &[Version]) -> Option<Error> {
        awaiting(versions, ctx).and_then(|version| check_no_hand_in(ctx, version, versions).err())
    }

    /// Consents to a breaking change, as another person of the provider: from now on its notice runs.
    pub async fn review_version(&self, ctx: &OpContext, code: &ResourceCode, number: i64) -> Result<Version> {
        Self::permit_any(ctx, Action::ReviewData)?;
        let resource = self.published(code).await?;
        Self::permit(ctx, Action::ReviewData, Some(&resource.provider))?;
        let versions = self.store.versions(code).await?;
        let mut version = match awaiting(&versions, ctx) {
            Some(newest) if newest.number == number => newest.clone(),
            Some(newest) => {
                let message = format!("version {} of {code} is the newest that awaits review", newest.number);
                return Err(Error::new(ErrorCode::IllegalState, message));
            }
            None => {
                let message = format!("no version of {code} awaits review");
                return Err(Error::new(ErrorCode::IllegalState, message));
            }
        };
        check_no_hand_in(ctx, &version, &versions)?;
        let Some(breaking) = &mut version.breaking else { return Ok(version) };
        let review = breaking.reviewed(&ctx.principal.id, ctx.now);
        breaking.review = Some(review.clone());
        let change = Self::change(ctx, "version.reviewed", entity::version(number, code), &version)
            .stating(Fact::of_version(&version, ctx.now));
        self.store.review_version(code, number, &review, &change).await?;
        self.relay().await?;
        Ok(version)
    }
}

/// The newest version that awaits review.
fn awaiting<'a>(versions: &'a [Version], ctx: &OpContext) -> Option<&'a Version> {
    let awaits = |version: &&Version| {
        version.is_pending(ctx.now) && version.breaking.as_ref().is_some_and(|change| change.review.is_none())
    };
    versions.iter().rfind(awaits)
}

/// Refuses who delivered a version of the change: deliveries in between join the announcement, and whoever made one of them has a
/// hand in it.
fn check_no_hand_in(ctx: &OpContext, version: &Version, versions: &[Version]) -> Result<()> {
    let is_of_change = |other: &&Version| {
        let shapes = [other, &version].map(|one| one.breaking.as_ref().map(|change| &change.shape));
        other.is_pending(ctx.now) && shapes[0] == shapes[1]
    };
    match versions.iter().filter(is_of_change).find(|other| other.published_by == ctx.principal.id) {
        None => Ok(()),
        Some(own) => {
            let message = format!(
                "you delivered version {} of this change; another person of the department reviews it",
                own.number
            );
            Err(Error::new(ErrorCode::Forbidden, message))
        }
    }
}

/// Puts a breaking version under the announcement of its shape that is under way, if there is one.
fn join_announcement(ctx: &OpContext, version: &mut Version, versions: &[Version]) -> Result<()> {
    let Some(new) = &mut version.breaking else { return Ok(()) };
    let pending = versions.iter().rev().filter(|version| version.is_pending(ctx.now));
    let Some(announced) = pending.flat_map(|version| &version.breaking).find(|one| one.shape == new.shape)
    else {
        new.review = None;
        return Ok(());
    };
    if announced.review.as_ref().is_some_and(|review| review.by == ctx.principal.id) {
        let message = "you reviewed this change; another person of the department delivers its data";
        return Err(Error::new(ErrorCode::Forbidden, message));
    }
    *new = announced.clone();
    Ok(())
}
