//! Why an answer was given: the grants under which it was read and the matters that made them, as rows of the catalogue whose
//! digests stand in the evidence log.

use std::collections::BTreeSet;

use catalog_core::evidence::{Event, EvidenceRecord};
use catalog_core::matter::Matter;
use catalog_core::policy::Grant;
use catalog_core::services::MatterView;
use catalog_core::{Error, ErrorCode, GrantId, Result, Timestamp};
use exchange_crypto::Digest;
use http::Method;
use openapi_contract::{EvidencePage, Receipt};
use serde::Serialize;

use super::Case;
use crate::client::{Client, Payload};
use crate::commands::segment;

/// A matter, or a part of one, goes to the department that has taken over its resources.
const HANDED_OVER: &str = "matter.handed_over";

/// A row as an event left it, and what it says.
pub(super) enum State {
    Grant(Box<Grant>),
    Matter(Box<Matter>),
}

impl State {
    /// The very bytes whose digest the event holds.
    pub(super) fn bytes(&self) -> Result<Vec<u8>> {
        match self {
            Self::Grant(grant) => bytes(grant),
            Self::Matter(matter) => bytes(matter),
        }
    }

    /// Whether the record is of the event that left the row like this.
    pub(super) fn is_made_by(&self, record: &EvidenceRecord) -> Result<bool> {
        let Event::Changed { entity_digest, .. } = &record.event else { return Ok(false) };
        Ok(Digest::of(&self.bytes()?).to_hex() == *entity_digest)
    }
}

fn bytes(row: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(row).map_err(Error::internal)
}

/// The receipts of the decisions behind what the receipt says was read, each with the rows that it proves.
pub(super) async fn of(client: &Client, receipt: &Receipt) -> Result<Vec<Case>> {
    let mut grants: Vec<&GrantId> = receipt.records.iter().flat_map(granted).collect();
    grants.sort();
    grants.dedup();
    let mut cases = Vec::new();
    for grant in grants {
        cases.extend(of_grant(client, grant).await?);
    }
    Ok(cases)
}

fn granted(record: &EvidenceRecord) -> Vec<&GrantId> {
    match &record.event {
        Event::AccessStarted { sources, .. } | Event::Access { sources, .. } => {
            sources.iter().filter_map(|source| source.grant.as_ref()).collect()
        }
        _ => Vec::new(),
    }
}

async fn of_grant(client: &Client, id: &GrantId) -> Result<Vec<Case>> {
    let asked = format!("grant={}&action=grant.created", segment(&id.to_string()));
    let created = search(client, &asked).await?.into_iter().next();
    let created = created.ok_or_else(|| Error::not_found(format!("the evidence of grant {id}")))?;
    let receipt: Receipt = get(client, &format!("/receipts/{}", segment(&created.request_id))).await?;
    let grants: Vec<Grant> = get(client, "/api/v1/grants").await?;
    let grant = grants.into_iter().find(|grant| grant.id == *id);
    let mut grant = grant.ok_or_else(|| Error::not_found(format!("grant {id}")))?;
    // What ended it has an event of its own.
    grant.revocation = None;
    let grant = State::Grant(Box::new(grant));
    if !grant.is_made_by(&created)? {
        return Err(changed(&format!("grant {id}")));
    }
    let own: BTreeSet<_> = receipt.records.iter().filter_map(matter_of).map(str::to_owned).collect();
    let mut numbers = own.clone();
    // Where resources were handed over since, a part of the matter has gone with the grant.
    let moved = search(client, &format!("action={HANDED_OVER}&from={}", instant(created.at))).await?;
    numbers.extend(moved.iter().filter_map(matter_of).map(str::to_owned));
    let mut decided = Case { receipt, answer: None, states: vec![grant] };
    let mut cases = Vec::new();
    for number in numbers {
        // A handover that a restore took back may have left no part of that number.
        let view: Result<MatterView> = get(client, &format!("/api/v1/matters/{}", segment(&number))).await;
        let view = match view {
            Err(error) if error.code == ErrorCode::NotFound && !own.contains(&number) => continue,
            view => view?,
        };
        if !view.matter.grants.contains(id) {
            continue;
        }
        let matter = State::Matter(Box::new(view.matter));
        match made_here(&matter, &decided.receipt)? {
            true => decided.states.push(matter),
            false => cases.push(last_step(client, matter).await?),
        }
    }
    if cases.is_empty() && decided.states.len() == 1 {
        return Err(Error::not_found(format!("the matter that made grant {id}")));
    }
    cases.insert(0, decided);
    Ok(cases)
}

fn made_here(state: &State, receipt: &Receipt) -> Result<bool> {
    for record in &receipt.records {
        if state.is_made_by(record)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The receipt of the step that left the matter as it is.
async fn last_step(client: &Client, state: State) -> Result<Case> {
    let State::Matter(matter) = &state else { return Err(Error::internal("a matter has steps")) };
    let number = matter.number.clone();
    let at = matter.history.last().map_or(Timestamp(0), |step| step.at);
    let mut found =
        search(client, &format!("from={}&until={}", instant(at), instant(Timestamp(at.0.saturating_add(1)))))
            .await?;
    // What changes a matter without a step of its history.
    for action in [HANDED_OVER, "matter.adjusted"] {
        found.extend(search(client, &format!("action={action}&from={}", instant(at))).await?);
    }
    for record in found {
        if matter_of(&record) == Some(number.as_str()) && state.is_made_by(&record)? {
            let receipt = get(client, &format!("/receipts/{}", segment(&record.request_id))).await?;
            return Ok(Case { receipt, answer: None, states: vec![state] });
        }
    }
    Err(changed(&format!("matter {number}")))
}

/// A time as an address holds it.
fn instant(at: Timestamp) -> String {
    segment(&at.to_string())
}

fn matter_of(record: &EvidenceRecord) -> Option<&str> {
    let Event::Changed { entity, .. } = &record.event else { return None };
    entity.strip_prefix("matter ")
}

async fn search(client: &Client, asked: &str) -> Result<Vec<EvidenceRecord>> {
    let first = format!("/api/v1/evidence?{asked}&limit=1000");
    let (mut found, mut address) = (Vec::new(), first.clone());
    loop {
        let page: EvidencePage = get(client, &address).await?;
        found.extend(page.records.into_iter().map(|leaf| leaf.record));
        let Some(next) = page.next else { return Ok(found) };
        address = format!("{first}&after={}", segment(&next));
    }
}

async fn get<T: serde::de::DeserializeOwned>(client: &Client, address: &str) -> Result<T> {
    client.json(Method::GET, address, Payload::Empty).await
}

fn changed(what: &str) -> Error {
    let message = format!("{what} is not what its event made: run `shuqiao audit`, or leave --grounds out");
    Error::new(ErrorCode::Corrupt, message)
}
