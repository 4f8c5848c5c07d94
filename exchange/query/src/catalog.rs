use std::sync::Arc;

use async_trait::async_trait;
use catalog_core::policy::{GrantedPolicy, VisibleColumn};
use catalog_core::services::{Dataset, Services, VersionSelector};
use catalog_core::{ColumnName, Error, ErrorCode, OpContext, Result};
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
        let dataset = match table {
            TableName::Sql { department, name } => {
                self.services.open_table(ctx, department, name, version).await?
            }
            TableName::Code(code) => self.services.open(ctx, code, version).await?,
        };
        self.described(dataset).await
    }

    async fn readable(&self, ctx: &OpContext) -> Result<Vec<OpenTable>> {
        let mut readable = Vec::new();
        for dataset in self.services.readable(ctx).await? {
            match self.described(dataset).await {
                Ok(table) => readable.push(table),
                Err(error) if error.code == ErrorCode::NotGranted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(readable)
    }
}

impl CatalogTables {
    /// A decided dataset with what its manifest says is stored.
    async fn described(&self, mut dataset: Dataset) -> Result<OpenTable> {
        let manifest = self.datasets.manifest(&dataset.version).await?;
        fit(&mut dataset, &manifest)?;
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
/// A visible item that the version lacks, or has in another type, is absent. A filter on one can't be evaluated, and cells
/// would be other cells, so these refuse the version. Columns of the version that the policy does not show count as denied.
fn fit(dataset: &mut Dataset, manifest: &Manifest) -> Result<()> {
    let Dataset { resource, granted: GrantedPolicy { policy, .. }, .. } = dataset;
    let stored = |column: &str| manifest.columns.iter().find(|stored| stored.column.as_str() == column);
    let fits = |visible: &VisibleColumn| {
        stored(visible.column.as_str()).is_some_and(|stored| stored.item_type == visible.stored_type)
    };
    let lacking = |what: &str| {
        let message = format!(
            "version {} of {} lacks an item that the grant's {what} needs; ask for a later version",
            manifest.version, manifest.resource
        );
        Err(Error::new(ErrorCode::NotGranted, message))
    };
    match &policy.statistics {
        None => policy.columns.retain(fits),
        Some(statistics) => {
            let mut others = statistics.measures.iter().chain([&statistics.subject]);
            let same = |column: &ColumnName| {
                let today = resource.item(column.as_str()).map(|item| item.item_type);
                today.is_some() && stored(column.as_str()).map(|stored| stored.item_type) == today
            };
            if !policy.stored_columns().iter().all(fits) || !others.all(same) {
                return lacking("statistics");
            }
        }
    }
    policy.denied = manifest.columns.len() - policy.stored_columns().len();
    let mut missing = false;
    if let Some(filter) = &policy.filter {
        filter.each_column(&mut |column| missing |= stored(column).is_none());
    }
    if missing { lacking("row filter") } else { Ok(()) }
}
