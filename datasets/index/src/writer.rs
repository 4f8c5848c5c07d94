use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::entry::{BYTES, Entry};
use crate::mapped::persist;
use crate::scratch::Scratch;
use crate::{IndexError, IndexKey};

/// How every index begins; the last byte is the layout's number.
pub(crate) const MAGIC: [u8; 8] = *b"SQINDEX\x01";
/// Bytes before the first entry: one page, so that blocks begin on one.
pub(crate) const HEAD: usize = 4096;
/// Entries of a block, which is sealed as a whole.
pub(crate) const BLOCK: usize = 1024;
/// Bytes that each block has after the last entry: its fence and its seal.
pub(crate) const FENCE: usize = 24;
/// What the head's seal is called among the seals; blocks are called by their numbers.
pub(crate) const WHOLE: u64 = u64::MAX;

/// Builds an index from entries in any order.
pub struct Writer {
    scratch: Scratch,
    folder: PathBuf,
    entries: u64,
}

impl Writer {
    /// A writer whose scratch file lies in `folder`. It must be on the disk on which the index shall lie.
    pub fn new(folder: &Path) -> Result<Self, IndexError> {
        Ok(Self { scratch: Scratch::new(folder)?, folder: folder.to_owned(), entries: 0 })
    }

    /// Takes one row.
    pub fn push(&mut self, entry: Entry) -> Result<(), IndexError> {
        self.entries += 1;
        Ok(self.scratch.push(entry)?)
    }

    /// Takes the rows of so many batches, which all cores make: hashing is what takes time.
    pub fn extend(
        &mut self,
        batches: usize,
        entries_of: impl Fn(usize) -> Result<Vec<Entry>, IndexError> + Sync,
    ) -> Result<(), IndexError> {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let (next, taking) = (AtomicUsize::new(0), Mutex::new(self));
        let work = || {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= batches {
                    return Ok(());
                }
                let entries = entries_of(number)?;
                let mut writer = taking.lock().unwrap_or_else(PoisonError::into_inner);
                entries.into_iter().try_for_each(|entry| writer.push(entry))?;
            }
        };
        thread::scope(|scope| {
            let threads: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
            let done: Vec<_> = threads.into_iter().map(|thread| thread.join()).collect();
            done.into_iter().try_for_each(|done| done.unwrap_or(Err(IndexError::Damaged("a batch"))))
        })
    }

    /// Sorts and writes, and gives the file its name when it is whole and on the disk. Returns its size in bytes.
    ///
    /// A file of that name is replaced; who has it open keeps the old one.
    pub fn finish(self, path: &Path, key: &IndexKey) -> Result<u64, IndexError> {
        let mut named = tempfile::Builder::new().prefix(".index-").tempfile_in(&self.folder)?;
        let mut blocks = Blocks {
            out: BufWriter::with_capacity(1 << 20, named.as_file_mut()),
            key,
            open: Vec::new(),
            fences: Vec::new(),
        };
        blocks.out.seek(SeekFrom::Start(HEAD as u64))?;
        self.scratch.sorted(|entries| entries.iter().try_for_each(|entry| blocks.push(entry)))?;
        let fences = blocks.finish()?;
        let file = named.as_file_mut();
        let head = head(self.entries, key, &fences);
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&head)?;
        persist(named, path, &self.folder)
    }
}

/// The head: magic, number of entries, and the seal on both and on what stands after the entries.
fn head(entries: u64, key: &IndexKey, fences: &[u8]) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    head[..8].copy_from_slice(&MAGIC);
    head[8..16].copy_from_slice(&entries.to_le_bytes());
    let seal = key.seal(WHOLE, &[&head[..16], fences]);
    head[16..32].copy_from_slice(&seal);
    head
}

/// Writes entries block by block and remembers fences and seals.
struct Blocks<'a, W: Write> {
    out: W,
    key: &'a IndexKey,
    open: Vec<u8>,
    fences: Vec<u8>,
}

impl<W: Write> Blocks<'_, W> {
    fn push(&mut self, entry: &Entry) -> io::Result<()> {
        self.open.extend(entry.to_bytes());
        if self.open.len() == BLOCK * BYTES { self.close() } else { Ok(()) }
    }

    fn close(&mut self) -> io::Result<()> {
        let number = (self.fences.len() / FENCE) as u64;
        let seal = self.key.seal(number, &[self.open.as_slice()]);
        self.fences.extend(&self.open[..8]);
        self.fences.extend(seal);
        self.out.write_all(&self.open)?;
        self.open.clear();
        Ok(())
    }

    /// Writes what is left, and the fences, which it returns.
    fn finish(mut self) -> io::Result<Vec<u8>> {
        if !self.open.is_empty() {
            self.close()?;
        }
        self.out.write_all(&self.fences)?;
        self.out.flush()?;
        Ok(self.fences)
    }
}
