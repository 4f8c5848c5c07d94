#![doc = include_str!("../README.md")]

mod durable;
mod error;
mod gc;
mod geo;
pub mod jws;
mod layout;
mod manifest;
mod materials;
mod pieces;
mod place;
mod store;
#[cfg(test)]
mod tests;
mod types;
mod wkb;

pub use durable::{collect_unfinished, local_objects};
pub use error::Error;
pub use gc::{Collected, Garbage};
pub use geo::{GEOMETRY_TYPES, GeoColumns};
pub use layout::VersionFolder;
pub use manifest::{Column, ErasedRows, Manifest, Part, Quality, RuleCount, Source, Statistics};
pub use materials::{Materials, material_path};
pub use pieces::{PIECE_BYTES, in_pieces};
pub use place::{Bounds, Boxes, Places, STRETCH_ROWS, Shape, Stretches, bounds, meet};
pub use store::DatasetStore;
pub use types::{arrow_schema, arrow_type, typed_array};
pub use wkb::{is_wkb, wkb_of_geojson};
