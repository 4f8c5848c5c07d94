#![doc = include_str!("../README.md")]

mod accounts;
mod change;
mod confidential;
pub mod conformance;
mod credentials;
mod directory;
mod failure;
mod grants;
mod json;
mod matters;
mod migration;
mod outbox;
mod search;
mod store;
mod versions;

pub use store::CatalogStore;

#[cfg(test)]
mod tests;
