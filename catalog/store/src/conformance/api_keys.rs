//! Developer keys and how they are used.

use std::sync::Arc;

use catalog_core::api_key::{ApiKey, KeyUsage, MADE_PER_DAY};
use catalog_core::ports::Store;
use catalog_core::{ErrorCode, Result, Timestamp};
use chrono::NaiveDate;

use super::refused;
use super::samples::event;

pub(super) async fn kept_and_revoked(store: Arc<dyn Store>) -> Result<()> {
    let key = |id: &str, person: &str| ApiKey {
        id: id.to_owned(),
        name: "地图".to_owned(),
        person: person.to_owned(),
        digest: format!("digest of {id}"),
        created_at: Timestamp(1),
        expires_at: Timestamp(10),
        revoked_at: None,
    };
    let (one, two, three) = (key("1", "dev-a"), key("2", "dev-a"), key("3", "dev-b"));
    for key in [&one, &two, &three] {
        store.add_api_key(key, 2, &event("api_key.created")).await?;
    }
    let copy = ApiKey { id: "4".to_owned(), ..one.clone() };
    refused(store.add_api_key(&copy, 3, &event("api_key.created")).await, ErrorCode::Conflict);
    refused(store.add_api_key(&key("5", "dev-a"), 2, &event("api_key.created")).await, ErrorCode::LimitRate);
    assert_eq!(store.api_key("2").await?, Some(two.clone()));
    assert_eq!(store.api_key("digest of 2").await?, None);
    // A text with U+0000 is nothing, or bad input where the database can't keep it; never a failure of ours.
    match store.api_key("2\u{0}").await {
        Ok(found) => assert_eq!(found, None),
        Err(error) => assert_eq!(error.code, ErrorCode::InvalidInput),
    }
    assert_eq!(store.api_key_by_digest("digest of 1").await?, Some(one.clone()));
    assert_eq!(store.api_key_by_digest("1").await?, None);
    assert_eq!(store.api_keys(Some("dev-a")).await?, [two.clone(), one.clone()]);
    let revoked = ApiKey { revoked_at: Some(Timestamp(5)), ..one };
    store.revoke_api_key(&revoked, &event("api_key.revoked")).await?;
    refused(store.revoke_api_key(&revoked, &event("api_key.revoked")).await, ErrorCode::IllegalState);
    refused(store.revoke_api_key(&key("9", "dev-a"), &event("api_key.revoked")).await, ErrorCode::NotFound);
    assert_eq!(store.api_key_by_digest("digest of 1").await?, Some(revoked.clone()));
    assert_eq!(store.api_keys(None).await?, [three, two, revoked]);
    store.add_api_key(&key("5", "dev-a"), 2, &event("api_key.created")).await?;
    Ok(())
}

/// Keys that are asked for at the same moment are not more than may be.
pub(super) async fn no_more_than_may_be(store: Arc<dyn Store>) -> Result<()> {
    let adding = (0..8).map(|number| {
        let store = Arc::clone(&store);
        async move {
            let key = ApiKey {
                id: format!("racing {number}"),
                name: "地图".to_owned(),
                person: "dev-racing".to_owned(),
                digest: format!("digest of racing {number}"),
                created_at: Timestamp(1),
                expires_at: Timestamp(10),
                revoked_at: None,
            };
            store.add_api_key(&key, 3, &event("api_key.created")).await
        }
    });
    let added = futures::future::join_all(adding).await;
    assert_eq!(added.iter().filter(|added| added.is_ok()).count(), 3);
    assert_eq!(store.api_keys(Some("dev-racing")).await?.len(), 3);
    Ok(())
}

/// Making and revoking in turn ends somewhere, and goes on a day later.
pub(super) async fn few_in_a_day(store: Arc<dyn Store>) -> Result<()> {
    let key = |number: usize, at: i64| ApiKey {
        id: format!("in turn {number}"),
        name: "地图".to_owned(),
        person: "dev-in-turn".to_owned(),
        digest: format!("digest of in turn {number}"),
        created_at: Timestamp(0).plus_seconds(at),
        expires_at: Timestamp(0).plus_seconds(at + 1_000_000),
        revoked_at: None,
    };
    for number in 0..MADE_PER_DAY {
        let made = key(number, 10);
        store.add_api_key(&made, 1, &event("api_key.created")).await?;
        let revoked = ApiKey { revoked_at: Some(Timestamp(0).plus_seconds(10)), ..made };
        store.revoke_api_key(&revoked, &event("api_key.revoked")).await?;
    }
    let more = store.add_api_key(&key(100, 86_409), 1, &event("api_key.created")).await;
    refused(more, ErrorCode::LimitRate);
    store.add_api_key(&key(100, 86_410), 1, &event("api_key.created")).await
}

pub(super) async fn usage_is_counted(store: Arc<dyn Store>) -> Result<()> {
    let day = |day: u32| NaiveDate::from_ymd_opt(2026, 11, day).unwrap_or_default();
    let usage = |key: &str, on: u32, requests: u64| KeyUsage {
        key: key.to_owned(),
        day: day(on),
        requests,
        refused: 1,
        bytes: 10 * requests,
    };
    store.count_key_usage(&[usage("a", 21, 2), usage("b", 21, 7)], day(1)).await?;
    store.count_key_usage(&[usage("a", 21, 3), usage("a", 22, 1)], day(1)).await?;
    let both = KeyUsage { refused: 2, ..usage("a", 21, 5) };
    assert_eq!(store.key_usage("a").await?, [usage("a", 22, 1), both]);
    store.count_key_usage(&[usage("a", 22, 1)], day(22)).await?;
    let left = KeyUsage { refused: 2, ..usage("a", 22, 2) };
    assert_eq!(store.key_usage("a").await?, [left], "earlier days are forgotten");
    assert_eq!(store.key_usage("b").await?, [usage("b", 21, 7)], "of these keys alone");
    assert_eq!(store.key_usage("c").await?, []);
    Ok(())
}
