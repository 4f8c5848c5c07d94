//! A page of evidence as people read it: start and end of an access are one row.

use std::collections::{HashMap, HashSet};

use catalog_core::evidence::{Event, EvidenceRecord};
use openapi_contract::{EvidenceLeaf, EvidencePage};
use openapi_portal::{Ending, EvidenceRow};

use crate::inspection::told_at;

type Place = (u64, u64);

/// The rows of a page. An access stands where it begins; where that is on a page before, its end says what it was. `behind` are the
/// ends on later pages, by the places of their starts.
pub(super) fn of(page: &EvidencePage, behind: &HashMap<Place, EvidenceLeaf>) -> Vec<EvidenceRow> {
    let starts: HashSet<Place> = page.records.iter().filter(|leaf| begins(leaf)).map(place).collect();
    let mut ends: HashMap<Place, &EvidenceLeaf> = behind.iter().map(|(start, end)| (*start, end)).collect();
    let mut joined = HashSet::new();
    for leaf in &page.records {
        if let Some(start) = start_of(leaf).filter(|start| starts.contains(start))
            && !ends.contains_key(&start)
        {
            ends.insert(start, leaf);
            joined.insert(place(leaf));
        }
    }
    let shown = page.records.iter().filter(|leaf| !joined.contains(&place(leaf)));
    shown
        .map(|leaf| if begins(leaf) { access(leaf, ends.get(&place(leaf)).copied()) } else { row(leaf) })
        .collect()
}

fn place(leaf: &EvidenceLeaf) -> Place {
    (leaf.epoch, leaf.index)
}

fn begins(leaf: &EvidenceLeaf) -> bool {
    matches!(leaf.record.event, Event::AccessStarted { .. })
}

fn start_of(leaf: &EvidenceLeaf) -> Option<Place> {
    Some((leaf.epoch, leaf.start.as_ref()?.index))
}

/// An access from its start to its end, as far as it has come.
fn access(start: &EvidenceLeaf, end: Option<&EvidenceLeaf>) -> EvidenceRow {
    let begun = row(start);
    let Some(end) = end else { return EvidenceRow { is_open: true, ..begun } };
    let ended = row(end);
    let event = match end.record.event {
        Event::AccessRefused { .. } => ended.event,
        _ => "access".to_owned(),
    };
    EvidenceRow {
        end_place: ended.place,
        lasted: Some(end.record.at.0.saturating_sub(start.record.at.0)),
        event,
        outcome: ended.outcome,
        rows: ended.rows,
        bytes: ended.bytes,
        ..begun
    }
}

/// The data that a record says were read: an end what its start says.
fn read(leaf: &EvidenceLeaf) -> Vec<(String, i64)> {
    let of_start = || leaf.start.as_ref().map(|start| start.sources.as_slice()).unwrap_or_default();
    let sources = match &leaf.record.event {
        Event::AccessStarted { sources, .. } | Event::Access { sources, .. } => sources.as_slice(),
        Event::AccessRefused { sources, .. } if !sources.is_empty() => sources.as_slice(),
        _ => of_start(),
    };
    sources.iter().map(|source| (source.resource.to_string(), source.version)).collect()
}

fn outcome(event: &Event) -> Ending {
    match event {
        Event::Access { .. } | Event::AccessEnded { complete: true, .. } => Ending::Whole,
        Event::AccessEnded { stopped_by, .. } => Ending::Stopped(stopped_by.clone()),
        Event::AccessRefused { code, .. } => Ending::Refused(code.clone()),
        Event::EpochStarted { kept, lost, .. } => Ending::Epoch(*kept, *lost),
        Event::OpenDownloads { count, .. } => Ending::Downloads(*count),
        Event::AccessStarted { .. } | Event::Changed { .. } => Ending::None,
    }
}

fn row(leaf: &EvidenceLeaf) -> EvidenceRow {
    let EvidenceRecord { request_id, at, actor, event, .. } = &leaf.record;
    let (told, read) = (told_at(leaf), read(leaf));
    EvidenceRow {
        place: format!("{}-{}", leaf.epoch, leaf.index),
        end_place: String::new(),
        request: request_id.clone(),
        at: *at,
        lasted: leaf.start.as_ref().map(|start| at.0.saturating_sub(start.at.0)),
        is_open: false,
        event: event.name().to_owned(),
        about: if read.is_empty() { told.about } else { String::new() },
        read,
        department: actor.department.as_ref().map(ToString::to_string).unwrap_or_default(),
        principal: actor.id.clone(),
        purpose: actor.purpose.clone().unwrap_or_default(),
        outcome: outcome(event),
        rows: told.rows,
        bytes: told.bytes,
        grants: told.grants,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use catalog_core::Timestamp;
    use openapi_contract::AccessStart;
    use serde_json::json;

    use super::*;

    /// A page of starts, and of ends with the places of their starts: place, request, start.
    fn page(all: &[(u64, &str, Option<u64>)]) -> EvidencePage {
        let leaf = |(index, request, start): &(u64, &str, Option<u64>)| {
            let mut record = json!({ "id": "", "request_id": request, "at": Timestamp(*index as i64 * 1000),
                "actor": { "id": "zhang", "department": "scjg", "operator": null, "purpose": null, "matter": null,
                    "channel": "api" } });
            let event = match start {
                None => json!({ "event": "access_started", "sources": [], "request_commitment": "" }),
                Some(_) => {
                    json!({ "event": "access_ended", "rows": index, "bytes": 1, "answer_commitment": "",
                    "complete": true, "stopped_by": null })
                }
            };
            record.as_object_mut().unwrap().extend(event.as_object().unwrap().clone());
            let start = start.map(|index| AccessStart { index, at: Timestamp(0), sources: Vec::new() });
            let record = serde_json::from_value(record).unwrap();
            EvidenceLeaf { epoch: 0, index: *index, hash: String::new(), record, start }
        };
        EvidencePage { records: all.iter().map(leaf).collect(), next: None, predecessors: BTreeSet::new() }
    }

    #[test]
    fn an_access_is_one_row_from_its_start_to_its_end() {
        let shown = [(3, "a", None), (4, "b", None), (5, "a", Some(3)), (6, "c", Some(1)), (7, "d", None)];
        let behind = page(&[(9, "d", Some(7))]).records.remove(0);
        let rows = of(&page(&shown), &HashMap::from([((0, 7), behind)]));
        let told =
            |row: &EvidenceRow| format!("{}>{} {:?} {}", row.place, row.end_place, row.rows, row.is_open);
        assert_eq!(
            rows.iter().map(told).collect::<Vec<_>>(),
            ["0-3>0-5 Some(5) false", "0-4> None true", "0-6> Some(6) false", "0-7>0-9 Some(9) false"]
        );
        assert_eq!(rows[0].lasted, Some(2000), "from its start");
    }
}
