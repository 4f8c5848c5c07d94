//! Parquet: typed columns, taken over where nothing is lost.
//!
//! Memory is bounded by what is in the file, not by what its values come to: a dictionary may name one long value in every
//! row. So texts are read as views into the dictionary, and batches are cut before anything copies them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, Schema};
use arrow::error::ArrowError;
use catalog_core::Result;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;

use super::header::{columns_of, places};
use super::{BrokenRow, Input, MAX_FIELD, Output, SourceBatch};
use crate::BATCH_ROWS;
use crate::fault::{Rule, malformed};

/// A batch is cut before its texts have more bytes than this.
const BATCH_BYTES: usize = 16 * 1024 * 1024;

pub(super) fn read(input: &Input<'_>, out: Output<'_>) -> Result<()> {
    let name = &input.delivery.name;
    let no_parquet =
        |cause: ParquetError| malformed(format!("`{name}` is no whole Parquet file")).with_internal(cause);
    let file = input.delivery.open()?;
    let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).map_err(no_parquet)?;
    let schema = Arc::new(viewed(name, metadata.schema())?);
    let options = ArrowReaderOptions::new().with_schema(schema);
    let metadata =
        ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options).map_err(no_parquet)?;
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata);
    let total = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0).max(1);
    let names: Vec<String> = builder.schema().fields().iter().map(|field| field.name().clone()).collect();
    let columns = columns_of(&names, input.items, input.required)?;
    let places = places(&columns, input.items.len());
    let damaged = |row: u64, cause: ArrowError| {
        let message = format!(
            "`{name}` cannot be read after row {row}: it is damaged, or compressed otherwise than with zstd or snappy"
        );
        malformed(message).with_internal(cause)
    };
    let reader = builder.with_batch_size(BATCH_ROWS).build().map_err(|cause| damaged(0, cause.into()))?;
    let mut row = 0;
    for batch in reader {
        let batch = batch.map_err(|cause| damaged(row, cause))?;
        for piece in pieces(&batch) {
            let first = row + 1;
            row += piece.num_rows() as u64;
            out(source_batch(&piece, first, &places).map_err(|cause| damaged(first, cause))?)?;
        }
        let share = u128::from(input.inspection.bytes) * u128::from(row) / u128::from(total);
        input.position.store(u64::try_from(share).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
    Ok(())
}

/// The schema with texts and bytes as views, of dictionaries too. A column of columns is no item.
fn viewed(name: &str, schema: &Schema) -> Result<Schema> {
    let field = |field: &Arc<Field>| {
        let data_type = match field.data_type() {
            DataType::Dictionary(_, values) => values.as_ref(),
            other => other,
        };
        let data_type = match data_type {
            DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
            DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
            DataType::FixedSizeBinary(width)
                if usize::try_from(*width).is_ok_and(|width| width > MAX_FIELD) =>
            {
                return Err(malformed(format!(
                    "the column `{}` of `{name}` has values of over 1 MiB",
                    field.name()
                )));
            }
            nested if nested.is_nested() => {
                let message = format!(
                    "the column `{}` of `{name}` holds lists or structures: deliver one value in each cell",
                    field.name()
                );
                return Err(malformed(message));
            }
            plain => plain.clone(),
        };
        Ok(field.as_ref().clone().with_data_type(data_type))
    };
    Ok(Schema::new(schema.fields().iter().map(field).collect::<Result<Vec<_>>>()?))
}

/// The batch in pieces of a bounded size, one row at least.
fn pieces(batch: &RecordBatch) -> Vec<RecordBatch> {
    let texts: Vec<_> = batch.columns().iter().filter_map(lengths).collect();
    let (mut pieces, mut from, mut bytes) = (Vec::new(), 0, 0);
    for row in 0..batch.num_rows() {
        let size: usize = texts.iter().map(|lengths| lengths[row] as usize).sum();
        if bytes + size > BATCH_BYTES && row > from {
            pieces.push(batch.slice(from, row - from));
            (from, bytes) = (row, 0);
        }
        bytes += size;
    }
    pieces.push(batch.slice(from, batch.num_rows() - from));
    pieces
}

/// The bytes of each value of a text or binary column.
fn lengths(column: &ArrayRef) -> Option<Vec<u32>> {
    let views = match column.data_type() {
        DataType::Utf8View => column.as_string_view().views(),
        DataType::BinaryView => column.as_binary_view().views(),
        _ => return None,
    };
    // The low half of a view's first word is its length; that of NULL says nothing.
    Some(
        views
            .iter()
            .enumerate()
            .map(|(row, view)| if column.is_null(row) { 0 } else { *view as u32 })
            .collect(),
    )
}

/// The rows from `first` on, without those that hold a value beyond the limit of every format.
fn source_batch(
    batch: &RecordBatch,
    first: u64,
    places: &[Option<usize>],
) -> std::result::Result<SourceBatch, ArrowError> {
    let mut fits = vec![true; batch.num_rows()];
    for lengths in batch.columns().iter().filter_map(lengths) {
        fits.iter_mut().zip(lengths).for_each(|(fits, length)| *fits &= length as usize <= MAX_FIELD);
    }
    let numbered = || (first..).zip(&fits);
    let rows = numbered().filter(|(_, fits)| **fits).map(|(row, _)| row).collect();
    let broken = numbered().filter(|(_, fits)| !**fits).map(|(row, _)| BrokenRow {
        row,
        count: 1,
        rule: Rule::Syntax,
        value: "a value of over 1 MiB".to_owned(),
    });
    let broken: Vec<_> = broken.collect();
    let batch = match broken.is_empty() {
        true => batch.clone(),
        false => filter_record_batch(batch, &BooleanArray::from(fits))?,
    };
    let columns = places.iter().map(|place| place.map(|place| batch.column(place).clone())).collect();
    Ok(SourceBatch { rows, columns, broken })
}
