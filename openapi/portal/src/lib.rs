#![doc = include_str!("../README.md")]

mod about;
mod around;
mod asks;
mod assets;
mod event_words;
mod filter_words;
mod identity;
mod listing;
mod matter_words;
mod messages;
mod names;
mod pager;
mod pages;
mod refusals;
mod returned;
mod search;
mod subject_words;
#[cfg(test)]
mod tests;
mod typed;
mod words;

pub use about::{About, Compared, Delivery, Neighbour, OpeningLine, Quality, Rows, VersionLine};
pub use around::{Around, DeskPart, Language, Visitor};
pub use asks::{AskForm, asks_of, check_asks, typed_of, with_ask, without_ask};
pub use assets::{Asset, asset};
pub use identity::Identity;
pub use listing::{Bar, Listing};
pub use messages::{is_known, told};
pub use names::Names;
pub use pager::Pager;
pub use pages::*;
pub use refusals::title_of;
pub use returned::returned;
pub use search::{Chosen, PAGE_HITS, likeness};
pub use subject_words::{named_in, resource_in};
pub use typed::Typed;
pub use words::english;
