//! Which rows of a version a scan reads, and how rows tell where they stand.

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::datasource::table_schema::TableSchema;
use datasets_store::{Bounds, Boxes, STRETCH_ROWS, meet};
use parquet::arrow::RowNumber;
use parquet::arrow::arrow_reader::RowSelection;

use crate::tables::StoredFile;

/// The columns that tell where a row stands. No item has such a name: machine names begin with a letter.
pub(crate) const POSITION: [&str; 2] = ["_file", "_row"];

/// What a scan is told beside its filters. Whatever it leaves out, the caller's own conditions leave out too, or an earlier
/// page has given.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reach {
    /// Bounds, one of which each wanted row meets.
    pub(crate) area: Option<Vec<Bounds>>,
    /// The first row.
    pub(crate) from: Option<Position>,
    /// Whether rows come in their stored order, and with their [`POSITION`].
    pub(crate) positioned: bool,
}

/// Where a row stands in a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    /// The number of its file among those of the manifest.
    pub(crate) file: usize,
    /// Its number in the file.
    pub(crate) row: u64,
}

impl Reach {
    /// Whether all rows are read, and no more told of them.
    pub(crate) fn is_all(&self) -> bool {
        self.area.is_none() && self.from.is_none() && !self.positioned
    }

    /// The schema of files with the columns that a scan adds.
    pub(crate) fn schema(&self, files: &SchemaRef) -> SchemaRef {
        if !self.positioned {
            return Arc::clone(files);
        }
        let [file, row] = position_fields();
        let fields = files.fields().iter().cloned().chain([file, row].map(Arc::new));
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }

    /// The same as the scan takes it.
    pub(crate) fn table_schema(&self, files: &SchemaRef) -> TableSchema {
        let builder = TableSchema::builder(Arc::clone(files));
        if !self.positioned {
            return builder.build();
        }
        let [file, row] = position_fields();
        let builder = builder.with_table_partition_cols(vec![Arc::new(file)]);
        builder.with_virtual_columns(vec![Arc::new(row)]).build()
    }

    /// The rows of a file that are read: `None` for all of them, and none where the selection is empty.
    pub(crate) fn rows(
        &self,
        number: usize,
        file: &StoredFile,
        boxes: Option<&Boxes>,
    ) -> Option<RowSelection> {
        let first = match self.from {
            Some(from) if number < from.file => file.rows,
            Some(from) if number == from.file => from.row.min(file.rows),
            _ => 0,
        };
        let stretches = file.rows.div_ceil(STRETCH_ROWS);
        let boxes = boxes.filter(|boxes| boxes.len() as u64 == stretches);
        let ranges: Vec<Range<u64>> = match self.area.as_ref().zip(boxes) {
            None if first == 0 => return None,
            None => std::iter::once(first..file.rows).collect(),
            Some((area, boxes)) => {
                let meets = |found: &&(u64, &Option<Bounds>)| {
                    found.1.is_some_and(|found| area.iter().any(|wanted| meet(*wanted, found)))
                };
                let found = (0..).zip(boxes).collect::<Vec<_>>();
                let rows = found.iter().filter(meets).map(|(place, _)| {
                    let start = place * STRETCH_ROWS;
                    start.max(first)..(start + STRETCH_ROWS).min(file.rows)
                });
                rows.collect()
            }
        };
        let number = |rows: u64| usize::try_from(rows).unwrap_or(usize::MAX);
        let ranges = ranges.into_iter().filter(|rows| !rows.is_empty());
        let ranges = ranges.map(|rows| number(rows.start)..number(rows.end));
        Some(RowSelection::from_consecutive_ranges(ranges, number(file.rows)))
    }
}

/// The file's number, which is the same in all of it, and the row's, which its reader counts.
fn position_fields() -> [Field; 2] {
    let [file, row] = POSITION.map(|name| Field::new(name, DataType::Int64, false));
    [file, row.with_extension_type(RowNumber)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: u64 = 2 * STRETCH_ROWS + 5;

    fn file() -> StoredFile {
        StoredFile { path: "part".to_owned(), bytes: 1, rows: ROWS, sha256: String::new() }
    }

    /// How many rows are read, and the first of them.
    fn read(reach: &Reach, number: usize, boxes: Option<&Boxes>) -> (usize, usize) {
        match reach.rows(number, &file(), boxes) {
            None => (ROWS as usize, 0),
            Some(selection) => {
                let skipped = selection.iter().take_while(|part| part.skip).map(|part| part.row_count).sum();
                (selection.row_count(), skipped)
            }
        }
    }

    #[test]
    fn only_what_may_be_wanted_is_read() {
        let stretch = STRETCH_ROWS as usize;
        let boxes: Boxes = vec![Some([0, 0, 10, 10]), None, Some([20, 20, 30, 30])];
        let at = |bounds: &[Bounds]| Reach { area: Some(bounds.to_vec()), ..Reach::default() };
        assert_eq!(read(&Reach::default(), 0, Some(&boxes)).0, ROWS as usize);
        assert_eq!(read(&at(&[[10, 10, 12, 12]]), 0, Some(&boxes)), (stretch, 0));
        assert_eq!(read(&at(&[[11, 11, 20, 20]]), 0, Some(&boxes)), (5, 2 * stretch));
        assert_eq!(read(&at(&[[0, 0, 1, 1], [25, 25, 26, 26]]), 0, Some(&boxes)), (stretch + 5, 0));
        assert_eq!(read(&at(&[[12, 12, 13, 13]]), 0, Some(&boxes)).0, 0);
        assert_eq!(read(&at(&[]), 0, Some(&boxes)).0, 0);
        // Nothing is known of what has no boxes, or has other ones.
        for unknown in [None, Some(&Boxes::new()), Some(&vec![None; 9])] {
            assert_eq!(read(&at(&[[12, 12, 13, 13]]), 0, unknown).0, ROWS as usize);
        }
        let from = |file, row| Some(Position { file, row });
        let after = |file, row| Reach { from: from(file, row), ..Reach::default() };
        assert_eq!(read(&after(1, 7), 0, None).0, 0);
        assert_eq!(read(&after(1, 7), 1, None), (ROWS as usize - 7, 7));
        assert_eq!(read(&after(1, 7), 2, None), (ROWS as usize, 0));
        assert_eq!(read(&after(1, u64::MAX), 1, None).0, 0);
        let both = Reach { from: from(0, 3), ..at(&[[0, 0, 40, 40]]) };
        assert_eq!(read(&both, 0, Some(&boxes)), (stretch - 3 + 5, 3));
    }
}
