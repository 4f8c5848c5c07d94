//! What was published lately.

use std::collections::{BTreeMap, BTreeSet};

use super::Services;
use super::datasets::sees_versions;
use crate::context::OpContext;
use crate::dataset::{Audience, Standing, Version};
use crate::directory::Resource;
use crate::error::{ErrorCode, Result};
use crate::ids::ResourceCode;
use crate::ports::{SearchQuery, VersionPlace};

/// Versions fetched at a time.
const BATCH: u32 = 100;
/// Batches looked at for one page: most versions may be of data that the caller knows nothing of.
const BATCHES: u32 = 100;

/// A resource that the caller may read, and the audience of which the caller is.
type Readable = (Resource, Option<Audience>);

/// A page of versions, those published last first.
#[derive(Debug, Clone, PartialEq)]
pub struct RecentVersions {
    /// Each with its resource.
    pub versions: Vec<(Resource, Version)>,
    /// The place of the last of them, behind which older ones may be; `None` on the last page.
    pub next: Option<VersionPlace>,
}

impl Services {
    /// Versions of all resources, or of those that a search finds, that the caller may read, withdrawn and announced ones too: at most `limit` behind a place.
    /// A page may hold fewer and not be the last: 10,000 versions are looked at for one. Where none of so many is the caller's,
    /// the list ends, for a place of another's version would tell of it.
    pub async fn recent_versions(
        &self,
        ctx: &OpContext,
        search: Option<&SearchQuery>,
        after: Option<VersionPlace>,
        limit: usize,
    ) -> Result<RecentVersions> {
        // Once for the whole page: a search costs more than a batch of versions.
        let found: Option<BTreeSet<ResourceCode>> = match search {
            Some(search) => {
                let all = SearchQuery { limit: u32::MAX, ..search.clone() };
                Some(self.codes(ctx, all).await?.codes.into_iter().collect())
            }
            None => None,
        };
        let mut place = after;
        let mut known: BTreeMap<ResourceCode, Option<Readable>> = BTreeMap::new();
        let mut versions = Vec::new();
        for _ in 0..BATCHES {
            let batch = self.store.recent_versions(place.as_ref(), BATCH).await?;
            let is_last = batch.len() < BATCH as usize;
            for version in batch {
                if versions.len() == limit {
                    return Ok(page(versions));
                }
                place = Some(VersionPlace::of(&version));
                if found.as_ref().is_some_and(|found| !found.contains(&version.resource)) {
                    continue;
                }
                let readable = match known.get(&version.resource).cloned() {
                    Some(readable) => readable,
                    None => {
                        let readable = self.readable_by(ctx, &version.resource).await?;
                        known.insert(version.resource.clone(), readable.clone());
                        readable
                    }
                };
                if let Some((resource, audience)) = readable
                    && version.standing(ctx.now) != Standing::AwaitsReview
                    && version.is_cleared_for(audience)
                {
                    versions.push((resource, version));
                }
            }
            if is_last {
                return Ok(RecentVersions { versions, next: None });
            }
        }
        Ok(page(versions))
    }

    /// The resource, and the audience of which the caller is, if the caller may read it.
    async fn readable_by(&self, ctx: &OpContext, code: &ResourceCode) -> Result<Option<Readable>> {
        let resource = match self.resource(ctx, code).await {
            Err(error) if error.code == ErrorCode::NotFound => return Ok(None),
            found => found?,
        };
        let grants = self.store.grants_on(code).await?;
        match sees_versions(ctx, &resource, &grants) {
            Err(error) if error.code == ErrorCode::AmbiguousGrant => Ok(None),
            seen => Ok(seen?.map(|audience| (resource, audience))),
        }
    }
}

/// A page that others may follow.
fn page(versions: Vec<(Resource, Version)>) -> RecentVersions {
    let next = versions.last().map(|(_, version)| VersionPlace::of(version));
    RecentVersions { versions, next }
}
