//! Other resources that a description names: nobody learns from one entry of another that they may not know of.

use super::Services;
use crate::context::OpContext;
use crate::directory::{Opening, Reference, Resource};
use crate::error::Result;
use crate::ids::ResourceCode;

impl Services {
    /// The resource without the names of what the caller's directory does not list: related resources, sources, and items that
    /// refer to others.
    pub(super) async fn shown_to(&self, ctx: &OpContext, mut resource: Resource) -> Result<Resource> {
        if ctx.principal.sees_whole_directory() {
            return Ok(resource);
        }
        for code in std::mem::take(&mut resource.related) {
            if self.listed_for_all(&code).await?.is_some() {
                resource.related.push(code);
            }
        }
        for code in std::mem::take(&mut resource.derived_from) {
            if self.listed_for_all(&code).await?.is_some() {
                resource.derived_from.push(code);
            }
        }
        for item in &mut resource.items {
            if let Some(reference) = &item.reference
                && !self.is_known_to_all(reference).await?
            {
                item.reference = None;
            }
        }
        Ok(resource)
    }

    /// The resource, if the public's directory lists it.
    pub(super) async fn listed_for_all(&self, code: &ResourceCode) -> Result<Option<Resource>> {
        let published = self.store.entry(code).await?.and_then(|entry| entry.published);
        Ok(published.filter(Resource::is_publicly_listed))
    }

    async fn is_known_to_all(&self, reference: &Reference) -> Result<bool> {
        let resource = self.listed_for_all(&reference.resource).await?;
        let item = resource.as_ref().and_then(|resource| resource.item(reference.column.as_str()));
        Ok(item.is_some_and(|item| item.opening != Opening::Closed))
    }
}
