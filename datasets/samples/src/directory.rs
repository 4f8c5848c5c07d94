//! The sample city's resource directory, as its departments fill it in: the two sheets as CSV, and the departments.
//!
//! Resources with the machine name of a [`Table`](crate::Table) have that table's columns as items; the resource
//! `county_boundaries` those of [`boundaries_geojson`](crate::boundaries_geojson). The others are entries only.

use catalog_core::directory::Department;

use crate::error::Error;

/// The sheet of 26 columns (目录.csv, UTF-8).
pub const DIRECTORY_CSV: &str = include_str!("../directory/目录.csv");
/// The sheet 扩展 (扩展.csv, UTF-8): providers, machine names, formats, keys and the like.
pub const EXTENSION_CSV: &str = include_str!("../directory/扩展.csv");

/// The departments that provide the resources, parents before their county bureaus; their credit codes are synthetic.
///
/// # Errors
/// [`Error::Departments`] if the embedded file is damaged.
pub fn departments() -> Result<Vec<Department>, Error> {
    serde_json::from_str(include_str!("../directory/departments.json"))
        .map_err(|error| Error::Departments(error.to_string()))
}

#[cfg(test)]
mod tests;
