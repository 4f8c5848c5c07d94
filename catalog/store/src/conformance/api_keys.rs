//! Developer keys and how they are used.

use std::sync::Arc;

use catalog_core::api_key::{ApiKey, KeyUsage};
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
        store.put_api_key(key, &event("api_key.created")).await?;
    }
    let copy = ApiKey { id: "4".to_owned(), ..one.clone() };
    refused(store.put_api_key(&copy, &event("api_key.created")).await, ErrorCode::Conflict);
    assert_eq!(store.api_key_by_digest("digest of 1").await?, Some(one.clone()));
    assert_eq!(store.api_key_by_digest("1").await?, None);
    assert_eq!(store.api_keys(Some("dev-a")).await?, [two.clone(), one.clone()]);
    let revoked = ApiKey { revoked_at: Some(Timestamp(5)), ..one };
    store.put_api_key(&revoked, &event("api_key.revoked")).await?;
    assert_eq!(store.api_key_by_digest("digest of 1").await?, Some(revoked.clone()));
    assert_eq!(store.api_keys(None).await?, [three, two, revoked]);
    Ok(())
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
