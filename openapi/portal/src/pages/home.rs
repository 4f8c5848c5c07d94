//! The first page: what there is, and where to begin.

use askama::Template;
use catalog_core::ports::SearchHit;

use crate::around::Around;
use crate::listing::{Bar, Listing};
use crate::pages::directory::Count;

/// What the platform holds at this moment, as the public sees it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Resources of the public's directory.
    pub resources: u64,
    /// Departments that provide them.
    pub departments: u64,
    /// Of the resources, those with data that anyone may take.
    pub with_data: Option<u64>,
    /// Rows of these, as far as they tell nothing of what is hidden.
    pub rows: Option<u64>,
    /// Reads by people without an account, and calls under a grant or a key, in the last thirty days.
    pub uses: Option<u64>,
}

/// What the first page tells.
#[derive(Debug, Clone, Default)]
pub struct Home {
    /// Live figures.
    pub figures: Figures,
    /// Topics with the numbers of their resources.
    pub topics: Vec<Count>,
    /// What was updated last.
    pub latest: Vec<Listing>,
    /// What was read most in the last thirty days.
    pub most_used: Vec<Bar>,
    /// Where a reader may begin, as long as there are no data.
    pub some: Vec<SearchHit>,
}

/// The first page.
#[derive(Template)]
#[template(path = "home.html")]
pub struct HomePage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// What it tells.
    pub home: &'a Home,
}
