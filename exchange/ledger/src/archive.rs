//! Sealed segments in a second place, on another disk or machine, and after a time there alone.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use catalog_core::Timestamp;
use exchange_crypto::Hasher;

use crate::epoch::Epoch;
use crate::segment::Seal;
use crate::{Ledger, LedgerError, durable};

/// What a round of archiving did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Archived {
    /// Segments that were copied, and read there again.
    pub copied: u64,
    /// Segments that are now in the archive alone.
    pub dropped: u64,
}

impl Ledger {
    /// Copies every sealed segment to the archive, if the log has one. Those whose records are all from before `drop_before` are
    /// dropped here, once their copy has been read and has the digest of the seal: the log reads them there from then on. The
    /// newest sealed one stays, for it is read at every start. Safe to repeat, and to cut short.
    ///
    /// # Errors
    /// `Io` where the archive is not there, `Damaged` where a copy is not what the seal says: then nothing of it is dropped.
    pub fn archive(&self, drop_before: Option<Timestamp>) -> Result<Archived, LedgerError> {
        let mut archived = Archived::default();
        let Some(folder) = &self.settings.archive else { return Ok(archived) };
        // It is never made: an empty folder under which nothing is mounted would be taken for it.
        fs::metadata(folder).map_err(LedgerError::io(folder))?;
        for epoch in self.epochs() {
            let seals = epoch.state().seals.clone();
            for seal in &seals {
                archived.copied += u64::from(copy_away(epoch, seal)?);
            }
            let is_newest = |seal: &&Seal| Some(seal.number) == seals.last().map(|last| last.number);
            let is_over = |seal: &&Seal| drop_before.is_some_and(|before| seal.until < before);
            for seal in seals.iter().filter(|seal| is_over(seal) && !is_newest(seal)) {
                archived.dropped += u64::from(drop_here(epoch, seal)?);
            }
        }
        Ok(archived)
    }
}

/// Copies a segment that the archive does not have; whether it had to.
fn copy_away(epoch: &Epoch, seal: &Seal) -> Result<bool, LedgerError> {
    let Some(away) = epoch.files.away(seal.number).filter(|away| !away.exists()) else { return Ok(false) };
    let folder = away.parent().unwrap_or(Path::new("."));
    durable::make_folder(folder)?;
    let part = away.with_extension("part");
    let (path, mut source) = epoch.files.segment(seal.number)?;
    let mut copy = durable::open(&part)?;
    copy.set_len(0).map_err(LedgerError::io(&part))?;
    io::copy(&mut source, &mut copy).map_err(LedgerError::io(&path))?;
    copy.sync_all().map_err(LedgerError::io(&part))?;
    check(&part, seal)?;
    durable::move_file(&part, &away).map(|()| true)
}

/// Drops a segment here whose copy is whole; whether it was still there.
fn drop_here(epoch: &Epoch, seal: &Seal) -> Result<bool, LedgerError> {
    let near = epoch.files.archived(seal.number);
    let Some(away) = epoch.files.away(seal.number).filter(|_| near.exists()) else { return Ok(false) };
    check(&away, seal)?;
    fs::remove_file(&near).map_err(LedgerError::io(&near)).map(|()| true)
}

fn check(path: &Path, seal: &Seal) -> Result<(), LedgerError> {
    if digest_of(path)? == seal.sha256 {
        return Ok(());
    }
    let reason = "the archived copy is not the sealed segment".to_owned();
    Err(LedgerError::Damaged { path: path.to_owned(), line: 1, reason })
}

/// SHA-256 of a file, hex, in bounded memory.
pub(crate) fn digest_of(path: &Path) -> Result<String, LedgerError> {
    let mut hasher = HashWriter(Hasher::new());
    let copied = File::open(path).and_then(|mut file| io::copy(&mut file, &mut hasher));
    copied.map_err(LedgerError::io(path))?;
    Ok(hasher.0.finish().to_hex())
}

struct HashWriter(Hasher);

impl io::Write for HashWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
