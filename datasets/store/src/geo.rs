//! The metadata of GeoParquet 1.1, by which readers know the geometries of a Parquet file.

use std::collections::BTreeSet;

use arrow::array::{AsArray, RecordBatch};
use catalog_core::directory::{InformationItem, ValueFormat};
use serde_json::{Map, Value, json};

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

/// The geometry columns of one file or answer, and the types that were written to each.
#[derive(Debug, Clone, Default)]
pub struct GeoColumns(Vec<(String, BTreeSet<u32>)>);

impl GeoColumns {
    /// The columns of geometry items, nothing written yet.
    pub fn of<'a>(items: impl IntoIterator<Item = &'a InformationItem>) -> Self {
        let geometries = items.into_iter().filter(|item| item.format == Some(ValueFormat::Geometry));
        Self(geometries.map(|item| (item.column.to_string(), BTreeSet::new())).collect())
    }

    /// The first of them, which readers take for the geometry of a row.
    pub fn primary(&self) -> Option<&str> {
        self.0.first().map(|(name, _)| name.as_str())
    }

    /// Notes the types of the rows that are written.
    pub fn note(&mut self, batch: &RecordBatch) {
        for (column, types) in &mut self.0 {
            let values = batch.column_by_name(column).and_then(|column| column.as_binary_opt::<i32>());
            types.extend(values.into_iter().flatten().flatten().filter_map(type_of));
        }
    }

    /// The value of the file's `geo` key; `None` without a geometry item.
    ///
    /// The directory has no item for a coordinate reference system, so it is stated as unknown: without the member
    /// GeoParquet would mean OGC:CRS84.
    pub fn metadata(&self) -> Option<String> {
        let primary = self.primary()?;
        let column = |(name, types): &(String, BTreeSet<u32>)| {
            let names = GEOMETRY_TYPES.iter().filter(|(_, code)| types.contains(code)).map(|(name, _)| *name);
            let types: Vec<&str> = names.collect();
            (name.clone(), json!({ "encoding": "WKB", "geometry_types": types, "crs": null }))
        };
        let columns: Map<String, Value> = self.0.iter().map(column).collect();
        let metadata = json!({ "version": "1.1.0", "primary_column": primary, "columns": columns });
        Some(metadata.to_string())
    }
}

/// The type of a whole WKB geometry.
fn type_of(bytes: &[u8]) -> Option<u32> {
    let (order, code) = (bytes.first()?, bytes.get(1..5)?.try_into().ok()?);
    Some(if *order == 1 { u32::from_le_bytes(code) } else { u32::from_be_bytes(code) })
}
