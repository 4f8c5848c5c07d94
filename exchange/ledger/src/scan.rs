use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use catalog_core::evidence::{Event, EvidenceRecord};
use catalog_core::{ResourceCode, Timestamp};
use exchange_crypto::Digest;

use crate::LedgerError;
use crate::evidence_file::{leaf_hash, read_record};

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
        self.from.is_none_or(|from| from <= record.at)
            && self.until.is_none_or(|until| record.at < until)
            && self.principal.as_ref().is_none_or(|principal| *principal == record.actor.id)
            && self.request_id.as_ref().is_none_or(|id| *id == record.request_id)
            && self.resource.as_ref().is_none_or(|resource| concerns(&record.event, resource))
    }
}

fn concerns(event: &Event, wanted: &ResourceCode) -> bool {
    match event {
        Event::AccessStarted { sources, .. } | Event::Access { sources, .. } => {
            sources.iter().any(|source| source.resource == *wanted)
        }
        Event::OpenDownloads { resource, .. } => resource == wanted,
        Event::Changed { entity, .. } => entity.strip_prefix("resource ") == Some(wanted.as_str()),
        Event::AccessEnded { .. } | Event::AccessRefused { .. } => false,
    }
}

/// A record at its place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// Place, counted from 0.
    pub index: u64,
    /// Hash of the leaf.
    pub hash: Digest,
    /// The record.
    pub record: EvidenceRecord,
}

/// Reads a log from its start. An end that is still being written is not read.
pub struct Scan {
    path: PathBuf,
    reader: BufReader<File>,
    filter: Filter,
    next: u64,
    line: Vec<u8>,
}

impl Scan {
    pub(crate) fn open(path: &Path, filter: Filter) -> Result<Self, LedgerError> {
        let file = File::open(path).map_err(LedgerError::io(path))?;
        let reader = BufReader::with_capacity(1 << 16, file);
        Ok(Self { path: path.to_owned(), reader, filter, next: 0, line: Vec::new() })
    }

    /// The next leaf, matching or not; `None` at the end.
    fn leaf(&mut self) -> Result<Option<Leaf>, LedgerError> {
        self.line.clear();
        self.reader.read_until(b'\n', &mut self.line).map_err(LedgerError::io(&self.path))?;
        if self.line.pop_if(|last| *last == b'\n').is_none() {
            return Ok(None);
        }
        let index = self.next;
        self.next += 1;
        let damaged = |reason| LedgerError::Damaged { path: self.path.clone(), line: index + 1, reason };
        let record = read_record(&self.line).map_err(damaged)?;
        Ok(Some(Leaf { index, hash: leaf_hash(&self.line), record }))
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
