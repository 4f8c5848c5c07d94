#![doc = include_str!("../README.md")]

mod batch;
mod boundaries;
mod city;
mod dice;
pub mod directory;
mod divisions;
mod entities;
mod error;
pub mod notices;
mod people;
mod synthetic;
mod table;
mod tables;
mod villages;

pub use boundaries::{Boundary, boundaries, boundaries_geojson};
pub use city::{AS_OF, Batches, PREFECTURE, SampleCity};
pub use divisions::{Division, DivisionLevel, Divisions, Succession};
pub use entities::{Entity, EntityStatus};
pub use error::Error;
pub use people::{Person, PersonStatus, Sex};
pub use synthetic::{Code18, is_synthetic};
pub use table::Table;

#[cfg(test)]
mod tests;
