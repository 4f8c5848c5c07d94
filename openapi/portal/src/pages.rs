//! The pages: what each shows, and its template.

mod dataset;
mod design;
mod directory;
mod home;
mod search;

use askama::Template;
use catalog_core::{Error, Result};

pub use dataset::{DatasetPage, FilePlace};
pub use design::DesignPage;
pub use directory::{Count, DepartmentsPage, TopicsPage};
pub use home::{Figures, HomePage};
pub use search::SearchPage;

/// A page that can be written.
pub trait Page {
    /// The whole document in HTML.
    ///
    /// # Errors
    /// `internal` where the template can't be written.
    fn write(&self) -> Result<String>;
}

impl<T: Template> Page for T {
    fn write(&self) -> Result<String> {
        self.render().map_err(Error::internal)
    }
}
