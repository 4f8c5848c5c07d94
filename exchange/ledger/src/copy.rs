//! A copy of the log as it was at one checkpoint, taken while it goes on being written.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::checkpoints::{self, SignedCheckpoint};
use crate::epoch::Epoch;
use crate::files::EpochFiles;
use crate::segment::{Lines, Seal};
use crate::{Ledger, LedgerError, Vault, durable};

/// A file of a copy, named as it is in a data folder.
#[derive(Debug)]
pub struct LogFile {
    /// Its path in the data folder.
    pub name: String,
    /// What it holds.
    pub content: Content,
}

/// What a file of a copy holds.
#[derive(Debug)]
pub enum Content {
    /// The first `bytes` of a file, which never change.
    Stored {
        /// The file.
        path: PathBuf,
        /// How much of it.
        bytes: u64,
        /// SHA-256 of that, hex, where it is known.
        sha256: Option<String>,
    },
    /// These bytes.
    Bytes(Vec<u8>),
}

/// A log as it was at a checkpoint. Tree and indexes are not in it: they follow from the segments, and are made again
/// when the copy is opened.
#[derive(Debug)]
pub struct LogCopy {
    /// The checkpoint, which covers all of it.
    pub signed: SignedCheckpoint,
    /// Its files.
    pub files: Vec<LogFile>,
}

impl Ledger {
    /// What a copy of all that is durable now consists of.
    pub fn copy(&self) -> Result<LogCopy, LedgerError> {
        let signed = self.checkpoint()?;
        let mut files = Vec::new();
        for epoch in self.epochs() {
            // An epoch whose end was lost keeps the checkpoints that say so.
            let (size, covered) = match epoch.number == self.current.number {
                true => (signed.checkpoint.size, signed.checkpoint.size),
                false => (epoch.state().size, u64::MAX),
            };
            epoch_files(epoch, size, covered, &mut files)?;
        }
        Ok(LogCopy { signed, files })
    }
}

fn epoch_files(epoch: &Epoch, size: u64, covered: u64, copied: &mut Vec<LogFile>) -> Result<(), LedgerError> {
    let names = EpochFiles::of(Path::new(""), epoch.number);
    let mut add = |name: PathBuf, content| {
        copied.push(LogFile { name: name.to_string_lossy().into_owned(), content });
    };
    let seals = epoch.state().seals.clone();
    let (mut lines, mut active) = (Vec::new(), (0, 0));
    for seal in seals.iter().take_while(|seal| seal.end() <= size) {
        let (path, bytes) = (epoch.files.segment_path(seal.number), seal.bytes);
        add(names.archived(seal.number), Content::Stored { path, bytes, sha256: Some(seal.sha256.clone()) });
        lines.extend(seal.line()?);
        active = (seal.number + 1, Seal::end(seal));
    }
    add(names.seals(), Content::Bytes(lines));
    let (number, first) = active;
    add(names.local(number), Content::Bytes(first_lines(epoch, number, size - first)?));
    let mut notes = Vec::new();
    for signed in epoch.checkpoints().all()? {
        if signed.checkpoint.size <= covered {
            notes.extend(checkpoints::line(&signed.note)?);
        }
    }
    add(names.checkpoints(), Content::Bytes(notes));
    Ok(())
}

/// So many lines of a segment, which may be sealed and moved meanwhile.
fn first_lines(epoch: &Epoch, segment: u64, records: u64) -> Result<Vec<u8>, LedgerError> {
    let mut text = Vec::new();
    if records == 0 {
        return Ok(text);
    }
    let (path, file) = epoch.files.segment(segment)?;
    let mut lines = Lines::open(path, file, 0)?;
    for _ in 0..records {
        let Some(line) = lines.next_line()? else {
            return Err(lines.damaged("the record is missing".to_owned()));
        };
        text.extend_from_slice(line);
        text.push(b'\n');
    }
    Ok(text)
}

impl Vault {
    /// The files of sealed texts, as far as their lines are whole. Their keys are not among them.
    pub fn copy(&self) -> Result<Vec<LogFile>, LedgerError> {
        let mut files = Vec::new();
        for (month, _) in self.months()? {
            let path = self.file(&month);
            let mut file = File::open(&path).map_err(LedgerError::io(&path))?;
            let (bytes, _) = durable::whole_lines(&mut file).map_err(LedgerError::io(&path))?;
            let name = format!("secrets/{month}.sealed");
            files.push(LogFile { name, content: Content::Stored { path, bytes, sha256: None } });
        }
        Ok(files)
    }
}
