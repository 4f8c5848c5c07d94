//! The writing side of the newest epoch.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io::Write as _;
use std::sync::Arc;

use catalog_core::Timestamp;
use catalog_core::evidence::EvidenceRecord;
use exchange_crypto::Digest;
use uuid::Uuid;

use crate::epoch::Epoch;
use crate::merkle::leaf_hash;
use crate::segment::{Entry, Growing, line_of};
use crate::tree_file::TreeFile;
use crate::{LedgerError, durable};

/// Ids remembered, newest first.
const REMEMBERED: usize = 1 << 17;

/// A record ready to be written.
pub(crate) struct Line {
    id: u128,
    at: Timestamp,
    keys: [u64; 2],
    leaf: Digest,
    bytes: Vec<u8>,
}

impl Line {
    /// The line of a record.
    pub(crate) fn of(record: &EvidenceRecord) -> Result<Self, LedgerError> {
        let bytes = line_of(record)?;
        Ok(Self {
            id: key_of(record).map_err(LedgerError::Record)?,
            at: record.at,
            keys: Entry::keys_of(record),
            leaf: leaf_hash(&bytes),
            bytes,
        })
    }
}

/// The id of a record as a number.
pub(crate) fn key_of(record: &EvidenceRecord) -> Result<u128, String> {
    Uuid::parse_str(&record.id).map(|id| id.as_u128()).map_err(|_| "its id is no UUID".to_owned())
}

/// The newest ids with their places.
#[derive(Default)]
pub(crate) struct Known {
    places: HashMap<u128, u64>,
    order: VecDeque<u128>,
}

impl Known {
    pub(crate) fn add(&mut self, id: u128, place: u64) {
        self.places.insert(id, place);
        self.order.push_back(id);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.places.remove(&oldest);
        }
    }
}

/// Appends to the segment and the tree of an epoch.
pub(crate) struct Writer {
    file: File,
    growing: Growing,
    tree: TreeFile,
    known: Known,
}

impl Writer {
    pub(crate) fn new(file: File, growing: Growing, tree: TreeFile, known: Known) -> Self {
        Self { file, growing, tree, known }
    }

    /// Makes a batch durable and gives the places of its records. A segment that has reached its size is sealed before.
    pub(crate) fn write(
        &mut self,
        epoch: &Arc<Epoch>,
        segment_bytes: u64,
        batch: &[Line],
    ) -> Result<Vec<u64>, LedgerError> {
        if self.growing.bytes() >= segment_bytes {
            self.roll(epoch)?;
        }
        let (mut text, mut entries, mut leaves) = (Vec::new(), Vec::new(), Vec::new());
        let mut places = Vec::with_capacity(batch.len());
        for line in batch {
            if let Some(place) = self.known.places.get(&line.id) {
                places.push(*place);
                continue;
            }
            let (place, offset) = (self.growing.next(), self.growing.bytes());
            entries.extend(line.keys.map(|key| Entry { key, place, offset }));
            leaves.push(line.leaf);
            text.extend_from_slice(&line.bytes);
            text.push(b'\n');
            self.growing.add(&line.bytes, line.at);
            self.known.add(line.id, place);
            places.push(place);
        }
        if !text.is_empty() {
            let path = epoch.files.local(self.growing.number());
            self.file
                .write_all(&text)
                .and_then(|()| self.file.sync_data())
                .map_err(LedgerError::io(&path))?;
            self.tree.append(&leaves)?;
            epoch.grow(leaves.len() as u64, entries);
        }
        Ok(places)
    }

    fn roll(&mut self, epoch: &Arc<Epoch>) -> Result<(), LedgerError> {
        // The tree is durable as far as segments are sealed, so that it is never made again from them.
        self.tree.sync()?;
        let seal = self.growing.seal(&self.tree.root());
        let (number, first) = (seal.number + 1, seal.end());
        epoch.seal(seal)?;
        self.file = durable::open(&epoch.files.local(number))?;
        self.growing = Growing::new(number, first);
        Ok(())
    }
}
