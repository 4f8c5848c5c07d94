//! The desk 工作台: where people of departments, and those who run the platform, do their day's work.

mod data;
mod directory;
mod editor;
mod grant;
mod grants;
mod history;
mod matters;
mod new_matter;
mod notice;
mod openings;
mod oversight;
mod scope;
mod why;

use askama::Template;

use crate::around::Around;
pub use data::{
    BadCell, DataRights, DatasetDeskPage, DatasetLine, DatasetsPage, MaterialPage, QualityCounts,
    QualityPage, TypedAct, TypedDelivery, UploadPage,
};
pub use directory::{
    ChosenEntries, EntriesPage, EntryPage, ImportPage, Outcome, PAGE_ENTRIES, ReadEntry, ReadSheet,
};
pub use editor::EditorPage;
pub use grant::{GrantPage, Preview};
pub use grants::{GrantLine, GrantsPage, TicketsPage};
pub use history::{Comparison, HistoryPage};
pub use matters::{MatterLine, MatterPage, MattersChosen, MattersPage, event_word};
pub use new_matter::NewMatterPage;
pub use notice::NoticePage;
pub use openings::{
    DeskReviews, EntryToReview, OFFERED_MASKS, OpeningFormPage, OpeningsPage, ReviewsPage, SecrecyPage,
    TypedOpening, TypedStep, VersionToReview,
};
pub use oversight::*;
pub use why::WhyPage;

/// How matters stand that concern the reader.
#[derive(Debug, Clone, Default)]
pub struct DeskMatters<'a> {
    /// How many wait for the reader.
    pub waiting: usize,
    /// Among those that their side handles: how many have a red, a yellow, a green light.
    pub lights: [usize; 3],
    /// How many they have asked for that are open.
    pub asked: usize,
    /// Whether there are more than were counted.
    pub more: bool,
    /// The most urgent of those that wait.
    pub urgent: Vec<MatterLine<'a>>,
}

/// The first page of the desk: what its reader may do, and what is urgent.
#[derive(Template)]
#[template(path = "desk/home.html")]
pub struct DeskPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// Matters, for those who have any.
    pub matters: Option<DeskMatters<'a>>,
    /// What waits for a reviewer; nothing for others.
    pub reviews: Option<DeskReviews>,
}
