#![doc = include_str!("../README.md")]

mod around;
mod assets;
mod identity;
mod pages;
mod refusals;
mod search;
#[cfg(test)]
mod tests;

pub use around::{Around, Language, Visitor};
pub use assets::{Asset, asset};
pub use identity::Identity;
pub use pages::{
    Count, DatasetPage, DepartmentsPage, DesignPage, DeskPage, ErrorPage, Figures, HomePage, Page,
    PasswordPage, SearchPage, SignInPage, TopicsPage,
};
pub use search::{Chosen, PAGE_HITS};
