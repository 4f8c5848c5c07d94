//! The pages: what each shows, and its template.

mod api;
mod ask;
mod chart;
mod contributions;
mod dataset;
mod department;
mod design;
mod desk;
mod developer;
mod directory;
mod error;
mod framed;
mod home;
mod looking;
mod rows;
mod search;
mod sign_in;
mod sql;
mod standards;
mod statistics;
mod status;

use askama::Template;
use catalog_core::{Error, Result};

pub use api::{ApiOperation, ApiPage, ApiParameter, ApiTag, HelpPage};
pub use ask::{Asking, DisclosurePage, FollowPage, LetterPage, ReceivedPage};
pub use chart::{ChartPage, ChartWish, Drawing, Drawn};
pub use contributions::{ContributionsPage, FeedbackPage, GalleryPage, OfferPage, Opinion, WorkForm};
pub use dataset::{ChangesPage, DatasetPage, FirstRows};
pub use department::{DepartmentFigures, DepartmentPage};
pub use design::DesignPage;
pub use desk::*;
pub use developer::{DeveloperPage, OwnKeys, RegisterPage, SubscriptionForm, SubscriptionsPage};
pub use directory::{Count, DepartmentsPage, TopicsPage};
pub use error::ErrorPage;
pub use framed::FramedPage;
pub use home::{Figures, Home, HomePage};
pub use looking::Looking;
pub use rows::RowsPage;
pub use search::{SearchHelp, SearchPage};
pub use sign_in::{ClaimPage, PasswordPage, SignInPage, Unsent};
pub use sql::{SqlAnswer, SqlPage};
pub use standards::StandardsPage;
pub use statistics::{Statistics, StatisticsPage};
pub use status::StatusPage;

pub(crate) use sign_in::ReturnedNotice;

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
