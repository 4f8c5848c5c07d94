use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use catalog_core::services::{Dataset, VersionSelector};
use catalog_core::{ColumnName, OpContext, ResourceCode, Result};
use datasets_store::{Manifest, Part, Places};

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

/// What is stored of one version, whoever may see it: for the platform's own work.
#[derive(Debug, Clone)]
pub struct StoredVersion {
    /// Digest of its manifest, hex.
    pub digest: String,
    /// The columns of its key.
    pub key: Vec<ColumnName>,
    /// The Arrow schema of its files.
    pub schema: SchemaRef,
    /// Its files.
    pub files: Vec<StoredFile>,
}

impl StoredVersion {
    /// What a manifest of that digest says.
    pub fn of(manifest: &Manifest, digest: String) -> Self {
        let (key, schema) = (manifest.shape().key, Arc::new(manifest.arrow_schema()));
        Self { digest, key, schema, files: manifest.parts.iter().map(StoredFile::of).collect() }
    }
}

impl From<&OpenTable> for StoredVersion {
    fn from(open: &OpenTable) -> Self {
        Self {
            digest: open.dataset.version.manifest_digest.clone(),
            key: open.dataset.resource.key.clone(),
            schema: Arc::clone(&open.schema),
            files: open.files.clone(),
        }
    }
}

impl StoredFile {
    /// The object that a part of a manifest names.
    pub(crate) fn of(part: &Part) -> Self {
        let Part { path, rows, bytes, sha256 } = part.clone();
        Self { path, bytes, rows, sha256 }
    }
}

/// Where the engine gets tables: the catalogue decides, the manifest says what is stored.
#[async_trait]
pub trait Tables: Send + Sync {
    /// Opens a version for the caller under exactly one grant.
    ///
    /// `unknown_table` where the caller may not know of it, `not_granted` with how to apply where no grant covers it.
    async fn open(&self, ctx: &OpContext, table: &TableName, version: VersionSelector) -> Result<OpenTable>;

    /// The catalogue's revision: while it stays, what was opened may be opened again without asking. `None` where nothing is to be
    /// remembered.
    async fn revision(&self) -> Result<Option<i64>> {
        Ok(None)
    }

    /// Everything that the caller can read now as it asks, in its newest version.
    async fn readable(&self, ctx: &OpContext) -> Result<Vec<OpenTable>>;
}
