//! The metadata of GeoParquet 1.1, by which readers know the geometries of a Parquet file.

use std::collections::BTreeSet;

use arrow::array::{AsArray, RecordBatch};
use catalog_core::directory::{InformationItem, ValueFormat};
use serde_json::{Map, Value, json};

use crate::place::Shape;
use crate::wkb::{Corners, bounds_of_wkb, joined};

/// Geometry types by GeoJSON name and WKB code.
pub const GEOMETRY_TYPES: [(&str, u32); 7] = [
    ("Point", 1),
    ("LineString", 2),
    ("Polygon", 3),
    ("MultiPoint", 4),
    ("MultiLineString", 5),
    ("MultiPolygon", 6),
    ("GeometryCollection", 7),
];

/// Where the rows of one file or answer lie: its geometry columns, and what was written to each.
#[derive(Debug, Clone, Default)]
pub struct GeoColumns {
    columns: Vec<GeoColumn>,
    place: Option<Shape>,
}

#[derive(Debug, Clone)]
struct GeoColumn {
    name: String,
    types: BTreeSet<u32>,
    bounds: Option<Corners>,
}

impl GeoColumns {
    /// The columns of geometry items, nothing written yet.
    pub fn of<'a>(items: impl IntoIterator<Item = &'a InformationItem>) -> Self {
        let items: Vec<&InformationItem> = items.into_iter().collect();
        let geometries = items.iter().filter(|item| item.format == Some(ValueFormat::Geometry));
        let column = |item: &&InformationItem| GeoColumn {
            name: item.column.to_string(),
            types: BTreeSet::new(),
            bounds: None,
        };
        Self { columns: geometries.map(column).collect(), place: Shape::of(items) }
    }

    /// The geometry of a row: the first of them, which is GeoParquet's primary column, else its coordinates.
    pub fn place(&self) -> Option<&Shape> {
        self.place.as_ref()
    }

    /// Notes types and bounds of the rows that are written.
    pub fn note(&mut self, batch: &RecordBatch) {
        for column in &mut self.columns {
            let values = batch.column_by_name(&column.name).and_then(|values| values.as_binary_opt::<i32>());
            for bytes in values.into_iter().flatten().flatten() {
                column.types.extend(type_of(bytes));
                column.bounds = joined(column.bounds, bounds_of_wkb(bytes));
            }
        }
    }

    /// The value of the file's `geo` key; `None` without a geometry item.
    ///
    /// The directory has no item for a coordinate reference system, so it is stated as unknown: without the member
    /// GeoParquet would mean OGC:CRS84.
    pub fn metadata(&self) -> Option<String> {
        let primary = &self.columns.first()?.name;
        let column = |GeoColumn { name, types, bounds }: &GeoColumn| {
            let names = GEOMETRY_TYPES.iter().filter(|(_, code)| types.contains(code)).map(|(name, _)| *name);
            let types: Vec<&str> = names.collect();
            let mut column = json!({ "encoding": "WKB", "geometry_types": types, "crs": null });
            // JSON has no word for what is not finite.
            if let Some(bounds) = bounds.filter(|bounds| bounds.iter().all(|number| number.is_finite())) {
                column["bbox"] = json!(bounds);
            }
            (name.clone(), column)
        };
        let columns: Map<String, Value> = self.columns.iter().map(column).collect();
        let metadata = json!({ "version": "1.1.0", "primary_column": primary, "columns": columns });
        Some(metadata.to_string())
    }
}

/// The type of a whole WKB geometry.
fn type_of(bytes: &[u8]) -> Option<u32> {
    let (order, code) = (bytes.first()?, bytes.get(1..5)?.try_into().ok()?);
    Some(if *order == 1 { u32::from_le_bytes(code) } else { u32::from_be_bytes(code) })
}
