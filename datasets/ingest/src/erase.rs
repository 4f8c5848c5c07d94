//! Withdrawn records leave a version: parts that hold any are written anew without them, under a new manifest of the same
//! version.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Schema};
use arrow::row::{RowConverter, SortField};
use catalog_core::policy::TypedLiteral;
use catalog_core::services::DueErasure;
use catalog_core::{ColumnName, Error, Result, Timestamp};
use datasets_store::{
    DatasetStore, ErasedRows, GeoColumns, Manifest, Part, Places, VersionFolder, typed_array,
};
use exchange_crypto::{Digest, SigningKey};
use futures::TryStreamExt;

use crate::ingest::Prepared;
use crate::materials;
use crate::statistics;
use crate::stored::{stored_columns, stored_rows};
use crate::write::{PartWriter, Written};

/// Erases records from versions, one after the other. What versions have in common is written anew once.
pub struct Eraser<'a> {
    store: &'a DatasetStore,
    signing_key: &'a SigningKey,
    /// By a part's path, and a digest of the records that it may not hold.
    done: HashMap<(String, Digest), Cleaned>,
}

/// A part without the records.
#[derive(Clone)]
struct Cleaned {
    /// Itself where it held none; none where it held nothing else.
    written: Written,
    /// The rows that are gone, in order.
    erased: Vec<u64>,
}

impl<'a> Eraser<'a> {
    /// Writes beside what is stored; the platform's key signs manifests.
    pub fn new(store: &'a DatasetStore, signing_key: &'a SigningKey) -> Self {
        Self { store, signing_key, done: HashMap::new() }
    }

    /// Writes, verifies and signs the version without the records; `None` where it holds none of them. Nothing that exists is
    /// changed: the catalogue decides which manifest counts, and `gc` erases what none names. Rows that were refused when the
    /// version was delivered go with it, for no key says whose they are.
    pub async fn erase(&mut self, due: &DueErasure, now: Timestamp) -> Result<Option<Prepared>> {
        let manifest = self.store.manifest(&due.version).await?;
        let records = Records::new(&manifest, due)?;
        let folder = VersionFolder::new(&manifest.resource, manifest.version);
        let attempt = VersionFolder::attempt().map_err(Error::internal)?;
        let (mut parts, mut boxes, mut erased, mut before) = (Vec::new(), Vec::new(), Vec::new(), 0);
        for part in &manifest.parts {
            let name = (part.path.clone(), records.digest);
            let cleaned = match self.done.get(&name) {
                Some(cleaned) => cleaned.clone(),
                None => {
                    // Numbers of parts that stay are free: an attempt's name is its own.
                    let writer = self.writer(&manifest, &folder, &attempt, parts.len())?;
                    let cleaned = self.clean(&manifest, part, &records, writer).await?;
                    self.done.insert(name, cleaned.clone());
                    cleaned
                }
            };
            erased.extend(cleaned.erased.iter().map(|row| before + row));
            parts.extend(cleaned.written.parts);
            boxes.extend(cleaned.written.boxes);
            before += part.rows;
        }
        if erased.is_empty() {
            return Ok(None);
        }
        let items: Vec<_> = manifest.columns.iter().map(|column| column.item.clone()).collect();
        let mut places = manifest.places.as_ref().map(|places| places.of_parts(&parts));
        if let Some(places) = &mut places {
            places.boxes.extend(boxes);
        }
        let mut history = manifest.erased.clone();
        let manifest_digest = due.version.manifest_digest.clone();
        history.push(ErasedRows { at: now, manifest_digest, rows: runs(&erased) });
        let mut manifest = Manifest {
            columns: statistics::columns(self.store, &items, &parts).await?,
            rows: parts.iter().map(|part| part.rows).sum(),
            bytes: parts.iter().map(|part| part.bytes).sum(),
            parts,
            places,
            quarantine: None,
            erased: history,
            ..Manifest::clone(&manifest)
        };
        // It still has the list of before.
        manifest.materials = materials::listed(self.store, &manifest, Some(&manifest)).await?;
        let digest = self.store.write_manifest(&manifest, self.signing_key).await?;
        Ok(Some(Prepared { manifest, digest }))
    }

    fn writer(
        &self,
        manifest: &Manifest,
        folder: &VersionFolder,
        attempt: &str,
        first: usize,
    ) -> Result<PartWriter<'a>> {
        let geo = GeoColumns::of(manifest.columns.iter().map(|column| &column.item));
        let schema = Arc::new(manifest.arrow_schema());
        let along = manifest.places.as_ref().and_then(Places::shape);
        let writer = PartWriter::new(self.store, folder.clone(), attempt, first, schema, geo)?;
        Ok(writer.along(along))
    }

    /// Looks for the records in a part by their columns alone, and reads all of it only where it holds one.
    async fn clean(
        &self,
        manifest: &Manifest,
        part: &Part,
        records: &Records,
        mut writer: PartWriter<'_>,
    ) -> Result<Cleaned> {
        let erased = records.rows_in(self.store, manifest, part).await?;
        if erased.is_empty() {
            let written = Written { parts: vec![part.clone()], boxes: Vec::new() };
            return Ok(Cleaned { written, erased });
        }
        let mut batches = stored_rows(self.store, part, manifest).await?;
        let (mut row, mut doomed) = (0, erased.iter().peekable());
        while let Some(batch) = batches.try_next().await? {
            let stays: BooleanArray = (row..row + batch.num_rows() as u64)
                .map(|row| Some(doomed.next_if(|doomed| **doomed == row).is_none()))
                .collect();
            row += batch.num_rows() as u64;
            writer.write(&filter_record_batch(&batch, &stays).map_err(Error::internal)?).await?;
        }
        Ok(Cleaned { written: writer.finish().await?, erased })
    }
}

/// The records that a version may not hold.
struct Records {
    groups: Vec<Group>,
    digest: Digest,
}

/// Those that the same columns name, as bytes of the row format, in which equal values have equal bytes and no value none of
/// them.
struct Group {
    columns: Vec<ColumnName>,
    converter: RowConverter,
    keys: HashSet<Vec<u8>>,
}

impl Records {
    fn new(manifest: &Manifest, due: &DueErasure) -> Result<Self> {
        let schema = manifest.arrow_schema();
        let groups = due.records.iter().map(|(columns, keys)| Group::new(&schema, columns, keys));
        let records = serde_json::to_vec(&due.records.iter().collect::<Vec<_>>()).map_err(Error::internal)?;
        Ok(Self { groups: groups.collect::<Result<_>>()?, digest: Digest::of(&records) })
    }

    /// The rows of a part that hold one of them, in order.
    async fn rows_in(&self, store: &DatasetStore, manifest: &Manifest, part: &Part) -> Result<Vec<u64>> {
        let mut found = Vec::new();
        for group in &self.groups {
            let columns: Vec<&str> = group.columns.iter().map(ColumnName::as_str).collect();
            let mut batches = stored_columns(store, part, manifest, &columns).await?;
            let mut row = 0;
            while let Some(batch) = batches.try_next().await? {
                found.extend(group.places(&batch)?.into_iter().map(|place| row + place));
                row += batch.num_rows() as u64;
            }
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }
}

impl Group {
    fn new(schema: &Schema, columns: &[ColumnName], keys: &[Vec<TypedLiteral>]) -> Result<Self> {
        let types = columns.iter().map(|column| Ok(schema.field_with_name(column.as_str())?.data_type()));
        let types: Vec<&DataType> = types.collect::<arrow::error::Result<_>>().map_err(Error::internal)?;
        let fields = types.iter().map(|data_type| SortField::new((*data_type).clone())).collect();
        let converter = RowConverter::new(fields).map_err(Error::internal)?;
        let values = |place: usize| typed_array(keys.iter().filter_map(|key| key.get(place)), types[place]);
        let values =
            (0..columns.len()).map(values).collect::<Result<Vec<_>, _>>().map_err(Error::internal)?;
        let mut group = Self { columns: columns.to_vec(), converter, keys: HashSet::new() };
        group.keys = group.rows(&values)?.into_iter().collect();
        Ok(group)
    }

    fn rows(&self, columns: &[ArrayRef]) -> Result<Vec<Vec<u8>>> {
        let rows = self.converter.convert_columns(columns).map_err(Error::internal)?;
        Ok(rows.iter().map(|row| row.as_ref().to_vec()).collect())
    }

    /// The places of the batch's rows that are among the records.
    fn places(&self, batch: &RecordBatch) -> Result<Vec<u64>> {
        let rows = self.converter.convert_columns(batch.columns()).map_err(Error::internal)?;
        let places = (0..).zip(rows.iter()).filter(|(_, row)| self.keys.contains(row.as_ref()));
        Ok(places.map(|(place, _)| place).collect())
    }
}

/// Ascending numbers as the first and the last of each run.
fn runs(numbers: &[u64]) -> Vec<(u64, u64)> {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            _ => runs.push((*number, *number)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_told_by_their_ends() {
        assert_eq!(runs(&[0, 1, 2, 5, 7, 8]), [(0, 2), (5, 5), (7, 8)]);
        assert_eq!(runs(&[]), []);
    }
}
