use std::ops::Range;

use arrow::array::RecordBatch;
use futures::{StreamExt, stream};

use crate::answer::Records;

/// The last place up to which a plan is told of a slice: it keeps that many rows in memory at once. Beyond it everything is
/// sorted, which spills, and the slice is cut from the stream.
const PLANNED_ROWS: u64 = 20_000;

/// Rows of an ordered answer by their places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    /// Rows before the first.
    pub offset: u64,
    /// Rows at most.
    pub rows: u64,
}

impl Slice {
    /// What the plan skips and fetches, where the slice is near the start of the order.
    pub(super) fn planned(self) -> (usize, Option<usize>) {
        let end = self.offset.saturating_add(self.rows);
        match (usize::try_from(self.offset), usize::try_from(self.rows)) {
            (Ok(skip), Ok(fetch)) if end <= PLANNED_ROWS => (skip, Some(fetch)),
            _ => (0, None),
        }
    }

    /// The rows of the slice, where the plan did not choose them. What comes after them is not read.
    pub(super) fn cut(self, records: Records) -> Records {
        if self.planned().1.is_some() {
            return records;
        }
        let state = (self.offset..self.offset.saturating_add(self.rows), 0, records);
        let cut = stream::unfold(Some(state), |state| async {
            let (wanted, mut place, mut records) = state?;
            while place < wanted.end {
                match records.next().await? {
                    Ok(batch) => {
                        let rows = batch.num_rows() as u64;
                        let inside = inside(&batch, &wanted, place);
                        place += rows;
                        if let Some(batch) = inside {
                            return Some((Ok(batch), Some((wanted, place, records))));
                        }
                    }
                    Err(error) => return Some((Err(error), None)),
                }
            }
            None
        });
        cut.boxed()
    }
}

/// The rows of a batch that begins at a place, as far as they are wanted.
fn inside(batch: &RecordBatch, wanted: &Range<u64>, place: u64) -> Option<RecordBatch> {
    let end = place + batch.num_rows() as u64;
    let (from, until) = (wanted.start.max(place), wanted.end.min(end));
    let length = usize::try_from(until.checked_sub(from)?).ok().filter(|length| *length > 0)?;
    Some(batch.slice(usize::try_from(from - place).ok()?, length))
}
