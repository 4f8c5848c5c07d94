//! A store in memory, as far as authentication asks it anything.

use std::collections::{BTreeMap, BTreeSet};
use std::future::ready;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use catalog_core::api_key::{ApiKey, KeyUsage};
use catalog_core::directory::resource::Entry;
use catalog_core::directory::{Department, Level, Succession};
use catalog_core::evidence::EvidenceRecord;
use catalog_core::ports::{
    ApiKeyStore, CodePage, CredentialStore, DirectoryStore, Durable, GrantEnding, Handover, KeyOwner,
    KeyRecord, NonceStore, Person, SearchPage, SearchQuery, SuccessionStore, Ticket,
};
use catalog_core::substitution::Substitution;
use catalog_core::{DepartmentId, Error, ResourceCode, Result, Role, Timestamp};
use exchange_crypto::{SigningKey, Suite, to_base64url};

use super::{BASE, NOW};
use crate::Authenticator;

#[derive(Default)]
pub(super) struct Fake {
    pub(super) keys: Mutex<BTreeMap<String, KeyRecord>>,
    pub(super) people: Mutex<BTreeMap<String, Person>>,
    pub(super) tickets: Mutex<Vec<Ticket>>,
    pub(super) api_keys: Mutex<Vec<ApiKey>>,
    pub(super) successions: Mutex<Vec<Succession>>,
    pub(super) substitutions: Mutex<Vec<Substitution>>,
    /// The catalogue's revision. Tests change keys and people as they like: where none is held, each question gets a new one.
    pub(super) held: Mutex<Option<i64>>,
    asked: AtomicI64,
    nonces: Mutex<BTreeSet<(String, String)>>,
}

impl Fake {
    pub(super) fn authenticator(self: &Arc<Self>) -> Authenticator {
        Authenticator::new(self.clone(), self.clone(), self.clone(), BASE).unwrap()
    }

    /// Registers a fresh key of the owner, valid for an hour on both sides of [`NOW`].
    pub(super) fn register(&self, owner: KeyOwner) -> SigningKey {
        self.register_for(Suite::Ed25519, owner)
    }

    /// As [`Fake::register`], of a suite.
    pub(super) fn register_for(&self, suite: Suite, owner: KeyOwner) -> SigningKey {
        let (key, _) = SigningKey::generate_for(suite).unwrap();
        let record = KeyRecord {
            id: key.public().id(),
            owner,
            public_key: to_base64url(key.public().as_bytes()),
            valid_from: NOW.plus_seconds(-3600),
            valid_until: Some(NOW.plus_seconds(3600)),
        };
        self.keys.lock().unwrap().insert(record.id.clone(), record);
        key
    }

    pub(super) fn department(&self) -> SigningKey {
        self.register(KeyOwner::Department(DepartmentId::new("scjg").unwrap()))
    }

    pub(super) fn add_developer(&self, id: &str) {
        let roles = [Role::Developer].into_iter().collect();
        let person =
            Person { id: id.to_owned(), name: "开发者".to_owned(), department: None, roles, active: true };
        self.people.lock().unwrap().insert(id.to_owned(), person);
    }

    pub(super) fn add_person(&self, id: &str, roles: &[Role], active: bool) {
        let department = Some(DepartmentId::new("scjg").unwrap());
        let roles = roles.iter().copied().collect();
        let person = Person { id: id.to_owned(), name: "测试".to_owned(), department, roles, active };
        self.people.lock().unwrap().insert(id.to_owned(), person);
    }
}

#[async_trait]
impl ApiKeyStore for Fake {
    async fn api_key(&self, _: &str) -> Result<Option<ApiKey>> {
        unused()
    }

    async fn api_key_by_digest(&self, digest: &str) -> Result<Option<ApiKey>> {
        Ok(self.api_keys.lock().unwrap().iter().find(|key| key.digest == digest).cloned())
    }

    async fn api_keys(&self, _: Option<&str>) -> Result<Vec<ApiKey>> {
        unused()
    }

    async fn add_api_key(&self, _: &ApiKey, _: u32, _: &EvidenceRecord) -> Result<()> {
        unused()
    }

    async fn revoke_api_key(&self, _: &ApiKey, _: &EvidenceRecord) -> Result<()> {
        unused()
    }

    async fn count_key_usage(&self, _: &[KeyUsage], _: chrono::NaiveDate) -> Result<()> {
        unused()
    }

    async fn key_usage(&self, _: &str) -> Result<Vec<KeyUsage>> {
        unused()
    }
}

fn unused<T>() -> Result<T> {
    Err(Error::internal("authentication does not ask this"))
}

#[async_trait]
impl DirectoryStore for Fake {
    async fn department(&self, id: &DepartmentId) -> Result<Option<Department>> {
        Ok(["scjg", "old"].contains(&id.as_str()).then(|| Department {
            id: id.clone(),
            name: "九江市市场监督管理局".to_owned(),
            credit_code: "11360400MB0000000X".to_owned(),
            level: Level::City,
            parent: None,
            division_code: if id.as_str() == "old" { "360481" } else { "360400" }.to_owned(),
        }))
    }
    async fn departments(&self) -> Result<Vec<Department>> {
        unused()
    }
    async fn put_department(&self, _: &Department, _: &EvidenceRecord) -> Result<()> {
        unused()
    }
    async fn entry(&self, _: &ResourceCode) -> Result<Option<Entry>> {
        unused()
    }
    async fn entry_by_name(&self, _: &DepartmentId, _: &str) -> Result<Option<Entry>> {
        unused()
    }
    async fn entries(&self, _: Option<&DepartmentId>) -> Result<Vec<Entry>> {
        unused()
    }
    async fn next_sequence(&self, _: &str) -> Result<u64> {
        unused()
    }
    async fn save_entry(&self, _: &Entry, _: Option<i64>, _: &EvidenceRecord) -> Result<()> {
        unused()
    }
    async fn withdraw_entry(&self, _: &Entry, _: i64, _: &[GrantEnding], _: &EvidenceRecord) -> Result<()> {
        unused()
    }
    async fn search(&self, _: &SearchQuery) -> Result<SearchPage> {
        unused()
    }
    async fn codes(&self, _: &SearchQuery) -> Result<CodePage> {
        unused()
    }
    async fn revision(&self) -> Result<i64> {
        let held = *self.held.lock().unwrap();
        Ok(held.unwrap_or_else(|| self.asked.fetch_add(1, Ordering::SeqCst)))
    }
}

#[async_trait]
impl SuccessionStore for Fake {
    async fn successions(&self) -> Result<Vec<Succession>> {
        Ok(self.successions.lock().unwrap().clone())
    }
    async fn add_succession(&self, _: &Succession, _: &EvidenceRecord) -> Result<()> {
        unused()
    }
    async fn change_succession(&self, _: &Succession, _: &Succession, _: &EvidenceRecord) -> Result<()> {
        unused()
    }
    async fn hand_over(&self, _: &Handover) -> Result<()> {
        unused()
    }
}

#[async_trait]
impl CredentialStore for Fake {
    async fn person(&self, id: &str) -> Result<Option<Person>> {
        Ok(self.people.lock().unwrap().get(id).cloned())
    }
    async fn people(&self) -> Result<Vec<Person>> {
        unused()
    }
    async fn substitutions(&self) -> Result<Vec<Substitution>> {
        unused()
    }
    async fn substitutions_of(&self, _: &str) -> Result<Vec<Substitution>> {
        Ok(self.substitutions.lock().unwrap().clone())
    }
    async fn put_substitution(&self, _: &Substitution, _: &EvidenceRecord) -> Result<()> {
        unused()
    }
    async fn put_person(&self, _: &Person, _: &EvidenceRecord) -> Result<()> {
        unused()
    }
    async fn key(&self, id: &str) -> Result<Option<KeyRecord>> {
        Ok(self.keys.lock().unwrap().get(id).cloned())
    }
    async fn keys(&self) -> Result<Vec<KeyRecord>> {
        unused()
    }
    async fn put_key(&self, _: &KeyRecord, _: &EvidenceRecord) -> Result<()> {
        unused()
    }
    async fn replace_key(
        &self,
        _: (&KeyRecord, &EvidenceRecord),
        _: (&KeyRecord, &EvidenceRecord),
    ) -> Result<()> {
        unused()
    }
    async fn add_ticket(&self, _: &Ticket, _: &EvidenceRecord) -> Result<()> {
        unused()
    }
    async fn ticket_by_digest(&self, digest: &str) -> Result<Option<Ticket>> {
        Ok(self.tickets.lock().unwrap().iter().find(|ticket| ticket.token_digest == digest).cloned())
    }
    async fn tickets_of(&self, _: &str) -> Result<Vec<Ticket>> {
        unused()
    }
    async fn revoke_ticket(&self, _: &str, _: Timestamp, _: &EvidenceRecord) -> Result<()> {
        unused()
    }
}

#[async_trait]
impl NonceStore for Fake {
    async fn begin_nonce(&self, key_id: &str, nonce: &str, _: Timestamp) -> Result<Option<Durable>> {
        let is_new = self.nonces.lock().unwrap().insert((key_id.to_owned(), nonce.to_owned()));
        let durable: Durable = Box::pin(ready(Ok(())));
        Ok(is_new.then_some(durable))
    }
    async fn forget_nonces(&self, _: Timestamp) -> Result<u64> {
        unused()
    }
}
