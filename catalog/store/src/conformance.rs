//! What every store must do, as checks that any implementation of the ports can be put through.
//!
//! For tests: a check panics where the store is wrong, and answers the error where the store fails.

mod accounts;
mod api_keys;
mod changes;
mod confidential;
mod contributions;
mod credentials;
mod directory;
mod entries;
mod events;
mod matters;
pub mod samples;
mod saved_queries;
mod search;
mod subscriptions;
mod successions;
mod versions;
mod words;

use std::pin::Pin;
use std::sync::Arc;

use catalog_core::ports::Store;
use catalog_core::{ErrorCode, Result};

/// One check, on an empty store.
pub type Check = fn(Arc<dyn Store>) -> Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// All checks with their names. Each needs an empty store of its own.
pub const CHECKS: &[(&str, Check)] = &[
    ("departments", |store| Box::pin(directory::departments(store))),
    ("entries", |store| Box::pin(directory::entries(store))),
    ("machine names", |store| Box::pin(directory::machine_names(store))),
    ("titles", |store| Box::pin(directory::titles(store))),
    ("sequences", |store| Box::pin(directory::sequences(store))),
    ("search by words", |store| Box::pin(search::words(store))),
    ("search by filters", |store| Box::pin(search::filters(store))),
    ("search by conditions", |store| Box::pin(search::conditions(store))),
    ("search follows the directory", |store| Box::pin(search::follows_the_directory(store))),
    ("search by changes", |store| Box::pin(changes::follow_what_the_public_sees(store))),
    ("strange searches", |store| Box::pin(search::strange_texts(store))),
    ("grants", |store| Box::pin(versions::grants(store))),
    ("a withdrawal ends the grants", |store| Box::pin(versions::withdrawn_entries(store))),
    ("versions", |store| Box::pin(versions::versions(store))),
    ("reviewed versions", |store| Box::pin(versions::reviewed_versions(store))),
    ("recent versions", |store| Box::pin(versions::recent_versions(store))),
    ("one writer wins", |store| Box::pin(versions::one_writer_wins(store))),
    ("withdrawn records", |store| Box::pin(versions::withdrawn_records(store))),
    ("matters", |store| Box::pin(matters::kept_and_listed(store))),
    ("lists of matters have pages", |store| Box::pin(matters::paged(store))),
    ("what one may ask is bounded", |store| Box::pin(matters::bounded(store))),
    ("a matter's step is whole", |store| Box::pin(matters::all_or_nothing(store))),
    ("what is confided", |store| Box::pin(confidential::kept_replaced_and_erased(store))),
    ("people", |store| Box::pin(credentials::people(store))),
    ("keys", |store| Box::pin(credentials::keys(store))),
    ("tickets", |store| Box::pin(credentials::tickets(store))),
    ("nonces", |store| Box::pin(credentials::nonces(store))),
    ("accounts", |store| Box::pin(accounts::accounts(store))),
    ("sessions", |store| Box::pin(accounts::sessions(store))),
    ("developer keys", |store| Box::pin(api_keys::kept_and_revoked(store))),
    ("no more developer keys than may be", |store| Box::pin(api_keys::no_more_than_may_be(store))),
    ("few developer keys in a day", |store| Box::pin(api_keys::few_in_a_day(store))),
    ("use of developer keys", |store| Box::pin(api_keys::usage_is_counted(store))),
    ("successions", |store| Box::pin(successions::kept_once(store))),
    ("handovers", |store| Box::pin(successions::handed_over_as_a_whole(store))),
    ("words", |store| Box::pin(words::told_and_delivered(store))),
    ("subscriptions", |store| Box::pin(subscriptions::kept_and_ended(store))),
    ("notifications", |store| Box::pin(subscriptions::told_in_order(store))),
    ("contributions", |store| Box::pin(contributions::kept_and_listed(store))),
    ("few contributions wait", |store| Box::pin(contributions::few_wait(store))),
    ("saved queries", |store| Box::pin(saved_queries::kept_and_deleted(store))),
    ("histories of entries", |store| Box::pin(entries::history(store))),
    ("unfinished drafts", |store| Box::pin(entries::unfinished(store))),
    ("events", |store| Box::pin(events::order_and_removal(store))),
    ("refused changes leave no event", |store| Box::pin(events::refused_changes(store))),
    ("interrupted changes", |store| Box::pin(events::interrupted_changes(store))),
];

/// Asserts that a call was refused with a code.
#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T>, code: ErrorCode) {
    assert_eq!(result.err().map(|error| error.code), Some(code));
}
