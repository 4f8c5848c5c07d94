//! Rows of text on their way into columns.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringViewBuilder};
use catalog_core::Result;

use super::{BrokenRow, SourceBatch};
use crate::BATCH_ROWS;
use crate::fault::Rule;

/// A batch ends early when its text has this many bytes.
const BATCH_BYTES: usize = 8 * 1024 * 1024;

/// Text of a column is gathered in blocks of this size. Blocks that grow, as they do by default, soon hold much more room
/// than text, and all of it counts against the memory of the sorts.
const BLOCK_BYTES: u32 = 64 * 1024;

/// Collects rows of text and hands on full batches. An empty cell is no value.
pub(super) struct TextRows<'a, 'b> {
    present: Vec<bool>,
    builders: Vec<StringViewBuilder>,
    rows: Vec<u64>,
    broken: Vec<BrokenRow>,
    bytes: usize,
    out: &'a mut (dyn FnMut(SourceBatch) -> Result<()> + 'b),
}

impl<'a, 'b> TextRows<'a, 'b> {
    /// Rows of as many columns as there are flags; a flag says whether the file has the column.
    pub(super) fn new(present: Vec<bool>, out: &'a mut (dyn FnMut(SourceBatch) -> Result<()> + 'b)) -> Self {
        let builders =
            present.iter().map(|_| StringViewBuilder::new().with_fixed_block_size(BLOCK_BYTES)).collect();
        Self { present, builders, rows: Vec::new(), broken: Vec::new(), bytes: 0, out }
    }

    /// Adds a row: one cell for every column, in order.
    pub(super) fn push<'c>(&mut self, row: u64, cells: impl Iterator<Item = Option<&'c str>>) -> Result<()> {
        for (builder, cell) in self.builders.iter_mut().zip(cells) {
            let cell = cell.filter(|text| !text.is_empty());
            self.bytes += cell.map_or(0, str::len);
            builder.append_option(cell);
        }
        self.rows.push(row);
        self.flush_if_full()
    }

    /// Adds a row that cannot be taken apart, standing for `count` rows.
    pub(super) fn broken(
        &mut self,
        row: u64,
        count: u64,
        rule: Rule,
        value: impl Into<String>,
    ) -> Result<()> {
        let value = value.into();
        self.bytes += value.len();
        self.broken.push(BrokenRow { row, count, rule, value });
        self.flush_if_full()
    }

    /// Hands on what is left.
    pub(super) fn finish(mut self) -> Result<()> {
        self.flush()
    }

    fn flush_if_full(&mut self) -> Result<()> {
        let full = self.rows.len() + self.broken.len() >= BATCH_ROWS || self.bytes >= BATCH_BYTES;
        if full { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        let column = |(builder, present): (&mut StringViewBuilder, &bool)| {
            let array: ArrayRef = Arc::new(builder.finish());
            present.then_some(array)
        };
        let columns = self.builders.iter_mut().zip(&self.present).map(column).collect();
        let rows = std::mem::take(&mut self.rows);
        let broken = std::mem::take(&mut self.broken);
        self.bytes = 0;
        (self.out)(SourceBatch { rows, columns, broken })
    }
}

/// A readable beginning of a value, for reports: at most 200 characters.
pub(crate) fn clipped(text: &str) -> String {
    const LIMIT: usize = 200;
    match text.char_indices().nth(LIMIT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
