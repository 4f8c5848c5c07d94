//! References into other datasets.

use std::collections::{HashMap, HashSet};

use arrow::array::{Array, ArrayRef, BooleanArray};
use arrow::row::{RowConverter, SortField};
use catalog_core::directory::Reference;
use catalog_core::{Error, Result};
use datasets_store::{DatasetStore, Manifest};
use exchange_crypto::Digest;
use futures::TryStreamExt;

use crate::stored::stored_columns;

/// Answers whether values exist in the item that a reference names.
///
/// Datasets of the same department: [`LoadedReferences`]. Another department's data is an existence oracle, so only
/// the query side may answer for it, under a verification grant.
pub trait ReferenceCheck: Send + Sync {
    /// Whether this check answers for the reference.
    fn answers(&self, reference: &Reference) -> bool;

    /// One flag per value; `None` where this check cannot answer for the reference.
    fn known(&self, reference: &Reference, values: &ArrayRef) -> Result<Option<BooleanArray>>;
}

/// Values of referenced items, held as 16 bytes each: of the same department, and of others as the query side gave them.
#[derive(Default)]
pub struct LoadedReferences {
    known: HashMap<(String, String), HashSet<[u8; 16]>>,
}

impl LoadedReferences {
    /// Adds values of an item, perhaps none.
    pub fn add(&mut self, reference: &Reference, values: Option<&ArrayRef>) -> Result<()> {
        let digests = values.map(value_digests).transpose()?.unwrap_or_default();
        self.known.entry(name_of(reference)).or_default().extend(digests);
        Ok(())
    }

    /// Takes over what others hold.
    pub fn merge(&mut self, others: Self) {
        self.known.extend(others.known);
    }

    /// Adds the values of one item of a version.
    pub async fn load(
        &mut self,
        store: &DatasetStore,
        reference: &Reference,
        manifest: &Manifest,
    ) -> Result<()> {
        let mut digests = HashSet::new();
        for part in &manifest.parts {
            let mut batches = stored_columns(store, part, manifest, &[reference.column.as_str()]).await?;
            while let Some(batch) = batches.try_next().await? {
                digests.extend(value_digests(batch.column(0))?);
            }
        }
        self.known.insert(name_of(reference), digests);
        Ok(())
    }
}

impl ReferenceCheck for LoadedReferences {
    fn answers(&self, reference: &Reference) -> bool {
        self.known.contains_key(&name_of(reference))
    }

    fn known(&self, reference: &Reference, values: &ArrayRef) -> Result<Option<BooleanArray>> {
        let Some(known) = self.known.get(&name_of(reference)) else {
            return Ok(None);
        };
        let flags = value_digests(values)?.into_iter().map(|digest| Some(known.contains(&digest)));
        Ok(Some(flags.collect()))
    }
}

fn name_of(reference: &Reference) -> (String, String) {
    (reference.resource.to_string(), reference.column.to_string())
}

fn value_digests(values: &ArrayRef) -> Result<Vec<[u8; 16]>> {
    let converter =
        RowConverter::new(vec![SortField::new(values.data_type().clone())]).map_err(Error::internal)?;
    let rows = converter.convert_columns(std::slice::from_ref(values)).map_err(Error::internal)?;
    Ok(rows.iter().map(|row| first_half(Digest::of(row.data()).as_bytes())).collect())
}

/// The first 16 of 32 bytes: enough to tell values apart.
pub(crate) fn first_half(bytes: &[u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&bytes[..16]);
    half
}
