//! The materials 附件 that the rows of a version name.

use std::collections::BTreeSet;

use arrow::array::AsArray;
use catalog_core::Result;
use datasets_store::{DatasetStore, Error, Manifest, Materials, Part};
use exchange_crypto::Digest;
use futures::TryStreamExt;

use crate::stored::stored_columns;

/// Writes the list of the materials that the manifest's rows name; none where no item holds any. `before` describes the data that
/// they were made of.
///
/// `corrupt` where a material is gone that the list of before has: leaving it out would hide that.
pub(crate) async fn listed(
    store: &DatasetStore,
    manifest: &Manifest,
    before: Option<&Manifest>,
) -> Result<Option<Part>> {
    let columns: Vec<&str> = manifest.material_items().map(|item| item.column.as_str()).collect();
    if columns.is_empty() {
        return Ok(None);
    }
    let known = store.materials(&manifest.resource).await?;
    let named = named(store, manifest, &columns).await?;
    if let Some(before) = before {
        for listed in store.materials_of(before).await? {
            let is_gone = |digest: Digest| named.contains(&digest) && !known.contains_key(&digest);
            if Digest::from_hex(&listed.sha256).is_ok_and(is_gone) {
                return Err(Error::Missing(listed.path).into());
            }
        }
    }
    // Rows of before the item held materials say something else.
    let sized = named.into_iter().filter_map(|digest| known.get(&digest).map(|bytes| (digest, *bytes)));
    let materials = sized.collect::<Materials>();
    Ok(Some(store.write_materials(&manifest.folder(), &materials).await?))
}

async fn named(store: &DatasetStore, manifest: &Manifest, columns: &[&str]) -> Result<BTreeSet<Digest>> {
    let mut found = BTreeSet::new();
    for part in &manifest.parts {
        let mut batches = stored_columns(store, part, manifest, columns).await?;
        while let Some(batch) = batches.try_next().await? {
            for column in batch.columns() {
                let texts = column.as_string_view_opt().into_iter().flatten().flatten();
                found.extend(texts.filter_map(|text| Digest::from_hex(text).ok()));
            }
        }
    }
    Ok(found)
}
