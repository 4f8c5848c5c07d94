#![doc = include_str!("../README.md")]

mod around;
mod assets;
mod identity;
mod pages;
mod search;
#[cfg(test)]
mod tests;

pub use around::{Around, Language};
pub use assets::{Asset, asset};
pub use identity::Identity;
pub use pages::{
    Count, DatasetPage, DepartmentsPage, DesignPage, Figures, FilePlace, HomePage, Page, SearchPage,
    TopicsPage,
};
pub use search::{Chosen, PAGE_HITS};
