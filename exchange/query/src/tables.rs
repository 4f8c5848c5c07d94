use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use catalog_core::services::{Dataset, VersionSelector};
use catalog_core::{OpContext, ResourceCode, Result};
use datasets_store::Places;

/// How a caller names a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TableName {
    /// `department.name` as SQL writes it: machine names or Chinese ones.
    Sql {
        /// The provider.
        department: String,
        /// The resource.
        name: String,
    },
    /// The resource's code.
    Code(ResourceCode),
}

/// One Parquet object of a version, as the manifest names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// Path below the object store's root.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Number of rows.
    pub rows: u64,
    /// SHA-256, hex. No query compares it: who hands the object out as it is does.
    pub sha256: String,
}

/// One version, decided on and opened for one caller.
#[derive(Debug, Clone)]
pub struct OpenTable {
    /// Resource, version and the one policy under which it is read.
    pub dataset: Dataset,
    /// The Arrow schema of the version's files, from its manifest.
    pub schema: SchemaRef,
    /// The version's files, from its manifest.
    pub files: Vec<StoredFile>,
    /// How its rows stand by where they lie, from its manifest.
    pub places: Option<Arc<Places>>,
}

/// Where the engine gets tables: the catalogue decides, the manifest says what is stored.
#[async_trait]
pub trait Tables: Send + Sync {
    /// Opens a version for the caller under exactly one grant.
    ///
    /// `unknown_table` where the caller may not know of it, `not_granted` with how to apply where no grant covers it.
    async fn open(&self, ctx: &OpContext, table: &TableName, version: VersionSelector) -> Result<OpenTable>;

    /// Everything that the caller can read now as it asks, in its newest version.
    async fn readable(&self, ctx: &OpContext) -> Result<Vec<OpenTable>>;
}
