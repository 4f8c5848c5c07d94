//! Parquet files of an answer that is too large for one: its reader decides where one ends and the next begins.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use catalog_core::Result;
use datasets_store::GeoColumns;

use super::{Encoder, Format};

/// One Parquet file that is being written.
pub struct ParquetFile(Encoder);

impl ParquetFile {
    /// An empty file for rows of an answer.
    pub fn new(schema: &SchemaRef, geo: GeoColumns) -> Result<Self> {
        Encoder::new(Format::Parquet, schema, None, None, geo).map(Self)
    }

    /// Adds rows, and gives the bytes that are complete by then.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<Bytes> {
        self.0.batch(batch)
    }

    /// Gives the last bytes.
    pub fn finish(self) -> Result<Bytes> {
        self.0.finish()
    }
}
