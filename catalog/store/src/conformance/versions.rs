//! Grants, versions and withdrawals.

use std::sync::Arc;

use catalog_core::dataset::{
    Audience, BreakingChange, Notice, RecordAct, RecordWithdrawal, Tombstone, Version, VersionState,
};
use catalog_core::directory::resource::Entry;
use catalog_core::evidence::EvidenceRecord;
use catalog_core::policy::{Grant, Revocation};
use catalog_core::ports::{GrantEnding, MatterChange, Store, VersionPlace};
use catalog_core::{ColumnName, Error, ErrorCode, ResourceCode, Result, Timestamp, fixtures};
use tokio::task::JoinSet;

use super::refused;
use super::samples::{department, event, grant, published, resource};

/// A store with one published resource.
pub(super) async fn with_resource(store: &Arc<dyn Store>) -> Result<ResourceCode> {
    store.put_department(&department("gaj", "公安局")?, &event("department.created")).await?;
    let entry = published(resource("gaj", "301001/000001", "户籍人口")?);
    store.save_entry(&entry, None, &event("entry.published")).await?;
    Ok(entry.draft.code)
}

/// Publishes a version and nothing else.
pub(super) async fn publish(store: &dyn Store, version: &Version, change: &EvidenceRecord) -> Result<()> {
    let version = Some((version.clone(), change.clone()));
    store.save_matters(&MatterChange { version, ..MatterChange::default() }).await
}

/// Makes a grant and nothing else, beside so many others.
pub(super) async fn add_grant(store: &dyn Store, grant: &Grant, others: usize) -> Result<()> {
    let grants = vec![(grant.clone(), event("grant.created"))];
    store.save_matters(&MatterChange { grants, grants_seen: others, ..MatterChange::default() }).await
}

pub(super) fn version(resource: &ResourceCode, number: i64, by: &str) -> Version {
    Version {
        rows: 10,
        bytes: 1_000,
        manifest_digest: "ab".repeat(32),
        published_by: by.to_owned(),
        ..fixtures::version(resource, number, Timestamp(number))
    }
}

fn tombstone() -> Tombstone {
    Tombstone { at: Timestamp(7), by: "steward".to_owned(), reason: "依法更正".to_owned() }
}

pub(super) async fn grants(store: Arc<dyn Store>) -> Result<()> {
    let code = with_resource(&store).await?;
    let (mut old, new) = (grant(&code, 1)?, grant(&code, 2)?);
    add_grant(&*store, &new, 0).await?;
    // It was decided on without the first.
    refused(add_grant(&*store, &old, 0).await, ErrorCode::Conflict);
    add_grant(&*store, &old, 1).await?;
    refused(add_grant(&*store, &old, 2).await, ErrorCode::Conflict);
    let elsewhere = grant(&ResourceCode::new("301001/000009")?, 3)?;
    refused(add_grant(&*store, &elsewhere, 2).await, ErrorCode::InvalidInput);
    assert_eq!(store.grants_on(&code).await?, [old.clone(), new.clone()]);

    let revocation = Revocation { at: Timestamp(9), by: "officer".to_owned(), reason: "到期".to_owned() };
    store.revoke_grant(&old.id, &revocation, &event("grant.revoked")).await?;
    let again = Revocation { reason: "再次".to_owned(), ..revocation.clone() };
    refused(store.revoke_grant(&old.id, &again, &event("grant.revoked")).await, ErrorCode::IllegalState);
    refused(store.revoke_grant(&elsewhere.id, &again, &event("grant.revoked")).await, ErrorCode::NotFound);
    old.revocation = Some(revocation);
    assert_eq!(store.grant(&old.id).await?, Some(old.clone()));
    assert_eq!(store.grants().await?, [old, new]);
    Ok(())
}

pub(super) async fn withdrawn_entries(store: Arc<dyn Store>) -> Result<()> {
    let code = with_resource(&store).await?;
    let (running, mut over) = (grant(&code, 1)?, grant(&code, 2)?);
    over.terms.valid_until = Some(Timestamp(5));
    for (others, grant) in [&running, &over].into_iter().enumerate() {
        add_grant(&*store, grant, others).await?;
    }
    let Some(entry) = store.entry(&code).await? else { return Err(Error::not_found(code)) };
    let withdrawn = Entry { published: None, revision: 2, updated_at: Timestamp(9), ..entry.clone() };
    let revocation = Revocation { at: Timestamp(9), by: "reviewer".to_owned(), reason: "撤销".to_owned() };
    let ending = GrantEnding { grant: running.id.clone(), revocation, change: event("grant.revoked") };
    let before = store.pending(100).await?.len();

    // A grant that the caller had not seen: nothing happens.
    let missed = store.withdraw_entry(&withdrawn, 1, &[], &event("entry.withdrawn")).await;
    refused(missed, ErrorCode::Conflict);
    assert_eq!(store.entry(&code).await?, Some(entry));
    assert_eq!(store.grant(&running.id).await?, Some(running.clone()));
    assert_eq!(store.pending(100).await?.len(), before);

    let change = event("entry.withdrawn");
    store.withdraw_entry(&withdrawn, 1, std::slice::from_ref(&ending), &change).await?;
    assert_eq!(store.entry(&code).await?, Some(withdrawn));
    let ended = store.grant(&running.id).await?.and_then(|grant| grant.revocation);
    assert_eq!(ended, Some(ending.revocation));
    assert_eq!(store.grant(&over.id).await?, Some(over), "what is over stays as it was");
    let events = store.pending(100).await?.split_off(before);
    assert_eq!(events, [ending.change, change]);
    refused(add_grant(&*store, &grant(&code, 3)?, 2).await, ErrorCode::IllegalState);
    Ok(())
}

pub(super) async fn versions(store: Arc<dyn Store>) -> Result<()> {
    let code = with_resource(&store).await?;
    let next = |number| {
        let (store, version) = (Arc::clone(&store), version(&code, number, "steward"));
        async move { publish(&*store, &version, &event("version.published")).await }
    };
    refused(next(2).await, ErrorCode::Conflict);
    assert_eq!(store.with_versions().await?, []);
    next(1).await?;
    refused(next(1).await, ErrorCode::Conflict);
    refused(next(3).await, ErrorCode::Conflict);
    next(2).await?;
    let withdrawn = || event("version.withdrawn");
    store.withdraw_version(&code, 2, &tombstone(), &withdrawn()).await?;
    refused(store.withdraw_version(&code, 2, &tombstone(), &withdrawn()).await, ErrorCode::IllegalState);
    refused(store.withdraw_version(&code, 3, &tombstone(), &withdrawn()).await, ErrorCode::NotFound);
    refused(next(2).await, ErrorCode::Conflict);
    let on_what_is_gone = Version { based_on: Some(2), ..version(&code, 3, "steward") };
    refused(publish(&*store, &on_what_is_gone, &event("version.published")).await, ErrorCode::Conflict);
    next(3).await?;
    let mut shown = version(&code, 2, "steward");
    shown.cleared.insert(Audience::Public);
    let clear = |version: &Version| MatterChange {
        cleared: vec![(version.clone(), event("version.cleared"))],
        ..MatterChange::default()
    };
    store.save_matters(&clear(&shown)).await?;
    let other = Version { rows: 99, ..shown.clone() };
    refused(store.save_matters(&clear(&other)).await, ErrorCode::Conflict);
    let (seen, mut erased) = (version(&code, 3, "steward"), version(&code, 3, "steward"));
    erased.erased_through = Some("an act".to_owned());
    erased.manifest_digest = "cd".repeat(32);
    store.replace_version(&seen, &erased, &event("version.rewritten")).await?;
    let late = store.replace_version(&seen, &erased, &event("version.rewritten")).await;
    refused(late, ErrorCode::Conflict);
    let mut second = version(&code, 2, "steward");
    second.cleared.insert(Audience::Public);
    second.state = VersionState::Withdrawn;
    second.tombstone = Some(tombstone());
    let expected = [version(&code, 1, "steward"), second, erased];
    assert_eq!(store.versions(&code).await?, expected);
    for version in &expected {
        assert_eq!(store.version(&code, version.number).await?.as_ref(), Some(version));
    }
    assert_eq!(store.version(&code, 4).await?, None);
    assert_eq!(store.version(&ResourceCode::new("301001/000009")?, 1).await?, None);
    assert_eq!(store.versions(&ResourceCode::new("301001/000009")?).await?, []);
    assert_eq!(store.with_versions().await?, [code]);
    Ok(())
}

pub(super) async fn recent_versions(store: Arc<dyn Store>) -> Result<()> {
    let one = with_resource(&store).await?;
    let entry = published(resource("gaj", "301001/000002", "暂住人口")?);
    store.save_entry(&entry, None, &event("entry.published")).await?;
    let other = entry.draft.code;
    let at = |code: &ResourceCode, number, time| Version {
        published_at: Timestamp(time),
        ..version(code, number, "steward")
    };
    let all = [at(&one, 1, 5), at(&one, 2, 7), at(&one, 3, 7), at(&other, 1, 7), at(&other, 2, 9)];
    for version in &all {
        publish(&*store, version, &event("version.published")).await?;
    }
    let mut found = Vec::new();
    while found.len() <= all.len() {
        let after = found.last().map(VersionPlace::of);
        let page = store.recent_versions(after.as_ref(), 2).await?;
        let is_last = page.len() < 2;
        found.extend(page);
        if is_last {
            break;
        }
    }
    assert_eq!(found, [4, 2, 1, 3, 0].map(|place| all[place].clone()), "the newest first, each once");
    Ok(())
}

pub(super) async fn reviewed_versions(store: Arc<dyn Store>) -> Result<()> {
    let code = with_resource(&store).await?;
    let notice = Notice { reason: "统一编码".to_owned(), days: 30 };
    let change = BreakingChange { notice, columns: Vec::new(), shape: "ab".repeat(32), review: None };
    let review = change.reviewed("reviewer", Timestamp(5));
    let announced = Version { breaking: Some(change.clone()), ..version(&code, 2, "steward") };
    for version in [&version(&code, 1, "steward"), &announced, &version(&code, 3, "\"breaking\":{")] {
        publish(&*store, version, &event("version.published")).await?;
    }
    assert_eq!(store.breaking_versions(&code).await?, std::slice::from_ref(&announced));
    let reviewed = || event("version.reviewed");
    store.review_version(&code, 2, &review, &reviewed()).await?;
    for number in [1, 2, 3] {
        refused(store.review_version(&code, number, &review, &reviewed()).await, ErrorCode::IllegalState);
    }
    refused(store.review_version(&code, 4, &review, &reviewed()).await, ErrorCode::NotFound);
    let breaking = Some(BreakingChange { review: Some(review), ..change });
    assert_eq!(store.breaking_versions(&code).await?, [Version { breaking, ..announced }]);
    Ok(())
}

pub(super) async fn one_writer_wins(store: Arc<dyn Store>) -> Result<()> {
    let code = with_resource(&store).await?;
    let mut tasks = JoinSet::new();
    for writer in 0..20 {
        let (store, version) = (Arc::clone(&store), version(&code, 1, &format!("steward {writer}")));
        tasks.spawn(async move { publish(&*store, &version, &event("version.published")).await });
    }
    let results = tasks.join_all().await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    for result in results.into_iter().filter(Result::is_err) {
        refused(result, ErrorCode::Conflict);
    }
    assert_eq!(store.versions(&code).await?.len(), 1);
    Ok(())
}

pub(super) async fn withdrawn_records(store: Arc<dyn Store>) -> Result<()> {
    let code = with_resource(&store).await?;
    let mut expected = Vec::new();
    for key in ["b", "a"] {
        let withdrawal = RecordWithdrawal {
            id: format!("withdrawal {key}"),
            resource: code.clone(),
            act: RecordAct::Withdraw,
            columns: vec![ColumnName::new("part")?, ColumnName::new("number")?],
            again: None,
            keys: vec![vec![key.to_owned(), String::new()]],
            tombstone: tombstone(),
        };
        store.withdraw_records(&withdrawal, &event("records.withdrawn")).await?;
        refused(store.withdraw_records(&withdrawal, &event("records.withdrawn")).await, ErrorCode::Conflict);
        expected.push(withdrawal);
    }
    assert_eq!(store.record_withdrawals(&code).await?, expected);
    Ok(())
}
