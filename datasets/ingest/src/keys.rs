//! Keys: the keyed hash that orders rows, and who has a key twice.
//!
//! Only `(hash, part, row)` of every key is sorted, 28 bytes each, so that equal keys become neighbours without holding
//! any key in memory.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, FixedSizeBinaryArray, RecordBatch, UInt32Array, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt32Type, UInt64Type};
use arrow::row::{RowConverter, SortField};
use catalog_core::dataset::ChangeKind;
use catalog_core::directory::Resource;
use catalog_core::{Error, Result};
use datafusion::execution::SendableRecordBatchStream;
use exchange_crypto::MacKey;
use futures::TryStreamExt;

use crate::fault::{Rule, storage};
use crate::reference::first_half;
use crate::validate::ROW;

/// The column of the keyed hash. No item can have this name.
pub(crate) const HASH: &str = "#hash";
/// The column of the part a key stands in.
pub(crate) const PART: &str = "#part";
/// The part number of the delivery; earlier parts have smaller ones.
pub(crate) const DELIVERY: u32 = u32::MAX;

/// Columns by which keys are sorted.
pub(crate) const KEY_ORDER: [&str; 3] = [HASH, PART, ROW];

/// Hashes the key of rows; rows of a resource without a key are hashed whole.
pub(crate) struct KeyHasher {
    key: MacKey,
    converter: RowConverter,
}

/// The names of the columns that are hashed.
pub(crate) fn hashed_columns(resource: &Resource) -> Vec<&str> {
    if resource.key.is_empty() {
        resource.items.iter().map(|item| item.column.as_str()).collect()
    } else {
        resource.key.iter().map(|column| column.as_str()).collect()
    }
}

impl KeyHasher {
    /// A hasher of columns of these types under the resource's own key.
    pub(crate) fn new(key: &MacKey, resource: &Resource, schema: &Schema) -> Result<Self> {
        let field = |name: &&str| -> Result<SortField> {
            let field = schema.field_with_name(name).map_err(Error::internal)?;
            Ok(SortField::new(field.data_type().clone()))
        };
        let fields = hashed_columns(resource).iter().map(field).collect::<Result<_>>()?;
        Ok(Self {
            key: key.derive(&format!("datasets/row-order/{}", resource.code)),
            converter: RowConverter::new(fields).map_err(Error::internal)?,
        })
    }

    /// The 16-byte hash of every row of the columns.
    pub(crate) fn hash(&self, columns: &[ArrayRef]) -> Result<FixedSizeBinaryArray> {
        let rows = self.converter.convert_columns(columns).map_err(Error::internal)?;
        let hashes = rows.iter().map(|row| first_half(&self.key.tag(row.data())));
        let hashes: Vec<u8> = hashes.flatten().collect();
        FixedSizeBinaryArray::try_new(16, hashes.into(), None).map_err(Error::internal)
    }
}

/// The schema of sorted keys.
pub(crate) fn key_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new(HASH, DataType::FixedSizeBinary(16), false),
        Field::new(PART, DataType::UInt32, false),
        Field::new(ROW, DataType::UInt64, false),
    ]))
}

/// Keys of one part as rows of [`key_schema`].
pub(crate) fn key_batch(hashes: &FixedSizeBinaryArray, part: u32, rows: ArrayRef) -> Result<RecordBatch> {
    let parts = UInt32Array::from(vec![part; hashes.len()]);
    let columns: Vec<ArrayRef> = vec![Arc::new(hashes.clone()), Arc::new(parts), rows];
    RecordBatch::try_new(key_schema(), columns).map_err(Error::internal)
}

/// Row numbers from `start`.
pub(crate) fn row_numbers(start: u64, count: usize) -> ArrayRef {
    Arc::new((start..start + count as u64).collect::<UInt64Array>())
}

/// What the sorted keys tell.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyVerdict {
    /// Rows of the delivery whose key an earlier row of it has.
    pub(crate) twice: HashSet<u64>,
    /// Rows of an append whose key the dataset already has.
    pub(crate) existing: HashSet<u64>,
    /// Rows of earlier parts that an upsert replaces, by part.
    pub(crate) replaced: BTreeMap<u32, HashSet<u64>>,
}

impl KeyVerdict {
    /// Number of rows of the delivery that are refused.
    pub(crate) fn refused(&self) -> u64 {
        (self.twice.len() + self.existing.len()) as u64
    }

    /// The rule that a row of the delivery breaks.
    pub(crate) fn broken_by(&self, row: u64) -> Option<Rule> {
        if self.twice.contains(&row) {
            return Some(Rule::Unique);
        }
        self.existing.contains(&row).then_some(Rule::Exists)
    }

    /// Reads sorted keys to their end.
    pub(crate) async fn of(mut sorted: SendableRecordBatchStream, change: ChangeKind) -> Result<Self> {
        let mut verdict = Self::default();
        let mut group = Group::default();
        while let Some(batch) = sorted.try_next().await.map_err(storage)? {
            let hashes = batch.column(0).as_fixed_size_binary();
            let parts = batch.column(1).as_primitive::<UInt32Type>();
            let rows = batch.column(2).as_primitive::<UInt64Type>();
            for place in 0..batch.num_rows() {
                group.begin_unless(hashes.value(place));
                group.next(parts.value(place), rows.value(place), change, &mut verdict);
            }
        }
        Ok(verdict)
    }
}

/// Neighbours with one key: earlier parts first, then the delivery in its order.
#[derive(Default)]
struct Group {
    hash: Vec<u8>,
    earlier: Vec<(u32, u64)>,
    delivered: bool,
}

impl Group {
    fn begin_unless(&mut self, hash: &[u8]) {
        if self.hash != hash {
            self.hash.clear();
            self.hash.extend_from_slice(hash);
            self.earlier.clear();
            self.delivered = false;
        }
    }

    fn next(&mut self, part: u32, row: u64, change: ChangeKind, verdict: &mut KeyVerdict) {
        if part != DELIVERY {
            self.earlier.push((part, row));
        } else if self.delivered {
            verdict.twice.insert(row);
        } else {
            self.delivered = true;
            if change == ChangeKind::Append && !self.earlier.is_empty() {
                verdict.existing.insert(row);
            }
            if change == ChangeKind::Upsert {
                for (part, row) in self.earlier.drain(..) {
                    verdict.replaced.entry(part).or_default().insert(row);
                }
            }
        }
    }
}
