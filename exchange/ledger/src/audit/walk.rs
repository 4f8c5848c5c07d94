//! Reads the segments of an epoch from the first byte and compares all that follows from them.

use std::fs::{self, File};
use std::io::{BufReader, Read as _};
use std::path::Path;

use catalog_core::evidence::EvidenceRecord;
use exchange_crypto::Digest;

use super::texts::Texts;
use super::{Finding, Heads, lines};
use crate::archive::digest_of;
use crate::files::EpochFiles;
use crate::merkle::{Frontier, leaf_hash};
use crate::segment::{self, Entry, Growing, Lines, canonical, read_record};
use crate::{LedgerError, durable};

/// What a walk has seen.
pub(super) struct Walked {
    /// Records.
    pub(super) records: u64,
    /// The first one.
    pub(super) first: Option<EvidenceRecord>,
    /// What does not agree.
    pub(super) findings: Vec<Finding>,
}

pub(super) struct Walk<'a, 'v> {
    files: &'a EpochFiles,
    heads: &'a Heads,
    texts: &'a mut Texts<'v>,
    seals: Vec<Vec<u8>>,
    nodes: Option<BufReader<File>>,
    frontier: Frontier,
    walked: Walked,
}

impl<'a, 'v> Walk<'a, 'v> {
    pub(super) fn over(
        files: &'a EpochFiles,
        heads: &'a Heads,
        texts: &'a mut Texts<'v>,
    ) -> Result<Walked, LedgerError> {
        let content = durable::read_if_there(&files.seals())?;
        let (seals, torn) = lines(&content);
        let mut walk = Self {
            files,
            heads,
            texts,
            seals: seals.into_iter().map(<[u8]>::to_vec).collect(),
            nodes: File::open(files.tree()).ok().map(BufReader::new),
            frontier: Frontier::default(),
            walked: Walked { records: 0, first: None, findings: Vec::new() },
        };
        if !torn.is_empty() {
            walk.find(Finding::at(&files.seals(), None, "its last line is torn"));
        }
        walk.check_head(0);
        let mut number = 0;
        while files.segment_path(number).exists() {
            walk.segment(number)?;
            number += 1;
        }
        if (walk.seals.len() as u64) > number {
            walk.find(Finding::at(&files.segment_path(number), None, "the segment is missing"));
        }
        walk.rest_of_nodes();
        Ok(walk.walked)
    }

    fn find(&mut self, finding: Finding) {
        self.walked.findings.push(finding);
    }

    fn segment(&mut self, number: u64) -> Result<(), LedgerError> {
        let (path, file) = self.files.segment(number)?;
        let length = file.metadata().map_err(LedgerError::io(&path))?.len();
        let mut lines = Lines::open(path.clone(), file, 0)?;
        let mut growing = Growing::new(number, self.walked.records);
        let (mut entries, mut line_number) = (Vec::new(), 0);
        while let Some(line) = lines.next_line()? {
            line_number += 1;
            let leaf = leaf_hash(line);
            let record =
                read_record(line).ok().filter(|record| canonical(record).is_ok_and(|same| same == line));
            let at = record.as_ref().map_or(catalog_core::Timestamp(0), |record| record.at);
            if let Some(record) = record {
                let (place, offset) = (growing.next(), growing.bytes());
                entries.extend(Entry::keys_of(&record).map(|key| Entry { key, place, offset }));
                self.texts.record(&record);
                self.walked.first.get_or_insert(record);
            } else {
                self.find(Finding::at(&path, Some(line_number), "it is no record in canonical form"));
            }
            growing.add(line, at);
            if !self.push(leaf) {
                let what = "the record and its nodes in the tree do not agree";
                self.find(Finding::at(&path, Some(line_number), what));
            }
        }
        if growing.bytes() < length {
            self.find(Finding::at(&path, Some(line_number + 1), "the last line is torn"));
        }
        self.check_seal(number, &growing, entries);
        self.check_copy(number, &path, &growing)
    }

    /// Compares the copy in the second place with the segment that was read, where that is another one.
    fn check_copy(&mut self, number: u64, read: &Path, growing: &Growing) -> Result<(), LedgerError> {
        let Some(away) = self.files.away(number).filter(|away| away != read && away.exists()) else {
            return Ok(());
        };
        if digest_of(&away)? != growing.digest() {
            self.find(Finding::at(&away, None, "the archived copy and its segment do not agree"));
        }
        Ok(())
    }

    /// Adds a leaf; whether the stored nodes that are complete with it are the right ones.
    fn push(&mut self, leaf: Digest) -> bool {
        let (nodes, mut agree) = (&mut self.nodes, true);
        self.frontier.push(leaf, |node| {
            let mut stored = [0; 32];
            let read = nodes.as_mut().is_some_and(|nodes| nodes.read_exact(&mut stored).is_ok());
            agree &= read && stored == *node.as_bytes();
        });
        self.walked.records += 1;
        self.check_head(self.walked.records);
        agree
    }

    fn check_head(&mut self, size: u64) {
        let Some(claims) = self.heads.get(&size) else { return };
        let root = self.frontier.root();
        for (place, _) in claims.iter().filter(|(_, claimed)| *claimed != root) {
            let what = format!("it was not made over the first {size} records of this log");
            self.walked.findings.push(Finding { place: place.clone(), what });
        }
    }

    fn check_seal(&mut self, number: u64, growing: &Growing, entries: Vec<Entry>) {
        let line = usize::try_from(number).ok().and_then(|number| self.seals.get(number));
        let Some(line) = line else {
            // Without a seal it is the segment that is being written: the newest one, and never moved.
            if !self.files.local(number).exists() || self.files.segment_path(number + 1).exists() {
                let what = format!("the seal of segment {number:06} is missing");
                self.find(Finding::at(&self.files.seals(), Some(number + 1), what));
            }
            return;
        };
        let seal = growing.seal(&self.frontier.root()).line().unwrap_or_default();
        if seal.strip_suffix(b"\n") != Some(line) {
            let what = format!("the seal and segment {number:06} do not agree");
            self.find(Finding::at(&self.files.seals(), Some(number + 1), what));
        }
        let path = self.files.index(number);
        if fs::read(&path).unwrap_or_default() != segment::index(entries) {
            self.find(Finding::at(&path, None, "the index and its segment do not agree"));
        }
    }

    fn rest_of_nodes(&mut self) {
        let mut rest = Vec::new();
        if let Some(nodes) = &mut self.nodes
            && nodes.read_to_end(&mut rest).is_ok()
            && !rest.is_empty()
        {
            self.find(Finding::at(&self.files.tree(), None, "it holds more nodes than the log has"));
        }
    }
}
