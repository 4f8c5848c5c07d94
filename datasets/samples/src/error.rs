//! What can go wrong.

/// An error of the sample city.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The city is too small to fill every table or too large for unique identity numbers.
    #[error("a sample city of {people} people is not possible; choose {min} to {max}")]
    Size {
        /// What was asked for.
        people: u64,
        /// Smallest city.
        min: u64,
        /// Largest city.
        max: u64,
    },
    /// An embedded polygon file is not the GeoJSON it should be.
    #[error("the embedded boundaries cannot be read: {0}")]
    Boundaries(String),
    /// The embedded list of departments is not the JSON it should be.
    #[error("the embedded departments cannot be read: {0}")]
    Departments(String),
    /// A generator wrote a cell that its table's schema does not have.
    #[error("column {column} of table {table} does not take this value")]
    Cell {
        /// The table.
        table: &'static str,
        /// The column, or the number of cells when a row has too many or too few.
        column: String,
    },
    /// Arrow refused a batch.
    #[error("the batch cannot be built: {0}")]
    Arrow(#[from] arrow::error::ArrowError),
}
