//! Where the parts of a log lie.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::{LedgerError, durable};

/// The folders of one epoch of a log.
#[derive(Debug, Clone)]
pub(crate) struct EpochFiles {
    folder: PathBuf,
    archive: PathBuf,
    /// In the second place, if there is one.
    away: Option<PathBuf>,
}

impl EpochFiles {
    /// Of an epoch in a data folder; the first one, number 0, has no folder of its own.
    pub(crate) fn of(data_folder: &Path, epoch: u64) -> Self {
        let (mut folder, mut archive) =
            (data_folder.join("evidence"), data_folder.join("objects").join("evidence"));
        if epoch > 0 {
            folder.push(format!("epoch-{epoch}"));
            archive.push(format!("epoch-{epoch}"));
        }
        Self { folder, archive, away: None }
    }

    /// The same with sealed segments in a second place too.
    pub(crate) fn with_away(self, away: Option<&Path>, epoch: u64) -> Self {
        let away = away.map(|away| match epoch {
            0 => away.to_owned(),
            _ => away.join(format!("epoch-{epoch}")),
        });
        Self { away, ..self }
    }

    /// The number of the newest epoch in a data folder.
    pub(crate) fn newest(data_folder: &Path) -> u64 {
        (1..).take_while(|epoch| Self::of(data_folder, *epoch).folder.is_dir()).last().unwrap_or(0)
    }

    /// Makes the folders.
    pub(crate) fn make(&self) -> Result<(), LedgerError> {
        durable::make_folder(&self.folder)?;
        durable::make_folder(&self.archive)
    }

    /// Makes the folders with the first line of the first segment: both or neither.
    pub(crate) fn begin(&self, first: &[u8]) -> Result<(), LedgerError> {
        let part = Self { folder: self.folder.with_extension("part"), ..self.clone() };
        part.make()?;
        durable::replace(&part.local(0), first)?;
        durable::move_file(&part.folder, &self.folder)
    }

    /// The segment that is being written.
    pub(crate) fn local(&self, segment: u64) -> PathBuf {
        self.folder.join(format!("{segment:06}.log"))
    }

    /// A sealed segment in the object store.
    pub(crate) fn archived(&self, segment: u64) -> PathBuf {
        self.archive.join(format!("{segment:06}.log"))
    }

    /// A sealed segment in the second place.
    pub(crate) fn away(&self, segment: u64) -> Option<PathBuf> {
        self.away.as_ref().map(|folder| folder.join(format!("{segment:06}.log")))
    }

    /// The index of a sealed segment.
    pub(crate) fn index(&self, segment: u64) -> PathBuf {
        self.folder.join(format!("{segment:06}.idx"))
    }

    /// The seals.
    pub(crate) fn seals(&self) -> PathBuf {
        self.folder.join("segments.jsonl")
    }

    /// The nodes of the tree.
    pub(crate) fn tree(&self) -> PathBuf {
        self.folder.join("tree")
    }

    /// The checkpoints.
    pub(crate) fn checkpoints(&self) -> PathBuf {
        self.folder.join("checkpoints.jsonl")
    }

    /// The lock of the whole log, in the first epoch's folder.
    pub(crate) fn lock(&self) -> PathBuf {
        self.folder.join("lock")
    }

    /// The numbers of the segments that are there, and whether each is in the object store.
    pub(crate) fn numbers(&self) -> Result<Vec<(u64, bool)>, LedgerError> {
        let mut found = Vec::new();
        for (folder, is_moved) in [(&self.folder, false), (&self.archive, true)] {
            for entry in folder.read_dir().map_err(LedgerError::io(folder))? {
                let name = entry.map_err(LedgerError::io(folder))?.file_name();
                let number = name.to_str().and_then(|name| name.strip_suffix(".log")?.parse().ok());
                found.extend(number.map(|number| (number, is_moved)));
            }
        }
        Ok(found)
    }

    /// Where a segment lies, or would.
    pub(crate) fn segment_path(&self, number: u64) -> PathBuf {
        let near = [self.local(number), self.archived(number)].into_iter().find(|path| path.exists());
        near.or_else(|| self.away(number)).unwrap_or_else(|| self.archived(number))
    }

    /// Opens a segment wherever it lies; it may be moved meanwhile.
    pub(crate) fn segment(&self, number: u64) -> Result<(PathBuf, File), LedgerError> {
        let near = [self.local(number), self.archived(number), self.local(number)];
        for path in near.into_iter().chain(self.away(number)) {
            match File::open(&path) {
                Ok(file) => return Ok((path, file)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(LedgerError::io(&path)(error)),
            }
        }
        let path = self.segment_path(number);
        Err(LedgerError::io(&path)(io::ErrorKind::NotFound.into()))
    }
}
