//! The writing side of the newest epoch.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::mem;
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
    /// Durable records that readers do not see yet, since the tree has none of their nodes: nothing, but on a full disk.
    unseen: Unseen,
}

#[derive(Default)]
struct Unseen {
    leaves: Vec<Digest>,
    entries: Vec<Entry>,
}

impl Writer {
    pub(crate) fn new(file: File, growing: Growing, tree: TreeFile, known: Known) -> Self {
        Self { file, growing, tree, known, unseen: Unseen::default() }
    }

    /// Makes a batch durable and gives the places of its records. A segment that has reached its size is sealed before.
    ///
    /// # Errors
    /// After `Full` the next batch may be tried; after any other the log must be opened anew.
    pub(crate) fn write(
        &mut self,
        epoch: &Arc<Epoch>,
        segment_bytes: u64,
        batch: &[Line],
    ) -> Result<Vec<u64>, LedgerError> {
        self.show(epoch)?;
        if self.growing.bytes() >= segment_bytes {
            self.roll(epoch)?;
        }
        // Nothing of the writer changes before the batch is durable.
        let (mut text, mut unseen, mut growing) = (Vec::new(), Unseen::default(), self.growing.clone());
        let mut new = HashMap::new();
        let mut places = Vec::with_capacity(batch.len());
        for line in batch {
            if let Some(place) = self.known.places.get(&line.id).or_else(|| new.get(&line.id)) {
                places.push(*place);
                continue;
            }
            let (place, offset) = (growing.next(), growing.bytes());
            unseen.entries.extend(line.keys.map(|key| Entry { key, place, offset }));
            unseen.leaves.push(line.leaf);
            text.extend_from_slice(&line.bytes);
            text.push(b'\n');
            growing.add(&line.bytes, line.at);
            new.insert(line.id, place);
            places.push(place);
        }
        if !text.is_empty() {
            durable::append(&epoch.files.local(growing.number()), &mut self.file, &text)?;
            (self.growing, self.unseen) = (growing, unseen);
            for line in batch {
                if let Some(place) = new.remove(&line.id) {
                    self.known.add(line.id, place);
                }
            }
            self.show(epoch)?;
        }
        Ok(places)
    }

    /// Shows readers what is durable.
    fn show(&mut self, epoch: &Arc<Epoch>) -> Result<(), LedgerError> {
        if !self.unseen.leaves.is_empty() {
            self.tree.append(&self.unseen.leaves)?;
            let Unseen { leaves, entries } = mem::take(&mut self.unseen);
            epoch.grow(leaves.len() as u64, entries);
        }
        Ok(())
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
