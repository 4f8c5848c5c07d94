//! The tables of one request, as the planner finds them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use catalog_core::evidence::SourceRead;
use catalog_core::{Error, Result};
use datafusion::catalog::memory::{MemoryCatalogProvider, MemoryCatalogProviderList, MemorySchemaProvider};
use datafusion::catalog::{CatalogProvider, CatalogProviderList, SchemaProvider};
use datafusion::datasource::TableProvider;

use super::CATALOG;
use crate::sql::{Resolved, TableUse};
use crate::tables::OpenTable;

/// The tables of one request, by department, as the planner finds them.
pub(super) struct Catalog {
    pub(super) list: Arc<dyn CatalogProviderList>,
    catalog: Arc<MemoryCatalogProvider>,
    pub(super) resolved: HashMap<TableUse, Resolved>,
    /// Every name, machine or Chinese, of a column that the caller sees.
    pub(super) columns: BTreeSet<String>,
    pub(super) sources: Vec<SourceRead>,
}

impl Default for Catalog {
    fn default() -> Self {
        let list = Arc::new(MemoryCatalogProviderList::new());
        let catalog = Arc::new(MemoryCatalogProvider::new());
        list.register_catalog(CATALOG.to_owned(), Arc::clone(&catalog) as _);
        Self { list, catalog, resolved: HashMap::new(), columns: BTreeSet::new(), sources: Vec::new() }
    }
}

impl Catalog {
    pub(super) fn add(
        &mut self,
        table: TableUse,
        open: &OpenTable,
        provider: Arc<dyn TableProvider>,
    ) -> Result<()> {
        let dataset = &open.dataset;
        let schema_name = dataset.resource.provider.to_string();
        let table_name = format!("{}@{}", dataset.resource.sql_name, dataset.version.number);
        let titles = dataset.granted.policy.columns.iter();
        let titles = titles
            .filter(|column| column.title != column.column.as_str())
            .map(|column| (column.title.clone(), column.column.to_string()));
        let resolved = Resolved { reference: [schema_name, table_name], titles: titles.collect() };
        // Two spellings may mean one version; it was decided on once for each, with the same outcome.
        if self.register(table, resolved, provider)? {
            self.sources.push(dataset.source());
        }
        Ok(())
    }

    /// Makes the table known to the planner; `false` where it was already.
    pub(super) fn register(
        &mut self,
        table: TableUse,
        resolved: Resolved,
        provider: Arc<dyn TableProvider>,
    ) -> Result<bool> {
        let [schema_name, table_name] = &resolved.reference;
        let schema = match self.catalog.schema(schema_name) {
            Some(schema) => schema,
            None => {
                let schema: Arc<dyn SchemaProvider> = Arc::new(MemorySchemaProvider::new());
                self.catalog.register_schema(schema_name, Arc::clone(&schema)).map_err(Error::internal)?;
                schema
            }
        };
        self.columns.extend(provider.schema().fields().iter().map(|field| field.name().clone()));
        self.columns.extend(resolved.titles.keys().cloned());
        let is_new = !schema.table_exist(table_name);
        if is_new {
            schema.register_table(table_name.clone(), provider).map_err(Error::internal)?;
        }
        self.resolved.insert(table, resolved);
        Ok(is_new)
    }
}
