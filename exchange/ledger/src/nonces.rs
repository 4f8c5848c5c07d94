//! The nonces of signatures that were used: none opens a door twice, whatever happens to the server between.
//!
//! A file for every minute in which nonces end, of 16 bytes for each. What arrives together shares one fsync, so that a
//! signed request costs no transaction of the catalogue.

use std::collections::HashSet;
use std::collections::btree_map::{BTreeMap, Entry};
use std::fs::{self, File};
use std::io::{Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use catalog_core::ports::{Durable, NonceStore};
use catalog_core::{Error, Result, Timestamp};
use exchange_crypto::Hasher;

use crate::committer::Committer;
use crate::{LedgerError, durable};

/// Microseconds of one file.
const WINDOW: i64 = 60_000_000;
/// Bytes kept of a nonce.
const BYTES: usize = 16;
/// How the files end.
const ENDING: &str = "nonces";
/// Files that stay open: nonces of one moment end within a few windows.
const OPEN: usize = 4;

type Id = [u8; BYTES];

/// The nonces of one server that have not ended, in memory and on the disk.
pub struct NonceLog {
    folder: PathBuf,
    known: Mutex<BTreeMap<i64, HashSet<Id>>>,
    committer: Committer<(i64, Id)>,
}

impl NonceLog {
    /// Opens the folder `nonces` of a data folder, and reads what is there. The torn end of an interrupted write is cut off:
    /// nobody was told that it was kept.
    pub fn open(data_folder: &Path) -> std::result::Result<Self, LedgerError> {
        let folder = data_folder.join(ENDING);
        durable::make_folder(&folder)?;
        let mut known = BTreeMap::new();
        for entry in fs::read_dir(&folder).map_err(LedgerError::io(&folder))? {
            let path = entry.map_err(LedgerError::io(&folder))?.path();
            if let Some(window) = window_of(&path) {
                known.insert(window, read(&path)?);
            }
        }
        let (own, mut files) = (folder.clone(), BTreeMap::new());
        let committer = Committer::start(ENDING, move |batch: Vec<(i64, Id)>| {
            write(&own, &mut files, &batch).map(|()| vec![0; batch.len()])
        });
        let committer = committer.map_err(LedgerError::io(&folder))?;
        Ok(Self { folder, known: Mutex::new(known), committer })
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<i64, HashSet<Id>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is new, which it then is no longer.
    fn add(&self, window: i64, id: Id) -> bool {
        let mut known = self.known();
        !known.values().any(|ids| ids.contains(&id)) && known.entry(window).or_default().insert(id)
    }
}

#[async_trait]
impl NonceStore for NonceLog {
    async fn begin_nonce(&self, key_id: &str, nonce: &str, expires_at: Timestamp) -> Result<Option<Durable>> {
        let (window, id) = (expires_at.0.div_euclid(WINDOW), id_of(key_id, nonce));
        if !self.add(window, id) {
            return Ok(None);
        }
        let written = self.committer.submit((window, id)).await.map_err(Error::from)?;
        Ok(Some(Box::pin(async { written.await.map(drop).map_err(Error::from) })))
    }

    async fn forget_nonces(&self, now: Timestamp) -> Result<u64> {
        let over = {
            let mut known = self.known();
            let kept = known.split_off(&now.0.div_euclid(WINDOW));
            std::mem::replace(&mut *known, kept)
        };
        for window in over.keys() {
            let path = file_of(&self.folder, *window);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(LedgerError::io(&path)(error).into());
                }
                _ => {}
            }
        }
        Ok(over.values().map(|ids| ids.len() as u64).sum())
    }
}

/// What is kept of a nonce: no key and no nonce has a line feed.
fn id_of(key_id: &str, nonce: &str) -> Id {
    let mut hasher = Hasher::new();
    hasher.update(key_id.as_bytes());
    hasher.update(b"\n");
    hasher.update(nonce.as_bytes());
    let digest = hasher.finish();
    std::array::from_fn(|place| digest.as_bytes()[place])
}

fn file_of(folder: &Path, window: i64) -> PathBuf {
    folder.join(format!("{window}.{ENDING}"))
}

fn window_of(path: &Path) -> Option<i64> {
    path.extension().filter(|ending| *ending == ENDING)?;
    path.file_stem()?.to_str()?.parse().ok()
}

fn read(path: &Path) -> std::result::Result<HashSet<Id>, LedgerError> {
    let bytes = durable::read_if_there(path)?;
    let (whole, torn) = bytes.as_chunks::<BYTES>();
    if !torn.is_empty() {
        let file = durable::open(path)?;
        file.set_len((bytes.len() - torn.len()) as u64).map_err(LedgerError::io(path))?;
    }
    Ok(whole.iter().copied().collect())
}

/// Appends nonces to the files of their windows, each made durable once.
fn write(
    folder: &Path,
    files: &mut BTreeMap<i64, File>,
    batch: &[(i64, Id)],
) -> std::result::Result<(), LedgerError> {
    let mut texts: BTreeMap<i64, Vec<u8>> = BTreeMap::new();
    for (window, id) in batch {
        texts.entry(*window).or_default().extend_from_slice(id);
    }
    for (window, text) in texts {
        let path = file_of(folder, window);
        let file = match files.entry(window) {
            Entry::Occupied(open) => open.into_mut(),
            Entry::Vacant(closed) => {
                let mut file = durable::open(&path)?;
                file.seek(SeekFrom::End(0)).map_err(LedgerError::io(&path))?;
                closed.insert(file)
            }
        };
        durable::append(&path, file, &text)?;
    }
    while files.len() > OPEN {
        files.pop_first();
    }
    Ok(())
}
