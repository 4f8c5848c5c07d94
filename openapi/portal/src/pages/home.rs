//! The first page: what there is, and where to begin.

use askama::Template;
use catalog_core::ports::SearchHit;

use crate::around::Around;
use crate::pages::directory::Count;

/// What the platform holds at this moment, as the public sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// Resources of the public's directory.
    pub resources: u64,
    /// Of them open without conditions.
    pub open: u64,
    /// Departments that provide them.
    pub departments: u64,
}

/// The first page.
#[derive(Template)]
#[template(path = "home.html")]
pub struct HomePage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// Live figures.
    pub figures: Figures,
    /// Topics with the numbers of their resources.
    pub topics: Vec<Count>,
    /// Where a reader may begin.
    pub some: Vec<SearchHit>,
}
