//! Catalogue rows against evidence: every change left the digest of the state that it made.

use std::collections::{BTreeMap, BTreeSet};

use catalog_core::dataset::{Version, VersionState};
use catalog_core::evidence::{Event, Undone, entity};
use catalog_core::policy::Grant;
use catalog_core::ports::{
    AccountStore as _, ApiKeyStore as _, CredentialStore as _, DirectoryStore as _, GrantStore as _,
    MatterQuery, MatterStore as _, SuccessionStore as _, Ticket, VersionStore as _,
};
use catalog_core::{Error, Result};
use catalog_store::CatalogStore;
use exchange_crypto::Digest;
use exchange_ledger::{Filter, Finding, Ledger};
use serde::Serialize;

/// Actions that add to the state of their entity; every other one makes it anew.
const ADDITIONS: [&str; 3] = ["grant.revoked", "version.withdrawn", "ticket.revoked"];

/// What evidence says of the catalogue.
struct Stated {
    /// By entity the digest of its newest state, and beside it those of the [`ADDITIONS`] by their action.
    newest: BTreeMap<(String, String), String>,
    /// Digests of withdrawals and reinstatements of records, which have no name of their own.
    withdrawals: BTreeSet<String>,
    /// Entities whose rows were seen.
    seen: BTreeSet<String>,
    findings: Vec<Finding>,
}

/// Compares all rows; answers how many.
pub(super) async fn check(store: &CatalogStore, ledger: &Ledger, findings: &mut Vec<Finding>) -> Result<u64> {
    let mut stated = Stated::read(ledger)?;
    for department in store.departments().await? {
        stated.row(entity::department(&department.id), "", &department);
    }
    for succession in store.successions().await? {
        stated.row(entity::succession(&succession.id), "", &succession);
    }
    for person in store.people().await? {
        stated.row(entity::person(&person.id), "", &person);
        stated.tickets(store.tickets_of(&person.id).await?);
    }
    for substitution in store.substitutions().await? {
        stated.row(entity::substitution(&substitution.id), "", &substitution);
    }
    for account in store.accounts().await? {
        stated.row(entity::account(&account.person), "", &account.facts());
    }
    for key in store.keys().await? {
        stated.row(entity::key(&key.id), "", &key);
        stated.tickets(store.tickets_of(&key.id).await?);
    }
    for key in store.api_keys(None).await? {
        stated.row(entity::api_key(&key.id), "", &key);
    }
    for matter in store.matters(&MatterQuery::default()).await? {
        stated.row(entity::matter(&matter.number), "", &matter);
    }
    for grant in store.grants().await? {
        stated.grant(grant);
    }
    for entry in store.entries(None).await? {
        let code = entry.draft.code.clone();
        stated.row(entity::resource(&code), "", &entry);
        for version in store.versions(&code).await? {
            stated.version(version);
        }
        for withdrawal in store.record_withdrawals(&code).await? {
            stated.withdrawal(&digest(&withdrawal), code.as_str());
        }
    }
    stated.without_rows();
    let rows = stated.seen.len() as u64;
    findings.append(&mut stated.findings);
    Ok(rows)
}

impl Stated {
    fn read(ledger: &Ledger) -> Result<Self> {
        let (mut newest, mut withdrawals) = (BTreeMap::new(), BTreeSet::new());
        for (action, entity, digest) in changes(ledger)? {
            if matches!(action.as_str(), "records.withdrawn" | "records.reinstated") {
                withdrawals.insert(digest);
            } else if entity::is_row(&entity) {
                let part = if ADDITIONS.contains(&action.as_str()) { action } else { String::new() };
                newest.insert((entity, part), digest);
            }
        }
        Ok(Self { newest, withdrawals, seen: BTreeSet::new(), findings: Vec::new() })
    }

    fn row(&mut self, entity: String, action: &str, state: &impl Serialize) {
        let what = match self.newest.get(&(entity.clone(), action.to_owned())) {
            Some(stated) if *stated == digest(state) => None,
            Some(_) => Some("the row is not what its newest event made"),
            None => Some("the row has no event that made it"),
        };
        self.findings.extend(what.map(|what| Finding { place: entity.clone(), what: what.to_owned() }));
        self.seen.insert(entity);
    }

    fn grant(&mut self, mut grant: Grant) {
        let entity = entity::grant(&grant.id);
        match grant.revocation.take() {
            Some(revocation) => self.row(entity.clone(), "grant.revoked", &revocation),
            None => self.not_stated(&entity, "grant.revoked"),
        }
        self.row(entity, "", &grant);
    }

    fn tickets(&mut self, tickets: Vec<Ticket>) {
        for mut ticket in tickets {
            let entity = entity::ticket(&ticket.id);
            match ticket.revoked_at.take() {
                Some(_) => self.row(entity.clone(), "ticket.revoked", &ticket.id),
                None => self.not_stated(&entity, "ticket.revoked"),
            }
            self.row(entity, "", &ticket);
        }
    }

    fn version(&mut self, mut version: Version) {
        let entity = entity::version(version.number, &version.resource);
        match version.tombstone.take() {
            Some(tombstone) => self.row(entity.clone(), "version.withdrawn", &tombstone),
            None => self.not_stated(&entity, "version.withdrawn"),
        }
        version.state = VersionState::Published;
        self.row(entity, "", &version);
    }

    fn not_stated(&mut self, entity: &str, action: &str) {
        if self.newest.contains_key(&(entity.to_owned(), action.to_owned())) {
            let what = format!("the row does not show the event `{action}`");
            self.findings.push(Finding { place: entity.to_owned(), what });
        }
    }

    fn withdrawal(&mut self, digest: &str, code: &str) {
        if !self.withdrawals.remove(digest) {
            let what = "the row has no event that made it".to_owned();
            self.findings.push(Finding { place: format!("withdrawn records of {code}"), what });
        }
    }

    /// What evidence names and no row shows.
    fn without_rows(&mut self) {
        let lost = self.newest.keys().map(|(entity, _)| entity).filter(|entity| !self.seen.contains(*entity));
        let lost: BTreeSet<_> = lost.cloned().collect();
        let what = "evidence names it, and its row is gone".to_owned();
        self.findings.extend(lost.into_iter().map(|place| Finding { place, what: what.clone() }));
        if !self.withdrawals.is_empty() {
            let what = format!("{} of them are in evidence, and their rows are gone", self.withdrawals.len());
            self.findings.push(Finding { place: "withdrawn records".to_owned(), what });
        }
    }
}

/// Action, entity and digest of a change.
type Change = (String, String, String);

/// The changes that the catalogue shows, oldest first, without those that a restore took back.
fn changes(ledger: &Ledger) -> Result<Vec<Change>> {
    let (mut changes, mut undone) = (Vec::new(), Undone::default());
    for leaf in ledger.scan(Filter::default())? {
        let leaf = leaf.map_err(Error::from)?;
        let place = (leaf.epoch, leaf.index);
        undone.take(&leaf.record.event, place);
        if let Event::Changed { action, entity, entity_digest } = leaf.record.event {
            changes.push((place, (action, entity, entity_digest)));
        }
    }
    changes.retain(|(place, _)| !undone.has(*place));
    Ok(changes.into_iter().map(|(_, change)| change).collect())
}

/// As the services make it.
fn digest(state: &impl Serialize) -> String {
    Digest::of(&serde_json::to_vec(state).unwrap_or_default()).to_hex()
}
