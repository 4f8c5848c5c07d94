//! The pages: what each shows, and its template.

pub(crate) mod matters;

mod api;
mod ask;
mod chart;
mod contributions;
mod dataset;
mod department;
mod design;
mod desk;
mod desk_data;
mod desk_directory;
mod desk_editor;
mod desk_openings;
mod developer;
mod directory;
mod error;
mod framed;
mod grant;
mod grants;
mod home;
mod looking;
mod new_matter;
mod oversight;
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
pub use dataset::{ChangesPage, DatasetPage};
pub use department::{DepartmentFigures, DepartmentPage};
pub use design::DesignPage;
pub use desk::{DeskMatters, DeskPage};
pub use desk_data::{
    BadCell, DataRights, DatasetDeskPage, DatasetLine, DatasetsPage, MaterialPage, QualityCounts,
    QualityPage, TypedAct, TypedDelivery, UploadPage,
};
pub use desk_directory::{
    ChosenEntries, EntriesPage, EntryPage, ImportPage, Outcome, PAGE_ENTRIES, ReadEntry, ReadSheet,
};
pub use desk_editor::EditorPage;
pub use desk_openings::{
    OFFERED_MASKS, OpeningFormPage, OpeningsPage, ReviewsPage, SecrecyPage, TypedOpening, TypedStep,
};
pub use developer::{DeveloperPage, OwnKeys, RegisterPage, SubscriptionForm, SubscriptionsPage};
pub use directory::{Count, DepartmentsPage, TopicsPage};
pub use error::ErrorPage;
pub use framed::FramedPage;
pub use grant::{GrantPage, Preview};
pub use grants::{GrantLine, GrantsPage, TicketsPage, WhyPage};
pub use home::{Figures, Home, HomePage};
pub use looking::Looking;
pub use matters::{MatterLine, MatterPage, MattersChosen, MattersPage, NextStep, NoticePage, event_word};
pub use new_matter::NewMatterPage;
pub use oversight::*;
pub use rows::RowsPage;
pub use search::SearchPage;
pub use sign_in::{ClaimPage, PasswordPage, SignInPage};
pub use sql::{SqlAnswer, SqlPage};
pub use standards::StandardsPage;
pub use statistics::{Statistics, StatisticsPage};
pub use status::StatusPage;

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
