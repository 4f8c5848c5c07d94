//! Queries that people have saved.

use std::sync::Arc;

use catalog_core::ports::Store;
use catalog_core::saved_query::{MOST_QUERIES, SavedQuery};
use catalog_core::{ErrorCode, Result, Timestamp};

use super::refused;
use super::samples::event;

fn query(id: &str, person: &str) -> SavedQuery {
    SavedQuery {
        id: id.to_owned(),
        person: person.to_owned(),
        sealed: "sealed".to_owned(),
        saved_at: Timestamp(1),
    }
}

pub(super) async fn kept_and_deleted(store: Arc<dyn Store>) -> Result<()> {
    let (one, two, other) = (query("a", "chen"), query("b", "chen"), query("c", "li"));
    for query in [&one, &two, &other] {
        store.add_saved_query(query, &event("query.saved")).await?;
    }
    assert_eq!(store.saved_query("a").await?, Some(one.clone()));
    assert_eq!(store.saved_queries("chen").await?, [two.clone(), one.clone()], "the newest first");
    assert_eq!(store.saved_queries("li").await?, [other]);
    assert_eq!(store.saved_queries("nobody").await?, []);

    refused(store.add_saved_query(&one, &event("query.saved")).await, ErrorCode::Conflict);
    store.delete_saved_query("a", &event("query.deleted")).await?;
    refused(store.delete_saved_query("a", &event("query.deleted")).await, ErrorCode::NotFound);
    assert_eq!(store.saved_query("a").await?, None);

    for number in 1..MOST_QUERIES {
        store.add_saved_query(&query(&format!("m{number}"), "chen"), &event("query.saved")).await?;
    }
    refused(store.add_saved_query(&query("more", "chen"), &event("query.saved")).await, ErrorCode::LimitRate);
    store.add_saved_query(&query("more", "li"), &event("query.saved")).await
}
