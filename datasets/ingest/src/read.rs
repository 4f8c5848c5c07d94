//! Readers: a delivered file as batches of columns in the order of the items, in bounded memory.

mod csv;
mod geojson;
mod header;
mod json;
mod jsonl;
mod parquet;
pub(crate) mod rows;
mod xlsx;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::ArrayRef;
use catalog_core::Result;
use catalog_core::directory::InformationItem;

use crate::delivery::{Delivery, Inspection, SourceFormat};
use crate::fault::Rule;

/// The largest record of a text format, in bytes.
const MAX_RECORD: usize = 16 * 1024 * 1024;
/// The largest field, in bytes.
const MAX_FIELD: usize = 1024 * 1024;

/// Most fields of a record.
const MAX_FIELDS: usize = 65_536;

/// Consecutive rows as they stand in the file.
pub(crate) struct SourceBatch {
    /// Where each row stands: its line, sheet row, or number of feature or record, counted from 1.
    pub(crate) rows: Vec<u64>,
    /// One column per item, `None` where the file lacks it. Text formats give `Utf8View`.
    pub(crate) columns: Vec<Option<ArrayRef>>,
    /// Rows that are no rows.
    pub(crate) broken: Vec<BrokenRow>,
}

/// A row that cannot be taken apart into the columns.
pub(crate) struct BrokenRow {
    /// Where it begins.
    pub(crate) row: u64,
    /// How many rows it stands for: a quote that is never closed swallows lines.
    pub(crate) count: u64,
    /// What is wrong.
    pub(crate) rule: Rule,
    /// Its beginning, or what is wrong.
    pub(crate) value: String,
}

/// Takes batches in order.
pub(crate) type Output<'a> = &'a mut dyn FnMut(SourceBatch) -> Result<()>;

/// What a reader reads.
pub(crate) struct Input<'a> {
    /// The file.
    pub(crate) delivery: &'a Delivery,
    /// What its bytes told.
    pub(crate) inspection: &'a Inspection,
    /// The items.
    pub(crate) items: &'a [InformationItem],
    /// Whether the column must be in the file.
    pub(crate) required: &'a dyn Fn(&InformationItem) -> bool,
    /// Bytes read so far, for progress.
    pub(crate) position: Arc<AtomicU64>,
}

impl Input<'_> {
    /// Reads all of the file.
    pub(crate) fn read(&self, out: Output<'_>) -> Result<()> {
        match self.delivery.format {
            SourceFormat::Csv => csv::read(self, out),
            SourceFormat::Xlsx => xlsx::read(self, out),
            SourceFormat::JsonLines => jsonl::read(self, out),
            SourceFormat::GeoJson => geojson::read(self, out),
            SourceFormat::Parquet => parquet::read(self, out),
        }
    }

    /// The file as a stream that counts what was read.
    fn stream(&self) -> Result<Counted> {
        Ok(Counted { file: self.delivery.open()?, position: Arc::clone(&self.position) })
    }
}

/// A file that tells how far it was read.
struct Counted {
    file: std::fs::File,
    position: Arc<AtomicU64>,
}

impl std::io::Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.position.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
