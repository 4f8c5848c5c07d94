#![doc = include_str!("../README.md")]

mod atom;
mod catalogue;
mod csvw;
mod dataset;
mod entry;
mod item;
mod node;
mod read;
mod schema_org;
mod site;
mod sitemap;
mod statements;
mod syntax;
#[cfg(test)]
mod tests;
mod vocabulary;
mod xml;

pub use atom::{Change, Feed};
pub use catalogue::{Page, catalogue};
pub use csvw::csvw;
pub use dataset::{Described, File, Release, opened};
pub use oxrdf::Graph;
pub use read::{Imported, read};
pub use schema_org::schema_org;
pub use site::Site;
pub use sitemap::{sitemap, sitemap_index};
pub use statements::Statements;
pub use syntax::{CONTEXT, Syntax};
