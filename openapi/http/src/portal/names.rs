//! Names of people and departments for pages of the desk.

use std::collections::{BTreeMap, BTreeSet};

use catalog_core::services::MOST_NAMES;
use catalog_core::{ErrorCode, ResourceCode, Result};
use openapi_portal::Names;

use super::visit::Visit;

impl Visit {
    /// The names of all departments, and of whoever is behind these login names and keys, as far as the visitor is told them:
    /// the others keep what they are called by.
    pub(crate) async fn names<'i>(&self, ids: impl IntoIterator<Item = &'i str>) -> Result<Names> {
        let services = &self.app.services;
        let ids: BTreeSet<_> = ids.into_iter().map(str::to_owned).collect();
        let ids = ids.into_iter().take(MOST_NAMES).collect();
        let departments = services.departments(&self.ctx).await?;
        let people = match services.names(&self.ctx, &ids).await {
            Err(error) if error.code == ErrorCode::Forbidden => Vec::new(),
            found => found?,
        };
        Ok(Names::new(&departments, people))
    }

    /// The same with the titles of these resources.
    pub(crate) async fn names_with<'i>(
        &self,
        ids: impl IntoIterator<Item = &'i str>,
        codes: impl IntoIterator<Item = &'i str>,
    ) -> Result<Names> {
        let codes = codes.into_iter().filter_map(|code| ResourceCode::from_path(code).ok()).collect();
        let titles = self.titles(codes).await;
        Ok(self.names(ids).await?.with_titles(titles))
    }

    /// The titles of resources by their codes, as far as the visitor is told them.
    pub(crate) async fn titles(&self, codes: BTreeSet<ResourceCode>) -> BTreeMap<String, String> {
        let mut titles = BTreeMap::new();
        for code in codes.into_iter().take(MOST_NAMES) {
            if let Ok(resource) = self.app.services.resource(&self.ctx, &code).await {
                titles.insert(code.to_string(), resource.title);
            }
        }
        titles
    }
}
