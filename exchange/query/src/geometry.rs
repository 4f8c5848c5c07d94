//! Geometries: the bytes as they are stored, well-known text, GeoJSON, and how two of them lie to each other.
//!
//! Everything is plane and two-dimensional, in the coordinates as they stand: longitude before latitude.

mod effort;
mod functions;
mod geojson;
mod place;
#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use catalog_core::{Error, ErrorCode, Result};
use datafusion::common::exec_err;
use datafusion::logical_expr::ScalarUDF;
use datasets_store::{Bounds, bounds, is_wkb, wkb_of_geojson};
use geo::{BoundingRect, Coord, CoordsIter, Geometry, MapCoords, Rect};
use geo_traits::to_geo::ToGeoGeometry;
use serde_json::Value;
use wkt::TryFromWkt;

pub use datasets_store::Shape;
pub(crate) use geojson::geojson;
pub use place::{Located, Relation};
pub(crate) use place::{Rows, related};

/// Brackets of well-known text within each other, at most: it is read by recursion.
const BRACKETS: usize = 16;

/// A place that rows are compared with.
#[derive(Debug, Clone, PartialEq)]
pub struct Area(Geometry);

impl Area {
    /// A box by its least and greatest coordinates, all of them finite and in that order.
    pub fn of_box([west, south, east, north]: [f64; 4]) -> Result<Self> {
        let ordered = west <= east && south <= north;
        if !ordered || [west, south, east, north].iter().any(|number| !number.is_finite()) {
            return Err(wrong("a box has its least coordinates first"));
        }
        let rect = Rect::new(Coord { x: west, y: south }, Coord { x: east, y: north });
        Ok(Self(Geometry::Rect(rect)))
    }

    /// Reads well-known text in two dimensions.
    pub fn of_text(text: &str) -> Result<Self> {
        read_text(text).map(Self).ok_or_else(|| {
            wrong("the geometry is no well-known text in two dimensions, of 500 positions at most")
        })
    }

    /// Reads a GeoJSON geometry (RFC 7946); a height is dropped.
    pub fn of_geojson(geometry: &Value) -> Result<Self> {
        let bytes = wkb_of_geojson(&geometry.to_string());
        let read = bytes.and_then(|bytes| read(&bytes)).and_then(bounded);
        read.map(Self).ok_or_else(|| {
            wrong("the geometry is no GeoJSON in longitude and latitude, of 500 positions at most")
        })
    }

    /// Within which bounds it lies; `None` where it is empty.
    pub(crate) fn bounds(&self) -> Option<Bounds> {
        let rect = self.0.bounding_rect()?;
        Some(bounds([rect.min().x, rect.min().y, rect.max().x, rect.max().y]))
    }

    /// The same with both coordinates of each position exchanged.
    pub fn swapped(&self) -> Self {
        Self(swapped(&self.0))
    }
}

fn wrong(message: &str) -> Error {
    Error::new(ErrorCode::InvalidInput, message)
}

/// The SQL functions over geometries.
pub(crate) fn functions() -> impl Iterator<Item = Arc<ScalarUDF>> {
    functions::all()
}

/// The geometry that the bytes hold; `None` where they hold none, or an empty point.
pub(crate) fn read(bytes: &[u8]) -> Option<Geometry> {
    // Most places are points: these need no reader, which takes ten times as long.
    if let [1, 1, 0, 0, 0, numbers @ ..] = bytes
        && let ([x, y], []) = numbers.as_chunks::<8>()
    {
        let (x, y) = (f64::from_le_bytes(*x), f64::from_le_bytes(*y));
        return (!x.is_nan() || !y.is_nan()).then(|| Geometry::Point(geo::Point::new(x, y)));
    }
    // It bounds how deep collections nest, which the reader does not.
    if !is_wkb(bytes) {
        return None;
    }
    wkb::reader::read_wkb(bytes).ok()?.try_to_geometry()
}

/// The geometry as it is stored: little-endian WKB.
pub(crate) fn written(geometry: &Geometry) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    wkb::writer::write_geometry(&mut bytes, geometry, &wkb::writer::WriteOptions::default()).ok()?;
    Some(bytes)
}

/// Computes with geometries that may be none of their kind, such as a polygon that crosses itself: the library states no
/// promise for those, so a panic is an error like others.
fn guarded<T>(compute: impl FnOnce() -> datafusion::error::Result<T>) -> datafusion::error::Result<T> {
    catch_unwind(AssertUnwindSafe(compute)).unwrap_or_else(|_| exec_err!("a geometry is not valid"))
}

/// The positions of a geometry that a caller makes: what relates two geometries keeps every crossing of their lines.
const POSITIONS: usize = 500;

fn bounded(geometry: Geometry) -> Option<Geometry> {
    (geometry.coords_count() <= POSITIONS).then_some(geometry)
}

/// The geometry of a well-known text whose coordinates are all finite.
fn read_text(text: &str) -> Option<Geometry> {
    let mut open = 0_usize;
    for letter in text.chars() {
        match letter {
            '(' => open += 1,
            ')' => open = open.saturating_sub(1),
            _ => {}
        }
        if open > BRACKETS {
            return None;
        }
    }
    let geometry = bounded(Geometry::<f64>::try_from_wkt_str(text).ok()?)?;
    let is_finite = geometry.coords_iter().all(|coord| coord.x.is_finite() && coord.y.is_finite());
    is_finite.then_some(geometry)
}

/// The geometry with both coordinates of each position exchanged.
pub(crate) fn swapped(geometry: &Geometry) -> Geometry {
    geometry.map_coords(|coord| Coord { x: coord.y, y: coord.x })
}
