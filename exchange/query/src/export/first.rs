//! The first rows of an answer as texts, for people to read.

use arrow::array::{Array, RecordBatch};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use catalog_core::{Error, Result};
use futures::StreamExt;

use super::column_types;
use crate::answer::QueryAnswer;

/// The first rows of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FirstRows {
    /// The columns with their types by the short names of PostgreSQL.
    pub columns: Vec<(String, &'static str)>,
    /// The cells as CSV writes them; nothing for NULL.
    pub rows: Vec<Vec<Option<String>>>,
    /// Whether there are more rows.
    pub more: bool,
}

/// Reads rows until there are so many, or so many bytes of text, and gives up the rest of the answer: its query ends.
///
/// # Errors
/// What ended the answer before.
pub async fn first_rows(mut answer: QueryAnswer, most: usize, bytes: usize) -> Result<FirstRows> {
    let mut first = FirstRows { columns: column_types(&answer), ..FirstRows::default() };
    let mut room = bytes;
    while let Some(batch) = answer.records.next().await {
        if !take(&mut first, &batch?, most, &mut room)? {
            first.more = true;
            break;
        }
    }
    Ok(first)
}

/// Takes the rows of a batch; whether there was room for all of them.
fn take(first: &mut FirstRows, batch: &RecordBatch, most: usize, room: &mut usize) -> Result<bool> {
    let options = FormatOptions::default();
    let mut columns = Vec::with_capacity(batch.num_columns());
    for column in batch.columns() {
        let cells = ArrayFormatter::try_new(column.as_ref(), &options).map_err(Error::internal)?;
        columns.push((column.logical_nulls(), cells));
    }
    for row in 0..batch.num_rows() {
        if first.rows.len() == most || *room == 0 {
            return Ok(false);
        }
        let mut cells = Vec::with_capacity(columns.len());
        for (nulls, texts) in &columns {
            let is_null = nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
            let text =
                if is_null { None } else { Some(texts.value(row).try_to_string().map_err(Error::internal)?) };
            *room = room.saturating_sub(text.as_ref().map_or(4, String::len));
            cells.push(text);
        }
        first.rows.push(cells);
    }
    Ok(true)
}
