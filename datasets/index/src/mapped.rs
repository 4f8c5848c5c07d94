//! Files that are written once, whole, and mapped.

use std::fs::File;
use std::path::Path;

use memmap2::{Advice, Mmap};
use tempfile::NamedTempFile;

use crate::IndexError;

/// Bytes of a file that costs less to read whole than to fetch in parts.
const SMALL: usize = 64 << 20;

#[expect(
    unsafe_code,
    reason = "a map is only as safe as its file: ours are never written again once they have their name"
)]
pub(crate) fn map(file: &File) -> Result<Mmap, IndexError> {
    // SAFETY: the folder belongs to this process alone (its lock), and a finished index is replaced by rename, never changed.
    let map = unsafe { Mmap::map(file)? };
    // Look-ups jump, and what lies beside is not needed. A small file is read whole in one go instead.
    map.advise(if map.len() <= SMALL { Advice::WillNeed } else { Advice::Random })?;
    Ok(map)
}

/// Gives a whole file its name: what has the name is on the disk. A file of that name is replaced; who has it open keeps it.
pub(crate) fn persist(named: NamedTempFile, path: &Path, folder: &Path) -> Result<u64, IndexError> {
    named.as_file().sync_all()?;
    let size = named.as_file().metadata()?.len();
    named.persist(path).map_err(|error| error.error)?;
    File::open(path.parent().unwrap_or(folder))?.sync_all()?;
    Ok(size)
}
