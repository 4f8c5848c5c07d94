//! The pages: what each shows, and its template.

mod dataset;
mod design;
mod desk;
mod directory;
mod error;
mod home;
mod search;
mod sign_in;

use askama::Template;
use catalog_core::{Error, Result};

pub use dataset::DatasetPage;
pub use design::DesignPage;
pub use desk::DeskPage;
pub use directory::{Count, DepartmentsPage, TopicsPage};
pub use error::ErrorPage;
pub use home::{Figures, HomePage};
pub use search::SearchPage;
pub use sign_in::{PasswordPage, SignInPage};

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
