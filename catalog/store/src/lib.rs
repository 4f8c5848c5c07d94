#![doc = include_str!("../README.md")]

mod accounts;
mod api_keys;
mod change;
mod confidential;
pub mod conformance;
mod contributions;
mod credentials;
mod directory;
mod entries;
mod failure;
mod grants;
mod json;
mod matters;
mod migration;
mod outbox;
mod saved_queries;
mod search;
mod snapshot;
mod store;
mod subscriptions;
mod successions;
mod versions;
mod words;

pub use snapshot::Resting;
pub use store::CatalogStore;

#[cfg(test)]
mod tests;
