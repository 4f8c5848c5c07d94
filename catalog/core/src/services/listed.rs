//! What the directory tells of a resource to whoever may look it up: for catalogues that others read.

use super::Services;
use super::datasets::is_refusal;
use crate::context::OpContext;
use crate::dataset::{self, Version};
use crate::directory::Resource;
use crate::directory::resource::Entry;
use crate::error::{Error, Result};
use crate::ids::ResourceCode;
use crate::policy::{BoundPolicy, Grant, GrantKind, audience_of, decide_read};
use crate::time::Timestamp;

/// An entry of the caller's directory.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// The published resource.
    pub resource: Resource,
    /// Its newest version, where the caller may read it.
    pub version: Option<Version>,
    /// What the caller sees of its data as the directory stands now, where that is anything.
    pub policy: Option<BoundPolicy>,
    /// When the first version took effect that the caller may read.
    pub since: Option<Timestamp>,
    /// When what is told here last changed: the entry, its versions, its opening. `None` where nobody can say.
    pub modified: Option<Timestamp>,
}

impl Services {
    /// The entry, if the caller's directory lists it. It is no read of data.
    pub async fn listed(&self, ctx: &OpContext, code: &ResourceCode) -> Result<Listed> {
        let missing = || Error::not_found(format!("resource {code}"));
        let entry = self.published_entry(code).await?;
        let resource = entry.published.clone().ok_or_else(missing)?;
        if !ctx.principal.sees_whole_directory() && !resource.is_publicly_listed() {
            return Err(missing());
        }
        let grants = self.store.grants_on(code).await?;
        let (versions, policy) = self.readable_versions(ctx, &resource, &grants).await?;
        let effective = dataset::in_effect(&versions, ctx.now);
        let modified = changes(&entry, effective.iter().copied(), &grants).into_iter().max();
        let since = effective.iter().filter_map(|version| version.effective_from()).min();
        let version = dataset::latest(&versions, ctx.now).cloned();
        let resource = self.shown_to(ctx, resource).await?;
        Ok(Listed { resource, version, policy, since, modified })
    }

    async fn readable_versions(
        &self,
        ctx: &OpContext,
        resource: &Resource,
        grants: &[Grant],
    ) -> Result<(Vec<Version>, Option<BoundPolicy>)> {
        let granted = decide_read(ctx, resource, grants).into_policy();
        let granted = granted.and_then(|granted| Ok((granted, audience_of(ctx, resource, grants)?)));
        match granted {
            Ok((granted, audience)) => {
                let mut versions = self.store.versions(&resource.code).await?;
                versions.retain(|version| version.is_cleared_for(audience));
                Ok((versions, Some(granted.policy)))
            }
            Err(error) if is_refusal(error.code) => Ok((Vec::new(), None)),
            Err(error) => Err(error),
        }
    }
}

/// When what is told of an entry changed, or will: the entry itself, these versions of it, its opening to the public.
pub fn changes<'a>(
    entry: &Entry,
    versions: impl Iterator<Item = &'a Version>,
    grants: &[Grant],
) -> Vec<Timestamp> {
    // While a draft goes on from what is published, the entry's time is the draft's.
    let is_settled = entry.published.as_ref() == Some(&entry.draft);
    let of_versions = versions.filter_map(|version| {
        let ended = version.tombstone.as_ref().map(|end| end.at);
        version.effective_from().map(|began| began.max(ended.unwrap_or(began)))
    });
    let of_entry = is_settled.then_some(entry.updated_at);
    of_entry.into_iter().chain(of_versions).chain(openings(grants)).collect()
}

/// When items were opened to the public, and closed again.
fn openings(grants: &[Grant]) -> impl Iterator<Item = Timestamp> {
    let public = grants.iter().filter(|grant| grant.terms.kind == GrantKind::Public);
    public.flat_map(|grant| {
        [Some(grant.created_at), grant.revocation.as_ref().map(|end| end.at)].into_iter().flatten()
    })
}
