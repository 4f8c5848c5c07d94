//! Who received what of a resource, read from the log.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use async_trait::async_trait;
use catalog_core::evidence::{AccessHistory, Event, EvidenceRecord, Received};
use catalog_core::{DepartmentId, Error, GrantId, ResourceCode};

use crate::{Filter, Ledger};

type Key = (DepartmentId, Option<GrantId>, Option<String>);

#[async_trait]
impl AccessHistory for Ledger {
    async fn received(
        &self,
        resource: &ResourceCode,
        versions: Range<i64>,
        shown_by: Option<&str>,
    ) -> catalog_core::Result<BTreeMap<DepartmentId, Vec<Received>>> {
        let scan = self.scan(Filter { resource: Some(resource.clone()), ..Filter::default() })?;
        let (resource, shown_by) = (resource.clone(), shown_by.map(str::to_owned));
        let read = move || {
            let mut found = BTreeMap::new();
            for leaf in scan {
                count(&leaf?.record, &resource, &versions, shown_by.as_deref(), &mut found);
            }
            Ok::<_, crate::LedgerError>(found)
        };
        let found = tokio::task::spawn_blocking(read).await.map_err(Error::internal)??;
        let mut by_department: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for ((department, ..), received) in found {
            by_department.entry(department).or_default().push(received);
        }
        Ok(by_department)
    }

    async fn received_by_people(
        &self,
        resource: &ResourceCode,
        versions: Range<i64>,
    ) -> catalog_core::Result<BTreeSet<String>> {
        let scan = self.scan(Filter { resource: Some(resource.clone()), ..Filter::default() })?;
        let resource = resource.clone();
        let read = move || {
            let mut people = BTreeSet::new();
            for leaf in scan {
                let record = leaf?.record;
                if record.actor.department.is_none() && has_read(&record, &resource, &versions) {
                    people.insert(record.actor.id);
                }
            }
            Ok::<_, crate::LedgerError>(people)
        };
        Ok(tokio::task::spawn_blocking(read).await.map_err(Error::internal)??)
    }
}

fn has_read(record: &EvidenceRecord, resource: &ResourceCode, versions: &Range<i64>) -> bool {
    let (Event::AccessStarted { sources, .. } | Event::Access { sources, .. }) = &record.event else {
        return false;
    };
    sources.iter().any(|source| source.resource == *resource && versions.contains(&source.version))
}

/// Counts an access that read one of the versions. What was refused gave no record away.
fn count(
    record: &EvidenceRecord,
    resource: &ResourceCode,
    versions: &Range<i64>,
    shown_by: Option<&str>,
    found: &mut BTreeMap<Key, Received>,
) {
    let (Event::AccessStarted { sources, .. } | Event::Access { sources, .. }, Some(department)) =
        (&record.event, &record.actor.department)
    else {
        return;
    };
    for source in sources {
        if source.resource != *resource || !versions.contains(&source.version) {
            continue;
        }
        let purpose = record.actor.purpose.clone();
        let first = || Received {
            grant: source.grant.clone(),
            purpose: purpose.clone(),
            accesses: 0,
            first: record.at,
            last: record.at,
            certain: false,
        };
        let key = (department.clone(), source.grant.clone(), purpose.clone());
        let received = found.entry(key).or_insert_with(first);
        received.accesses += 1;
        received.first = received.first.min(record.at);
        received.last = received.last.max(record.at);
        received.certain |= shown_by == Some(record.request_id.as_str());
    }
}
