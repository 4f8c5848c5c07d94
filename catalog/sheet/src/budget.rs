//! How large a sheet may become in memory.

use std::collections::BTreeMap;

use catalog_core::Result;
use catalog_core::directory::sheet::{Grid, Row};

use crate::too_large;

const MAX_ROWS: u32 = 100_000;
pub(crate) const MAX_COLUMNS: u32 = 64;
/// Bytes of text, after merged and shared cells are repeated.
pub(crate) const MAX_TEXT: usize = 64 << 20;
/// What a cell costs beyond its text.
const CELL: usize = size_of::<String>();

/// Collects cells into rows, within the limits.
pub(crate) struct Sheet {
    rows: BTreeMap<u32, Vec<String>>,
    text_left: usize,
}

impl Sheet {
    pub(crate) fn new() -> Self {
        Self { rows: BTreeMap::new(), text_left: MAX_TEXT }
    }

    /// Puts a text into a cell, both places counted from 0.
    pub(crate) fn put(&mut self, row: u32, column: u32, text: String) -> Result<()> {
        if row >= MAX_ROWS || column >= MAX_COLUMNS {
            return Err(too_large(format_args!("at most {MAX_ROWS} rows and {MAX_COLUMNS} columns")));
        }
        let cells = self.rows.entry(row).or_default();
        let column = column as usize;
        let grown = (column + 1).saturating_sub(cells.len()) * CELL;
        let left = self.text_left.checked_sub(text.len() + grown);
        self.text_left =
            left.ok_or_else(|| too_large(format_args!("at most {} MiB of text", MAX_TEXT >> 20)))?;
        if cells.len() <= column {
            cells.resize(column + 1, String::new());
        }
        cells[column] = text;
        Ok(())
    }

    /// Repeats the text of a merged area's first cell in all rows that hold something.
    pub(crate) fn merge(&mut self, start: (u32, u32), end: (u32, u32)) -> Result<()> {
        let first = self.rows.get(&start.0).and_then(|cells| cells.get(start.1 as usize));
        let Some(text) = first.filter(|text| !text.is_empty()).cloned() else { return Ok(()) };
        if end.0 < start.0 || end.1 < start.1 {
            return Ok(());
        }
        let rows: Vec<_> = self.rows.range(start.0..=end.0).map(|(row, _)| *row).collect();
        for row in rows {
            for column in start.1..=end.1.min(MAX_COLUMNS - 1) {
                self.put(row, column, text.clone())?;
            }
        }
        Ok(())
    }

    pub(crate) fn into_grid(self, name: &str) -> Grid {
        let rows = self.rows.into_iter().map(|(row, cells)| Row { number: row + 1, cells }).collect();
        Grid { name: name.to_owned(), rows }
    }
}
