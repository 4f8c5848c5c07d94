//! GeoJSON (RFC 7946): a collection with one feature a line.

use arrow::array::RecordBatch;
use bytes::Bytes;
use catalog_core::{Error, ErrorCode, Result};
use datasets_store::{GeoColumns, Shape};

use super::lines;
use crate::geometry::{Rows, geojson};

/// A collection that is being written.
pub(super) struct Features {
    /// Where the features lie. All columns but one of geometries are their properties.
    place: Shape,
    rows: u64,
}

impl Features {
    /// # Errors
    /// `unsupported_format` where no columns hold geometries or coordinates.
    pub(super) fn new(geo: &GeoColumns) -> Result<Self> {
        let message = "geojson is for rows with a geometry or coordinates, and these have none";
        let none = || Error::new(ErrorCode::UnsupportedFormat, message);
        Ok(Self { place: geo.place().ok_or_else(none)?.clone(), rows: 0 })
    }

    pub(super) fn batch(&mut self, batch: &RecordBatch) -> Result<Bytes> {
        let columns = self.place.columns().into_iter().map(|name| {
            let found = batch.column_by_name(name).cloned();
            found.ok_or_else(|| Error::internal("features lack a column"))
        });
        let places = Rows::of(&columns.collect::<Result<Vec<_>>>()?).map_err(Error::internal)?;
        let properties = self.properties(batch)?;
        let mut properties = properties.split(|byte| *byte == b'\n');
        let mut out = Vec::new();
        for row in 0..batch.num_rows() {
            let geometry = places.at(row).as_ref().and_then(geojson);
            out.extend_from_slice(if self.rows == 0 { HEAD } else { b",\n" });
            out.extend_from_slice(b"{\"type\":\"Feature\",\"geometry\":");
            out.extend_from_slice(geometry.as_deref().unwrap_or("null").as_bytes());
            out.extend_from_slice(b",\"properties\":");
            out.extend_from_slice(properties.next().filter(|line| !line.is_empty()).unwrap_or(b"{}"));
            out.push(b'}');
            self.rows += 1;
        }
        Ok(out.into())
    }

    /// One JSON object a line; nothing where there is no column but the geometry.
    fn properties(&self, batch: &RecordBatch) -> Result<Vec<u8>> {
        let schema = batch.schema();
        let is_property = |place: &usize| !matches!(&self.place, Shape::Column(name) if name == schema.field(*place).name());
        let others: Vec<usize> = (0..batch.num_columns()).filter(is_property).collect();
        if others.is_empty() {
            return Ok(Vec::new());
        }
        lines(&batch.project(&others).map_err(Error::internal)?)
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
