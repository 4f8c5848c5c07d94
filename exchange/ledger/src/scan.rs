use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use catalog_core::evidence::{Event, EvidenceRecord};
use catalog_core::{DepartmentId, ResourceCode, Timestamp};
use exchange_crypto::Digest;

use crate::LedgerError;
use crate::epoch::Epoch;
use crate::files::EpochFiles;
use crate::merkle::leaf_hash;
use crate::segment::{Lines, read_record};
use crate::starts::Starts;

/// Which records an auditor wants; an empty filter matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// From this time on.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
    /// Done for this department.
    pub department: Option<String>,
    /// Or for one of these, which that department continues.
    pub predecessors: BTreeSet<DepartmentId>,
    /// Of this principal.
    pub principal: Option<String>,
    /// Of this request.
    pub request_id: Option<String>,
    /// About this resource: reads of it from their start to their end, its counted downloads, and changes of it and of its
    /// versions.
    pub resource: Option<ResourceCode>,
    /// Under this grant, and changes of it.
    pub grant: Option<String>,
    /// For this purpose.
    pub purpose: Option<String>,
    /// Of this name: a kind of event, or what was changed, see [`Event::name`].
    pub action: Option<String>,
    /// Look-ups of the subject of this keyed hash, and who asked for them.
    pub subject: Option<String>,
    /// Behind this place: epoch and index.
    pub after: Option<(u64, u64)>,
}

impl Filter {
    /// Whether a record is of those that are wanted, whatever it is about.
    fn admits(&self, record: &EvidenceRecord) -> bool {
        self.overlaps(record.at, record.at)
            && self.department.as_deref().is_none_or(|department| {
                let of = record.actor.department.as_ref();
                of.is_some_and(|own| own.as_str() == department || self.predecessors.contains(own))
            })
            && self.principal.as_ref().is_none_or(|principal| *principal == record.actor.id)
            && self.request_id.as_ref().is_none_or(|id| *id == record.request_id)
            && self.purpose.as_ref().is_none_or(|purpose| record.actor.purpose.as_ref() == Some(purpose))
            && self.action.as_ref().is_none_or(|action| record.event.name() == action)
    }

    /// Whether it matters what a record is about.
    fn has_topic(&self) -> bool {
        self.resource.is_some() || self.grant.is_some() || self.subject.is_some()
    }

    /// Whether an event says by itself that it is about what is wanted. An end does not: its start says it.
    fn is_topic(&self, event: &Event) -> bool {
        self.resource.as_ref().is_none_or(|resource| concerns(event, resource))
            && self.grant.as_ref().is_none_or(|grant| is_under(event, grant))
            && self.subject.as_ref().is_none_or(|subject| is_about(event, subject))
    }

    /// Whether anything between these times, both included, may match.
    fn overlaps(&self, earliest: Timestamp, latest: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= latest) && self.until.is_none_or(|until| earliest < until)
    }
}

fn concerns(event: &Event, wanted: &ResourceCode) -> bool {
    match event {
        Event::AccessStarted { sources, .. }
        | Event::Access { sources, .. }
        | Event::AccessRefused { sources, .. } => sources.iter().any(|source| source.resource == *wanted),
        Event::OpenDownloads { resource, .. } => resource == wanted,
        Event::Changed { entity, .. } => {
            let part = || {
                entity
                    .split_once(" of ")
                    .filter(|(what, _)| what.starts_with("version ") || what.ends_with(" records"))
            };
            let about = entity.strip_prefix("resource ").or_else(|| Some(part()?.1));
            about == Some(wanted.as_str())
        }
        Event::AccessEnded { .. } | Event::EpochStarted { .. } => false,
    }
}

fn is_about(event: &Event, wanted: &str) -> bool {
    match event {
        Event::AccessStarted { subjects, .. } | Event::Access { subjects, .. } => {
            subjects.iter().any(|subject| subject == wanted)
        }
        Event::Changed { entity, .. } => entity.strip_prefix("subject ") == Some(wanted),
        _ => false,
    }
}

fn is_under(event: &Event, wanted: &str) -> bool {
    match event {
        Event::AccessStarted { sources, .. }
        | Event::Access { sources, .. }
        | Event::AccessRefused { sources, .. } => {
            sources.iter().any(|source| source.grant.as_ref().is_some_and(|grant| grant.as_str() == wanted))
        }
        Event::Changed { entity, .. } => entity.strip_prefix("grant ") == Some(wanted),
        _ => false,
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

/// Reads a log segment by segment, passing over those outside of the times that are wanted. An end of an access is about what
/// its start is about, wherever that stands.
pub struct Scan {
    extents: VecDeque<Extent>,
    open: Option<(Extent, Lines)>,
    filter: Filter,
    epochs: Vec<Arc<Epoch>>,
    starts: Starts,
}

impl Scan {
    pub(crate) fn over<'a>(epochs: impl Iterator<Item = &'a Arc<Epoch>>, filter: Filter) -> Self {
        let epochs: Vec<_> = epochs.cloned().collect();
        let (mut extents, mut reads_all) = (VecDeque::new(), filter.after.is_none());
        for epoch in &epochs {
            let state = epoch.state();
            let extent =
                |number, places| Extent { files: epoch.files.clone(), epoch: epoch.number, number, places };
            let is_behind = |end: u64| {
                filter.after.is_none_or(|(at, index)| (at, index.saturating_add(1)) < (epoch.number, end))
            };
            let wanted = state.seals.iter().filter(|seal| filter.overlaps(seal.from, seal.until));
            let wanted = wanted.filter(|seal| is_behind(seal.end()));
            let before = extents.len();
            extents.extend(wanted.map(|seal| extent(seal.number, seal.first..seal.end())));
            reads_all &= extents.len() - before == state.seals.len();
            let (number, first) = state.active();
            if is_behind(state.size) {
                extents.push_back(extent(number, first..state.size));
            }
        }
        Self { extents, open: None, filter, epochs, starts: Starts::new(reads_all) }
    }

    /// Whether a leaf is wanted. Starts are remembered on the way, wanted or not.
    fn matches(&mut self, leaf: &Leaf) -> Result<bool, LedgerError> {
        if !self.filter.has_topic() {
            return Ok(self.filter.admits(&leaf.record));
        }
        let is_topic = self.filter.is_topic(&leaf.record.event);
        if matches!(leaf.record.event, Event::AccessStarted { .. }) {
            self.starts.note(leaf, is_topic);
        }
        if is_topic || !leaf.record.event.is_end() || !self.filter.admits(&leaf.record) {
            return Ok(is_topic && self.filter.admits(&leaf.record));
        }
        let (epochs, filter) = (&self.epochs, &self.filter);
        self.starts.of(leaf, || {
            let Some(epoch) = epochs.iter().find(|epoch| epoch.number == leaf.epoch) else {
                return Ok(false);
            };
            let start = epoch.start_of(leaf)?;
            Ok(start.is_some_and(|start| filter.is_topic(&start.record.event)))
        })
    }

    /// The next leaf, matching or not; `None` at the end.
    fn leaf(&mut self) -> Result<Option<Leaf>, LedgerError> {
        loop {
            if let Some((extent, lines)) = &mut self.open
                && let Some(index) = extent.places.next()
                && let Some(line) = lines.next_line()?
            {
                // What lies before the wanted place in the same segment is passed over without being looked at.
                if self.filter.after.is_some_and(|after| (extent.epoch, index) <= after) {
                    continue;
                }
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
            let leaf = match self.leaf().transpose()? {
                Ok(leaf) => leaf,
                Err(error) => return Some(Err(error)),
            };
            match self.matches(&leaf) {
                Ok(true) => return Some(Ok(leaf)),
                Ok(false) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
