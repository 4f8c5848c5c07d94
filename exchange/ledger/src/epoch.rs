//! One epoch of the log: a Merkle tree over segments, with its checkpoints. All but the newest epoch only answer.

use std::collections::BTreeSet;
use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use catalog_core::evidence::Event;
use exchange_crypto::Digest;

use crate::checkpoints::{Checkpoints, SignedCheckpoint};
use crate::durable::TornLine;
use crate::files::EpochFiles;
use crate::merkle::leaf_hash;
use crate::note::Checkpoint;
use crate::scan::Leaf;
use crate::segment::{self, Entry, Growing, Lines, Seal, read_record};
use crate::tree_file::{TreeFile, TreeReader};
use crate::writer::{Known, Writer, key_of};
use crate::{LedgerError, durable};

/// The readable side of an epoch.
pub(crate) struct Epoch {
    pub(crate) number: u64,
    pub(crate) origin: String,
    pub(crate) files: EpochFiles,
    pub(crate) tree: TreeReader,
    state: RwLock<State>,
    checkpoints: Mutex<Checkpoints>,
}

/// What grows.
pub(crate) struct State {
    /// The sealed segments.
    pub(crate) seals: Vec<Seal>,
    /// Durable records.
    pub(crate) size: u64,
    /// Where the records of the segment stand that is being written.
    entries: BTreeSet<Entry>,
}

impl State {
    /// Number of the segment that is being written, and the place of its first record.
    pub(crate) fn active(&self) -> (u64, u64) {
        self.seals.last().map_or((0, 0), |seal| (seal.number + 1, seal.end()))
    }
}

impl Epoch {
    /// Opens or creates an epoch. What is sealed is trusted until it is read; the rest is read and hashed.
    pub(crate) fn open(
        files: EpochFiles,
        number: u64,
        origin: &str,
    ) -> Result<(Self, Writer, Option<TornLine>), LedgerError> {
        files.make()?;
        let seals = read_seals(&files)?;
        check_unsealed(&files, &seals)?;
        finish_moves(&files, &seals)?;
        let mut tree = open_tree(&files, &seals)?;
        let mut known = Known::default();
        if let Some(seal) = seals.last() {
            let mut lines = lines_of(&files, seal.number)?;
            let mut place = seal.first;
            while let Some(line) = lines.next_line()? {
                let key = read_record(line).and_then(|record| key_of(&record));
                known.add(key.map_err(|reason| lines.damaged(reason))?, place);
                place += 1;
            }
        }
        let mut state = State { seals, size: 0, entries: BTreeSet::new() };
        let (active, first) = state.active();
        let mut growing = Growing::new(active, first);
        let path = files.local(active);
        let mut file = durable::open(&path)?;
        let mut leaves = Vec::new();
        let torn = durable::read_lines(&path, &mut file, |number, line| {
            let damaged = |reason| LedgerError::Damaged { path: path.clone(), line: number + 1, reason };
            let record = read_record(line).map_err(damaged)?;
            known.add(key_of(&record).map_err(damaged)?, first + number);
            let (place, offset) = (growing.next(), growing.bytes());
            state.entries.extend(Entry::keys_of(&record).map(|key| Entry { key, place, offset }));
            growing.add(line, record.at);
            leaves.push(leaf_hash(line));
            Ok(())
        })?;
        tree.append(&leaves)?;
        state.size = growing.next();
        let epoch = Self {
            number,
            origin: origin.to_owned(),
            tree: TreeReader::open(&files.tree())?,
            checkpoints: Mutex::new(Checkpoints::open(&files.checkpoints())?),
            state: RwLock::new(state),
            files,
        };
        Ok((epoch, Writer::new(file, growing, tree, known), torn))
    }

    /// Refuses a log that is not the one of its newest checkpoint.
    pub(crate) fn check_head(&self) -> Result<(), LedgerError> {
        self.latest().map_or(Ok(()), |signed| self.check_holds(&signed.checkpoint))
    }

    /// Refuses a log that does not begin with what a checkpoint of it covers.
    pub(crate) fn check_holds(&self, checkpoint: &Checkpoint) -> Result<(), LedgerError> {
        let kept = self.state().size;
        if kept < checkpoint.size {
            return Err(LedgerError::LostTail { kept, covered: checkpoint.size });
        }
        match self.tree.root(checkpoint.size)? == checkpoint.root {
            true => Ok(()),
            false => Err(LedgerError::Forked { size: checkpoint.size }),
        }
    }

    /// What grows, as it is now.
    pub(crate) fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The checkpoints.
    pub(crate) fn checkpoints(&self) -> MutexGuard<'_, Checkpoints> {
        self.checkpoints.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest checkpoint.
    pub(crate) fn latest(&self) -> Option<SignedCheckpoint> {
        self.checkpoints().latest().cloned()
    }

    /// The best checkpoint over the record at that place: a witnessed one, else the newest.
    pub(crate) fn covering(&self, place: u64) -> Result<Option<SignedCheckpoint>, LedgerError> {
        let size = self.state().size;
        let covers = |signed: &SignedCheckpoint| (place + 1..=size).contains(&signed.checkpoint.size);
        let checkpoints = self.checkpoints();
        let newest = [checkpoints.witnessed(), checkpoints.latest()];
        if let Some(found) = newest.into_iter().flatten().find(|signed| covers(signed)) {
            return Ok(Some(found.clone()));
        }
        // An epoch whose end was lost: its newest checkpoints cover more than there is.
        let is_lost = checkpoints.latest().is_some_and(|latest| latest.checkpoint.size > size);
        match is_lost {
            true => Ok(checkpoints.all()?.into_iter().rfind(covers)),
            false => Ok(None),
        }
    }

    /// Shows readers what has become durable.
    pub(crate) fn grow(&self, records: u64, entries: Vec<Entry>) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.size += records;
        state.entries.extend(entries);
    }

    /// Closes the segment that is being written: its index, its seal, its move to the object store, in this order. A crash
    /// in between is mended when the log is opened.
    pub(crate) fn seal(&self, seal: Seal) -> Result<(), LedgerError> {
        let entries = self.state().entries.iter().copied().collect();
        durable::replace(&self.files.index(seal.number), &segment::index(entries))?;
        let path = self.files.seals();
        let mut file = durable::open(&path)?;
        durable::at_end(&path, &mut file)?;
        durable::append(&path, &mut file, &seal.line()?)?;
        durable::move_file(&self.files.local(seal.number), &self.files.archived(seal.number))?;
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.seals.push(seal);
        state.entries.clear();
        Ok(())
    }

    /// The records that belong to an id, their own or their request's, oldest first.
    pub(crate) fn find(&self, id: &str) -> Result<Vec<Leaf>, LedgerError> {
        let key = Entry::key_of(id);
        let (seals, active, size) = {
            let state = self.state();
            let entries = state.entries.range(Entry::first_of(key)..).take_while(|entry| entry.key == key);
            let numbers: Vec<_> = state.seals.iter().map(|seal| seal.number).collect();
            (numbers, (state.active().0, entries.copied().collect::<Vec<_>>()), state.size)
        };
        let mut found = Vec::new();
        for number in seals {
            self.read_entries(number, segment::look_up(&self.files.index(number), key)?, &mut found)?;
        }
        self.read_entries(active.0, active.1, &mut found)?;
        found.retain(|leaf| leaf.index < size && (leaf.record.id == id || leaf.record.request_id == id));
        found.sort_by_key(|leaf| leaf.index);
        found.dedup_by_key(|leaf| leaf.index);
        Ok(found)
    }

    /// The start of the access that a record ends: the newest one of its request before it.
    pub(crate) fn start_of(&self, end: &Leaf) -> Result<Option<Leaf>, LedgerError> {
        let found = self.find(&end.record.request_id)?;
        let is_start = |leaf: &Leaf| matches!(leaf.record.event, Event::AccessStarted { .. });
        let belongs = |leaf: &Leaf| leaf.record.request_id == end.record.request_id;
        Ok(found.into_iter().rfind(|leaf| leaf.index < end.index && is_start(leaf) && belongs(leaf)))
    }

    /// The end of the access of a request that began at that place, if there is one yet.
    pub(crate) fn end_of(&self, place: u64, request: &str) -> Result<Option<Leaf>, LedgerError> {
        let is_start = |leaf: &Leaf| matches!(leaf.record.event, Event::AccessStarted { .. });
        let found = self.find(request)?.into_iter().filter(|leaf| leaf.record.request_id == request);
        let mut found = found.skip_while(|leaf| leaf.index < place);
        if !found.next().is_some_and(|leaf| leaf.index == place && is_start(&leaf)) {
            return Ok(None);
        }
        let first = found.find(|leaf| leaf.record.event.is_end() || is_start(leaf));
        Ok(first.filter(|leaf| leaf.record.event.is_end()))
    }

    fn read_entries(
        &self,
        segment: u64,
        entries: Vec<Entry>,
        found: &mut Vec<Leaf>,
    ) -> Result<(), LedgerError> {
        for entry in entries {
            let (path, file) = self.files.segment(segment)?;
            let mut lines = Lines::open(path, file, entry.offset)?;
            let Some(line) = lines.next_line()? else { continue };
            let (hash, record) = (leaf_hash(line), read_record(line));
            let record = record.map_err(|reason| lines.damaged(reason))?;
            found.push(Leaf { epoch: self.number, index: entry.place, hash, record });
        }
        Ok(())
    }
}

fn read_seals(files: &EpochFiles) -> Result<Vec<Seal>, LedgerError> {
    let path = files.seals();
    let mut file = durable::open(&path)?;
    let mut seals: Vec<Seal> = Vec::new();
    durable::read_lines(&path, &mut file, |number, line| {
        let damaged = |reason: &str| LedgerError::Damaged {
            path: path.clone(),
            line: number + 1,
            reason: reason.to_owned(),
        };
        let seal: Seal = serde_json::from_slice(line).map_err(|_| damaged("it is no seal"))?;
        let expected = seals.last().map_or((0, 0), |last| (last.number + 1, last.end()));
        if (seal.number, seal.first) != expected {
            return Err(damaged("it does not follow the one before"));
        }
        seals.push(seal);
        Ok(())
    })?;
    Ok(seals)
}

/// Refuses segments behind the one that is being written, and that one itself where it has been moved: a segment is sealed
/// before it is moved and before the next one begins, so a seal is lost. Never is a new file begun beside them.
fn check_unsealed(files: &EpochFiles, seals: &[Seal]) -> Result<(), LedgerError> {
    let active = seals.len() as u64;
    match files
        .numbers()?
        .into_iter()
        .find(|(number, is_moved)| *number > active || (*is_moved && *number == active))
    {
        None => Ok(()),
        Some((number, _)) => {
            let reason =
                format!("segment {number:06} is there, but the seal of segment {active:06} is missing");
            Err(LedgerError::Damaged { path: files.seals(), line: active + 1, reason })
        }
    }
}

/// What a crash left between seal and move.
fn finish_moves(files: &EpochFiles, seals: &[Seal]) -> Result<(), LedgerError> {
    for seal in seals {
        let (local, archived) = (files.local(seal.number), files.archived(seal.number));
        match (local.exists(), archived.exists()) {
            (true, false) => durable::move_file(&local, &archived)?,
            (true, true) => fs::remove_file(&local).map_err(LedgerError::io(&local))?,
            _ => {}
        }
        let index = files.index(seal.number);
        if !index.exists() {
            durable::replace(&index, &index_of(files, seal)?)?;
        }
    }
    Ok(())
}

/// The content of a segment's index, made from the segment.
pub(crate) fn index_of(files: &EpochFiles, seal: &Seal) -> Result<Vec<u8>, LedgerError> {
    let mut lines = lines_of(files, seal.number)?;
    let mut entries = Vec::new();
    let (mut place, mut offset) = (seal.first, 0);
    while let Some(line) = lines.next_line()? {
        let (length, record) = (line.len() as u64 + 1, read_record(line));
        let record = record.map_err(|reason| lines.damaged(reason))?;
        entries.extend(Entry::keys_of(&record).map(|key| Entry { key, place, offset }));
        place += 1;
        offset += length;
    }
    Ok(segment::index(entries))
}

fn lines_of(files: &EpochFiles, number: u64) -> Result<Lines, LedgerError> {
    let (path, file) = files.segment(number)?;
    Lines::open(path, file, 0)
}

/// The tree over the sealed segments, made again from them where its file is not whole.
fn open_tree(files: &EpochFiles, seals: &[Seal]) -> Result<TreeFile, LedgerError> {
    let path = files.tree();
    let Some(last) = seals.last() else { return TreeFile::create(&path) };
    if let Some(tree) = TreeFile::open(&path, last.end())?
        && tree.root().to_hex() == last.root
    {
        return Ok(tree);
    }
    tracing::warn!(path = %path.display(), "the nodes of the evidence tree are made again from its segments");
    let mut tree = TreeFile::create(&path)?;
    for seal in seals {
        let mut lines = lines_of(files, seal.number)?;
        let mut leaves: Vec<Digest> = Vec::new();
        while let Some(line) = lines.next_line()? {
            leaves.push(leaf_hash(line));
        }
        tree.append(&leaves)?;
        if tree.root().to_hex() != seal.root {
            let reason = "its records are not those of its seal".to_owned();
            return Err(LedgerError::Damaged { path: files.archived(seal.number), line: 1, reason });
        }
    }
    tree.sync()?;
    Ok(tree)
}
