use std::sync::Arc;

use async_trait::async_trait;
use catalog_core::policy::BoundPolicy;
use catalog_core::services::{Services, VersionSelector};
use catalog_core::{Error, ErrorCode, OpContext, Result};
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
}

#[async_trait]
impl Tables for CatalogTables {
    async fn open(&self, ctx: &OpContext, table: &TableName, version: VersionSelector) -> Result<OpenTable> {
        let mut dataset = match table {
            TableName::Sql { department, name } => {
                self.services.open_table(ctx, department, name, version).await?
            }
            TableName::Code(code) => self.services.open(ctx, code, version).await?,
        };
        let manifest = self.datasets.manifest(&dataset.version).await?;
        fit(&mut dataset.granted.policy, &manifest)?;
        // The resource says how the next version is sorted, the manifest how this one is.
        dataset.resource.sort.clone_from(&manifest.sort);
        let files = manifest.parts.iter().map(|part| StoredFile {
            path: part.path.clone(),
            bytes: part.bytes,
            rows: part.rows,
        });
        Ok(OpenTable { files: files.collect(), schema: Arc::new(manifest.arrow_schema()), dataset })
    }
}

/// Fits today's policy to the columns that the version has.
///
/// A visible item that the version lacks, or has in another type, is absent. A filter on one can't be evaluated, so it
/// refuses the version. Columns of the version that the policy does not show count as denied.
fn fit(policy: &mut BoundPolicy, manifest: &Manifest) -> Result<()> {
    let stored = |column: &str| manifest.columns.iter().find(|stored| stored.column.as_str() == column);
    policy.columns.retain(|visible| {
        stored(visible.column.as_str()).is_some_and(|stored| stored.item_type == visible.stored_type)
    });
    policy.denied = manifest.columns.len() - policy.columns.len();
    let mut missing = None;
    if let Some(filter) = &policy.filter {
        filter.each_column(&mut |column| {
            if stored(column).is_none() {
                missing = Some(column.to_owned());
            }
        });
    }
    match missing {
        None => Ok(()),
        Some(_) => Err(Error::new(
            ErrorCode::NotGranted,
            format!(
                "version {} of {} lacks an item that the grant's row filter needs; ask for a later version",
                manifest.version, manifest.resource
            ),
        )),
    }
}
