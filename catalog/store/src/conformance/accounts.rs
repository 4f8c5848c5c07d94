//! Accounts and sessions.

use std::sync::Arc;

use catalog_core::account::{Account, Contact, Session, SignedInBy};
use catalog_core::ports::Store;
use catalog_core::{ErrorCode, Result, Timestamp};

use super::refused;
use super::samples::event;

pub(super) async fn accounts(store: Arc<dyn Store>) -> Result<()> {
    let mut account = Account::of("zhang");
    store.save_account(&account, false, Some(&event("account.invited"))).await?;
    refused(store.save_account(&account, false, None).await, ErrorCode::Conflict);
    account = store.account("zhang").await?.unwrap_or_else(|| Account::of("nobody"));
    assert_eq!((account.person.as_str(), account.revision), ("zhang", 1));
    account.contact = Some(Contact { hash: "hash".to_owned(), sealed: "sealed".to_owned() });
    store.save_account(&account, false, None).await?;
    refused(store.save_account(&account, false, None).await, ErrorCode::Conflict);
    let found = store.account_by_contact("hash").await?.map(|found| (found.person, found.revision));
    assert_eq!(found, Some(("zhang".to_owned(), 2)));
    let other = Account { person: "li".to_owned(), revision: 0, ..account };
    refused(store.save_account(&other, false, None).await, ErrorCode::Conflict);
    assert_eq!(store.account("li").await?, None);
    assert_eq!(store.accounts().await?.len(), 1);
    Ok(())
}

pub(super) async fn sessions(store: Arc<dyn Store>) -> Result<()> {
    let session = |id: &str, person: &str| Session {
        id: id.to_owned(),
        token_digest: format!("digest of {id}"),
        person: person.to_owned(),
        standing: "standing".to_owned(),
        by: SignedInBy::Password,
        started_at: Timestamp(1),
        used_at: Timestamp(1),
        ends_at: Timestamp(10),
    };
    for (id, person) in [("one", "zhang"), ("two", "zhang"), ("three", "li")] {
        store.add_session(&session(id, person), None, &event("session.started")).await?;
    }
    let stale = Account { revision: 7, ..Account::of("wang") };
    let four = session("four", "wang");
    refused(store.add_session(&four, Some(&stale), &event("session.started")).await, ErrorCode::Conflict);
    assert_eq!(store.session_by_digest("digest of four").await?, None, "both or neither");
    store.session_used("one", Timestamp(5)).await?;
    store.session_used("one", Timestamp(4)).await?;
    let used = store.session_by_digest("digest of one").await?;
    assert_eq!(used, Some(Session { used_at: Timestamp(5), ..session("one", "zhang") }));
    store.end_session("one", &event("session.ended")).await?;
    refused(store.end_session("one", &event("session.ended")).await, ErrorCode::NotFound);
    store.save_account(&Account::of("zhang"), true, Some(&event("account.password_set"))).await?;
    assert_eq!(store.session_by_digest("digest of two").await?, None, "ended with the password");
    assert!(store.session_by_digest("digest of three").await?.is_some());
    assert_eq!(store.forget_sessions(Timestamp(9)).await?, 0);
    assert_eq!(store.forget_sessions(Timestamp(10)).await?, 1);
    Ok(())
}
