//! Parquet: typed columns, taken over where nothing is lost.

use std::sync::atomic::Ordering;

use arrow::error::ArrowError;
use catalog_core::Result;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::header::{columns_of, places};
use super::{Input, Output, SourceBatch};
use crate::BATCH_ROWS;
use crate::fault::malformed;

pub(super) fn read(input: &Input<'_>, out: Output<'_>) -> Result<()> {
    let name = &input.delivery.name;
    let builder = ParquetRecordBatchReaderBuilder::try_new(input.delivery.open()?)
        .map_err(|cause| malformed(format!("`{name}` is no whole Parquet file")).with_internal(cause))?;
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
        let rows = (1..=batch.num_rows() as u64).map(|offset| row + offset).collect();
        row += batch.num_rows() as u64;
        let share = u128::from(input.inspection.bytes) * u128::from(row) / u128::from(total);
        input.position.store(u64::try_from(share).unwrap_or(u64::MAX), Ordering::Relaxed);
        let columns = places.iter().map(|place| place.map(|place| batch.column(place).clone())).collect();
        out(SourceBatch { rows, columns, broken: Vec::new() })?;
    }
    Ok(())
}
