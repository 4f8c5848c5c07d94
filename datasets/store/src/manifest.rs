//! The manifest: everything a version is, signed.

use std::collections::BTreeSet;

use arrow::datatypes::Schema;
use catalog_core::dataset::{BreakingChange, ChangeKind, Shape};
use catalog_core::directory::{InformationItem, ValueFormat};
use catalog_core::{ColumnName, ResourceCode, Timestamp};
use exchange_crypto::{Digest, PublicKey, SigningKey};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::place::Places;
use crate::types::schema_of;
use crate::{VersionFolder, jws};

/// The `typ` of a manifest's signature, so that no other signed document passes for one.
const SIGNATURE_TYPE: &str = "shuqiao-manifest";

/// One version of a dataset: shape, parts, origin, quality. Its canonical JSON (RFC 8785) is what is hashed and signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The resource.
    pub resource: ResourceCode,
    /// The version's number within the resource.
    pub version: i64,
    /// How the version came about.
    pub change: ChangeKind,
    /// The version it was made from; none for a replacement.
    pub based_on: Option<i64>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Columns of every part, in order.
    pub columns: Vec<Column>,
    /// Key columns.
    pub key: Vec<ColumnName>,
    /// Sort columns; within equal values, and without any, rows stand by the keyed hash of their key.
    pub sort: Vec<ColumnName>,
    /// How rows stand by where they lie, if that counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub places: Option<Places>,
    /// Parquet parts; some may lie in folders of earlier versions.
    pub parts: Vec<Part>,
    /// Rows of all parts.
    pub rows: u64,
    /// Bytes of all parts.
    pub bytes: u64,
    /// The delivered file.
    pub source: Source,
    /// Licence of what is open.
    pub licence: Option<String>,
    /// Quality report of the delivery.
    pub quality: Quality,
    /// Rows of the delivery that broke a rule, as JSON Lines; the provider's alone.
    pub quarantine: Option<Part>,
    /// The list of the materials that the rows name, where an item holds any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub materials: Option<Part>,
    /// The announcement, where columns that readers know are removed or retyped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaking: Option<BreakingChange>,
    /// What was erased from it since it was published, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub erased: Vec<ErasedRows>,
}

/// Rows that are in a version no more, for they were withdrawn. Their values are told nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasedRows {
    /// When.
    pub at: Timestamp,
    /// The manifest of the version before, SHA-256 hex.
    pub manifest_digest: String,
    /// Which rows, counted from 0 through the parts of that manifest: the first and the last of each run.
    pub rows: Vec<(u64, u64)>,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// The information item, as the directory described it when the version was made.
    #[serde(flatten)]
    pub item: InformationItem,
    /// What is known of the values, where all parts were written together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statistics: Option<Statistics>,
}

/// What is known of a column's values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statistics {
    /// Rows without a value.
    pub nulls: u64,
    /// Smallest value as text; never of a personal item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<String>,
    /// Largest value as text; never of a personal item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<String>,
}

/// One stored object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Path below the store's root.
    pub path: String,
    /// Rows.
    pub rows: u64,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256, hex.
    pub sha256: String,
}

/// The file that was delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Its name, without folders.
    pub name: String,
    /// SHA-256, hex.
    pub sha256: String,
    /// Size in bytes.
    pub bytes: u64,
}

/// Counts of one delivery.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quality {
    /// Rows in the delivered file.
    pub rows_read: u64,
    /// Rows that satisfy every rule.
    pub rows_accepted: u64,
    /// Rows that break one or more.
    pub rows_quarantined: u64,
    /// Violations by column and rule.
    pub rules: Vec<RuleCount>,
    /// Columns whose references were not checked, for want of a grant for verification.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unchecked_references: Vec<String>,
}

/// How often a rule was broken in a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleCount {
    /// The column; `*` where the rule is about the whole row.
    pub column: String,
    /// The rule.
    pub rule: String,
    /// Violations.
    pub count: u64,
}

impl Manifest {
    /// The exact Arrow schema of every part.
    pub fn arrow_schema(&self) -> Schema {
        let items = self.columns.iter().map(|column| &column.item);
        schema_of(items.map(|item| (item.column.as_str(), item.item_type, item.format)))
    }

    /// What the rows look like.
    pub fn shape(&self) -> Shape {
        let items = self.columns.iter().map(|column| column.item.clone());
        Shape { items: items.collect(), key: self.key.clone(), sort: self.sort.clone() }
    }

    /// Whether parts of this version may stand beside parts with these items: same columns, types and order.
    pub fn has_shape_of(&self, items: &[InformationItem]) -> bool {
        let same = |(column, item): (&Column, &InformationItem)| {
            column.item.column == item.column && column.item.stored() == item.stored()
        };
        self.columns.len() == items.len() && self.columns.iter().zip(items).all(same)
    }

    /// Every object the version needs, parts of earlier versions included, the manifest itself and its materials excluded.
    pub fn objects(&self) -> BTreeSet<&str> {
        self.stored().map(|part| part.path.as_str()).collect()
    }

    /// The objects that it names with size and digest.
    pub fn stored(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().chain(&self.quarantine).chain(&self.materials)
    }

    /// The items that hold materials.
    pub fn material_items(&self) -> impl Iterator<Item = &InformationItem> {
        let items = self.columns.iter().map(|column| &column.item);
        items.filter(|item| item.format == Some(ValueFormat::Material))
    }

    /// The folder of the version's own objects.
    pub fn folder(&self) -> VersionFolder {
        VersionFolder::new(&self.resource, self.version)
    }

    /// The canonical JSON.
    pub fn canonical(&self) -> Result<Vec<u8>, Error> {
        serde_json_canonicalizer::to_vec(self).map_err(Error::Json)
    }

    /// SHA-256 of the canonical JSON: the version's identity in the catalogue and in evidence.
    pub fn digest(&self) -> Result<Digest, Error> {
        Ok(Digest::of(&self.canonical()?))
    }

    /// A detached JWS over the canonical JSON.
    pub fn sign(&self, key: &SigningKey) -> Result<String, Error> {
        Ok(jws::sign_detached(&self.canonical()?, SIGNATURE_TYPE, key))
    }

    /// Checks a detached JWS against the canonical JSON.
    pub fn verify(&self, signature: &str, key: &PublicKey) -> Result<(), Error> {
        jws::verify_detached(signature, &self.canonical()?, SIGNATURE_TYPE, key)
    }
}
