use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use memmap2::Mmap;

use crate::entry::{BYTES, Entry};
use crate::mapped::map;
use crate::writer::{BLOCK, FENCE, HEAD, MAGIC, WHOLE};
use crate::{IndexError, IndexKey};

/// An index on the disk, mapped. Cheap to share behind an `Arc`; look-ups never wait for each other.
pub struct Index {
    map: Mmap,
    key: IndexKey,
    entries: usize,
    /// The first eight bytes of each block's first identifier.
    fences: Vec<u64>,
    /// Which blocks have been checked: a bit each.
    checked: Vec<AtomicU64>,
}

impl Index {
    /// Maps the file and checks its head.
    ///
    /// `Damaged` where it is not what was written under this very key; then it is to be built again.
    pub fn open(path: &Path, key: &IndexKey) -> Result<Self, IndexError> {
        let map = map(&File::open(path)?)?;
        let Some((MAGIC, count, seal)) = map.first_chunk::<32>().map(parts) else {
            return Err(IndexError::Damaged("no head"));
        };
        let entries = usize::try_from(count).ok().filter(|count| size(*count) == Some(map.len()));
        let entries = entries.ok_or(IndexError::Damaged("its size"))?;
        let behind = &map[HEAD + entries * BYTES..];
        if key.seal(WHOLE, &[&map[..16], behind]) != seal {
            return Err(IndexError::Damaged("its seal"));
        }
        let fences: Vec<u64> = behind.chunks(FENCE).map(fence).collect();
        let checked = (0..fences.len().div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        Ok(Self { key: key.clone(), entries, fences, checked, map })
    }

    /// The keys that it was written under.
    pub fn key(&self) -> &IndexKey {
        &self.key
    }

    /// Number of rows in it.
    pub fn len(&self) -> usize {
        self.entries
    }

    /// Whether it has no row.
    pub fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// The rows of an identifier, by tag and row number; none where it is unknown.
    ///
    /// `Damaged` where a block is not what was written.
    pub fn find(&self, id: &[u8; 16]) -> Result<impl ExactSizeIterator<Item = Entry> + use<'_>, IndexError> {
        let from = self.first(id)?;
        let mut until = from;
        while until < self.entries {
            self.check(until / BLOCK)?;
            if self.at(until).id != *id {
                break;
            }
            until += 1;
        }
        Ok((from..until).map(|place| self.at(place)))
    }

    /// Where the identifier stands, or would.
    fn first(&self, id: &[u8; 16]) -> Result<usize, IndexError> {
        let prefix = Entry::prefix(id);
        // It stands in the last block that begins before the prefix or in one that begins with it: those are many only where
        // one identifier has that many rows.
        let before = self.fences.partition_point(|fence| *fence < prefix).saturating_sub(1);
        let behind = self.fences.partition_point(|fence| *fence <= prefix);
        let (mut low, mut high) = (before * BLOCK, (behind * BLOCK).min(self.entries));
        while low < high {
            let middle = low.midpoint(high);
            self.check(middle / BLOCK)?;
            match self.at(middle).id < *id {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        Ok(low)
    }

    fn at(&self, place: usize) -> Entry {
        let from = HEAD + place * BYTES;
        Entry::from_bytes(&std::array::from_fn(|byte| self.map[from + byte]))
    }

    /// Checks a block's seal, once.
    fn check(&self, block: usize) -> Result<(), IndexError> {
        let (word, bit) = (&self.checked[block / 64], 1 << (block % 64));
        if word.load(Ordering::Relaxed) & bit != 0 {
            return Ok(());
        }
        let (from, until) = (block * BLOCK, ((block + 1) * BLOCK).min(self.entries));
        let seal = self.key.seal(block as u64, &[&self.map[HEAD + from * BYTES..HEAD + until * BYTES]]);
        let stands = HEAD + self.entries * BYTES + block * FENCE + 8;
        if self.map[stands..stands + 16] != seal {
            return Err(IndexError::Damaged("a block"));
        }
        word.fetch_or(bit, Ordering::Relaxed);
        Ok(())
    }
}

/// Magic, number of entries and seal of a head.
fn parts(head: &[u8; 32]) -> ([u8; 8], u64, [u8; 16]) {
    let byte = |at: usize| head[at];
    let count = u64::from_le_bytes(std::array::from_fn(|at| byte(8 + at)));
    (std::array::from_fn(byte), count, std::array::from_fn(|at| byte(16 + at)))
}

fn fence(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |prefix| u64::from_be_bytes(*prefix))
}

/// Bytes of the file of so many entries; `None` where no file is that large.
fn size(entries: usize) -> Option<usize> {
    let behind = entries.div_ceil(BLOCK).checked_mul(FENCE)?;
    entries.checked_mul(BYTES)?.checked_add(HEAD)?.checked_add(behind)
}
