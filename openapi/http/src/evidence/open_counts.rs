use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use catalog_core::evidence::{Actor, Event, EvidenceLog, EvidenceRecord};
use catalog_core::{Channel, Principal, ResourceCode, Result, Timestamp};
use uuid::Uuid;

/// Downloads of all resources together after which the counts are written down.
const BATCH: u64 = 1_000;

/// Anonymous reads of open data, counted without addresses. What a crash forgets is at most one batch.
#[derive(Debug, Default)]
pub(crate) struct OpenCounts(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    requests: u64,
    by_resource: BTreeMap<ResourceCode, (u64, u64)>,
}

impl OpenCounts {
    /// Counts one read; `true` when a batch is full and should be flushed.
    pub(crate) fn add(&self, resource: &ResourceCode, bytes: u64) -> bool {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (requests, sent) = counts.by_resource.entry(resource.clone()).or_default();
        *requests += 1;
        *sent += bytes;
        counts.requests += 1;
        counts.requests >= BATCH
    }

    /// Reads of a resource that are not written down yet.
    pub(crate) fn waiting(&self, resource: &ResourceCode) -> u64 {
        self.all_waiting(|code| code == resource)
    }

    /// The same of some resources together.
    pub(crate) fn all_waiting(&self, is_meant: impl Fn(&ResourceCode) -> bool) -> u64 {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let meant = counts.by_resource.iter().filter(|(code, _)| is_meant(code));
        meant.map(|(_, (requests, _))| requests).sum()
    }

    /// Writes the counts down and starts anew. What can't be written is counted on.
    pub(crate) async fn flush(&self, log: &dyn EvidenceLog, now: Timestamp) -> Result<()> {
        loop {
            let Some((resource, (count, bytes))) = self.take() else { return Ok(()) };
            let event = Event::OpenDownloads { resource: resource.clone(), count, bytes };
            if let Err(error) = log.append(record(event, now)).await {
                self.put_back(resource, count, bytes);
                return Err(error);
            }
        }
    }

    fn take(&self) -> Option<(ResourceCode, (u64, u64))> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = counts.by_resource.pop_first();
        counts.requests = counts.by_resource.values().map(|(requests, _)| requests).sum();
        taken
    }

    fn put_back(&self, resource: ResourceCode, count: u64, bytes: u64) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (requests, sent) = counts.by_resource.entry(resource).or_default();
        *requests += count;
        *sent += bytes;
        counts.requests += count;
    }
}

fn record(event: Event, at: Timestamp) -> EvidenceRecord {
    let id = Uuid::now_v7().to_string();
    let actor = Actor {
        id: Principal::public().id,
        department: None,
        operator: None,
        purpose: None,
        matter: None,
        ticket: None,
        substitutions: Vec::new(),
        channel: Channel::File,
    };
    EvidenceRecord { request_id: id.clone(), id, at, actor, event, fact: None }
}
