use std::collections::VecDeque;

use catalog_core::evidence::{Event, EvidenceRecord};
use catalog_core::{ResourceCode, Timestamp};
use exchange_crypto::Digest;

use crate::LedgerError;
use crate::epoch::Epoch;
use crate::files::EpochFiles;
use crate::merkle::leaf_hash;
use crate::segment::{Lines, read_record};

/// Which records an auditor wants; an empty filter matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// From this time on.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
    /// Of this principal.
    pub principal: Option<String>,
    /// Of this request.
    pub request_id: Option<String>,
    /// About this resource: reads of it, and its counted downloads.
    pub resource: Option<ResourceCode>,
}

impl Filter {
    fn matches(&self, record: &EvidenceRecord) -> bool {
        self.overlaps(record.at, record.at)
            && self.principal.as_ref().is_none_or(|principal| *principal == record.actor.id)
            && self.request_id.as_ref().is_none_or(|id| *id == record.request_id)
            && self.resource.as_ref().is_none_or(|resource| concerns(&record.event, resource))
    }

    /// Whether anything between these times, both included, may match.
    fn overlaps(&self, earliest: Timestamp, latest: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= latest) && self.until.is_none_or(|until| earliest < until)
    }
}

fn concerns(event: &Event, wanted: &ResourceCode) -> bool {
    match event {
        Event::AccessStarted { sources, .. } | Event::Access { sources, .. } => {
            sources.iter().any(|source| source.resource == *wanted)
        }
        Event::OpenDownloads { resource, .. } => resource == wanted,
        Event::Changed { entity, .. } => entity.strip_prefix("resource ") == Some(wanted.as_str()),
        Event::AccessEnded { .. } | Event::AccessRefused { .. } | Event::EpochStarted { .. } => false,
    }
}

/// A record at its place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// Epoch, counted from 0.
    pub epoch: u64,
    /// Place in the epoch, counted from 0.
    pub index: u64,
    /// Hash of the leaf.
    pub hash: Digest,
    /// The record.
    pub record: EvidenceRecord,
}

/// A segment to read.
struct Extent {
    files: EpochFiles,
    epoch: u64,
    number: u64,
    /// Places of its records.
    places: std::ops::Range<u64>,
}

/// Reads a log segment by segment, passing over those outside of the times that are wanted.
pub struct Scan {
    extents: VecDeque<Extent>,
    open: Option<(Extent, Lines)>,
    filter: Filter,
}

impl Scan {
    pub(crate) fn over<'a>(epochs: impl Iterator<Item = &'a Epoch>, filter: Filter) -> Self {
        let mut extents = VecDeque::new();
        for epoch in epochs {
            let state = epoch.state();
            let extent =
                |number, places| Extent { files: epoch.files.clone(), epoch: epoch.number, number, places };
            let wanted = state.seals.iter().filter(|seal| filter.overlaps(seal.from, seal.until));
            extents.extend(wanted.map(|seal| extent(seal.number, seal.first..seal.end())));
            let (number, first) = state.active();
            extents.push_back(extent(number, first..state.size));
        }
        Self { extents, open: None, filter }
    }

    /// The next leaf, matching or not; `None` at the end.
    fn leaf(&mut self) -> Result<Option<Leaf>, LedgerError> {
        loop {
            if let Some((extent, lines)) = &mut self.open
                && let Some(index) = extent.places.next()
                && let Some(line) = lines.next_line()?
            {
                let (hash, record) = (leaf_hash(line), read_record(line));
                let record = record.map_err(|reason| lines.damaged(reason))?;
                return Ok(Some(Leaf { epoch: extent.epoch, index, hash, record }));
            }
            let Some(extent) = self.extents.pop_front() else { return Ok(None) };
            let (path, file) = extent.files.segment(extent.number)?;
            self.open = Some((extent, Lines::open(path, file, 0)?));
        }
    }
}

impl Iterator for Scan {
    type Item = Result<Leaf, LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.leaf().transpose()? {
                Ok(leaf) if !self.filter.matches(&leaf.record) => {}
                found => return Some(found),
            }
        }
    }
}
