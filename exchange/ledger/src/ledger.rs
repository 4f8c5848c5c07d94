use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use catalog_core::Timestamp;
use catalog_core::context::Channel;
use catalog_core::evidence::{Actor, Event, EvidenceLog, EvidenceRecord, SealedText};
use exchange_crypto::{Digest, SigningKey};

use crate::LedgerError;
use crate::checkpoints::SignedCheckpoint;
use crate::committer::Committer;
use crate::durable::{self, TornLine};
use crate::epoch::Epoch;
use crate::files::EpochFiles;
use crate::merkle::includes;
use crate::note::{Checkpoint, NoteKey, NoteSignature};
use crate::scan::{Filter, Leaf, Scan};
use crate::segment::canonical;
use crate::texts::Texts;
use crate::writer::Line;

/// Bytes after which a segment is sealed.
const SEGMENT_BYTES: u64 = 16 << 20;

/// Where a log lies, and in whose name it speaks.
#[derive(Clone)]
pub struct Settings {
    /// The data folder.
    pub data_folder: PathBuf,
    /// The log's name, which checkpoints carry: an address without scheme, `data.example.gov.cn/log`.
    pub origin: String,
    /// The platform's key, which signs checkpoints.
    pub signer: Arc<SigningKey>,
    /// Bytes after which a segment is sealed.
    pub segment_bytes: u64,
    /// A folder on another disk or machine that gets a copy of every sealed segment, see [`Ledger::archive`].
    pub archive: Option<PathBuf>,
}

impl Settings {
    /// With segments of 16 MiB: what is not sealed is read and checked whenever a log is opened.
    pub fn new(data_folder: &Path, origin: &str, signer: Arc<SigningKey>) -> Self {
        let (data_folder, origin) = (data_folder.to_owned(), origin.to_owned());
        Self { data_folder, origin, signer, segment_bytes: SEGMENT_BYTES, archive: None }
    }

    /// Where the parts of an epoch lie.
    pub(crate) fn files(&self, epoch: u64) -> EpochFiles {
        EpochFiles::of(&self.data_folder, epoch).with_away(self.archive.as_deref(), epoch)
    }

    /// The name of an epoch: the log's own, with the epoch's number behind the first one.
    pub(crate) fn origin_of(&self, epoch: u64) -> String {
        match epoch {
            0 => self.origin.clone(),
            _ => format!("{}/epoch/{epoch}", self.origin),
        }
    }
}

/// What was found when a log was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Records in all epochs.
    pub records: u64,
    /// The torn last record that was cut off, if there was one.
    pub torn: Option<TornLine>,
}

/// The proof that records are in the log of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inclusion {
    /// For each record the path from its leaf to the root.
    pub paths: Vec<Vec<Digest>>,
    /// The checkpoint.
    pub signed: SignedCheckpoint,
}

/// The evidence log of a data folder.
pub struct Ledger {
    pub(crate) settings: Settings,
    older: Vec<Arc<Epoch>>,
    pub(crate) current: Arc<Epoch>,
    committer: Committer<(Line, Vec<SealedText>)>,
    /// Declared last: the lock outlives the writer.
    _lock: File,
}

impl Ledger {
    /// Opens or creates the log. What is not sealed is read and checked, and a torn last record is cut off.
    ///
    /// # Errors
    /// `LostTail` where a checkpoint says that there were more records, `Forked` where it names others.
    pub fn open(settings: Settings) -> Result<(Self, Opened), LedgerError> {
        let lock = lock(&settings.data_folder)?;
        Self::open_locked(settings, lock, true)
    }

    fn open_locked(settings: Settings, lock: File, checked: bool) -> Result<(Self, Opened), LedgerError> {
        let newest = EpochFiles::newest(&settings.data_folder);
        let mut older = Vec::new();
        for number in 0..newest {
            let (epoch, ..) = Epoch::open(settings.files(number), number, &settings.origin_of(number))?;
            older.push(Arc::new(epoch));
        }
        let origin = settings.origin_of(newest);
        let (current, mut writer, torn) = Epoch::open(settings.files(newest), newest, &origin)?;
        if checked {
            current.check_head()?;
        }
        let current = Arc::new(current);
        let records = older.iter().chain([&current]).map(|epoch| epoch.state().size).sum();
        let (epoch, segment_bytes) = (current.clone(), settings.segment_bytes);
        let mut texts = Texts::of(&settings.data_folder);
        let write = move |batch: Vec<(Line, Vec<SealedText>)>| {
            let (lines, sealed): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
            texts.append(sealed.iter().flatten())?;
            writer.write(&epoch, segment_bytes, &lines)
        };
        let committer =
            Committer::start("evidence", write).map_err(LedgerError::io(&settings.data_folder))?;
        Ok((Self { settings, older, current, committer, _lock: lock }, Opened { records, torn }))
    }

    /// Begins a new epoch after the end of the log was lost: a tree of its own under a name of its own, whose first
    /// record names the newest checkpoint known (`last`, from a witness, or the log's own) and the gap.
    ///
    /// # Errors
    /// `Refused` where nothing is lost: a log that is whole is never cut.
    pub fn begin_epoch(
        settings: Settings,
        last: Option<SignedCheckpoint>,
        actor: Actor,
        at: Timestamp,
    ) -> Result<Opened, LedgerError> {
        let held = lock(&settings.data_folder)?;
        let (lost, _) = Self::open_locked(settings.clone(), held, false)?;
        let own = lost.current.latest();
        let newest = [last, own].into_iter().flatten().max_by_key(|signed| signed.checkpoint.size);
        let (kept, number) = (lost.current.state().size, lost.current.number + 1);
        let signed = newest.filter(|signed| {
            signed.checkpoint.origin == lost.current.origin && signed.checkpoint.size > kept
        });
        let Some(signed) = signed else {
            let reason = "no checkpoint of this log covers more records than it holds: nothing is lost";
            return Err(LedgerError::Refused(reason.to_owned()));
        };
        drop(lost);
        let event = Event::EpochStarted {
            epoch: number,
            checkpoint: signed.note.to_string(),
            kept,
            lost: signed.checkpoint.size - kept,
        };
        let id = uuid::Uuid::now_v7().to_string();
        let record = EvidenceRecord { request_id: id.clone(), id, at, actor, event, fact: None };
        let first = [canonical(&record)?.as_slice(), b"\n"].concat();
        EpochFiles::of(&settings.data_folder, number).begin(&first)?;
        let (ledger, opened) = Self::open(settings)?;
        ledger.checkpoint()?;
        Ok(opened)
    }

    /// The name of the newest epoch, as its checkpoints carry it.
    pub fn origin(&self) -> &str {
        &self.current.origin
    }

    /// The key under which checkpoints of the newest epoch verify.
    pub fn key(&self) -> NoteKey {
        NoteKey::of_log(self.origin(), self.settings.signer.public())
    }

    /// The records that match, oldest first, as far as they were durable at this moment.
    pub fn scan(&self, filter: Filter) -> Result<Scan, LedgerError> {
        Ok(Scan::over(self.epochs(), filter))
    }

    /// The records of a request, or the record of that id, oldest first; by index, without reading the log.
    pub fn find(&self, id: &str) -> Result<Vec<Leaf>, LedgerError> {
        let mut found = Vec::new();
        for epoch in self.epochs() {
            found.extend(epoch.find(id)?);
        }
        Ok(found)
    }

    /// The start of the access that a record ends, which says what was read; `None` for all that ends none.
    pub fn start_of(&self, end: &Leaf) -> Result<Option<Leaf>, LedgerError> {
        match end.record.event.is_end() {
            true => self.epoch(end.epoch)?.start_of(end),
            false => Ok(None),
        }
    }

    /// The end of the access of a request that began at a place, epoch and index, if it has ended yet; `None` where none began.
    pub fn end_of(&self, (epoch, index): (u64, u64), request: &str) -> Result<Option<Leaf>, LedgerError> {
        self.epoch(epoch)?.end_of(index, request)
    }

    pub(crate) fn epochs(&self) -> impl Iterator<Item = &Arc<Epoch>> {
        self.older.iter().chain([&self.current])
    }

    /// The newest checkpoint.
    pub fn latest(&self) -> Option<SignedCheckpoint> {
        self.current.latest()
    }

    /// Proves that the log holds what a checkpoint of it covers, and names the checkpoint's epoch.
    ///
    /// # Errors
    /// `LostTail` where records are missing at the end, `Forked` where they are others, `Refused` for another log's.
    pub fn check_holds(&self, checkpoint: &Checkpoint) -> Result<u64, LedgerError> {
        let epoch = self.epochs().find(|epoch| epoch.origin == checkpoint.origin).ok_or_else(|| {
            let origin = &checkpoint.origin;
            LedgerError::Refused(format!("the checkpoint is of `{origin}`, which is no epoch of this log"))
        })?;
        epoch.check_holds(checkpoint).map(|()| epoch.number)
    }

    /// Records of the newest epoch that no checkpoint covers yet.
    pub fn uncovered(&self) -> u64 {
        let covered = self.latest().map_or(0, |signed| signed.checkpoint.size);
        self.current.state().size - covered
    }

    /// Makes a checkpoint that covers every durable record, unless there is one, and keeps it. Blocks for one fsync.
    pub fn checkpoint(&self) -> Result<SignedCheckpoint, LedgerError> {
        // Held throughout: two heads are never signed at once, and none of them out of order.
        let mut checkpoints = self.current.checkpoints();
        let size = self.current.state().size;
        if let Some(latest) = checkpoints.latest().filter(|latest| latest.checkpoint.size == size) {
            return Ok(latest.clone());
        }
        let root = self.current.tree.root(size)?;
        let checkpoint = Checkpoint { origin: self.origin().to_owned(), size, root };
        checkpoints.add(checkpoint.sign(&self.settings.signer))
    }

    /// Keeps the checkpoint of that size together with witnesses' signatures, which the caller has verified.
    pub fn add_cosignatures(
        &self,
        signed: &SignedCheckpoint,
        cosignatures: Vec<NoteSignature>,
    ) -> Result<SignedCheckpoint, LedgerError> {
        let mut note = signed.note.clone();
        note.signatures.extend(cosignatures);
        self.current.checkpoints().add(note)
    }

    /// Proves that records of one epoch are in the log, against the newest witnessed checkpoint that covers them, else
    /// against the newest, which is made if need be.
    pub fn prove(&self, leaves: &[Leaf]) -> Result<Inclusion, LedgerError> {
        let last =
            leaves.iter().max_by_key(|leaf| (leaf.epoch, leaf.index)).ok_or(LedgerError::Uncovered(0))?;
        let epoch = self.epoch(last.epoch)?;
        let signed = match epoch.covering(last.index)? {
            Some(signed) => signed,
            None if last.epoch == self.current.number => self.checkpoint()?,
            None => return Err(LedgerError::Uncovered(last.index)),
        };
        let (size, root) = (signed.checkpoint.size, signed.checkpoint.root);
        let mut paths = Vec::with_capacity(leaves.len());
        for leaf in leaves {
            let path = epoch.tree.inclusion(leaf.index, size)?;
            if leaf.epoch != last.epoch || !includes(&leaf.hash, leaf.index, size, &path, &root) {
                return Err(LedgerError::Forked { size });
            }
            paths.push(path);
        }
        Ok(Inclusion { paths, signed })
    }

    /// The path from leaf `index` to the root of the tree of `size` leaves, both within the newest checkpoint.
    pub fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Digest>, LedgerError> {
        self.within(size)?;
        match index < size {
            true => self.current.tree.inclusion(index, size),
            false => Err(LedgerError::Uncovered(index)),
        }
    }

    /// The proof that the tree of `second` leaves begins with that of `first`, both within the newest checkpoint.
    pub fn consistency(&self, first: u64, second: u64) -> Result<Vec<Digest>, LedgerError> {
        self.within(second)?;
        match first <= second {
            true => self.current.tree.consistency(first, second),
            false => Err(LedgerError::Uncovered(first)),
        }
    }

    fn within(&self, size: u64) -> Result<(), LedgerError> {
        match self.latest().is_some_and(|signed| size <= signed.checkpoint.size) {
            true => Ok(()),
            false => Err(LedgerError::Uncovered(size)),
        }
    }

    fn epoch(&self, number: u64) -> Result<&Epoch, LedgerError> {
        let found = self.epochs().find(|epoch| epoch.number == number);
        found.map(Arc::as_ref).ok_or(LedgerError::Uncovered(number))
    }
}

/// The actor of what the platform records by itself at the command line.
pub fn platform_actor(id: &str) -> Actor {
    Actor {
        id: id.to_owned(),
        department: None,
        operator: None,
        purpose: None,
        matter: None,
        ticket: None,
        substitutions: Vec::new(),
        channel: Channel::Api,
    }
}

fn lock(data_folder: &Path) -> Result<File, LedgerError> {
    let first = EpochFiles::of(data_folder, 0);
    first.make()?;
    durable::open_locked(&first.lock())
}

#[async_trait]
impl EvidenceLog for Ledger {
    async fn append_with(&self, record: EvidenceRecord, texts: Vec<SealedText>) -> catalog_core::Result<u64> {
        Ok(self.committer.commit((Line::of(&record)?, texts)).await?)
    }
}
