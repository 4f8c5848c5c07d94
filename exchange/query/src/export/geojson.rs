//! GeoJSON (RFC 7946): a collection with one feature a line.

use arrow::array::{AsArray as _, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use bytes::Bytes;
use catalog_core::{Error, ErrorCode, Result};
use datasets_store::{GeoColumns, geojson_of_wkb};

use super::lines;

/// A collection that is being written.
pub(super) struct Features {
    /// The column whose values are the features' geometries; all others are their properties.
    geometry: String,
    rows: u64,
}

impl Features {
    /// # Errors
    /// `unsupported_format` where no column holds geometries.
    pub(super) fn new(geo: &GeoColumns) -> Result<Self> {
        let message = "geojson is for rows with a geometry, and these have none";
        let none = || Error::new(ErrorCode::UnsupportedFormat, message);
        Ok(Self { geometry: geo.primary().ok_or_else(none)?.to_owned(), rows: 0 })
    }

    pub(super) fn batch(&mut self, batch: &RecordBatch) -> Result<Bytes> {
        let place = batch.schema().index_of(&self.geometry).map_err(Error::internal)?;
        let geometries = cast(batch.column(place), &DataType::Binary).map_err(Error::internal)?;
        let geometries = geometries.as_binary::<i32>();
        let properties = properties(batch, place)?;
        let mut properties = properties.split(|byte| *byte == b'\n');
        let mut out = Vec::new();
        for geometry in geometries {
            let geometry = match geometry {
                Some(wkb) => {
                    geojson_of_wkb(wkb).ok_or_else(|| Error::internal("a geometry that is no WKB"))?
                }
                None => "null".to_owned(),
            };
            out.extend_from_slice(if self.rows == 0 { HEAD } else { b",\n" });
            out.extend_from_slice(b"{\"type\":\"Feature\",\"geometry\":");
            out.extend_from_slice(geometry.as_bytes());
            out.extend_from_slice(b",\"properties\":");
            out.extend_from_slice(properties.next().filter(|line| !line.is_empty()).unwrap_or(b"{}"));
            out.push(b'}');
            self.rows += 1;
        }
        Ok(out.into())
    }

    pub(super) fn finish(self) -> Bytes {
        match self.rows {
            0 => Bytes::from([HEAD, TAIL].concat()),
            _ => Bytes::from_static(TAIL),
        }
    }
}

const HEAD: &[u8] = b"{\"type\":\"FeatureCollection\",\"features\":[\n";
const TAIL: &[u8] = b"\n]}\n";

/// All columns but one, one JSON object a line; nothing where there is no other.
fn properties(batch: &RecordBatch, without: usize) -> Result<Vec<u8>> {
    let others: Vec<usize> = (0..batch.num_columns()).filter(|place| *place != without).collect();
    if others.is_empty() {
        return Ok(Vec::new());
    }
    lines(&batch.project(&others).map_err(Error::internal)?)
}
