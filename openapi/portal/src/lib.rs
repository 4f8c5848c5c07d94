#![doc = include_str!("../README.md")]

mod about;
mod around;
mod asks;
mod assets;
mod identity;
mod listing;
mod matter_words;
mod pages;
mod refusals;
mod search;
#[cfg(test)]
mod tests;
mod typed;
mod words;

pub use about::{About, Compared, Delivery, Neighbour, OpeningLine, Quality, Rows, VersionLine};
pub use around::{Around, Language, Visitor};
pub use asks::{AskForm, asks_of, typed_of, with_ask, without_ask};
pub use assets::{Asset, asset};
pub use identity::Identity;
pub use listing::{Bar, Listing};
pub use pages::*;
pub use search::{Chosen, PAGE_HITS};
pub use typed::Typed;
pub use words::english;
