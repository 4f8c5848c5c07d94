use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use catalog_core::dataset::{Shape, Version};
use catalog_core::directory::Resource;
use catalog_core::policy::GrantTerms;
use catalog_core::ports::Shapes;
use catalog_core::services::{Dataset, PastRead, Proposal, Services, VersionSelector};
use catalog_core::{Error, OpContext, ResourceCode, Result};
use datasets_store::{DatasetStore, Manifest};

use crate::tables::{OpenTable, StoredFile, TableName, Tables};

/// Tables as the catalogue decides on them and as their manifests describe what is stored.
pub struct CatalogTables {
    services: Services,
    datasets: DatasetStore,
}

impl CatalogTables {
    /// Tables over the services and the objects of their versions.
    pub fn new(services: Services, datasets: DatasetStore) -> Self {
        Self { services, datasets }
    }

    /// A dataset of a past read, opened as it was, see [`Services::reopen`].
    pub async fn reopen(
        &self,
        read: &PastRead,
        code: &ResourceCode,
        version: VersionSelector,
    ) -> Result<OpenTable> {
        let shapes = Read { datasets: &self.datasets, manifests: Mutex::default() };
        shapes.described(self.services.reopen(&shapes, read, code, version).await?)
    }

    /// What a grant would show, see [`Services::propose`]: with the table as its holder would see it.
    pub async fn propose(&self, ctx: &OpContext, terms: GrantTerms) -> Result<(Proposal, Option<OpenTable>)> {
        let shapes = Read { datasets: &self.datasets, manifests: Mutex::default() };
        let proposal = self.services.propose(ctx, &shapes, terms).await?;
        let table = proposal.dataset.clone().map(|dataset| shapes.described(dataset)).transpose()?;
        Ok((proposal, table))
    }
}

impl CatalogTables {
    /// A page of what is readable of the resources that are wanted, see [`Services::readable_page`].
    pub async fn readable_page(
        &self,
        ctx: &OpContext,
        is_wanted: &(dyn Fn(&Resource) -> bool + Sync),
        after: Option<&ResourceCode>,
        most: usize,
    ) -> Result<(Vec<OpenTable>, Option<ResourceCode>)> {
        let read = Read { datasets: &self.datasets, manifests: Mutex::default() };
        let (found, next) = self.services.readable_page(ctx, &read, is_wanted, after, most).await?;
        Ok((read.readable(ctx, found), next))
    }

    /// A version that the catalogue has decided on already, with what its manifest says is stored.
    pub async fn decided(&self, dataset: Dataset) -> Result<OpenTable> {
        let read = Read { datasets: &self.datasets, manifests: Mutex::default() };
        read.shape(&dataset.version).await?;
        read.described(dataset)
    }
}

#[async_trait]
impl Tables for CatalogTables {
    async fn open(&self, ctx: &OpContext, table: &TableName, version: VersionSelector) -> Result<OpenTable> {
        let read = Read { datasets: &self.datasets, manifests: Mutex::default() };
        let dataset = match table {
            TableName::Sql { department, name } => {
                self.services.open_table(ctx, &read, department, name, version).await?
            }
            TableName::Code(code) => self.services.open(ctx, &read, code, version).await?,
        };
        read.described(dataset)
    }

    async fn revision(&self) -> Result<Option<i64>> {
        self.services.revision().await.map(Some)
    }

    async fn readable(&self, ctx: &OpContext) -> Result<Vec<OpenTable>> {
        let read = Read { datasets: &self.datasets, manifests: Mutex::default() };
        let found = self.services.readable(ctx, &read).await?;
        Ok(read.readable(ctx, found))
    }
}

/// Tells shapes and keeps the manifests that were read for it: each is needed once more.
struct Read<'a> {
    datasets: &'a DatasetStore,
    manifests: Mutex<HashMap<(ResourceCode, i64), Arc<Manifest>>>,
}

#[async_trait]
impl Shapes for Read<'_> {
    async fn shape(&self, version: &Version) -> Result<Shape> {
        let manifest = self.datasets.manifest(version).await?;
        let (name, shape) = ((version.resource.clone(), version.number), manifest.shape());
        self.manifests.lock().unwrap_or_else(PoisonError::into_inner).insert(name, manifest);
        Ok(shape)
    }
}

impl Read<'_> {
    /// Decided datasets as tables. What fails is left out, and the operator is told.
    fn readable(&self, ctx: &OpContext, found: Vec<(ResourceCode, Result<Dataset>)>) -> Vec<OpenTable> {
        let tables = found.into_iter().filter_map(|(code, found)| {
            match found.and_then(|one| self.described(one)) {
                Ok(table) => Some(table),
                Err(error) => {
                    let (request_id, cause) = (&ctx.request_id, error.internal_cause());
                    tracing::error!(request_id, %code, error = %error.code, cause, "left out of what is readable");
                    None
                }
            }
        });
        tables.collect()
    }

    /// A decided dataset with what its manifest says is stored.
    fn described(&self, dataset: Dataset) -> Result<OpenTable> {
        let name = (dataset.version.resource.clone(), dataset.version.number);
        let manifest = self.manifests.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
        let manifest =
            manifest.ok_or_else(|| Error::internal("a version was opened without its manifest"))?;
        let schema = Arc::new(manifest.arrow_schema());
        let files = manifest.parts.iter().map(StoredFile::of).collect();
        Ok(OpenTable { files, schema, places: manifest.places.clone().map(Arc::new), dataset })
    }
}
