#![doc = include_str!("../README.md")]

mod durable;
mod error;
mod gc;
mod geo;
mod geojson;
pub mod jws;
mod layout;
mod manifest;
mod store;
#[cfg(test)]
mod tests;
mod types;
mod wkb;

pub use durable::{collect_unfinished, local_objects};
pub use error::Error;
pub use gc::{Collected, Garbage};
pub use geo::{GEOMETRY_TYPES, GeoColumns};
pub use geojson::geojson_of_wkb;
pub use layout::VersionFolder;
pub use manifest::{Column, ErasedRows, Manifest, Part, Quality, RuleCount, Source, Statistics};
pub use store::DatasetStore;
pub use types::{arrow_schema, arrow_type, typed_array};
pub use wkb::{is_wkb, wkb_of_geojson};
