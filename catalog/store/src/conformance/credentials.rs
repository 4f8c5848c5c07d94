//! People, keys, tickets and nonces.

use std::collections::BTreeSet;
use std::sync::Arc;

use catalog_core::context::{Channel, Role};
use catalog_core::ports::{KeyOwner, KeyRecord, Person, Store, Ticket};
use catalog_core::{DepartmentId, ErrorCode, Result, Timestamp};
use tokio::task::JoinSet;

use super::refused;
use super::samples::{department, event};

pub(super) async fn people(store: Arc<dyn Store>) -> Result<()> {
    let mut person = Person {
        id: "zhang".to_owned(),
        name: "张某".to_owned(),
        department: Some(DepartmentId::new("gaj")?),
        roles: BTreeSet::from([Role::Analyst]),
        active: true,
    };
    refused(store.put_person(&person, &event("person.created")).await, ErrorCode::InvalidInput);
    store.put_department(&department("gaj", "公安局")?, &event("department.created")).await?;
    store.put_person(&person, &event("person.created")).await?;
    person.active = false;
    store.put_person(&person, &event("person.changed")).await?;
    let developer = Person { id: "dev".to_owned(), department: None, ..person.clone() };
    store.put_person(&developer, &event("person.created")).await?;
    assert_eq!(store.person("zhang").await?, Some(person.clone()));
    assert_eq!(store.person("nobody").await?, None);
    assert_eq!(store.people().await?, [developer, person]);
    Ok(())
}

pub(super) async fn keys(store: Arc<dyn Store>) -> Result<()> {
    let mut old = KeyRecord {
        id: "z thumbprint".to_owned(),
        owner: KeyOwner::Department(DepartmentId::new("gaj")?),
        public_key: "AAAA".to_owned(),
        valid_from: Timestamp(1),
        valid_until: None,
    };
    let new = KeyRecord {
        id: "a thumbprint".to_owned(),
        owner: KeyOwner::Platform,
        valid_from: Timestamp(2),
        ..old.clone()
    };
    store.put_key(&new, &event("key.registered")).await?;
    store.put_key(&old, &event("key.registered")).await?;
    old.valid_until = Some(Timestamp(5));
    store.put_key(&old, &event("key.retired")).await?;
    let stolen = KeyRecord { public_key: "BBBB".to_owned(), ..old.clone() };
    refused(store.put_key(&stolen, &event("key.registered")).await, ErrorCode::Conflict);
    let given = KeyRecord { owner: KeyOwner::Platform, ..old.clone() };
    refused(store.put_key(&given, &event("key.registered")).await, ErrorCode::Conflict);
    for end in [Some(Timestamp(6)), None] {
        let revived = KeyRecord { valid_until: end, ..old.clone() };
        refused(store.put_key(&revived, &event("key.registered")).await, ErrorCode::Conflict);
    }
    assert_eq!(store.key(&old.id).await?, Some(old.clone()));
    assert_eq!(store.key("none").await?, None);
    assert_eq!(store.keys().await?, [old.clone(), new.clone()]);

    let next = KeyRecord { id: "next".to_owned(), public_key: "CCCC".to_owned(), ..new.clone() };
    let ended = KeyRecord { valid_until: Some(Timestamp(9)), ..new.clone() };
    let taken = KeyRecord { public_key: "DDDD".to_owned(), ..old.clone() };
    refused(
        store.replace_key((&ended, &event("key.rotated")), (&taken, &event("key.put"))).await,
        ErrorCode::Conflict,
    );
    assert_eq!(store.key(&new.id).await?, Some(new), "both change or neither");
    store.replace_key((&ended, &event("key.rotated")), (&next, &event("key.put"))).await?;
    assert_eq!(store.keys().await?, [old, ended, next]);
    Ok(())
}

pub(super) async fn tickets(store: Arc<dyn Store>) -> Result<()> {
    let ticket = |id: &str, issued_at| Ticket {
        id: id.to_owned(),
        token_digest: format!("digest of {id}"),
        holder: KeyOwner::Person("zhang".to_owned()),
        principal_id: "zhang".to_owned(),
        key_id: "key".to_owned(),
        purpose: None,
        doors: BTreeSet::from([Channel::Sql]),
        issued_at: Timestamp(issued_at),
        expires_at: Timestamp(issued_at + 10),
        revoked_at: None,
    };
    let (mut old, new) = (ticket("old", 1), ticket("new", 2));
    for ticket in [&old, &new] {
        store.add_ticket(ticket, &event("ticket.issued")).await?;
    }
    let copy = Ticket { id: "copy".to_owned(), ..new.clone() };
    refused(store.add_ticket(&copy, &event("ticket.issued")).await, ErrorCode::Conflict);
    store.revoke_ticket("old", Timestamp(3), &event("ticket.revoked")).await?;
    refused(
        store.revoke_ticket("old", Timestamp(4), &event("ticket.revoked")).await,
        ErrorCode::IllegalState,
    );
    refused(store.revoke_ticket("none", Timestamp(4), &event("ticket.revoked")).await, ErrorCode::NotFound);
    old.revoked_at = Some(Timestamp(3));
    assert_eq!(store.ticket_by_digest("digest of old").await?, Some(old.clone()));
    assert_eq!(store.ticket_by_digest("old").await?, None);
    assert_eq!(store.tickets_of("zhang").await?, [new, old]);
    assert_eq!(store.tickets_of("li").await?, []);
    Ok(())
}

pub(super) async fn nonces(store: Arc<dyn Store>) -> Result<()> {
    assert!(store.use_nonce("key", "one", Timestamp(10)).await?);
    assert!(!store.use_nonce("key", "one", Timestamp(99)).await?);
    assert!(store.use_nonce("other key", "one", Timestamp(20)).await?);
    assert_eq!(store.forget_nonces(Timestamp(10)).await?, 0, "kept until its time has passed");
    assert_eq!(store.forget_nonces(Timestamp(11)).await?, 1);
    assert!(!store.use_nonce("other key", "one", Timestamp(20)).await?);

    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let store = Arc::clone(&store);
        tasks.spawn(async move { store.use_nonce("key", "raced", Timestamp(30)).await });
    }
    let first: Vec<bool> = tasks.join_all().await.into_iter().collect::<Result<_>>()?;
    assert_eq!(first.iter().filter(|first| **first).count(), 1);
    Ok(())
}
